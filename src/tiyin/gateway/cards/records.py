"""What is stored of cards: sealed numbers, tokens, codes, and counters of tries."""

from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.metadata import metadata
from tiyin.protocol.hidden import rich_repr
from tiyin.storage.schema import BYTES, INTEGER, TEXT, define, version_column
from tiyin.storage.tables import Table

__all__ = [
    "CARDS",
    "CODES",
    "COUNTS",
    "LIVE",
    "REMOVED",
    "SPENT",
    "TOKENS",
    "CardRow",
    "CodeRow",
    "CountRow",
    "TokenRow",
    "card_place",
]

LIVE: Final = "live"
REMOVED: Final = "removed"
SPENT: Final = "spent"
"""A one-time token that has paid: kept, so that a repeat of its payment is recognised."""


class CardRow(msgspec.Struct, frozen=True):
    """A card: one row for a number and an expiry date, whoever made tokens of it.

    Args:
        id: 24 hexadecimal characters; receipts name cards by it.
        fingerprint: The number's, under one of the vault's keys.
        expire: Month and year, ``0399``.
        number_sealed: The number, sealed for `card_place`.
    """

    id: str
    fingerprint: str
    expire: str
    number_sealed: bytes
    created_at_ms: int
    version: int = 1

    def __repr__(self) -> str:
        return f"CardRow(id={self.id!r})"

    __rich_repr__ = rich_repr


class TokenRow(msgspec.Struct, frozen=True):
    """A token.

    Args:
        id: The token's first 24 characters.
        secret_hash: SHA-256 of the whole token, hexadecimal; over 250 bits of chance need no key or salt.
        number: The card's masked number.
        save: 1 for a token that pays again and again, 0 for one payment.
        verified: 1 once the right code was given.
        amount_tiyin: The only amount that it pays, or None.
        account: The account given with the card, as JSON, or None.
        customer: The merchant's name of the payer, or None.
        state: `LIVE`, `REMOVED` or `SPENT`.
        receipt_id: Of a one-time token: the receipt that it is reserved for or has paid.
        attempt: For which attempt to pay that receipt; 0 where it is reserved for none.
    """

    id: str
    desk_id: str
    card_id: str
    secret_hash: str
    number: str
    expire: str
    save: int
    verified: int
    amount_tiyin: int | None
    account: str | None
    customer: str | None
    state: str
    receipt_id: str | None
    attempt: int
    created_at_ms: int
    version: int = 1

    def __repr__(self) -> str:
        return f"TokenRow(id={self.id!r}, number={self.number!r}, state={self.state!r})"

    __rich_repr__ = rich_repr


class CodeRow(msgspec.Struct, frozen=True):
    """The last code that was sent for a token.

    Args:
        id: The token's id.
        code_hash: The code's fingerprint under one of the vault's keys.
        tries: How often a code was given since this one was sent; each is counted before it is compared.
        used: 1 once it was given rightly.
        expires_at_ms: The last moment at which it is taken, milliseconds since 1970.
        again_at_ms: From when another may be asked for.
    """

    id: str
    code_hash: str
    tries: int
    used: int
    expires_at_ms: int
    again_at_ms: int
    version: int = 1

    def __repr__(self) -> str:
        return f"CodeRow(id={self.id!r}, tries={self.tries})"

    __rich_repr__ = rich_repr


class CountRow(msgspec.Struct, frozen=True):
    """How often something happened within a window of time.

    Args:
        id: What is counted, without personal data.
        count: How often.
        until_ms: When the window ends and counting begins anew, milliseconds since 1970.
    """

    id: str
    count: int
    until_ms: int
    version: int = 1


CARDS: Final = Table(
    schema=define(
        "cards",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("expire", TEXT, nullable=False),
        sa.Column("number_sealed", BYTES, nullable=False),
        sa.Column("created_at_ms", INTEGER, nullable=False),
        version_column(),
        sa.Index("cards_by_fingerprint", "fingerprint", "expire", unique=True),
    ),
    record=CardRow,
)

TOKENS: Final = Table(
    schema=define(
        "card_tokens",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("desk_id", TEXT, nullable=False),
        sa.Column("card_id", TEXT, nullable=False),
        sa.Column("secret_hash", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("expire", TEXT, nullable=False),
        sa.Column("save", INTEGER, nullable=False),
        sa.Column("verified", INTEGER, nullable=False),
        sa.Column("amount_tiyin", INTEGER),
        sa.Column("account", TEXT),
        sa.Column("customer", TEXT),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("receipt_id", TEXT),
        sa.Column("attempt", INTEGER, nullable=False),
        sa.Column("created_at_ms", INTEGER, nullable=False),
        version_column(),
    ),
    record=TokenRow,
)

CODES: Final = Table(
    schema=define(
        "card_codes",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("code_hash", TEXT, nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("used", INTEGER, nullable=False),
        sa.Column("expires_at_ms", INTEGER, nullable=False),
        sa.Column("again_at_ms", INTEGER, nullable=False),
        version_column(),
    ),
    record=CodeRow,
)

COUNTS: Final = Table(
    schema=define(
        "counts",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("count", INTEGER, nullable=False),
        sa.Column("until_ms", INTEGER, nullable=False),
        version_column(),
        sa.Index("counts_by_end", "until_ms"),
    ),
    record=CountRow,
    forgets_by="until_ms",
)


def card_place(card_id: str) -> str:
    """Name the vault's place of a card's number."""
    return f"card:{card_id}"
