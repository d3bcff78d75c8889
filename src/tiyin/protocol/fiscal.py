"""Fiscal data: the goods of a payment as the tax service wants them, and what it answers.

Documentation: merchant-api/CheckPerformTransaction, subscribe-api/receipts.create, merchant-api/SetFiscalData
"""

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from tiyin.protocol.params import Digits, Whole, WholeOrDigits, read_python, set_field, set_whole
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, FieldError, check_clean, read_whole_number

__all__ = [
    "ITEMS_MAX",
    "QR_CODE_ADDRESS",
    "Detail",
    "Discount",
    "FiscalData",
    "Item",
    "QrCode",
    "Shipping",
    "detail_warnings",
    "read_detail",
    "read_qr_code_url",
    "vat_included_tiyin",
    "write_qr_code_url",
]

ITEMS_MAX: Final = 1000
TITLE_LENGTH_MAX: Final = 512
COUNT_MAX: Final = 10**9
QR_CODE_ADDRESS: Final = "https://ofd.soliq.uz/epi"
_QR_CODE_HOST: Final = "ofd.soliq.uz"
_QR_CODE_PATHS: Final = ("/epi", "/check")
_TEXT_LENGTH_MAX: Final = 2048
_RECEIPT_ID_DIGITS_MAX: Final = 18
_VAT_RATES_TODAY: Final = (0, 12)
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_UP)

