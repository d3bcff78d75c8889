"""One order as a file has it: the names of its columns, its amounts, states and times."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from tiyin.merchant.reconcile.rows import OrderState, ShopOrder
from tiyin.merchant.sums import tiyin_from_sums
from tiyin.protocol.values import TIMESTAMP_MS_MAX

__all__ = ["BadValue", "check_names", "read_order"]

_TASHKENT: Final = timezone(timedelta(hours=5))
_DAY_FIRST: Final = re.compile(
    r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(?:[ ,T]+([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?))?"
)
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_DAY_ONLY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZERO: Final = re.compile(r"0+(?:[.,]0{1,2})?")
_MILLISECONDS_MIN: Final = 10**11

_NAMES: Final = {
    "order": ("order", "order_id", "заказ", "номер заказа", "buyurtma", "buyurtma raqami"),
    "amount_tiyin": ("amount_tiyin", "сумма в тийинах", "сумма, тийин", "summa, tiyin"),
    "amount_sum": ("amount_sum", "amount_sums", "сумма, сум", "сумма в сумах", "summa, soʻm", "summa, so'm"),
    "state": ("state", "status", "статус", "состояние", "holat", "holati"),
    "paid_at": ("paid_at", "paid_at_ms", "оплачен", "дата оплаты", "toʻlangan", "to'langan vaqti"),
    "refunded_at": ("refunded_at", "refunded_at_ms", "возвращён", "дата возврата", "qaytarilgan"),
    "one_time": ("one_time", "разовый", "bir martalik"),
}
_COLUMNS: Final = {name: column for column, names in _NAMES.items() for name in names}
_STATES: Final = {
    **{state.value: state for state in OrderState},
    **dict.fromkeys(("new", "unpaid", "ждёт", "ждет", "новый", "не оплачен", "kutmoqda"), OrderState.WAITING),
    **dict.fromkeys(("оплачен", "оплачено", "toʻlangan", "to'langan"), OrderState.PAID),
    **dict.fromkeys(("canceled", "отменён", "отменен", "отменено", "bekor qilingan"), OrderState.CANCELLED),
    **dict.fromkeys(("возвращён", "возвращен", "возврат", "возвращено", "qaytarilgan"), OrderState.REFUNDED),
}
_YES_OR_NO: Final = {
    **dict.fromkeys(("1", "true", "yes", "да", "ha"), True),
    **dict.fromkeys(("0", "false", "no", "нет", "yoʻq", "yo'q"), False),
}


class BadValue(ValueError):
    """A value that cannot be understood.

    Args:
        problem: What is wrong, without the value itself.
        place: Where in the file, if the caller does not know it better.
    """

    def __init__(self, problem: str, *, place: str = "") -> None:
        super().__init__(problem)
        self.place = place


def check_names(names: Sequence[str]) -> list[str]:
    """Read the names of a table's columns; other columns than the known ones are left alone.

    Args:
        names: As they stand in the first line.

    Returns:
        The names that `read_order` knows, in their places.

    Raises:
        BadValue: If one that is needed is missing, or one is there twice.
    """
    read = [_column(name) for name in names]
    known = [name for name in read if name in _NAMES]
    twice = next((name for name in known if known.count(name) > 1), None)
    if twice is not None:
        raise BadValue(f"there are two columns for {twice}", place="line 1")
    for name in ("order", "state"):
        if name not in known:
            raise BadValue(f"a column is missing: {name}", place="line 1")
    if ("amount_tiyin" in known) == ("amount_sum" in known):
        raise BadValue(
            "name the column of amounts amount_tiyin or amount_sum, whichever they are in", place="line 1"
        )
    return read


def read_order(row: Mapping[str, Any]) -> ShopOrder:
    """Read an order.

    Args:
        row: By names: `order`; `amount_tiyin`, or `amount_sum`; `state`; `paid_at` and `refunded_at`, as
            `2026-11-24 18:30`, `24.11.2026 18:30` (Tashkent unless they say another zone) or milliseconds,
            where a day alone means its noon; `one_time`, yes or no.

    Raises:
        BadValue: Saying which value cannot be understood.
    """
    values = {_column(str(name)): value for name, value in row.items()}
    order = values.get("order")
    if isinstance(order, bool) or not isinstance(order, str | int) or str(order).strip() == "":
        raise BadValue("order: is missing")
    state = _STATES.get(str(values.get("state", "")).strip().lower())
    if state is None:
        raise BadValue("state: must be waiting, paid, cancelled or refunded")
    try:
        return ShopOrder(
            order=str(order).strip(),
            amount_tiyin=_amount(values),
            state=state,
            paid_at_ms=_moment(values, "paid_at"),
            refunded_at_ms=_moment(values, "refunded_at"),
            one_time=_one_time(values.get("one_time")),
        )
    except BadValue:
        raise
    except (TypeError, ValueError) as error:
        raise BadValue(str(error)) from None


def _column(name: str) -> str:
    name = " ".join(name.replace("\ufeff", "").lower().split())
    return _COLUMNS.get(name, name)


def _amount(values: Mapping[str, Any]) -> int:
    if values.get("amount_tiyin") not in (None, ""):
        tiyin = values["amount_tiyin"]
        if isinstance(tiyin, str) and _DIGITS.fullmatch(tiyin.strip()):
            tiyin = int(tiyin)
        if isinstance(tiyin, bool) or not isinstance(tiyin, int):
            raise BadValue("amount_tiyin: must be a whole number of tiyin, such as 500000")
        return tiyin
    sums = values.get("amount_sum")
    if sums in (None, ""):
        raise BadValue("amount_tiyin or amount_sum: is missing")
    try:
        if isinstance(sums, str) and _ZERO.fullmatch(sums.strip()):
            return 0
        return 0 if sums == 0 and type(sums) is int else tiyin_from_sums(sums)
    except (TypeError, ValueError) as error:
        raise BadValue(f"amount_sum: {error}") from None


def _moment(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if value is None or value in ("", "0") or value == 0:
        return 0
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if type(value) is int:
        if _MILLISECONDS_MIN <= value <= TIMESTAMP_MS_MAX:
            return value
        raise BadValue(f"{name}: a number is milliseconds since 1970, of 12 or 13 digits")
    if isinstance(value, str):
        moment = _read_moment(value.strip())
        if moment is not None:
            return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
    raise BadValue(f"{name}: must be a time such as 2026-11-24 18:30 or 24.11.2026 18:30")


def _read_moment(text: str) -> datetime | None:
    match = _DAY_FIRST.fullmatch(text)
    if match is not None:
        day, month, year, time = match.groups()
        text = f"{year}-{month:0>2}-{day:0>2}"
        if time is not None:
            hour, _, rest = time.partition(":")
            text += f"T{hour:0>2}:{rest}"
    if _DAY_ONLY.fullmatch(text):
        text += "T12:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=_TASHKENT)


def _one_time(value: Any) -> bool:
    if value is None or value == "":
        return True
    known = value if isinstance(value, bool) else _YES_OR_NO.get(str(value).strip().lower())
    if known is None:
        raise BadValue("one_time: must be yes or no")
    return known
