"""A person at a receipt: what stands in 20, one receipt's whole story, resuming and cancelling it.

Whoever acts writes the intent and who decided it and why; a gateway's worker goes on from there within a
second.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.ledger import ENTRIES, Entry
from tiyin.gateway.receipts.cancelling import ask_to_cancel
from tiyin.gateway.receipts.moves import Moved, Terms
from tiyin.gateway.receipts.people import NotPaused, Signature, cancel_paused, resume, sign
from tiyin.gateway.receipts.records import (
    ATTEMPTS,
    INTERVENTIONS,
    KEYS_AFTER,
    RECEIPTS,
    Attempt,
    Intervention,
    Receipt,
)
from tiyin.gateway.receipts.states import PAUSED
from tiyin.runtime.clock import Clock
from tiyin.storage import Decision, Store, Table

__all__ = ["Interventions", "NoReceipt", "NotPaused", "Signature", "Story"]

_ROWS_MAX: Final = 1_000
_BOOKED: Final = (
    "held",
    "posted",
    "voided",
    "taken",
    "earned",
    "commission",
    "returning",
    "refunding",
    "uncommission",
    "returned",
)
"""The order in which entries of one commit are told: the way of the money."""
_WHO_MAX: Final = 100
_WHY_MAX: Final = 500


class NoReceipt(LookupError):
    """There is no receipt with this id."""


class Story(msgspec.Struct, frozen=True):
    """Everything that is known of a receipt.

    Attributes:
        receipt: As it stands.
        attempts: What did not go smoothly, in order.
        interventions: What people did, in order.
        entries: What was booked, in order.
    """

    receipt: Receipt
    attempts: list[Attempt]
    interventions: list[Intervention]
    entries: list[Entry]


class Interventions:
    """What a person may see and do.

    Args:
        store: The gateway's database.
        clock: The product's time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def paused(self, after: str = "", limit: int = 100) -> list[Receipt]:
        """List receipts that wait for a person, the oldest first.

        Args:
            after: The id of the last one that the caller has.
            limit: How many at most, 1 to 1,000.
        """
        columns = RECEIPTS.schema.c
        statement = (
            sa.select(RECEIPTS.schema)
            .where(columns.state == PAUSED, columns.id > after)
            .order_by(columns.id)
            .limit(min(limit, _ROWS_MAX))
        )
        return await self._store.query(statement, RECEIPTS)

    async def story(self, receipt_id: str) -> Story:
        """Tell everything that is known of a receipt.

        Args:
            receipt_id: 24 hexadecimal characters.

        Raises:
            NoReceipt: If there is none.
        """
        receipt = await self._store.get(RECEIPTS, receipt_id)
        if receipt is None:
            raise NoReceipt(f"there is no receipt {receipt_id[:64]!r}")
        attempts = await self._beside(ATTEMPTS, receipt_id)
        interventions = await self._beside(INTERVENTIONS, receipt_id)
        entries = await self._beside(ENTRIES, receipt_id)
        return Story(
            receipt,
            sorted(attempts, key=lambda attempt: int(attempt.id.rpartition("-")[2])),
            sorted(interventions, key=lambda row: row.at_ms),
            sorted(entries, key=lambda entry: (entry.at_ms, _BOOKED.index(entry.what))),
        )

    async def _beside(self, table: Table[Any], receipt_id: str) -> list[Any]:
        key = table.schema.c.id
        owned = key > receipt_id, key < receipt_id + KEYS_AFTER
        statement = sa.select(table.schema).where(*owned).order_by(key).limit(_ROWS_MAX)
        return await self._store.query(statement, table)

    async def resume(self, receipt_id: str, by: Signature) -> Receipt:
        """Let a paused receipt go on where it was paused.

        Args:
            receipt_id: The receipt.
            by: Who decided it, and why.

        Raises:
            NoReceipt: If there is none.
            NotPaused: If it does not stand in 20.
            ValueError: If the name or the reason is missing or too long.
        """
        return await self._write(receipt_id, by, lambda receipt, terms: resume(receipt, terms, by))

    async def cancel(self, receipt_id: str, by: Signature, *, override: bool = False) -> Receipt:
        """Cancel a receipt in any state: a paused one is taken up to be undone.

        Args:
            receipt_id: The receipt.
            by: Who decided it, and why.
            override: Whether to give the money back without the billing's word; for a paused receipt only.

        Raises:
            NoReceipt: If there is none.
            NotPaused: If the billing is to be overridden and the receipt does not stand in 20.
            RpcError: -31901 for a HUMO hold of more than 30 days.
            ValueError: If the name or the reason is missing or too long.
        """

        def rule(receipt: Receipt, terms: Terms) -> Decision[Moved]:
            if override or receipt.state == PAUSED:
                return cancel_paused(receipt, terms, by, override=override)
            decision = ask_to_cancel(receipt, terms, by="person")
            return sign(decision, receipt, "cancel", by, terms) if decision.writes else decision

        return await self._write(receipt_id, by, rule)

    async def _write(
        self, receipt_id: str, by: Signature, rule: Callable[[Receipt, Terms], Decision[Moved]]
    ) -> Receipt:
        for name, text, length_max in (("who", by.who, _WHO_MAX), ("why", by.why, _WHY_MAX)):
            if not text.strip() or len(text) > length_max or "\x00" in text:
                raise ValueError(f"{name} must be 1 to {length_max} characters")
        # A person drives nothing: the work is left for any gateway.
        terms = Terms(self._clock.now_ms(), owner=None)

        def decide(stored: Receipt | None) -> Decision[Moved]:
            if stored is None:
                raise NoReceipt(f"there is no receipt {receipt_id[:64]!r}")
            return rule(stored, terms)

        return (await self._store.change(RECEIPTS, receipt_id, decide)).receipt
