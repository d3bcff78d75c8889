"""Every method of the Subscribe API as a request to be sent: pure, and one place for both clients.

Documentation: subscribe-api/methods, subscribe-api/holds
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, Generic, TypeVar

import msgspec

from tiyin.merchant.subscribe import reading
from tiyin.merchant.subscribe.results import Card, CodeSent, Receipt, State
from tiyin.protocol.fiscal import FiscalData
from tiyin.protocol.params import read_python
from tiyin.protocol.subscribe_api import (
    COUNT_MAX,
    CardsCheckParams,
    CardsCreateParams,
    CardsGetVerifyCodeParams,
    CardsRemoveParams,
    CardsVerifyParams,
    PayerParams,
    ReceiptsCancelParams,
    ReceiptsCheckParams,
    ReceiptsConfirmHoldParams,
    ReceiptsCreateParams,
    ReceiptsGetAllParams,
    ReceiptsGetParams,
    ReceiptsPayParams,
    ReceiptsSendParams,
    ReceiptsSetFiscalDataParams,
)
from tiyin.protocol.values import FieldError, check_clean, read_amount

__all__ = ["Call", "Repeat"]

T = TypeVar("T")

_IDEMPOTENCY_KEY_LENGTH_MAX: Final = 255
_SECRET_LENGTH_MIN: Final = 4
"""A shorter one would blacken half of the words around it."""


class Repeat(Enum):
    """When the same request may be sent again."""

    ALWAYS = "always"
    """It changes nothing, or what it does twice is the same as once."""
    KEYED = "keyed"
    """It carries an Idempotency-Key: a gateway that knows the header answers the first answer again."""
    NOT_SENT = "not sent"
    """Only if it certainly never left."""
    NEVER = "never"
    """Not at all."""


class Call(Generic[T]):
    """One call of one method, whichever client sends it, however many times.

    Args:
        method: The method's name.
        params: Its parameters. They may hold cards and tokens (`secrets`) and are never shown.
        read: Makes the typed result of the answer's `result`; raises `reading.Unreadable`.
        repeat: When it may be sent again.
        changes: Whether it changes something, so that a lost answer leaves a question.
        front: Whether the documentation shows it with the desk's id alone.
        needs_key: Whether the desk's id alone does not open it.
        moves_money: Whether it waits for banks, and gets the longer time.
        idempotency_key: What names this call through all of its repeats.
    """

    __slots__ = (
        "changes",
        "front",
        "idempotency_key",
        "method",
        "moves_money",
        "needs_key",
        "params",
        "read",
        "repeat",
        "secrets",
    )

    def __init__(  # noqa: PLR0913 - what tells one method from another
        self,
        method: str,
        params: msgspec.Struct,
        read: Callable[[Any], T],
        *,
        repeat: Repeat,
        changes: bool = False,
        front: bool = False,
        needs_key: bool = True,
        moves_money: bool = False,
        idempotency_key: str | None = None,
    ) -> None:
        self.method = method
        plain = _plain_params(params)
        self.params = msgspec.json.encode(plain)
        self.secrets = _secrets_in(plain)
        self.read = read
        self.repeat = repeat
        self.changes = changes
        self.front = front
        self.needs_key = needs_key
        self.moves_money = moves_money
        self.idempotency_key = idempotency_key

    def __repr__(self) -> str:
        return f"Call({self.method!r})"


def cards_create(
    number: str,
    expire: str,
    *,
    save: bool,
    amount_tiyin: int | None,
    account: Mapping[str, str | int] | None,
    customer: str | None,
    idempotency_key: str | None,
) -> Call[Card]:
    """Write cards.create."""
    if amount_tiyin is not None:
        _check_amount(amount_tiyin)
    params = read_python(
        CardsCreateParams,
        {
            "card": {"number": number, "expire": expire},
            "save": save,
            "amount": amount_tiyin,
            "account": account,
            "customer": customer,
        },
    )
    return Call(
        "cards.create",
        params,
        reading.read_card,
        repeat=Repeat.KEYED,
        changes=True,
        front=True,
        needs_key=False,
        idempotency_key=_idempotency_key(idempotency_key),
    )


def cards_get_verify_code(token: str) -> Call[CodeSent]:
    """Write cards.get_verify_code: each one may be a paid SMS, so it is not repeated."""
    return Call(
        "cards.get_verify_code",
        read_python(CardsGetVerifyCodeParams, {"token": token}),
        reading.read_code_sent,
        repeat=Repeat.NOT_SENT,
        changes=True,
        front=True,
        needs_key=False,
    )


def cards_verify(token: str, code: str) -> Call[Card]:
    """Write cards.verify: each one is one of the payer's few tries, so it is not repeated at all."""
    return Call(
        "cards.verify",
        read_python(CardsVerifyParams, {"token": token, "code": code}),
        reading.read_card,
        repeat=Repeat.NEVER,
        changes=True,
        front=True,
        needs_key=False,
    )


