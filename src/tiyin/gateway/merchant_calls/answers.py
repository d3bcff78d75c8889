"""Reads what a merchant's server answered, however loosely, into one of four outcomes. Pure.

    Answered            the method's result, read
    RefusedByMerchant   an error of the merchant's own: the call arrived and was refused
    Unknown             nothing that can be trusted: no connection, a timeout, HTTP other than 200, -32400
    Malformed           an answer came, and it is not what the documentation describes

Merchants in the wild answer `"error": null` beside a result, `"result": null` beside an error, a message
that is a string, a `transaction` that is a number, unset times that are null, no `id`, no `jsonrpc`. All of
that is read; a sandbox reports it, a gateway copes.

Documentation: merchant-api/response-format, merchant-api/common-errors.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Text, is_clean_text, read_text

__all__ = [
    "Allowed",
    "Answered",
    "Cancelled",
    "Checked",
    "Created",
    "FiscalTaken",
    "Malformed",
    "Outcome",
    "Performed",
    "Receiver",
    "RefusedByMerchant",
    "Unknown",
    "read_allowed",
    "read_answer",
    "read_cancelled",
    "read_checked",
    "read_created",
    "read_fiscal_taken",
    "read_performed",
]

R_co = TypeVar("R_co", covariant=True)

_SYSTEM_ERROR: Final = -32400
_HTTP_OK: Final = 200
_MESSAGE_MAX: Final = 500
_DATA_MAX: Final = 4_000
_TRANSACTION_MAX: Final = 255
_RECEIVERS_MAX: Final = 100
_RECEIVER_ID_MAX: Final = 64
_INTEGER_MAX: Final = 10**14
"""No code, state or amount comes near it; what is larger is neither stored nor written into a log."""
_REASON_MAX: Final = 10**9


class Answered(msgspec.Struct, Generic[R_co], frozen=True):
    """The method succeeded and its result was read."""

    result: R_co


class RefusedByMerchant(msgspec.Struct, frozen=True):
    """The merchant's server received the call and refused it.

    Attributes:
        code: The error's code.
        message: Its text, when there was a readable one.
        data: Its `data`, any JSON value.
    """

    code: int
    message: Text | None = None
    data: Any = None


class Unknown(msgspec.Struct, frozen=True):
    """The call's outcome is not known: it must be neither believed nor given up.

    Attributes:
        reason: A word for the log.
        sent: False when the call certainly never reached the merchant.
        silent: False when the merchant's server did answer, with something that tells nothing.
    """

    reason: str
    sent: bool = True
    silent: bool = True


class Malformed(msgspec.Struct, frozen=True):
    """An answer arrived that cannot be read as the documentation has it.

    Attributes:
        reason: What is wrong, for the log; never the answer itself.
    """

    reason: str


Outcome = Answered[R_co] | RefusedByMerchant | Unknown | Malformed


class Allowed(msgspec.Struct, frozen=True):
    """CheckPerformTransaction: the payment is possible."""

    additional: dict[str, Any] | None = None
    detail: dict[str, Any] | None = None


class Receiver(msgspec.Struct, frozen=True):
    """A cash desk that gets a part of a payment.

    Attributes:
        id: The desk.
        amount_tiyin: Its part.
        basis_points: The desk's commission, which the gateway fills in; None where no such desk takes
            payments.
    """

    id: str
    amount_tiyin: int
    basis_points: int | None = None


class Created(msgspec.Struct, frozen=True):
    """CreateTransaction: the transaction stands at the billing in the state told."""

    transaction: str
    state: int
    receivers: tuple[Receiver, ...] = ()


class Performed(msgspec.Struct, frozen=True):
    """PerformTransaction: the state told."""

    transaction: str
    state: int


class Cancelled(msgspec.Struct, frozen=True):
    """CancelTransaction: the state told."""

    state: int


class FiscalTaken(msgspec.Struct, frozen=True):
    """SetFiscalData: the merchant has heard it.

    Attributes:
        success: Whether he says that he took it.
    """

    success: bool = True


class Checked(msgspec.Struct, frozen=True):
    """CheckTransaction: where the transaction stands."""

    transaction: str
    state: int
    reason: int | None = None


class _Unreadable(Exception):
    """A part of the answer is not what it must be."""


class _Envelope(msgspec.Struct):
    result: Any = None
    error: Any = None


_read_envelope = msgspec.json.Decoder(_Envelope).decode


def read_answer(status: int, body: bytes, read: Callable[[Mapping[str, Any]], R_co]) -> Outcome[R_co]:
    """Read the answer of one call.

    Args:
        status: The HTTP status.
        body: The whole body.
        read: Reads the method's result: `read_allowed`, `read_created`, `read_performed`, `read_cancelled` or
            `read_checked`.

    Returns:
        What is known now; never raises for anything a server can answer.
    """
    if status != _HTTP_OK:
        return Unknown(f"http_{status}", silent=False)
    try:
        # A byte order mark before the JSON is a common habit of PHP files saved on Windows.
        envelope = _read_envelope(body.removeprefix(b"\xef\xbb\xbf"))
        # An empty object, array, string or false in place of an unset error is the habit of weakly typed
        # languages.
        if envelope.error:
            return _read_error(envelope)
        if not isinstance(envelope.result, dict):
            return Malformed("no_result")
        return Answered(read(envelope.result))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Malformed("not_json_rpc")
    except _Unreadable as error:
        return Malformed(str(error))


def _read_error(envelope: _Envelope) -> RefusedByMerchant | Unknown:
    error = envelope.error
    if envelope.result:
        raise _Unreadable("both_result_and_error")
    if not isinstance(error, dict):
        raise _Unreadable("error_is_no_object")
    code = _integer(error.get("code"), "error.code")
    if code == _SYSTEM_ERROR:
        return Unknown("system_error", silent=False)
    return RefusedByMerchant(code, _read_message(error.get("message")), _read_data(error.get("data")))


def _read_message(message: Any) -> Text | None:
    """Read a message given as a string or as an object that may miss languages, and bound it."""
    text = read_text(message)
    if text is None:
        return None
    return Text(ru=_clean(text.ru), uz=_clean(text.uz), en=_clean(text.en))


def _clean(text: str) -> str:
    """Bound a text and drop what a database cannot store."""
    return text.replace("\x00", "").strip()[:_MESSAGE_MAX]


def _read_data(data: Any) -> Any:
    """Keep `data` when it is small enough to be told onwards."""
    if data is None or isinstance(data, bool | int | float):
        return data
    if isinstance(data, str):
        return _clean(data)
    written = msgspec.json.encode(data)
    return None if len(written) > _DATA_MAX or b"\\u0000" in written else data


def _integer(value: Any, name: str) -> int:
    """Read an integer that may have come as a whole float or as digits in a string; none is too large."""
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.removeprefix("-").isdigit():
        value = int(value)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole or isinstance(value, bool) or abs(value) >= _INTEGER_MAX:
        raise _Unreadable(f"{name}_is_no_integer")
    return int(value)


def _transaction(result: Mapping[str, Any]) -> str:
    """Read the merchant's own name of the transaction; one that is missing harms nobody."""
    value = result.get("transaction")
    if isinstance(value, str):
        return value.replace("\x00", "")[:_TRANSACTION_MAX]
    if isinstance(value, int | float) and not isinstance(value, bool):
        whole = isinstance(value, float) and value.is_integer()
        return str(int(value) if whole else value)[:_TRANSACTION_MAX]
    return ""


