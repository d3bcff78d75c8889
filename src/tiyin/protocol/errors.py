"""Every error of both protocols, with its text in three languages.

The tree of exceptions that a caller of this package may meet:

    Exception
    ├── ValueError
    │   └── values.FieldError         a value that the documentation does not allow, naming the field
    └── errors.RpcError               an error that goes onto the wire: code, message, data
        └── jsonrpc.RequestRefused    the request itself could not be read; carries its id when there was one

One number may mean different things in the two protocols (-31001 is a wrong amount for a merchant's server
and an unavailable Payme for its application), so the table is kept by protocol, and a code's own type says
which one is meant.

Documentation: merchant-api/errors, merchant-api/common-errors, merchant-api/SetFiscalData, checkout/errors
"""

from typing import Any, Final

from tiyin.protocol.codes import (
    ACCOUNT_ERROR_FIRST,
    ACCOUNT_ERROR_LAST,
    COMMON_ERRORS,
    ERRORS,
    MERCHANT_ERRORS,
    SUBSCRIBE_ERRORS,
    CommonCode,
    MerchantCode,
    SubscribeCode,
)
from tiyin.protocol.values import Language, Text

__all__ = [
    "ACCOUNT_ERROR_FIRST",
    "ACCOUNT_ERROR_LAST",
    "COMMON_ERRORS",
    "ERRORS",
    "MERCHANT_ERRORS",
    "SUBSCRIBE_ERRORS",
    "CommonCode",
    "MerchantCode",
    "RpcError",
    "SubscribeCode",
    "access_denied",
    "account_error",
    "internal_error",
    "invalid_params",
    "is_account_error",
    "message_of",
    "method_not_found",
    "wrong_field",
]

_UNKNOWN: Final = Text(
    ru="Операция не выполнена. Попробуйте позже или обратитесь в поддержку.",
    uz="Amal bajarilmadi. Keyinroq urinib koʻring yoki qoʻllab-quvvatlash xizmatiga murojaat qiling.",
    en="The operation failed. Try again later or contact support.",
)


def is_account_error(code: int) -> bool:
    """Tell whether a code is one of -31050..-31099, the merchant's "the account is wrong"."""
    return ACCOUNT_ERROR_LAST <= code <= ACCOUNT_ERROR_FIRST


def message_of(code: int) -> Text:
    """Return the table's text of a code.

    Args:
        code: a member of `SubscribeCode` is looked up in that protocol's table; any other number in the
            Merchant API's first, then in the common one and the Subscribe API's.

    Returns:
        The text; for a number that no table knows, one that says what to do next.
    """
    tables = (
        (SUBSCRIBE_ERRORS, COMMON_ERRORS)
        if isinstance(code, SubscribeCode)
        else (MERCHANT_ERRORS, COMMON_ERRORS, SUBSCRIBE_ERRORS)
    )
    for table in tables:
        text = table.get(int(code))
        if text is not None:
            return text
    return _UNKNOWN


class RpcError(Exception):
    """An error that goes onto the wire.

    Args:
        code: its number.
        message: what the payer or the developer reads; the table's text when omitted.
        data: more about it: the account's field, the method's name, the parameter; omitted from the wire
            when None.

    Documentation: merchant-api/response-format, Error.
    """

    def __init__(self, code: int, message: Text | None = None, data: Any = None) -> None:
        self.code = int(code)
        self.message = message_of(code) if message is None else message
        self.data = data
        super().__init__(code, message, data)

    def __str__(self) -> str:
        return f"{self.code} {self.message.en}" + (f" ({self.data})" if self.data is not None else "")

    def text(self, language: Language) -> str:
        """Return the message in one language."""
        return self.message.in_language(language)


def method_not_found(name: str) -> RpcError:
    """Make -32601; `data` is the method's name, as merchant-api/common-errors demands."""
    return RpcError(CommonCode.METHOD_NOT_FOUND, data=name)


def invalid_params(field: str) -> RpcError:
    """Make -32602, whose `data` names the parameter."""
    return RpcError(CommonCode.INVALID_PARAMS, data=field or "params")


def account_error(field: str, message: Text | None = None, code: int = -31050) -> RpcError:
    """Make the merchant's "the account is wrong".

    Args:
        field: the account's field to which it belongs; becomes `data`.
        message: what the payer reads beside that field; the table's text when omitted.
        code: from -31099 to -31050.
    """
    if not is_account_error(code):
        raise ValueError(f"an account error's code is from {ACCOUNT_ERROR_LAST} to {ACCOUNT_ERROR_FIRST}")
    return RpcError(code, message, data=field)


def access_denied(reason: str | None = None) -> RpcError:
    """Make -32504: with a reason the Subscribe API's "Access denied.", without one the Merchant API's.

    Args:
        reason: `invalid_id` or `invalid_authorization_header`.
    """
    if reason is None:
        return RpcError(CommonCode.ACCESS_DENIED)
    return RpcError(SubscribeCode.ACCESS_DENIED, data=reason)


def internal_error() -> RpcError:
    """Make -32400, which tells nothing of its cause; the cause belongs in the log."""
    return RpcError(CommonCode.INTERNAL)


def wrong_field(field: str) -> RpcError:
    """Make -31610, whose `data` names the field of a link, a form or a receipt."""
    return RpcError(SubscribeCode.WRONG_FIELD, data=field)