def cards_check(token: str) -> Call[Card]:
    """Write cards.check."""
    return Call(
        "cards.check",
        read_python(CardsCheckParams, {"token": token}),
        reading.read_card,
        repeat=Repeat.ALWAYS,
        front=True,
        needs_key=False,
    )


def cards_remove(token: str) -> Call[bool]:
    """Write cards.remove: a repeat of one that was done is answered -31400, so it is not repeated."""
    return Call(
        "cards.remove",
        read_python(CardsRemoveParams, {"token": token}),
        reading.read_success,
        repeat=Repeat.NOT_SENT,
        changes=True,
        needs_key=False,
    )


def receipts_create(
    amount_tiyin: int,
    account: Mapping[str, str | int],
    *,
    description: str | None,
    detail: Mapping[str, Any] | msgspec.Struct | None,
    hold: bool,
    idempotency_key: str | None,
) -> Call[Receipt]:
    """Write receipts.create."""
    _check_amount(amount_tiyin)
    params = read_python(
        ReceiptsCreateParams,
        {
            "amount": amount_tiyin,
            "account": account,
            "description": description,
            "detail": _plain(detail),
            "hold": hold,
        },
    )
    return Call(
        "receipts.create",
        params,
        reading.read_receipt,
        repeat=Repeat.KEYED,
        changes=True,
        idempotency_key=_idempotency_key(idempotency_key),
    )


def receipts_pay(
    receipt_id: str, token: str, *, payer: Mapping[str, str] | PayerParams | None, hold: bool
) -> Call[Receipt]:
    """Write receipts.pay: only sent again if it certainly never left, see `Receipts.pay`."""
    params = read_python(
        ReceiptsPayParams, {"id": receipt_id, "token": token, "payer": _plain(payer), "hold": hold}
    )
    return Call(
        "receipts.pay",
        params,
        _receipt_of(receipt_id),
        repeat=Repeat.NOT_SENT,
        changes=True,
        moves_money=True,
    )


def receipts_confirm_hold(receipt_id: str) -> Call[Receipt]:
    """Write receipts.confirm_hold: as careful as receipts.pay."""
    return Call(
        "receipts.confirm_hold",
        read_python(ReceiptsConfirmHoldParams, {"id": receipt_id}),
        _receipt_of(receipt_id),
        repeat=Repeat.NOT_SENT,
        changes=True,
        moves_money=True,
    )


def receipts_cancel(receipt_id: str) -> Call[Receipt]:
    """Write receipts.cancel: as careful as receipts.pay."""
    return Call(
        "receipts.cancel",
        read_python(ReceiptsCancelParams, {"id": receipt_id}),
        _receipt_of(receipt_id),
        repeat=Repeat.NOT_SENT,
        changes=True,
        moves_money=True,
    )


def receipts_check(receipt_id: str) -> Call[State]:
    """Write receipts.check."""
    params = read_python(ReceiptsCheckParams, {"id": receipt_id})
    return Call("receipts.check", params, reading.read_state, repeat=Repeat.ALWAYS)


def receipts_get(receipt_id: str) -> Call[Receipt]:
    """Write receipts.get."""
    params = read_python(ReceiptsGetParams, {"id": receipt_id})
    return Call("receipts.get", params, _receipt_of(receipt_id), repeat=Repeat.ALWAYS)


def receipts_get_all(from_ms: int, to_ms: int, *, count: int, offset: int) -> Call[list[Receipt]]:
    """Write receipts.get_all."""
    params = read_python(
        ReceiptsGetAllParams, {"from": from_ms, "to": to_ms, "count": count, "offset": offset}
    )
    return Call("receipts.get_all", params, reading.read_receipts, repeat=Repeat.ALWAYS)