_IKPU = re.compile(r"[0-9]{17}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_SIGN = re.compile(r"[0-9]{1,20}")
_DATE = re.compile(r"[0-9]{14}")
_TERMINAL = re.compile(r"[A-Za-z0-9]{1,32}")


class Discount(msgspec.Struct, frozen=True):
    """A discount with a name, as the answer of receipts.create shows it.

    Args:
        title: its name.
        price: how much is taken off, in tiyin.
    """

    title: str
    price: Whole

    def __post_init__(self) -> None:
        set_field(self, "title", self.title, _read_title)
        set_field(self, "price", self.price, _read_price)


class Shipping(msgspec.Struct, frozen=True):
    """The delivery.

    Args:
        title: where and how.
        price: in tiyin.
    """

    title: str
    price: Whole

    def __post_init__(self) -> None:
        set_field(self, "title", self.title, _read_title)
        set_field(self, "price", self.price, _read_price)


class Item(msgspec.Struct, frozen=True):
    """One position of a fiscal receipt.

    Args:
        title: the name of the goods.
        price: of one unit, in tiyin.
        count: how many units; a fraction for goods that are weighed.
        code: the IKPU (MXIK), 17 digits.
        package_code: the code of the packaging, digits.
        vat_percent: the VAT rate, 0 to 100.
        units: the code of the unit of measure.
        discount: taken off the whole position, in tiyin.
    """

    title: str
    price: Whole
    count: int | float
    code: str
    package_code: Digits
    vat_percent: int | float
    units: Whole | None = None
    discount: Whole | Discount | None = None

    def __post_init__(self) -> None:
        set_field(self, "title", self.title, _read_title)
        set_field(self, "price", self.price, _read_price)
        set_field(self, "count", self.count, _read_count)
        set_field(self, "code", self.code, _read_ikpu)
        set_field(self, "package_code", self.package_code, _read_package_code)
        set_field(self, "vat_percent", self.vat_percent, _read_vat_percent)
        if self.units is not None:
            set_whole(self, "units", self.units)
        _set_discount(self, self.discount)

    @property
    def total_tiyin(self) -> int:
        """What the whole position costs after its discount, in tiyin; a weighed one is rounded half up."""
        return _cost_tiyin(self.price, self.count) - _discount_tiyin(self.discount)


class Detail(msgspec.Struct, frozen=True):
    """The goods of one payment.

    Args:
        items: the positions.
        receipt_type: 0 for sale and return.
        shipping: the delivery, where there is one.
        discount: taken off the whole payment.
    """

    items: list[Item] = []
    receipt_type: Whole = 0
    shipping: Shipping | None = None
    discount: Whole | Discount | None = None

    def __post_init__(self) -> None:
        if len(self.items) > ITEMS_MAX:
            raise FieldError("items", f"must be at most {ITEMS_MAX}")
        set_whole(self, "receipt_type", self.receipt_type)
        _set_discount(self, self.discount)

    @property
    def total_tiyin(self) -> int:
        """What everything costs together, in tiyin."""
        shipping_tiyin = 0 if self.shipping is None else self.shipping.price
        return sum(item.total_tiyin for item in self.items) + shipping_tiyin - _discount_tiyin(self.discount)


class FiscalData(msgspec.Struct, frozen=True):
    """What the tax service answered about one receipt.

    Args:
        receipt_id: the payment's number in the virtual cash register; an integer, or digits.
        qr_code_url: where anyone can look the receipt up.
        status_code: 0 for accepted.
        message: what went wrong, where something did.
        terminal_id: the virtual cash register.
        fiscal_sign: the receipt's sign, digits.
        date: when it was registered, YYYYMMDDhhmmss.

    Documentation: merchant-api/SetFiscalData, subscribe-api/receipts.set_fiscal_data
    """

    receipt_id: WholeOrDigits
    qr_code_url: str
    status_code: Whole = 0
    message: str | None = None
    terminal_id: str | None = None
    fiscal_sign: Digits | None = None
    date: str | None = None

    def __post_init__(self) -> None:
        set_field(self, "receipt_id", self.receipt_id, _read_receipt_id)
        set_field(self, "qr_code_url", self.qr_code_url, _read_text)
        set_whole(self, "status_code", self.status_code)
        for name in ("message", "terminal_id", "date"):
            value = getattr(self, name)
            if value is not None:
                set_field(self, name, value, _read_text)
        if self.fiscal_sign is not None:
            set_field(self, "fiscal_sign", self.fiscal_sign, _read_sign)


def _read_title(value: str) -> str:
    if not 0 < len(value) <= TITLE_LENGTH_MAX:
        raise ValueError(f"must have 1 to {TITLE_LENGTH_MAX} characters")
    return value


def _read_text(value: str) -> str:
    if len(value) > _TEXT_LENGTH_MAX:
        raise ValueError(f"must have at most {_TEXT_LENGTH_MAX} characters")
    return value


def _read_price(value: object) -> int:
    price_tiyin = read_whole_number(value)
    if not 0 <= price_tiyin <= AMOUNT_TIYIN_MAX:
        raise ValueError(f"must be from 0 to {AMOUNT_TIYIN_MAX} tiyin")
    return price_tiyin


def _read_count(value: float) -> float:
    if not 0 < value <= COUNT_MAX:
        raise ValueError(f"must be above 0 and at most {COUNT_MAX}")
    return value


def _read_vat_percent(value: float) -> float:
    if not 0 <= value <= 100:
        raise ValueError("must be from 0 to 100")
    return value


def _read_ikpu(value: str) -> str:
    if _IKPU.fullmatch(value) is None:
        raise ValueError("must be the 17 digits of an IKPU")
    return value


def _read_package_code(value: str | int) -> str:
    text = str(value)
    if _DIGITS.fullmatch(text) is None:
        raise ValueError("must be digits")
    return text


def _read_receipt_id(value: object) -> int:
    if isinstance(value, str):
        if value.isascii() and value.isdigit() and len(value) <= _RECEIPT_ID_DIGITS_MAX:
            return int(value)
        raise ValueError("must be an integer or digits")
    number = read_whole_number(value)
    if not 0 <= number < 10**_RECEIPT_ID_DIGITS_MAX:
        raise ValueError(f"must have at most {_RECEIPT_ID_DIGITS_MAX} digits")
    return number


def _read_sign(value: str | int) -> str:
    text = str(value)
    if text and _SIGN.fullmatch(text) is None:
        raise ValueError("must be digits")
    return text


def _set_discount(struct: Item | Detail, discount: int | Discount | None) -> None:
    if discount is not None and not isinstance(discount, Discount):
        set_field(struct, "discount", discount, _read_price)


def _cost_tiyin(price_tiyin: int, count: float) -> int:
    """Multiply exactly: a weight of 0.29 is the decimal that was written, not the float next to it."""
    if isinstance(count, int):
        return price_tiyin * count
    return int(_EXACT.quantize(_EXACT.multiply(Decimal(price_tiyin), Decimal(repr(count))), Decimal(1)))


def _discount_tiyin(discount: int | Discount | None) -> int:
    if discount is None:
        return 0
    return discount.price if isinstance(discount, Discount) else discount


def read_detail(value: object) -> Detail:
    """Read the goods of a payment.

    Args:
        value: the decoded JSON object. Keep it: it is echoed exactly as it was given.

    Returns:
        The goods. `detail_warnings` says what looks wrong without being forbidden.

    Raises:
        FieldError: naming the field, such as `items[0].code`.

    Documentation: subscribe-api/receipts.create, checkout/post-form
    """
    detail = read_python(Detail, value)
    check_clean(value)
    return detail


def detail_warnings(detail: Detail, amount_tiyin: int) -> list[str]:
    """List what looks wrong in the goods but is let through, as the documentation's own sample is.

    Args:
        detail: the goods.
        amount_tiyin: what is paid for them.

    Returns:
        English sentences for the developer; empty when nothing looks wrong.
    """
    warnings: list[str] = []
    if not detail.items:
        warnings.append("detail has no items: the receipt cannot be fiscalized")
    if detail.receipt_type != 0:
        warnings.append(f"receipt_type {detail.receipt_type} is not documented, only 0 is")
    if detail.total_tiyin != amount_tiyin:
        warnings.append(f"the items come to {detail.total_tiyin} tiyin, but {amount_tiyin} tiyin are paid")
    warnings.extend(
        f"items[{index}]: a VAT rate of {item.vat_percent}% is not in force, 0 and 12 are"
        for index, item in enumerate(detail.items)
        if item.vat_percent not in _VAT_RATES_TODAY
    )
    warnings.extend(
        f"items[{index}]: the discount is larger than the price"
        for index, item in enumerate(detail.items)
        if item.total_tiyin < 0
    )
    return warnings


def vat_included_tiyin(price_tiyin: int, vat_percent: int) -> int:
    """Return the VAT that a price includes, in tiyin, rounded half up: price * rate / (100 + rate)."""
    numerator, denominator = price_tiyin * vat_percent, 100 + vat_percent
    return (2 * numerator + denominator) // (2 * denominator)


class QrCode(msgspec.Struct, frozen=True):
    """What the address in a fiscal receipt's QR code says.

    Args:
        terminal_id: the virtual cash register.
        receipt_id: the receipt's number.
        date: YYYYMMDDhhmmss.
        fiscal_sign: the receipt's sign, digits.
    """

    terminal_id: str
    receipt_id: int
    date: str
    fiscal_sign: str


def write_qr_code_url(code: QrCode, address: str = QR_CODE_ADDRESS) -> str:
    """Write the address at which the tax service shows a receipt."""
    query = {"t": code.terminal_id, "r": code.receipt_id, "c": code.date, "s": code.fiscal_sign}
    return f"{address}?{urlencode(query)}"


def read_qr_code_url(url: str) -> QrCode | None:
    """Read such an address; None when it is another one, or malformed."""
    if len(url) > _TEXT_LENGTH_MAX:
        return None
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=True, max_num_fields=16)
    except ValueError:
        return None
    if (
        parts.scheme not in ("http", "https")
        or parts.netloc != _QR_CODE_HOST
        or parts.path not in _QR_CODE_PATHS
    ):
        return None
    shapes: dict[str, re.Pattern[str]] = {"t": _TERMINAL, "r": _DIGITS, "c": _DATE, "s": _SIGN}
    values: dict[str, Any] = {}
    for name, shape in shapes.items():
        found = query.get(name, [])
        if len(found) != 1 or shape.fullmatch(found[0]) is None:
            return None
        values[name] = found[0]
    return QrCode(
        terminal_id=values["t"], receipt_id=int(values["r"]), date=values["c"], fiscal_sign=values["s"]
    )