def read_allowed(result: Mapping[str, Any]) -> Allowed:
    """Read the result of CheckPerformTransaction.

    Documentation: merchant-api/CheckPerformTransaction.
    """
    allow = result.get("allow")
    if allow is not True and not (isinstance(allow, int) and allow == 1):
        raise _Unreadable("not_allowed")
    additional, detail = result.get("additional"), result.get("detail")
    return Allowed(
        additional if isinstance(additional, dict) else None,
        detail if isinstance(detail, dict) else None,
    )


def read_created(result: Mapping[str, Any]) -> Created:
    """Read the result of CreateTransaction.

    Documentation: merchant-api/CreateTransaction.
    """
    receivers = result.get("receivers")
    if not receivers:
        return Created(_transaction(result), _integer(result.get("state"), "state"))
    return Created(
        _transaction(result), _integer(result.get("state"), "state"), tuple(_read_receivers(receivers))
    )


def _read_receivers(receivers: Any) -> list[Receiver]:
    if not isinstance(receivers, list) or len(receivers) > _RECEIVERS_MAX:
        raise _Unreadable("receivers_are_no_list")
    read = []
    for receiver in receivers:
        if not isinstance(receiver, dict) or not _is_receiver_id(receiver.get("id")):
            raise _Unreadable("receiver_without_id")
        amount_tiyin = _integer(receiver.get("amount"), "receiver.amount")
        if not 0 < amount_tiyin <= AMOUNT_TIYIN_MAX:
            raise _Unreadable("receiver_amount_out_of_bounds")
        read.append(Receiver(receiver["id"], amount_tiyin))
    return read


def _is_receiver_id(value: Any) -> bool:
    """Tell whether a desk could have such an id: one that cannot be stored cannot be looked for either."""
    return isinstance(value, str) and len(value) <= _RECEIVER_ID_MAX and is_clean_text(value)


def read_performed(result: Mapping[str, Any]) -> Performed:
    """Read the result of PerformTransaction.

    Documentation: merchant-api/PerformTransaction.
    """
    return Performed(_transaction(result), _integer(result.get("state"), "state"))


def read_cancelled(result: Mapping[str, Any]) -> Cancelled:
    """Read the result of CancelTransaction.

    Documentation: merchant-api/CancelTransaction.
    """
    return Cancelled(_integer(result.get("state"), "state"))


def read_fiscal_taken(result: Mapping[str, Any]) -> FiscalTaken:
    """Read the result of SetFiscalData.

    Documentation: merchant-api/SetFiscalData.
    """
    return FiscalTaken(result.get("success") is True)


def read_checked(result: Mapping[str, Any]) -> Checked:
    """Read the result of CheckTransaction.

    Documentation: merchant-api/CheckTransaction.
    """
    reason = result.get("reason")
    try:
        read_reason = None if reason is None else _integer(reason, "reason")
        if read_reason is not None and abs(read_reason) > _REASON_MAX:
            read_reason = None
    except _Unreadable:
        read_reason = None
    return Checked(_transaction(result), _integer(result.get("state"), "state"), read_reason)
