"""Reading of answers: leniently, but never at the cost of money.

Servers answer more fields than a client knows, leave out some, write numbers as digits, and may come to know
new states. All of that is read. What is refused is an answer whose id, state or amounts cannot be understood.
Nothing is lost: `Receipt.raw` is the whole receipt as it was answered, with the card's number masked.

Documentation: subscribe-api/methods
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from tiyin.merchant.subscribe.results import (
    AccountRow,
    Card,
    CodeSent,
    Desk,
    Payer,
    Receipt,
    ReceiptCard,
    State,
)
from tiyin.protocol.receipt import ReceiptState
from tiyin.protocol.values import CURRENCY_UZS, mask_card_number, read_text
from tiyin.runtime.redaction import redact

__all__ = [
    "Unreadable",
    "read_card",
    "read_code_sent",
    "read_receipt",
    "read_receipts",
    "read_state",
    "read_success",
]

_DIGITS: Final = re.compile(r"-?[0-9]{1,18}")
_EXACT_MAX: Final = 2**53
_DIGIT: Final = re.compile(r"[0-9]")
_CARD_DIGITS_MIN: Final = 12


class Unreadable(ValueError):
    """An answer, or a part of it, that cannot be understood; the text names the part, never its value."""


def read_card(result: Any) -> Card:
    """Read the answer of cards.create, cards.verify and cards.check.

    Raises:
        Unreadable: Naming what is missing.
    """
    card = _object(_object(result, "result").get("card"), "card")
    token = card.get("token")
    if not isinstance(token, str) or not token:
        raise Unreadable("card.token is missing")
    return Card(
        token=token,
        number=_masked(card.get("number")),
        expire=_text(card.get("expire")),
        recurrent=card.get("recurrent") is True,
        verify=card.get("verify") is True,
    )


def read_code_sent(result: Any) -> CodeSent:
    """Read the answer of cards.get_verify_code.

    Raises:
        Unreadable: Naming what cannot be understood.
    """
    answer = _object(result, "result")
    return CodeSent(
        sent=answer.get("sent") is True,
        phone=_text(answer.get("phone")),
        wait_ms=_whole(answer.get("wait"), "wait", default=0),
    )


def read_success(result: Any) -> bool:
    """Read the answer of cards.remove, receipts.send and receipts.set_fiscal_data.

    Raises:
        Unreadable: When it says neither yes nor no.
    """
    success = _object(result, "result").get("success")
    if not isinstance(success, bool):
        raise Unreadable("success is neither true nor false")
    return success


def read_state(result: Any) -> State:
    """Read the answer of receipts.check.

    Raises:
        Unreadable: When there is no number in it.
    """
    return _state(_object(result, "result").get("state"))


def read_receipt(result: Any) -> Receipt:
    """Read the answer of receipts.create, pay, get, cancel and confirm_hold.

    Raises:
        Unreadable: Naming what cannot be understood.
    """
    return _receipt(_object(result, "result").get("receipt"))


def read_receipts(result: Any) -> list[Receipt]:
    """Read the answer of receipts.get_all: a bare list, or one under `receipts`.

    Raises:
        Unreadable: Naming what cannot be understood.
    """
    listed = result.get("receipts") if isinstance(result, dict) else result
    if not isinstance(listed, list):
        raise Unreadable("the result is no list")
    return [_receipt(item) for item in listed]


def _receipt(value: Any) -> Receipt:
    raw = dict(_object(value, "receipt"))
    receipt_id = raw.get("_id", raw.get("id"))
    if not isinstance(receipt_id, str) or not receipt_id:
        raise Unreadable("receipt._id is missing")
    card = raw.get("card")
    if isinstance(card, dict):
        raw["card"] = card = {**card, "number": _masked(card.get("number"))}
    elif card is not None:
        raw["card"] = card = redact(card)
    desk, meta = _optional_object(raw.get("merchant")), _optional_object(raw.get("meta"))
    payer = _optional_object(desk.get("payer")) or _optional_object(raw.get("payer"))
    kind = raw.get("type")
    return Receipt(
        id=receipt_id,
        state=_state(raw.get("state")),
        amount_tiyin=_whole(raw.get("amount"), "receipt.amount"),
        commission_tiyin=_whole(raw.get("commission"), "receipt.commission", default=0),
        create_time_ms=_whole(raw.get("create_time"), "receipt.create_time", default=0),
        pay_time_ms=_whole(raw.get("pay_time"), "receipt.pay_time", default=0),
        cancel_time_ms=_whole(raw.get("cancel_time"), "receipt.cancel_time", default=0),
        rows=_rows(raw.get("account")),
        description=_text(raw.get("description")),
        detail=raw["detail"] if isinstance(raw.get("detail"), dict) else None,
        currency=_whole(raw.get("currency"), "receipt.currency", default=CURRENCY_UZS),
        type=kind if type(kind) is int else None,
        card=ReceiptCard(number=card["number"], expire=_text(card.get("expire")))
        if isinstance(card, dict)
        else None,
        payer=Payer(phone=_text(payer.get("phone")) or None) if payer else None,
        desk=_desk(desk) if desk else None,
        source=_text(meta.get("source")) or None,
        error=redact(raw.get("error")),
        processing_id=_id_or_none(raw.get("processing_id")),
        raw=raw,
    )


def _desk(value: Mapping[str, Any]) -> Desk:
    epos = _optional_object(value.get("epos"))
    return Desk(
        id=_text(value.get("_id", value.get("id"))),
        name=_text(value.get("name")),
        organization=_text(value.get("organization")),
        business_id=_text(value.get("business_id")) or None,
        merchant_id=_text(epos.get("merchantId")),
        terminal_id=_text(epos.get("terminalId")),
    )


def _rows(value: Any) -> tuple[AccountRow, ...]:
    """Read the account: a list of rows, or, as shops write it, an object."""
    if isinstance(value, dict):
        value = [{"name": name, "value": item} for name, item in value.items()]
    if not isinstance(value, list):
        return ()
    return tuple(
        AccountRow(
            name=row["name"],
            value=item if type(item := row.get("value")) is int else _text(item),
            title=read_text(row.get("title")),
            main=row.get("main") is True,
        )
        for row in value
        if isinstance(row, dict) and isinstance(row.get("name"), str)
    )


def _state(value: Any) -> State:
    number = _whole(value, "state")
    try:
        return ReceiptState(number)
    except ValueError:
        return number


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise Unreadable(f"{name} is {'missing' if value is None else 'no object'}")


def _optional_object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: Any, name: str, *, default: int | None = None) -> int:
    """Read an integer, also written `3500.0` or as digits; with a default, null and nothing are that."""
    if value is None and default is not None:
        return default
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer() and abs(value) < _EXACT_MAX:
        return int(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    raise Unreadable(f"{name} is {'missing' if value is None else 'no whole number'}")


def _id_or_none(value: Any) -> int | str | None:
    return value if type(value) is int or isinstance(value, str) else None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        text = read_text(value)
        return text.ru if text else ""
    return "" if value is None or isinstance(value, list) else str(value)


def _masked(value: Any) -> str:
    """Return a card's number as it may be shown; one that is masked already stays as it is.

    Whatever parts its digits, twelve of them and no star among them are a whole number.
    """
    number = f"{value:.0f}" if isinstance(value, float) and isfinite(value) else _text(value)
    digits = "".join(_DIGIT.findall(number))
    return mask_card_number(digits) if len(digits) >= _CARD_DIGITS_MIN and "*" not in number else number
