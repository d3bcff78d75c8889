"""The Subscribe API: which methods there are and how their parameters are read.

The structs stand with their noun, in `cards_api`, `receipts_api` and `receipt`, and are all to be had here.

Documentation: subscribe-api/methods
"""

from typing import Any, Final, TypeAlias

import msgspec

from tiyin.protocol.cards_api import (
    CardAnswer,
    CardParams,
    CardResult,
    CardsCheckParams,
    CardsCreateParams,
    CardsGetVerifyCodeParams,
    CardsRemoveParams,
    CardsVerifyParams,
    CodeSent,
)
from tiyin.protocol.errors import invalid_params, method_not_found
from tiyin.protocol.fiscal import Detail
from tiyin.protocol.params import field_names, read_struct
from tiyin.protocol.receipt import (
    AccountRow,
    Epos,
    MerchantAnswer,
    Payer,
    ReceiptAnswer,
    ReceiptCard,
    ReceiptMeta,
    ReceiptResult,
    ReceiptState,
    ReceiptStateResult,
    expire_slashed,
    expire_year_first,
    read_expire,
)
from tiyin.protocol.receipts_api import (
    COUNT_MAX,
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
from tiyin.protocol.values import FieldError

__all__ = [
    "COUNT_MAX",
    "FIELD_NAMES",
    "FRONT_METHODS",
    "METHODS",
    "AccountRow",
    "CardAnswer",
    "CardParams",
    "CardResult",
    "CardsCheckParams",
    "CardsCreateParams",
    "CardsGetVerifyCodeParams",
    "CardsRemoveParams",
    "CardsVerifyParams",
    "CodeSent",
    "Epos",
    "MerchantAnswer",
    "Payer",
    "PayerParams",
    "ReceiptAnswer",
    "ReceiptCard",
    "ReceiptMeta",
    "ReceiptResult",
    "ReceiptState",
    "ReceiptStateResult",
    "ReceiptsCancelParams",
    "ReceiptsCheckParams",
    "ReceiptsConfirmHoldParams",
    "ReceiptsCreateParams",
    "ReceiptsGetAllParams",
    "ReceiptsGetParams",
    "ReceiptsPayParams",
    "ReceiptsSendParams",
    "ReceiptsSetFiscalDataParams",
    "SubscribeParams",
    "Success",
    "expire_slashed",
    "expire_year_first",
    "read_expire",
    "read_params",
]

SubscribeParams: TypeAlias = (
    CardsCreateParams
    | CardsGetVerifyCodeParams
    | CardsVerifyParams
    | CardsCheckParams
    | CardsRemoveParams
    | ReceiptsCreateParams
    | ReceiptsPayParams
    | ReceiptsSendParams
    | ReceiptsCancelParams
    | ReceiptsCheckParams
    | ReceiptsGetParams
    | ReceiptsGetAllParams
    | ReceiptsConfirmHoldParams
    | ReceiptsSetFiscalDataParams
)


class Success(msgspec.Struct, frozen=True):
    """The answer of cards.remove, receipts.send and receipts.set_fiscal_data."""

    success: bool = True


_PARAMS: Final[dict[str, type[msgspec.Struct]]] = {
    "cards.create": CardsCreateParams,
    "cards.get_verify_code": CardsGetVerifyCodeParams,
    "cards.verify": CardsVerifyParams,
    "cards.check": CardsCheckParams,
    "cards.remove": CardsRemoveParams,
    "receipts.create": ReceiptsCreateParams,
    "receipts.pay": ReceiptsPayParams,
    "receipts.send": ReceiptsSendParams,
    "receipts.cancel": ReceiptsCancelParams,
    "receipts.check": ReceiptsCheckParams,
    "receipts.get": ReceiptsGetParams,
    "receipts.get_all": ReceiptsGetAllParams,
    "receipts.confirm_hold": ReceiptsConfirmHoldParams,
    "receipts.set_fiscal_data": ReceiptsSetFiscalDataParams,
}
_DECODERS: Final = {name: msgspec.json.Decoder(params).decode for name, params in _PARAMS.items()}
METHODS: Final = frozenset(_PARAMS)
FIELD_NAMES: Final = field_names([*_PARAMS.values(), Detail])
"""The names of all parameters of all methods, at any depth."""
FRONT_METHODS: Final = frozenset(
    {"cards.create", "cards.get_verify_code", "cards.verify", "cards.check", "cards.remove"}
)
"""The methods that a desk's id opens without its key."""


def read_params(method: str, raw: msgspec.Raw) -> Any:
    """Read the parameters of one method.

    Args:
        method: one of `METHODS`.
        raw: the request's parameters.

    Returns:
        The method's params struct. Extra parameters are ignored.

    Raises:
        RpcError: -32601 for an unknown method; -32602 whose `data` names the field that is missing or wrong.

    Documentation: subscribe-api/methods
    """
    decode = _DECODERS.get(method)
    if decode is None:
        raise method_not_found(method)
    try:
        return read_struct(decode, raw)
    except FieldError as error:
        raise invalid_params(error.field) from error
