"""Taking turns: within one process, calls about one transaction run one after the other."""

import asyncio
from types import TracebackType

__all__ = ["Turns"]


class _Turn:
    """One key's lock, as an asynchronous context manager; it is forgotten when nobody wants it any more."""

    __slots__ = ("_key", "_lock", "_turns", "_users")

    def __init__(self, turns: "dict[str, _Turn]", key: str) -> None:
        self._turns = turns
        self._key = key
        self._lock = asyncio.Lock()
        self._users = 0

    async def __aenter__(self) -> None:
        self._users += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._users -= 1
        if not self._users:
            del self._turns[self._key]


class Turns:
    """A lock for each key that somebody wants just now, first come first served."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def take(self, key: str) -> _Turn:
        """Hold a key's turn inside a ``async with`` block, entered at once.

        Args:
            key: Whose turn.
        """
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = _Turn(self._turns, key)
        return turn
