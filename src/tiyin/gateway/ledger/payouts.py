"""Payouts: what a closed day owes to each desk, and what the bank did with it.

    due --- paid ---> paid --- the bank sent it back ---> returned

A payout that came back is owed to the desk again and is part of its next one, so it is never paid itself a
second time.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from tiyin.gateway.ledger.calendar import day_span
from tiyin.gateway.ledger.entries import ENTRIES, Entry, paid_out, payout_returned
from tiyin.gateway.metadata import metadata
from tiyin.runtime.clock import Clock
from tiyin.storage import INTEGER, TEXT, Decision, Store, Table, define, version_column

__all__ = [
    "DUE",
    "PAID",
    "PAYOUTS",
    "RETURNED",
    "Payout",
    "PayoutRefused",
    "Payouts",
    "new_payout",
    "payout_id",
]

DUE: Final = "due"
PAID: Final = "paid"
RETURNED: Final = "returned"
STATES: Final = (DUE, PAID, RETURNED)
_TEXT_MAX: Final = 200


class PayoutRefused(Exception):  # reads as what happened
    """Nothing was changed; the message is a sentence that says why."""


class Payout(msgspec.Struct, frozen=True):
    """What is paid to a desk for a day.

    Attributes:
        id: "<day>-<desk>".
        day: The day, "2026-11-24".
        desk_id: The desk.
        amount_tiyin: How much; greater than zero.
        state: "due", "paid" or "returned".
        due_ms: When it became due.
        paid_ms: When it was said to be paid, else 0.
        paid_by: Who said so.
        bank_reference: The bank's name of the payment.
        returned_ms: When it was said to have come back, else 0.
        returned_by: Who said so.
        return_note: Why it came back.
        version: Counted by storage.
    """

    id: str
    day: str
    desk_id: str
    amount_tiyin: int
    state: str = DUE
    due_ms: int = 0
    paid_ms: int = 0
    paid_by: str = ""
    bank_reference: str = ""
    returned_ms: int = 0
    returned_by: str = ""
    return_note: str = ""
    version: int = 1


PAYOUTS: Final = Table(
    define(
        "payouts",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("desk_id", TEXT, nullable=False),
        sa.Column("amount_tiyin", INTEGER, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("due_ms", INTEGER, nullable=False),
        sa.Column("paid_ms", INTEGER, nullable=False),
        sa.Column("paid_by", TEXT, nullable=False),
        sa.Column("bank_reference", TEXT, nullable=False),
        sa.Column("returned_ms", INTEGER, nullable=False),
        sa.Column("returned_by", TEXT, nullable=False),
        sa.Column("return_note", TEXT, nullable=False),
        version_column(),
        sa.Index("payouts_by_state", "state", "id"),
        sa.Index("payouts_by_desk", "desk_id", "id"),
    ),
    Payout,
    appends=(ENTRIES,),
)


def payout_id(day: str, desk_id: str) -> str:
    """Name the one payout that a day can make for a desk."""
    return f"{day}-{desk_id}"


def new_payout(stored: Payout | None, asked: Payout, entries: Sequence[Entry]) -> Decision[bool]:
    """Make a payout and book its desk's settlement, unless that was done before. Pure.

    Returns:
        Whether it is new.
    """
    if stored is not None:
        return Decision(answer=False)
    return Decision(True, asked, [(ENTRIES, entry) for entry in entries])


def pay(stored: Payout | None, *, who: str, reference: str, now_ms: int) -> Decision[Payout]:
    """Say that a payout was paid; a repeat with the same reference changes nothing. Pure.

    Raises:
        PayoutRefused: When there is none, it was paid under another reference, or it came back.
    """
    if stored is None:
        raise PayoutRefused("There is no such payout")
    if stored.state == PAID and stored.bank_reference == reference:
        return Decision(stored)
    if stored.state == PAID:
        raise PayoutRefused(f"It was paid already, as {stored.bank_reference}")
    if stored.state == RETURNED:
        raise PayoutRefused("It came back from the bank and is part of a later payout of this desk's")
    after = replace(
        stored, state=PAID, paid_ms=now_ms, paid_by=who, bank_reference=reference, version=stored.version + 1
    )
    entry = paid_out(stored.desk_id, stored.amount_tiyin, _end_ms(stored), now_ms)
    return Decision(after, after, [(ENTRIES, entry)])


def give_back(stored: Payout | None, *, who: str, note: str, now_ms: int) -> Decision[Payout]:
    """Say that the bank sent a payout back; a repeat changes nothing. Pure.

    Raises:
        PayoutRefused: When there is none, or it was never paid.
    """
    if stored is None:
        raise PayoutRefused("There is no such payout")
    if stored.state == RETURNED:
        return Decision(stored)
    if stored.state != PAID:
        raise PayoutRefused("It was not paid yet, so it cannot have come back")
    after = replace(
        stored,
        state=RETURNED,
        returned_ms=now_ms,
        returned_by=who,
        return_note=note,
        version=stored.version + 1,
    )
    entry = payout_returned(stored.desk_id, stored.amount_tiyin, _end_ms(stored), now_ms)
    return Decision(after, after, [(ENTRIES, entry)])


def _end_ms(stored: Payout) -> int:
    return day_span(date.fromisoformat(stored.day))[1]


class Payouts:
    """What an operator sees of payouts, and says of them.

    Args:
        store: The gateway's store.
        clock: The gateway's clock.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find(
        self,
        *,
        state: str | None = None,
        day: str | None = None,
        desk_id: str | None = None,
        after: str = "",
        limit: int = 100,
    ) -> list[Payout]:
        """List payouts by day and desk.

        Args:
            state: Only those in this state.
            day: Only those of this day, "2026-11-24".
            desk_id: Only those of this desk.
            after: The id of the last one that the caller has.
            limit: How many at most.
        """
        columns = PAYOUTS.schema.c
        statement = sa.select(PAYOUTS.schema).where(columns.id > after)
        filters: list[tuple[sa.ColumnElement[Any], str | None]] = [
            (columns.state, state),
            (columns.desk_id, desk_id),
        ]
        for column, wanted in filters:
            if wanted is not None:
                statement = statement.where(column == wanted)
        if day is not None:
            # Payouts of a day stand together by their ids.
            statement = statement.where(columns.id > f"{day}-", columns.id < f"{day}.")
        return await self._store.query(statement.order_by(columns.id).limit(limit), PAYOUTS)

    async def get(self, payout_id: str) -> Payout | None:
        """Read one payout."""
        return await self._store.get(PAYOUTS, payout_id)

    async def pay(self, payout_id: str, *, who: str, reference: str) -> Payout:
        """Say that a payout was paid.

        Args:
            payout_id: Which.
            who: Who says so, 1 to 200 characters.
            reference: The bank's name of the payment, 1 to 200 characters.

        Raises:
            PayoutRefused: When it cannot be.
        """
        who, reference = _text(who, "who says so"), _text(reference, "the bank's reference")
        now_ms = self._clock.now_ms()
        return await self._store.change(
            PAYOUTS, payout_id, lambda stored: pay(stored, who=who, reference=reference, now_ms=now_ms)
        )

    async def give_back(self, payout_id: str, *, who: str, note: str) -> Payout:
        """Say that the bank sent a payout back.

        Args:
            payout_id: Which.
            who: Who says so, 1 to 200 characters.
            note: Why, 1 to 200 characters.

        Raises:
            PayoutRefused: When it cannot be.
        """
        who, note = _text(who, "who says so"), _text(note, "the reason")
        now_ms = self._clock.now_ms()
        return await self._store.change(
            PAYOUTS, payout_id, lambda stored: give_back(stored, who=who, note=note, now_ms=now_ms)
        )


def _text(given: str, name: str) -> str:
    text = given.strip()
    if not 1 <= len(text) <= _TEXT_MAX or not text.isprintable():
        raise PayoutRefused(f"Write {name} in 1 to {_TEXT_MAX} printable characters")
    return text
