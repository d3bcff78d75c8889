"""What is stored of fiscal receipts, and the pure rules of who may write one."""

from typing import Final, Literal, TypeAlias

import msgspec
import sqlalchemy as sa

from tiyin.gateway.metadata import metadata
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.fiscal import FiscalData
from tiyin.protocol.values import Text
from tiyin.storage import INTEGER, TEXT, Decision, Table, define, version_column

__all__ = [
    "CANCEL",
    "FISCAL_RECEIPTS",
    "MERCHANT",
    "PERFORM",
    "REGISTRAR",
    "FiscalReceipt",
    "Kind",
    "data_of",
    "fiscal_key",
    "merchant_tells",
    "registered",
    "told",
    "write_data",
]

Kind: TypeAlias = Literal["PERFORM", "CANCEL"]

PERFORM: Final[Kind] = "PERFORM"
"""The fiscal receipt of a payment."""
CANCEL: Final[Kind] = "CANCEL"
"""That of its refund."""

REGISTRAR: Final = "registrar"
"""The gateway's own registrar made it."""
MERCHANT: Final = "merchant"
"""The merchant made it, and told it by receipts.set_fiscal_data."""

_OTHER_DATA: Final = Text(
    ru="Чек уже зарегистрирован с другими фискальными данными.",
    uz="Chek boshqa fiskal maʼlumotlar bilan roʻyxatdan oʻtkazilgan.",
    en="The receipt is registered with other fiscal data already.",
)


class FiscalReceipt(msgspec.Struct, frozen=True):
    """A fiscal receipt.

    Attributes:
        id: See `fiscal_key`.
        receipt_id: Of which receipt.
        kind: `PERFORM` or `CANCEL`.
        data: What the tax service answered, JSON; see `data_of`.
        source: `REGISTRAR` or `MERCHANT`.
        at_ms: When it was stored.
        told_ms: When the merchant had it, or was given up; 0 before.
        note: What the merchant made of it: a word or a code.
        version: Counted by storage.
    """

    id: str
    receipt_id: str
    kind: Kind
    data: str
    source: str
    at_ms: int
    told_ms: int = 0
    note: str = ""
    version: int = 1


FISCAL_RECEIPTS: Final = Table(
    define(
        "fiscal_receipts",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("receipt_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("at_ms", INTEGER, nullable=False),
        sa.Column("told_ms", INTEGER, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        version_column(),
        grows=True,
    ),
    FiscalReceipt,
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(FiscalData).decode


def fiscal_key(receipt_id: str, kind: Kind) -> str:
    """Name a fiscal receipt: `<receipt>:PERFORM` or `<receipt>:CANCEL`."""
    return f"{receipt_id}:{kind}"


def write_data(data: FiscalData) -> str:
    """Write what the tax service answered, for `FiscalReceipt.data`."""
    return _encode(data).decode()


def data_of(fiscal: FiscalReceipt) -> FiscalData:
    """Read what the tax service answered."""
    return _decode(fiscal.data)


def registered(stored: FiscalReceipt | None, new: FiscalReceipt) -> Decision[FiscalReceipt]:
    """Store what the registrar answered, unless the merchant was faster."""
    return Decision(new, new) if stored is None else Decision(stored)


def told(stored: FiscalReceipt | None, now_ms: int, note: str) -> Decision[None]:
    """Note that the merchant has it, or will not have it."""
    if stored is None or stored.told_ms:
        return Decision(None)
    return Decision(None, msgspec.structs.replace(stored, told_ms=now_ms, note=note))


def merchant_tells(stored: FiscalReceipt | None, new: FiscalReceipt) -> Decision[None]:
    """Store what the merchant tells.

    A registered fiscal receipt is a document and does not change: the same data again is a success and writes
    nothing, other data is refused. Only what the tax service had not accepted gives way to a later try.

    Args:
        stored: What is stored already.
        new: What the merchant tells.

    Raises:
        RpcError: -31610 with data `fiscal_data`.

    Documentation: subscribe-api/receipts.set_fiscal_data
    """
    if stored is None:
        return Decision(None, new)
    if stored.data == new.data:
        return Decision(None)
    if stored.source == MERCHANT and data_of(stored).status_code != 0:
        return Decision(None, new)
    raise RpcError(SubscribeCode.WRONG_FIELD, _OTHER_DATA, data="fiscal_data")
