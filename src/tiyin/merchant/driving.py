"""Running the kit's coroutines without an event loop, where nothing in them ever waits for one.

The methods and their rules are written once, as coroutines. Over a store that blocks (Django's ORM, a
synchronous session) and a shop of plain functions no ``await`` in them suspends, so that one step runs the
whole.
"""

from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

__all__ = ["drive", "drive_all"]

T = TypeVar("T")


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends to its end.

    Raises:
        RuntimeError: If it does suspend; it is closed.
        Exception: Whatever it raises.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    coroutine.close()
    raise RuntimeError("something awaits in a place where all must be plain functions")


def drive_all(pieces: AsyncIterator[T]) -> Iterator[T]:
    """Go through an asynchronous iterator that never suspends."""

    async def following() -> T | None:
        return await anext(pieces, None)

    while (piece := drive(following())) is not None:
        yield piece
