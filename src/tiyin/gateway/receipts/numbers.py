"""Receipt numbers («Номер чека»): unique, from blocks that a process reserves, so that no row is hot."""

import asyncio
from typing import Final

from tiyin.gateway.receipts.records import NUMBER_BLOCKS, NumberBlock
from tiyin.storage import Decision, Store

__all__ = ["ReceiptNumbers"]

_BLOCK: Final = 500
_ROW: Final = "receipts"


class ReceiptNumbers:
    """Gives numbers.

    Numbers rise within a process; between processes they rise by blocks, and a process that ends leaves a
    gap.

    Args:
        store: Where the next free block stands.
        block: How many numbers are reserved at a time.
    """

    def __init__(self, store: Store, *, block: int = _BLOCK) -> None:
        self._store = store
        self._block = block
        self._next = 0
        self._end = 0
        self._reserving = asyncio.Lock()

    async def take(self) -> int:
        """Give a number that nobody else gets; the first ever is 1."""
        while self._next >= self._end:
            async with self._reserving:
                if self._next >= self._end:
                    first = await self._store.change(NUMBER_BLOCKS, _ROW, self._reserve)
                    self._next, self._end = first, first + self._block
        number = self._next
        self._next += 1
        return number

    def _reserve(self, stored: NumberBlock | None) -> Decision[int]:
        first = 1 if stored is None else stored.next
        return Decision(first, NumberBlock(_ROW, first + self._block))
