"""The Merchant API: which methods there are, how their parameters are read, and how one is called.

The structs stand in `merchant_params` and `merchant_results`, and are all to be had here.

Documentation: merchant-api/methods
"""

from typing import Any, Final, TypeAlias

import msgspec

from tiyin.protocol.errors import CommonCode, MerchantCode, RpcError, invalid_params, method_not_found
from tiyin.protocol.merchant_params import (
    CancelTransactionParams,
    ChangePasswordParams,
    CheckPerformTransactionParams,
    CheckTransactionParams,
    CreateTransactionParams,
    GetStatementParams,
    PerformTransactionParams,
    Reason,
    SetFiscalDataParams,
)
from tiyin.protocol.merchant_results import (
    CancelTransactionResult,
    ChangePasswordResult,
    CheckPerformTransactionResult,
    CheckTransactionResult,
    CreateTransactionResult,
    GetStatementResult,
    PerformTransactionResult,
    Receiver,
    SetFiscalDataResult,
    StatementTransaction,
    TransactionState,
)
from tiyin.protocol.params import read_struct
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, FieldError, Language

__all__ = [
    "METHODS",
    "SET_FISCAL_DATA",
    "TRANSACTION_TIMEOUT_MS",
    "CancelTransactionParams",
    "CancelTransactionResult",
    "ChangePasswordParams",
    "ChangePasswordResult",
    "CheckPerformTransactionParams",
    "CheckPerformTransactionResult",
    "CheckTransactionParams",
    "CheckTransactionResult",
    "CreateTransactionParams",
    "CreateTransactionResult",
    "GetStatementParams",
    "GetStatementResult",
    "MerchantParams",
    "PerformTransactionParams",
    "PerformTransactionResult",
    "Reason",
    "Receiver",
    "SetFiscalDataParams",
    "SetFiscalDataResult",
    "StatementTransaction",
    "TransactionState",
    "message_language",
    "read_params",
    "write_call",
]

TRANSACTION_TIMEOUT_MS: Final = 43_200_000
"""How long a transaction waits for PerformTransaction, counted from its `time`: twelve hours."""
SET_FISCAL_DATA: Final = "SetFiscalData"

MerchantParams: TypeAlias = (
    CheckPerformTransactionParams
    | CreateTransactionParams
    | PerformTransactionParams
    | CancelTransactionParams
    | CheckTransactionParams
    | GetStatementParams
    | SetFiscalDataParams
    | ChangePasswordParams
)

_PARAMS: Final[dict[str, type[msgspec.Struct]]] = {
    "CheckPerformTransaction": CheckPerformTransactionParams,
    "CreateTransaction": CreateTransactionParams,
    "PerformTransaction": PerformTransactionParams,
    "CancelTransaction": CancelTransactionParams,
    "CheckTransaction": CheckTransactionParams,
    "GetStatement": GetStatementParams,
    SET_FISCAL_DATA: SetFiscalDataParams,
    "ChangePassword": ChangePasswordParams,
}
_DECODERS: Final = {name: msgspec.json.Decoder(params).decode for name, params in _PARAMS.items()}
METHODS: Final = frozenset(_PARAMS)
_PRICED: Final = frozenset(("CheckPerformTransaction", "CreateTransaction"))


def read_params(method: str, raw: msgspec.Raw) -> Any:
    """Read the parameters of one method.

    Args:
        method: one of `METHODS`.
        raw: the request's parameters.

    Returns:
        The method's params struct. Extra parameters are ignored; amounts are from 1 to `AMOUNT_TIYIN_MAX`.

    Raises:
        RpcError: -32601 for an unknown method; -32600 for parameters that are missing or of a wrong type
            (SetFiscalData: -32602 naming the parameter); -31001 for an amount that nothing can cost.

    Documentation: merchant-api/common-errors
    """
    decode = _DECODERS.get(method)
    if decode is None:
        raise method_not_found(method)
    try:
        params: Any = read_struct(decode, raw)
    except FieldError as error:
        if method == SET_FISCAL_DATA:
            raise invalid_params(error.field) from error
        raise RpcError(CommonCode.INVALID_REQUEST, data=error.field or "params") from error
    if method in _PRICED and not 0 < params.amount <= AMOUNT_TIYIN_MAX:
        raise RpcError(MerchantCode.WRONG_AMOUNT)
    return params


def message_language(method: str) -> Language | None:
    """Tell how a method's errors are written, see `jsonrpc.error_reply`: SetFiscalData's have a string."""
    return "ru" if method == SET_FISCAL_DATA else None


class _Call(msgspec.Struct):
    jsonrpc: str
    id: int
    method: str
    params: Any


_encode = msgspec.json.Encoder().encode


def write_call(method: str, params: Any, id: int) -> bytes:  # noqa: A002  # the wire's own word
    """Write the request that the gateway sends to a merchant's server.

    Args:
        method: the method's name.
        params: its params struct, or a dict of the same keys.
        id: the number by which the answer is recognised.

    Documentation: merchant-api/request-format
    """
    return _encode(_Call("2.0", id, method, params))
