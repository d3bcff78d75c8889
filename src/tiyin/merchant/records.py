"""A transaction as it is stored, in any store: one flat row, and the view of it that a shop's hooks get."""

from collections.abc import Sequence
from typing import Final

import msgspec

from tiyin.merchant.billing import Account, Receiver, Transaction

__all__ = ["Begun", "Row", "State", "account_fields", "receivers_of", "view", "write_receivers"]


class State:
    """Where a transaction stands: plain integers, as they are stored. Payme only ever sees 1, 2, -1 and -2.

    Documentation: merchant-api/data-types
    """

    CREATING: Final = 0
    """The account is reserved, `Billing.create` may have run, and CreateTransaction has not been answered."""
    WAITING: Final = 1
    PAID: Final = 2
    CANCELLED: Final = -1
    REFUNDED: Final = -2
    NEVER: Final = -3
    """The shop refused to create it: nothing is reserved, and to Payme it does not exist."""


class Begun:
    """Which effects were begun on the shop's side while their end is not known: bits of one integer."""

    CREATE: Final = 1
    PERFORM: Final = 2
    CANCEL: Final = 4


class Row(msgspec.Struct, frozen=True):
    """One transaction as it is stored.

    Attributes:
        id: Payme's id.
        time_ms: Payme's creation time.
        amount_tiyin: The amount.
        account: The account as it was sent, as JSON.
        guard: What it keeps for itself alone: no other row may have the same. None = nothing.
        number: The shop's number of it.
        state: A `State`.
        reason: Why it was cancelled.
        create_time_ms: When it was taken in.
        perform_time_ms: When it was paid, or 0.
        cancel_time_ms: When it was cancelled, or 0.
        receivers: The split as JSON, or None.
        accepted: 1 once CreateTransaction was answered with success; such rows are in the statement.
        begun: A `Begun`.
        due_ms: When it expires, while that can still happen; else None.
        version: Counted by the store.
    """

    id: str
    time_ms: int
    amount_tiyin: int
    account: str
    guard: str | None
    number: str
    state: int
    reason: int | None = None
    create_time_ms: int = 0
    perform_time_ms: int = 0
    cancel_time_ms: int = 0
    receivers: str | None = None
    accepted: int = 0
    begun: int = 0
    due_ms: int | None = None
    version: int = 0


_read_account = msgspec.json.Decoder(dict[str, str | int]).decode
_read_receivers = msgspec.json.Decoder(tuple[Receiver, ...]).decode
_write = msgspec.json.Encoder().encode


def account_fields(row: Row) -> dict[str, str | int]:
    """Return a row's account as Payme sent it, numbers as numbers."""
    return _read_account(row.account)


def hook_account(fields: dict[str, str | int]) -> Account:
    """Return an account as hooks see it: every value is text."""
    return Account({name: value if isinstance(value, str) else str(value) for name, value in fields.items()})


def receivers_of(row: Row) -> tuple[Receiver, ...] | None:
    """Return how a row's payment is split, or None."""
    return None if row.receivers is None else _read_receivers(row.receivers)


def write_receivers(receivers: Sequence[Receiver] | None) -> str | None:
    """Return a split as it is stored; an empty one is none."""
    return _write(receivers).decode() if receivers else None


def view(row: Row, *, reason: int | None = None, repeated: bool = False) -> Transaction:
    """Return what a hook sees of a row.

    Args:
        row: As it stands before the effect.
        reason: For `cancel`: why.
        repeated: Whether the same effect was begun before.
    """
    return Transaction(
        id=row.id,
        number=row.number,
        account=hook_account(account_fields(row)),
        amount_tiyin=row.amount_tiyin,
        state=row.state,
        time_ms=row.time_ms,
        create_time_ms=row.create_time_ms,
        perform_time_ms=row.perform_time_ms,
        reason=row.reason if reason is None else reason,
        receivers=receivers_of(row),
        repeated=repeated,
        perform_unfinished=bool(row.begun & Begun.PERFORM),
    )
