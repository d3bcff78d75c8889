"""Receipts in every state that a payer may look at, and what their PDFs say."""

import io
from typing import Any

import msgspec
from pypdf import PdfReader

from helpers_checkout import DESK, FakeGateway
from tiyin.gateway.fiscal.records import (
    FISCAL_RECEIPTS,
    PERFORM,
    REGISTRAR,
    FiscalReceipt,
    Kind,
    fiscal_key,
    write_data,
)
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.gateway.receipts.states import CANCELLED, HELD, PAID
from tiyin.protocol.fiscal import FiscalData
from tiyin.storage import Decision

__all__ = ["AT_MS", "FISCAL_URL", "MASK", "fiscal_of", "item", "keep", "pdf_text", "receipt_of"]

AT_MS = 1_718_000_000_000  # 10.06.2024, 11:13 in Tashkent
MASK = "860006******6311"
FISCAL_URL = "https://ofd.soliq.uz/epi?t=EP000000000356&r=414622483&c=20240610160048&s=168355950146"
_TIMES: dict[int, dict[str, Any]] = {
    PAID: {"pay_time_ms": AT_MS},
    HELD: {"held_ms": AT_MS, "held": 1, "hold": 1},
    CANCELLED: {"pay_time_ms": AT_MS, "cancel_time_ms": AT_MS + 3_600_000},
}


def item(title: str = "Шафран", **changes: Any) -> dict[str, Any]:
    """Return one of the goods."""
    goods = {
        "title": title,
        "price": 200_000,
        "count": 2,
        "code": "00702001001000001",
        "package_code": "123456",
        "vat_percent": 12,
    }
    return {**goods, **changes}


def receipt_of(
    state: int = PAID, receipt_id: str = "2e0b1bc1f1eb50d487ba268d", detail: Any = None, **changes: Any
) -> Receipt:
    """Return a stored receipt of 5 000 sums."""
    receipt = Receipt(
        id=receipt_id,
        number=80,
        desk_id=DESK.id,
        route="billing",
        amount_tiyin=500_000,
        account='{"order_id":"197","phone":"998901234567"}',
        account_key="",
        created_ms=AT_MS - 60_000,
        state=state,
        card_mask=MASK,
        attempt=1,
        reference="1",
        detail=None if detail is None else msgspec.json.encode(detail).decode(),
        **_TIMES.get(state, {}),
    )
    return msgspec.structs.replace(receipt, **changes)


def fiscal_of(
    receipt: Receipt, kind: Kind = PERFORM, source: str = REGISTRAR, **changes: Any
) -> FiscalReceipt:
    """Return a fiscal receipt of a receipt."""
    told: dict[str, Any] = {
        "receipt_id": 414622483,
        "qr_code_url": FISCAL_URL,
        "terminal_id": "EP000000000356",
        "fiscal_sign": "168355950146",
        "date": "20240610160048",
    }
    data = FiscalData(**{**told, **changes})
    return FiscalReceipt(
        id=fiscal_key(receipt.id, kind),
        receipt_id=receipt.id,
        kind=kind,
        data=write_data(data),
        source=source,
        at_ms=AT_MS,
    )


async def keep(gateway: FakeGateway, receipt: Receipt, *fiscal: FiscalReceipt) -> Receipt:
    """Store a receipt with its fiscal receipts."""
    await gateway.store.change(RECEIPTS, receipt.id, lambda _: Decision(receipt, receipt))
    for one in fiscal:
        await _keep_fiscal(gateway, one)
    return receipt


async def _keep_fiscal(gateway: FakeGateway, fiscal: FiscalReceipt) -> None:
    await gateway.store.change(FISCAL_RECEIPTS, fiscal.id, lambda _: Decision(None, fiscal))


def pdf_text(content: bytes) -> str:
    """Return what can be selected in a PDF, in one line."""
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)
