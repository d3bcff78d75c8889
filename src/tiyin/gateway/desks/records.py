"""What is stored of businesses and cash desks, and the cash desk as the rest of the gateway sees it."""

from enum import StrEnum
from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.metadata import metadata
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import Text
from tiyin.storage.schema import BYTES, INTEGER, TEXT, define, version_column
from tiyin.storage.tables import Table

__all__ = [
    "BUSINESSES",
    "DESKS",
    "AccountField",
    "Business",
    "BusinessRow",
    "Desk",
    "DeskKeys",
    "DeskKind",
    "DeskRow",
    "Epos",
    "desk_of",
    "key_place",
]


class DeskKind(StrEnum):
    """How a cash desk takes payments.

    Documentation: introduction (kinds of desks), subscribe-api/overview (the virtual terminal), telegram-bot
    """

    BILLING = "billing"
    """The merchant's server is asked through the Merchant API."""
    NO_BILLING = "no-billing"
    """No server is asked; the payer types the account."""
    ON_SITE = "on-site"
    """Payments at a counter."""
    VIRTUAL_TERMINAL = "virtual-terminal"
    """Receipts made through the Subscribe API, with any account, and no server to ask."""
    TELEGRAM = "telegram"
    """Bound to a bot."""


class AccountField(msgspec.Struct, frozen=True):
    """One field of a desk's account.

    Args:
        name: As the Merchant API has it, for example ``order_id``.
        title: What the payer reads.
        main: Whether this field stands for the order in lists; exactly one field of a desk does.
    """

    name: str
    title: Text
    main: bool = False


class Epos(msgspec.Struct, frozen=True):
    """The desk's numbers at the acquirer, as receipts show them.

    Args:
        merchant_id: For example ``106600000050000``; empty when there is none.
        terminal_id: For example ``20660000``; empty when there is none.
    """

    merchant_id: str = ""
    terminal_id: str = ""


class BusinessRow(msgspec.Struct, frozen=True):
    """A stored business."""

    id: str
    name: str
    organization: str
    active: int
    created_at_ms: int
    version: int = 1


class DeskRow(msgspec.Struct, frozen=True):
    """A stored cash desk; its keys are sealed."""

    id: str
    business_id: str
    name: str
    kind: str
    endpoint: str | None
    account_fields: str
    amount_tiyin_min: int
    amount_tiyin_max: int
    round_up: int
    holds: int
    active: int
    alias: str | None
    logo: str | None
    address: str
    category: str
    epos: str
    domains: str
    commission_basis_points: int
    key_sealed: bytes
    test_key_sealed: bytes
    created_at_ms: int
    version: int = 1

    def __repr__(self) -> str:
        return f"DeskRow(id={self.id!r}, kind={self.kind!r}, version={self.version})"

    __rich_repr__ = rich_repr


class Business(msgspec.Struct, frozen=True, kw_only=True):
    """Who owns cash desks and is paid.

    Args:
        id: 24 hexadecimal characters.
        name: What payers know it by.
        organization: The legal entity, as receipts show it.
        active: A blocked business takes no new payments on any desk.
        created_at_ms: When it was made, milliseconds since 1970.
    """

    id: str
    name: str
    organization: str
    active: bool = True
    created_at_ms: int


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """A cash desk (a "merchant" in the protocol's words), without its keys.

    Args:
        id: 24 hexadecimal characters; the protocol's cash desk id.
        business_id: Whose it is.
        name: What payers read.
        organization: The business's legal entity.
        kind: How it takes payments.
        endpoint: The merchant's Merchant API address; None where no server is asked.
        account_fields: Its account's fields; empty means that any field is taken.
        amount_tiyin_min: The smallest payment, tiyin.
        amount_tiyin_max: The largest payment, tiyin.
        round_up: Whether a payer's amount is rounded up to whole sums.
        holds: Whether it may hold money on cards.
        active: Whether new payments are taken (the desk's and the business's own flag together).
        test: Whether this gateway runs with test cards, so that merchants are called with the test key.
        alias: A short name for addresses, or None.
        logo: The logo's address, or None.
        address: The postal address, as receipts show it; may be empty.
        category: What the business does, as receipts show it.
        epos: Its numbers at the acquirer.
        domains: Whose pages may call ``cards.*`` from a browser; see `tiyin.gateway.desks.origins`.
        commission_basis_points: The gateway's commission; 100 is one per cent.
        created_at_ms: When it was made, milliseconds since 1970.

    Documentation: setup, subscribe-api/receipts.create (`merchant`)
    """

    id: str
    business_id: str
    name: str
    organization: str
    kind: DeskKind
    endpoint: str | None
    account_fields: tuple[AccountField, ...]
    amount_tiyin_min: int
    amount_tiyin_max: int
    round_up: bool
    holds: bool
    active: bool
    test: bool
    alias: str | None
    logo: str | None
    address: str
    category: Text
    epos: Epos
    domains: tuple[str, ...]
    commission_basis_points: int
    created_at_ms: int


