"""The fiscal receipt beside a payer's receipt: what the tax service answered, or that it has yet to answer.

Only an address of the documented shape at the tax service's own host becomes a link and a QR code: the data
may come from a merchant.

Documentation: merchant-api/SetFiscalData, subscribe-api/receipts.set_fiscal_data
"""

import datetime as dt
import re
from typing import Final, Literal

import msgspec

from tiyin.gateway.fiscal.receipts import OfReceipt
from tiyin.gateway.fiscal.records import MERCHANT, FiscalReceipt, data_of
from tiyin.gateway.receipts.records import FISCAL_CANCEL, FISCAL_PERFORM, Receipt
from tiyin.gateway.receipts.states import CANCELLED, PAID
from tiyin.protocol.fiscal import FiscalData, read_qr_code_url
from tiyin.protocol.values import Language
from tiyin.runtime.tashkent import TASHKENT
from tiyin.web.words import format_when

__all__ = ["LATE_MS", "FiscalView", "Standing", "fiscal_views"]

LATE_MS: Final = 3_600_000
"""After how long a fiscal receipt that is still due is called late, milliseconds."""

Standing = Literal["registered", "due", "late", "refused"]
"""How a fiscal receipt stands: registered, due within minutes, unusually late, refused by the tax service."""

_DATE_DIGITS: Final = 14
_ADDRESS: Final = re.compile(r"https://[!-~]{1,300}")


class FiscalView(msgspec.Struct, frozen=True, kw_only=True):
    """A fiscal receipt as a payer reads it.

    Args:
        of: "sale" or "refund".
        standing: How it stands; what follows is told only of a registered one, and may be empty.
        number: Its number in the virtual cash register.
        terminal: The virtual cash register.
        sign: The fiscal sign.
        date: When it was registered, as text in Tashkent's time.
        link: Where the tax service shows it.
    """

    of: Literal["sale", "refund"]
    standing: Standing
    number: str = ""
    terminal: str = ""
    sign: str = ""
    date: str = ""
    link: str = ""


def fiscal_views(
    receipt: Receipt, fiscal: OfReceipt, now_ms: int, language: Language
) -> tuple[FiscalView, ...]:
    """Tell which fiscal receipts a receipt has or will have.

    Args:
        receipt: The receipt.
        fiscal: What is stored of its fiscal receipts.
        now_ms: The present moment, milliseconds.
        language: The reader's language.

    Returns:
        That of the sale, then that of the refund; nothing of one that nobody is going to register.
    """
    found = []
    if receipt.state in {PAID, CANCELLED} and receipt.pay_time_ms:
        due = bool(receipt.fiscal_due & FISCAL_PERFORM)
        found.append(_view("sale", fiscal.perform, now_ms - receipt.pay_time_ms if due else None, language))
    if receipt.state == CANCELLED and receipt.pay_time_ms:
        # Whoever registered the sale registers its refund: of a merchant's own nobody else can say when.
        own = fiscal.perform is not None and fiscal.perform.source == MERCHANT
        due = bool(receipt.fiscal_due & FISCAL_CANCEL) and not own
        found.append(
            _view("refund", fiscal.cancel, now_ms - receipt.cancel_time_ms if due else None, language)
        )
    return tuple(view for view in found if view is not None)


def _view(
    of: Literal["sale", "refund"], stored: FiscalReceipt | None, due_for_ms: int | None, language: Language
) -> FiscalView | None:
    if stored is None:
        if due_for_ms is None:
            return None
        return FiscalView(of=of, standing="late" if due_for_ms >= LATE_MS else "due")
    data = data_of(stored)
    if data.status_code != 0:
        return FiscalView(of=of, standing="refused")
    return _registered(of, data, language)


def _registered(of: Literal["sale", "refund"], data: FiscalData, language: Language) -> FiscalView:
    url = data.qr_code_url
    code = read_qr_code_url(url) if _ADDRESS.fullmatch(url) else None
    date = data.date or ("" if code is None else code.date)
    return FiscalView(
        of=of,
        standing="registered",
        number=str(data.receipt_id),
        terminal=_short(data.terminal_id or ("" if code is None else code.terminal_id)),
        sign=str(data.fiscal_sign or ("" if code is None else code.fiscal_sign)),
        date=_when(date, language),
        link="" if code is None else url,
    )


def _when(date: str, language: Language) -> str:
    """Write the tax service's YYYYMMDDhhmmss as our own moments are written; another form as it is."""
    if len(date) != _DATE_DIGITS or not (date.isascii() and date.isdigit()):
        return _short(date)
    try:
        moment = dt.datetime.strptime(date, "%Y%m%d%H%M%S").replace(tzinfo=TASHKENT)
    except ValueError:
        return date
    return format_when(round(moment.timestamp()) * 1000, language)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 64 else line[:63] + "…"
