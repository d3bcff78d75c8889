"""Waiting, but not for ever; what never waits for anything costs nothing extra."""

import asyncio
from collections.abc import Coroutine, Generator
from types import CoroutineType
from typing import Any, Generic, TypeVar

__all__ = ["within"]

T = TypeVar("T")


async def within(seconds: float, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine, and cancel it when it takes too long.

    Most of what is waited for with a bound has no need to wait: a small shop's hook, the body of a request
    that is there already. So it runs up to its first wait before a timer is set at all.

    Args:
        seconds: How long it may take.
        coroutine: Run to its end here, in the task that calls.

    Raises:
        TimeoutError: If it took too long.
        TypeError: If it is no coroutine, as where a function that should be `async` is not.
        Exception: Whatever it raises.
    """
    if type(coroutine) is not CoroutineType and not asyncio.iscoroutine(coroutine):
        raise TypeError(f"a coroutine is needed, and this is {type(coroutine).__name__}: it should be async")
    try:
        waits_for = coroutine.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    async with asyncio.timeout(seconds):
        return await _Rest(coroutine, waits_for)


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
