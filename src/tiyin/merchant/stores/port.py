"""What the Merchant API needs of a place that keeps transactions."""

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from tiyin.merchant.after_commit import Afterwards
from tiyin.merchant.records import Row
from tiyin.merchant.rules import Answer, AskDelivered, Fresh, Hooks, Refuse, Rule, Run
from tiyin.protocol.hidden import rich_repr

__all__ = [
    "BlockingStore",
    "EffectError",
    "FiscalRow",
    "GuardTakenError",
    "KeyRow",
    "KeyRule",
    "Ran",
    "ShopEffects",
    "StillRunningError",
    "TransactionStore",
]

T = TypeVar("T")


class GuardTakenError(Exception):
    """Another transaction holds what this one wanted to reserve; nothing was written."""


class StillRunningError(Exception):
    """The transaction's effect is being run and did not end in time. Payme asks again."""


class EffectError(Exception):
    """A hook ended in a way that tells nothing about what it did. The cause is its `__cause__`."""


class KeyRow(msgspec.Struct, frozen=True):
    """What became of a cash desk's key through ChangePassword. Digests only.

    Attributes:
        id: The shop's mode.
        configured: Digest of the key in the settings when it was changed; with another one there this row is
            void.
        current: Digest of the key that is good.
        next: Digest of the key that becomes good with its first use, or None.
        version: Counted by the store.
    """

    id: str
    configured: bytes
    current: bytes
    next: bytes | None = None
    version: int = 0

    def __repr__(self) -> str:
        return f"KeyRow(id={self.id!r}, ...)"

    __rich_repr__ = rich_repr


KeyRule: TypeAlias = Callable[[KeyRow | None], KeyRow | None]
"""Pure: what stands -> what shall stand (None: as it is)."""


class FiscalRow(msgspec.Struct, frozen=True):
    """Fiscal data that the kit keeps for a shop.

    Attributes:
        id: The receipt's id, a colon, and ``PERFORM`` or ``CANCEL``.
        data: The document as JSON.
        received_ms: When it came last.
        version: Counted by the store.
    """

    id: str
    data: str
    received_ms: int
    version: int = 0


class Ran(msgspec.Struct, frozen=True):
    """What came of a hook.

    Attributes:
        number: The shop's own number of a created transaction, if it gives one.
        afterwards: What it left to be done once its work is durable.
    """

    number: str | None = None
    afterwards: Afterwards = ()


class ShopEffects(Protocol):
    """The shop's side of an effect."""

    @property
    def hooks(self) -> Hooks:
        """Which effects the shop does anything for."""
        ...

    @property
    def cuttable(self) -> bool:
        """Whether a hook that takes too long can be cut: one that runs in a thread cannot."""
        ...

    def run(self, run: Run, row: Row, *, repeated: bool) -> Coroutine[Any, Any, Ran]:
        """Run the hook of an effect.

        Args:
            run: Which effect, and why.
            row: The row before it.
            repeated: Whether it was begun before.

        Raises:
            Refused: If the shop says no and did nothing.
            Exception: Anything else: nobody knows what was done.
        """
        ...

    def committed(self, afterwards: Afterwards) -> None:
        """Have done what a hook left for afterwards: its work is durable now."""
        ...


class TransactionStore(Protocol):
    """A place that keeps transactions and carries rules out on them.

    Attributes:
        blocking: True if its methods block the thread and never wait for anything else: they run in threads,
            and so do the shop's hooks, which are plain functions.
        detached: True if it is kept apart from the shop's own data: hooks may be of either kind, and run
            outside of its database transactions.
    """

    @property
    def blocking(self) -> bool: ...  # noqa: D102 - told above

    @property
    def detached(self) -> bool: ...  # noqa: D102 - told above

    async def start(self) -> None:
        """Open it; called once before anything else, in the event loop that will use it."""
        ...

    async def stop(self) -> None:
        """Let what runs end, and close it."""
        ...

    async def carry_out(
        self, key: str, rule: Rule, shop: ShopEffects
    ) -> Answer | Refuse | Fresh | AskDelivered:
        """Decide by a rule and do what it says, effects included, so that they are durable when this answers.

        Args:
            key: Payme's id of the transaction.
            rule: May be asked several times.
            shop: Runs the hooks.

        Raises:
            GuardTakenError: If the row's guard is held by another transaction.
            StillRunningError: If an effect did not end in time.
            EffectError: If a hook failed in an unforeseen way.
            Refused: What a hook refused with.
        """
        ...

    async def together(self, work: Callable[[], Coroutine[Any, Any, T]], *, locks: bool) -> T:
        """Do several things in one database transaction, if the store is in the shop's own database.

        Whatever inside calls this store, or is a hook of the shop, is a part of it. An exception undoes it
        all. It may be done again from the beginning when the database demands it. A store that is kept apart
        just does the work.

        Args:
            work: What to do.
            locks: False if nothing will be locked or written.
        """
        ...

    async def read(self, key: str) -> Row | None:
        """Return the row as last committed, or None."""
        ...

    async def holder(self, guard: str) -> Row | None:
        """Return the row that holds a guard, or None."""
        ...

    async def statement(self, from_ms: int, to_ms: int, after: Row | None, limit: int) -> list[Row]:
        """Return accepted rows by Payme's time, from <= time <= to, ascending, ties by id.

        Args:
            from_ms: The first moment.
            to_ms: The last moment.
            after: Begin after this row, which an earlier call returned.
            limit: How many at most.
        """
        ...

    async def due(self, now_ms: int, after: tuple[int, str] | None, limit: int) -> list[tuple[int, str]]:
        """Return which rows have expired by now: when, and their ids, in that order.

        Args:
            now_ms: The time.
            after: Begin after this pair, which an earlier call returned.
            limit: How many at most.
        """
        ...

    async def keep_fiscal(self, row: FiscalRow) -> None:
        """Keep fiscal data, in the place of what came before under the same id."""
        ...

    async def fiscal(self, key: str) -> FiscalRow | None:
        """Return kept fiscal data, or None."""
        ...

    async def key_row(self, key: str) -> KeyRow | None:
        """Return what became of a key."""
        ...

    async def change_key(self, key: str, rule: KeyRule) -> None:
        """Change what became of a key."""
        ...


class BlockingStore(TransactionStore, Protocol):
    """A store whose methods block: none of its coroutines ever waits for the event loop, or needs one."""

    def thread(self) -> AbstractContextManager[None]:
        """Surround what one of the kit's threads does with the store, such as to give connections back."""
        ...

    def stays_in_thread(self) -> bool:
        """Tell whether a call must be answered in the thread that it came in.

        So it is where that thread has a database transaction open that the call is to be a part of, as in a
        shop's tests.
        """
        ...
