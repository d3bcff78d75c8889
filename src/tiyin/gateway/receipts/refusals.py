"""What a merchant's server answered, told onwards as an error of the Subscribe API. Pure.

-31610   the merchant refused the account, the amount or the order: its own message and data
-31622   the merchant's server is unavailable: no connection, a timeout, HTTP other than 200, -32400
-31623   the merchant's server works incorrectly: anything malformed, another error, `allow` that is not true
"""

from typing import Any, Final

from tiyin.gateway.merchant_calls.answers import Answered, Malformed, Outcome, RefusedByMerchant, Unknown
from tiyin.gateway.receipts.records import write_error
from tiyin.protocol.errors import CommonCode, MerchantCode, RpcError, SubscribeCode, is_account_error

__all__ = ["error_for", "is_envelope_error", "stored_error_for"]

_TOLD_ONWARDS: Final = frozenset({int(MerchantCode.WRONG_AMOUNT), int(MerchantCode.CANNOT_PERFORM)})
_ENVELOPE_ERRORS: Final = frozenset(map(int, CommonCode))


def is_envelope_error(code: int) -> bool:
    """Tell whether an error speaks of the request, as a wrong key does, and not of the transaction."""
    return code in _ENVELOPE_ERRORS


def error_for(outcome: Outcome[Any]) -> RpcError:
    """Make the error that the caller of the Subscribe API gets for what a merchant answered.

    Args:
        outcome: Anything but a success that was expected.

    Documentation: subscribe-api/receipts.create, subscribe-api/receipts.pay.
    """
    match outcome:
        case Unknown():
            return RpcError(SubscribeCode.MERCHANT_UNAVAILABLE)
        case RefusedByMerchant(code, message, data) if code in _TOLD_ONWARDS or is_account_error(code):
            return RpcError(SubscribeCode.WRONG_FIELD, message, data)
        case RefusedByMerchant() | Malformed() | Answered():
            return RpcError(SubscribeCode.MERCHANT_INCORRECT)


def stored_error_for(outcome: Outcome[Any]) -> str:
    """Write `error_for` as `Receipt.error` keeps it."""
    error = error_for(outcome)
    return write_error(error.code, error.message, error.data)
