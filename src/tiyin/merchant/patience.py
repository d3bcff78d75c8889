"""Waiting for a hook, but not for ever; a hook that never waits for anything costs nothing extra."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

__all__ = ["within"]

T = TypeVar("T")


async def within(seconds: float, hook: Coroutine[Any, Any, T]) -> T:
    """Run a hook, and cancel it when it takes too long.

    Most hooks of a small shop answer without waiting for anything. So the hook runs up to its first wait
    before a timer is set at all.

    Args:
        seconds: How long it may take.
        hook: The hook's coroutine; it is run to its end here, in the task that calls.

    Raises:
        TimeoutError: If it took too long.
        TypeError: If it is no coroutine: the shop's hook is not `async`.
        Exception: Whatever the hook raises.
    """
    if not asyncio.iscoroutine(hook):
        raise TypeError(f"hooks are async, and this one returned {type(hook).__name__}")
    try:
        waits_for = hook.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    async with asyncio.timeout(seconds):
        return await _Rest(hook, waits_for)


class _Rest(Generic[T]):
    """A coroutine that was begun already, from its first wait on."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        coroutine, waits_for = self._coroutine, self._waits_for
        try:
            while True:
                try:
                    given = yield waits_for
                except GeneratorExit:
                    coroutine.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - a cancellation above all: it belongs to the hook
                    waits_for = coroutine.throw(error)
                else:
                    waits_for = coroutine.send(given)
        except StopIteration as end:
            answer: T = end.value
            return answer
