"""Moments between looking and writing, in which something else surely happens."""

import asyncio

from sandbox.zoo.wire import Closed, Request

__all__ = ["left", "meet"]


async def meet(waiting: list[asyncio.Event]) -> None:
    """Wait in a window until a second request stands in it too, or until surely none comes.

    It counts turns of the loop, not only time: while this process does not run, neither does the sender.
    """
    mine = asyncio.Event()
    waiting.append(mine)
    if len(waiting) > 1:
        for event in waiting:
            event.set()
    for _ in range(25):
        if mine.is_set():
            break
        await asyncio.sleep(0.002)
    waiting.remove(mine)


async def left(request: Request) -> None:
    """Wait a moment, and raise `Closed` if the other side leaves in it."""
    for _ in range(25):
        if request.gone():
            raise Closed
        await asyncio.sleep(0.002)
