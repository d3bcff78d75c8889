"""What is stored of a receipt, of the attempts to resolve it, and of the numbers that receipts are given."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from tiyin.gateway.ledger import ENTRIES, Share
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.states import CANCELLED, CREATED, PAID, UNRESOLVED, WORKED, Route
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.values import Text
from tiyin.storage import INTEGER, TEXT, Table, define, version_column

__all__ = [
    "ATTEMPTS",
    "FISCAL_CANCEL",
    "FISCAL_KIND",
    "FISCAL_PERFORM",
    "INTERVENTIONS",
    "KEYS_AFTER",
    "NUMBER_BLOCKS",
    "RECEIPTS",
    "WORK_KIND",
    "Attempt",
    "Intervention",
    "NumberBlock",
    "Receipt",
    "Step",
    "error_of",
    "shares_of",
    "write_error",
    "write_shares",
]

WORK_KIND: Final = "receipt"
"""The kind of the work-queue rows that drive receipts; a row's key is the receipt's id."""

FISCAL_KIND: Final = "fiscal"
"""The kind that the same row has while all that is left to do is the fiscal receipt."""

KEYS_AFTER: Final = ";"
"""Keys of what stands beside a receipt are its id, ":" or "-", and more: all sort before its id and this."""

FISCAL_PERFORM: Final = 1
FISCAL_CANCEL: Final = 2

Step = Literal[
    "create",
    "check_create",
    "hold",
    "watch",
    "debit",
    "capture",
    "void",
    "perform",
    "check_perform",
    "cancel",
    "check_cancel",
    "refund",
]
"""An intent: what the driver is about to do or is doing. Its outcome is unknown until the next write."""


class Receipt(msgspec.Struct, frozen=True):
    """A receipt, as stored.

    Attributes:
        id: 24 hexadecimal characters; also the transaction's id at the billing.
        number: «Номер чека», unique and rising in blocks.
        desk_id: Whose receipt it is.
        route: How it travels; pinned when a payment starts.
        amount_tiyin: What is to be paid.
        account: The account as given, JSON.
        account_key: Its canonical text, in which 1 and "1" are one.
        created_ms: When it was made.
        type: 2 made by API, 1 by the checkout page.
        source: "subscribe" or "checkout".
        description: A string or a text in three languages, JSON.
        detail: The details as given, JSON, or None.
        back_url: Where the checkout page leads back to.
        hold: 1 when it was made to hold money.
        state: One of the documentation's states.
        state_from: In 20, the state it was paused in.
        step: The outstanding intent, or None where nothing is under way.
        stage_ms: When the step began.
        tries: Calls for this step whose outcome stayed unknown.
        attempt: Which attempt to pay this is; 0 before the first.
        attempt_key: The attempt's key at the acquirer.
        endpoint: The billing's address, pinned.
        time_ms: The moment of paying, the transaction's `time` at the billing, pinned.
        commission_tiyin: The gateway's commission, pinned.
        terminal: The desk's terminal at the acquirer, pinned.
        card_id: The paying card.
        token_id: The one-time token it was given by, to be spent or released; None for a saved one.
        card_mask: The card's masked number.
        card_expire: The card's month and year, "0399".
        payer: Who pays, as given, JSON, or None.
        shares: Which desks get how much, JSON, where the billing named receivers; None for the desk alone.
        transaction: The billing's own name of the transaction.
        reference: The acquirer's name of the debit.
        cancel_reason: What CancelTransaction tells, once the payment is being undone.
        cancelling: 1 while the billing has not answered a cancel; guards the order against a new receipt.
        cancel_wish: The reason of a cancel that was asked for while something was under way.
        overridden: 1 when a person decided to go on without the billing's agreement.
        held: 1 while the acquirer sets the money aside.
        held_ms: When it began to, else 0.
        fiscal: 1 when payment and refund are registered with the tax service; pinned when it is made.
        fiscal_due: Which of the two are still to be registered and told: bits `FISCAL_PERFORM`,
            `FISCAL_CANCEL`.
        error: Why the last attempt failed, or why a cancel was refused; JSON of code, message and data.
        pay_time_ms: When it became paid, else 0.
        cancel_time_ms: When it was cancelled, else 0.
        events: How many attempts were noted; part of their keys.
        version: Counted by storage.
    """

    id: str
    number: int
    desk_id: str
    route: Route
    amount_tiyin: int
    account: str
    account_key: str
    created_ms: int
    type: int = 2
    source: str = "subscribe"
    description: str = '""'
    detail: str | None = None
    back_url: str | None = None
    hold: int = 0
    state: int = CREATED
    state_from: int | None = None
    step: Step | None = None
    stage_ms: int = 0
    tries: int = 0
    attempt: int = 0
    attempt_key: str | None = None
    endpoint: str | None = None
    time_ms: int = 0
    commission_tiyin: int = 0
    terminal: str = ""
    card_id: str | None = None
    token_id: str | None = None
    card_mask: str | None = None
    card_expire: str | None = None
    payer: str | None = None
    shares: str | None = None
    transaction: str | None = None
    reference: str | None = None
    cancel_reason: int | None = None
    cancelling: int = 0
    cancel_wish: int | None = None
    overridden: int = 0
    held: int = 0
    held_ms: int = 0
    fiscal: int = 0
    fiscal_due: int = 0
    error: str | None = None
    pay_time_ms: int = 0
    cancel_time_ms: int = 0
    events: int = 0
    version: int = 1

    @property
    def unresolved(self) -> bool:
        """Whether something is under way."""
        return self.state in UNRESOLVED

    @property
    def worked(self) -> bool:
        """Whether a driver of receipts looks after it."""
        return self.state in WORKED

    @property
    def ended(self) -> bool:
        """Whether it is paid or cancelled."""
        return self.state in {PAID, CANCELLED}


class Attempt(msgspec.Struct, frozen=True):
    """Something that did not go smoothly on a receipt's way; smooth steps need no row of their own.

    Attributes:
        id: The receipt's id and a running number.
        receipt_id: Which receipt.
        step: The step that was under way.
        outcome: "unknown", "refused", "malformed", "declined" ...
        note: A word or a code; never a secret.
        at_ms: When.
    """

    id: str
    receipt_id: str
    step: str
    outcome: str
    note: str
    at_ms: int


class Intervention(msgspec.Struct, frozen=True):
    """What a person did with a receipt.

    Attributes:
        id: The receipt's id and a running number.
        receipt_id: Which receipt.
        what: "resume", "cancel" or "override".
        who: Who did it.
        why: For what reason, in words.
        at_ms: When.
    """

    id: str
    receipt_id: str
    what: str
    who: str
    why: str
    at_ms: int


class NumberBlock(msgspec.Struct, frozen=True):
    """The next receipt number that no process has reserved yet."""

    id: str
    next: int
    version: int = 1


ATTEMPTS: Final = Table(
    define(
        "receipt_attempts",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("receipt_id", TEXT, nullable=False),
        sa.Column("step", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("at_ms", INTEGER, nullable=False),
        grows=True,
    ),
    Attempt,
)

INTERVENTIONS: Final = Table(
    define(
        "receipt_interventions",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("receipt_id", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.Column("at_ms", INTEGER, nullable=False),
        grows=True,
    ),
    Intervention,
)

_CANCELLING = sa.text("cancelling = 1")

RECEIPTS: Final = Table(
    define(
        "receipts",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("desk_id", TEXT, nullable=False),
        sa.Column("route", TEXT, nullable=False),
        sa.Column("amount_tiyin", INTEGER, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("account_key", TEXT, nullable=False),
        sa.Column("created_ms", INTEGER, nullable=False),
        sa.Column("type", INTEGER, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("detail", TEXT),
        sa.Column("back_url", TEXT),
        sa.Column("hold", INTEGER, nullable=False),
        sa.Column("state", INTEGER, nullable=False),
        sa.Column("state_from", INTEGER),
        sa.Column("step", TEXT),
        sa.Column("stage_ms", INTEGER, nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("attempt", INTEGER, nullable=False),
        sa.Column("attempt_key", TEXT),
        sa.Column("endpoint", TEXT),
        sa.Column("time_ms", INTEGER, nullable=False),
        sa.Column("commission_tiyin", INTEGER, nullable=False),
        sa.Column("terminal", TEXT, nullable=False),
        sa.Column("card_id", TEXT),
        sa.Column("token_id", TEXT),
        sa.Column("card_mask", TEXT),
        sa.Column("card_expire", TEXT),
        sa.Column("payer", TEXT),
        sa.Column("shares", TEXT),
        sa.Column("transaction", TEXT),
        sa.Column("reference", TEXT),
        sa.Column("cancel_reason", INTEGER),
        sa.Column("cancelling", INTEGER, nullable=False),
        sa.Column("cancel_wish", INTEGER),
        sa.Column("overridden", INTEGER, nullable=False),
        sa.Column("held", INTEGER, nullable=False),
        sa.Column("held_ms", INTEGER, nullable=False),
        sa.Column("fiscal", INTEGER, nullable=False),
        sa.Column("fiscal_due", INTEGER, nullable=False),
        sa.Column("error", TEXT),
        sa.Column("pay_time_ms", INTEGER, nullable=False),
        sa.Column("cancel_time_ms", INTEGER, nullable=False),
        sa.Column("events", INTEGER, nullable=False),
        version_column(),
        sa.Index("receipts_by_desk", "desk_id", "created_ms"),
        # Nearly always empty. Its predicate is a column of its own, and not `step`, so that PostgreSQL can
        # go on updating receipts without touching any index on their smooth way.
        sa.Index(
            "receipts_cancelling",
            "desk_id",
            "account_key",
            sqlite_where=_CANCELLING,
            postgresql_where=_CANCELLING,
        ),
        grows=True,
    ),
    Receipt,
    appends=(ENTRIES, ATTEMPTS, INTERVENTIONS),
)

NUMBER_BLOCKS: Final = Table(
    define(
        "receipt_number_blocks",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("next", INTEGER, nullable=False),
        version_column(),
    ),
    NumberBlock,
)


class _StoredError(msgspec.Struct, omit_defaults=True):
    code: int
    message: Text | None = None
    data: Any = None


_SUBSCRIBE_CODES: Final = frozenset(SubscribeCode)

_write_error = msgspec.json.Encoder().encode
_read_error = msgspec.json.Decoder(_StoredError).decode


def write_error(code: int, message: Text | None = None, data: Any = None) -> str:
    """Write why an attempt failed, for `Receipt.error`."""
    return _write_error(_StoredError(code, message, data)).decode()


def error_of(receipt: Receipt) -> RpcError | None:
    """Read why the last attempt failed, as the error that receipts.pay answers."""
    if receipt.error is None:
        return None
    stored = _read_error(receipt.error)
    # The code's own type picks the protocol's table of texts: -31001 means another thing to a merchant.
    code = SubscribeCode(stored.code) if stored.code in _SUBSCRIBE_CODES else stored.code
    return RpcError(code, stored.message, stored.data)


_write_shares = msgspec.json.Encoder().encode
_read_shares = msgspec.json.Decoder(tuple[Share, ...]).decode


def write_shares(shares: Sequence[Share]) -> str:
    """Write who gets how much, for `Receipt.shares`."""
    return _write_shares(shares).decode()


def shares_of(receipt: Receipt) -> tuple[Share, ...]:
    """Give who gets how much of a receipt; its amounts add up to the receipt's."""
    if receipt.shares is None:
        return (Share(receipt.desk_id, receipt.amount_tiyin, receipt.commission_tiyin),)
    return _read_shares(receipt.shares)
