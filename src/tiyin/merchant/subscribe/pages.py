"""The pages of receipts.get_all as one walk: pure, for both clients.

Receipts come newest first, so those that are made meanwhile push the others on: what then stands on two pages
is given once. A page that is not full is no sign of the end, since a server may answer fewer than were asked
for: the walk ends at an empty page, or at one that is shorter than others and brings nothing new. A server
that answers the same full page for ever is told of, because what the walk would leave out may be money.

Documentation: subscribe-api/receipts.get_all
"""

from datetime import datetime
from typing import Final

from tiyin.merchant.subscribe.calls import Call, check_count, read_moment, receipts_get_all
from tiyin.merchant.subscribe.errors import BadAnswer
from tiyin.merchant.subscribe.results import Receipt

__all__ = ["Pages"]

_STALE_PAGES_MAX: Final = 3


class Pages:
    """A walk over the receipts of a period.

    Args:
        from_: The first moment: a datetime with a time zone, or milliseconds since 1970.
        to: The last moment, inclusive.
        count: How many to ask for at a time, from 1 to 50.

    Raises:
        ValueError: If a moment has no time zone, the period ends before it begins, or `count` is
            out of bounds.
        TypeError: If a moment is no moment.
    """

    def __init__(self, from_: datetime | int, to: datetime | int, *, count: int) -> None:
        self._from_ms = read_moment("from_", from_)
        self._to_ms = read_moment("to", to)
        if self._to_ms < self._from_ms:
            raise ValueError("to is before from_: the period ends before it begins")
        check_count(count)
        self._count = count
        self._offset = 0
        self._stale = 0
        self._longest = 0
        self._seen: set[str] = set()
        self.over = False
        self.call()

    def call(self) -> Call[list[Receipt]]:
        """Return the call that asks for the next page."""
        return receipts_get_all(self._from_ms, self._to_ms, count=self._count, offset=self._offset)

    def take(self, page: list[Receipt]) -> list[Receipt]:
        """Take a page in.

        Returns:
            Its receipts that were on no page before.

        Raises:
            BadAnswer: If page after page brings nothing new.
        """
        fresh = [receipt for receipt in page if receipt.id not in self._seen]
        self._seen.update(receipt.id for receipt in fresh)
        self._offset += len(page)
        self._longest = max(self._longest, len(page))
        self._stale = 0 if fresh else self._stale + 1
        self.over = not page or (not fresh and len(page) < self._longest)
        if self.over or self._stale < _STALE_PAGES_MAX:
            return fresh
        self.over = True
        if len(page) == self._count:
            raise BadAnswer(
                "page after page brings the same receipts: the list would not be complete",
                method="receipts.get_all",
            )
        return fresh