def receipts_send(receipt_id: str, phone: str, *, idempotency_key: str | None) -> Call[bool]:
    """Write receipts.send."""
    return Call(
        "receipts.send",
        read_python(ReceiptsSendParams, {"id": receipt_id, "phone": phone}),
        reading.read_success,
        repeat=Repeat.KEYED,
        changes=True,
        idempotency_key=_idempotency_key(idempotency_key),
    )


def receipts_set_fiscal_data(receipt_id: str, fiscal_data: Mapping[str, Any] | FiscalData) -> Call[bool]:
    """Write receipts.set_fiscal_data: telling the same twice is telling it once."""
    params = read_python(ReceiptsSetFiscalDataParams, {"id": receipt_id, "fiscal_data": _plain(fiscal_data)})
    return Call("receipts.set_fiscal_data", params, reading.read_success, repeat=Repeat.ALWAYS, changes=True)


def read_moment(name: str, value: datetime | int) -> int:
    """Read a moment in time.

    Args:
        name: The argument's name, for the error.
        value: A datetime with a time zone, or milliseconds since 1970 (UTC).

    Raises:
        ValueError: If a datetime has no time zone.
        TypeError: If it is neither.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None or value.utcoffset() is None:
            raise ValueError(f"{name} has no time zone: give datetime(..., tzinfo=ZoneInfo('Asia/Tashkent'))")
        return (value - _EPOCH) // timedelta(milliseconds=1)
    if type(value) is int:
        return value
    raise TypeError(f"{name} is a datetime with a time zone, or an integer of milliseconds since 1970")


def check_count(count: int) -> None:
    """Refuse a page's size that the documentation does not allow."""
    if type(count) is not int or not 1 <= count <= COUNT_MAX:
        raise ValueError(f"count is how many receipts to ask for at a time: from 1 to {COUNT_MAX}")


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _receipt_of(receipt_id: str) -> Callable[[Any], Receipt]:
    """Make the reader of an answer that must be about one receipt and no other."""

    def read(result: Any) -> Receipt:
        receipt = reading.read_receipt(result)
        if receipt.id != receipt_id:
            raise reading.Unreadable("the answer is about another receipt")
        return receipt

    return read


def _check_amount(amount_tiyin: object) -> None:
    """Refuse whatever is no exact amount; a float is none, even where it looks whole."""
    if type(amount_tiyin) is not int:
        raise TypeError(f"amount_tiyin is an integer in tiyin, not {type(amount_tiyin).__name__}")
    try:
        read_amount(amount_tiyin)
    except ValueError as error:
        raise FieldError("amount_tiyin", str(error)) from None


def _idempotency_key(given: str | None) -> str:
    if given is None:
        return secrets.token_hex(16)
    if not 0 < len(given) <= _IDEMPOTENCY_KEY_LENGTH_MAX:
        raise ValueError(f"idempotency_key is 1 to {_IDEMPOTENCY_KEY_LENGTH_MAX} characters")
    if not (given.isascii() and given.isprintable()) or given != given.strip():
        raise ValueError("idempotency_key is printable ASCII without spaces around it")
    return given


def _plain(value: Any) -> Any:
    return _without_none(msgspec.to_builtins(value)) if isinstance(value, msgspec.Struct) else value


def _plain_params(params: msgspec.Struct) -> dict[str, Any]:
    """Write parameters as the wire has them, without those that were not given."""
    plain: dict[str, Any] = _without_none(msgspec.to_builtins(params))
    if plain.get("hold") is False:
        # The documentation knows `hold` only where it is true.
        del plain["hold"]
    check_clean(plain)
    return plain


def _secrets_in(plain: dict[str, Any]) -> tuple[str, ...]:
    """Return what a server must not be quoted with, should it repeat what it was sent."""
    found = (plain.get("token"), plain.get("code"), plain.get("card", {}).get("number"))
    return tuple(secret for secret in found if secret is not None and len(secret) >= _SECRET_LENGTH_MIN)


def _without_none(value: Any) -> Any:
    """Leave out what is None in objects, at any depth; in a list it stays, since places matter there."""
    if isinstance(value, dict):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