class DeskKeys(msgspec.Struct, frozen=True):
    """A desk's two keys.

    Args:
        key: The key of real payments.
        test_key: The key of test payments.

    Documentation: cabinet/cash-desk-key
    """

    key: str
    test_key: str

    def __repr__(self) -> str:
        return "DeskKeys([hidden])"

    __rich_repr__ = rich_repr


BUSINESSES: Final = Table(
    schema=define(
        "businesses",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("organization", TEXT, nullable=False),
        sa.Column("active", INTEGER, nullable=False),
        sa.Column("created_at_ms", INTEGER, nullable=False),
        version_column(),
    ),
    record=BusinessRow,
)

DESKS: Final = Table(
    schema=define(
        "desks",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("business_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("endpoint", TEXT),
        sa.Column("account_fields", TEXT, nullable=False),
        sa.Column("amount_tiyin_min", INTEGER, nullable=False),
        sa.Column("amount_tiyin_max", INTEGER, nullable=False),
        sa.Column("round_up", INTEGER, nullable=False),
        sa.Column("holds", INTEGER, nullable=False),
        sa.Column("active", INTEGER, nullable=False),
        sa.Column("alias", TEXT),
        sa.Column("logo", TEXT),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("epos", TEXT, nullable=False),
        sa.Column("domains", TEXT, nullable=False),
        sa.Column("commission_basis_points", INTEGER, nullable=False),
        sa.Column("key_sealed", BYTES, nullable=False),
        sa.Column("test_key_sealed", BYTES, nullable=False),
        sa.Column("created_at_ms", INTEGER, nullable=False),
        version_column(),
        sa.Index("desks_by_business", "business_id"),
        # Absent aliases are NULL, which no database counts as equal to another NULL.
        sa.Index("desks_by_alias", "alias", unique=True),
    ),
    record=DeskRow,
)


def key_place(desk_id: str, *, test: bool) -> str:
    """Name the vault's place of a desk's key, so that no sealed key can be moved to another desk."""
    return f"desk:{desk_id}:{'test_key' if test else 'key'}"


def desk_of(row: DeskRow, business: BusinessRow, *, test: bool) -> Desk:
    """Put a stored desk and its business together.

    Args:
        row: The desk.
        business: Its business.
        test: Whether this gateway runs with test cards.
    """
    return Desk(
        id=row.id,
        business_id=row.business_id,
        name=row.name,
        organization=business.organization,
        kind=DeskKind(row.kind),
        endpoint=row.endpoint,
        account_fields=msgspec.json.decode(row.account_fields, type=tuple[AccountField, ...]),
        amount_tiyin_min=row.amount_tiyin_min,
        amount_tiyin_max=row.amount_tiyin_max,
        round_up=bool(row.round_up),
        holds=bool(row.holds),
        active=bool(row.active and business.active),
        test=test,
        alias=row.alias,
        logo=row.logo,
        address=row.address,
        category=msgspec.json.decode(row.category, type=Text),
        epos=msgspec.json.decode(row.epos, type=Epos),
        domains=msgspec.json.decode(row.domains, type=tuple[str, ...]),
        commission_basis_points=row.commission_basis_points,
        created_at_ms=row.created_at_ms,
    )
