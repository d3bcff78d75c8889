"""One open database transaction of the shop's own database, and what belongs to it alone."""

import contextvars
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tiyin.merchant.after_commit import Afterwards
    from tiyin.merchant.stores.port import ShopEffects

__all__ = ["UNIT", "Unit", "unit"]


class Unit:
    """What is known while one database transaction is open, and forgotten with it.

    Args:
        session: The store's own handle of the transaction.
        locks: Whether rows that are read here are locked until its end.
    """

    __slots__ = ("absent", "afterwards", "found", "locks", "session")

    def __init__(self, session: Any, *, locks: bool) -> None:
        self.session = session
        self.locks = locks
        # Orders that were found and locked: no need to read them a second time.
        self.found: dict[Any, Any] = {}
        # Transactions that were looked for and are not there; inserting one finds out if that is still so.
        self.absent: set[str] = set()
        self.afterwards: list[tuple[ShopEffects, Afterwards]] = []


UNIT: contextvars.ContextVar[Unit | None] = contextvars.ContextVar("tiyin_unit", default=None)
"""The open database transaction that the running call is a part of; None outside of one."""


def unit() -> Unit:
    """Return the open database transaction.

    Raises:
        RuntimeError: If there is none.
    """
    found = UNIT.get()
    if found is None:
        raise RuntimeError("there is no open database transaction: this belongs into a hook")
    return found
