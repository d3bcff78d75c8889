"""The methods of the Subscribe API: each a few lines between the wire's shapes and the gateway's rooms.

Documentation: subscribe-api/methods, subscribe-api/holds
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from tiyin.gateway.cards.service import Cards
from tiyin.gateway.desks import Desk, Desks
from tiyin.gateway.fiscal.receipts import FiscalReceipts
from tiyin.gateway.idempotency import HEADER, Claim, Idempotency
from tiyin.gateway.receipts.listing import ReceiptLists
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.service import NewReceipt, Receipts
from tiyin.gateway.receipts.shape import shape_receipt
from tiyin.gateway.receipts.states import CREATED
from tiyin.protocol.authorization import read_x_auth
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.subscribe_api import (
    CardResult,
    CardsCheckParams,
    CardsCreateParams,
    CardsGetVerifyCodeParams,
    CardsRemoveParams,
    CardsVerifyParams,
    CodeSent,
    ReceiptAnswer,
    ReceiptResult,
    ReceiptsCancelParams,
    ReceiptsCheckParams,
    ReceiptsConfirmHoldParams,
    ReceiptsCreateParams,
    ReceiptsGetAllParams,
    ReceiptsGetParams,
    ReceiptsPayParams,
    ReceiptsSendParams,
    ReceiptsSetFiscalDataParams,
    ReceiptStateResult,
    Success,
)
from tiyin.protocol.values import Language
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import Ids, new_token

__all__ = ["HANDLERS", "MAKERS", "Call", "Maker", "SubscribeGateway", "encode"]

encode: Final = msgspec.json.Encoder().encode


class Invoices(Protocol):
    """Sends invoices."""

    async def send_invoice(
        self, desk: Desk, receipt: Receipt, phone: str, language: Language, *, message_id: str | None = None
    ) -> str:
        """Have an invoice sent by SMS; under one message id, once.

        Returns:
            The message's id.

        Raises:
            RpcError: -31610 with data `phone` when there were too many.
        """
        ...


class SubscribeGateway(Protocol):
    """What the Subscribe API needs of the gateway."""

    @property
    def clock(self) -> Clock:
        """The product's time."""
        ...

    @property
    def ids(self) -> Ids:
        """Names what is made under an Idempotency-Key."""
        ...

    @property
    def desks(self) -> Desks:
        """Who may ask."""
        ...

    @property
    def cards(self) -> Cards:
        """For the methods ``cards.*``."""
        ...

    @property
    def receipts(self) -> Receipts:
        """For the methods ``receipts.*``."""
        ...

    @property
    def receipt_lists(self) -> ReceiptLists:
        """For receipts.get_all."""
        ...

    @property
    def invoices(self) -> Invoices:
        """For receipts.send."""
        ...

    @property
    def fiscal_receipts(self) -> FiscalReceipts:
        """For receipts.set_fiscal_data."""
        ...

    @property
    def idempotency(self) -> Idempotency:
        """For requests with an Idempotency-Key."""
        ...


class Call(msgspec.Struct, frozen=True):
    """Who calls a method, and in which language the answer is.

    Attributes:
        desk: Who.
        language: The answer's.
        x_auth: The header that spoke for the desk.
        key: The header Idempotency-Key, or None.
    """

    desk: Desk
    language: Language
    x_auth: str | None = None
    key: str | None = None

    def __repr__(self) -> str:
        return f"Call(desk={self.desk.id!r}, language={self.language!r})"

    __rich_repr__ = rich_repr


async def _cards_create(
    gateway: SubscribeGateway, call: Call, params: CardsCreateParams, claim: Claim | None = None
) -> CardResult:
    card = await gateway.cards.create(
        call.desk,
        number=params.card.number,
        expire=params.card.expire,
        save=params.save,
        account=params.account,
        customer=params.customer,
        amount_tiyin=params.amount,
        token=None if claim is None else claim.made,
    )
    return CardResult(card)


async def _may_tell_token(gateway: SubscribeGateway, call: Call, token: str) -> None:
    """Keep a token from whoever has the desk's public id, a card's number and a guess at the key.

    Such a caller could make a token of that card himself, but not a verified one. Whoever verified it was
    told it already.
    """
    auth = read_x_auth(call.x_auth)
    by_key = auth is not None and auth.key is not None
    if not by_key and (await gateway.cards.check(call.desk, token)).verify:
        raise RpcError(SubscribeCode.CARD_NOT_FOUND, data=HEADER)


async def _cards_get_verify_code(
    gateway: SubscribeGateway, call: Call, params: CardsGetVerifyCodeParams
) -> CodeSent:
    return await gateway.cards.get_verify_code(call.desk, params.token, language=call.language)


async def _cards_verify(gateway: SubscribeGateway, call: Call, params: CardsVerifyParams) -> CardResult:
    return CardResult(await gateway.cards.verify(call.desk, params.token, params.code))


async def _cards_check(gateway: SubscribeGateway, call: Call, params: CardsCheckParams) -> CardResult:
    return CardResult(await gateway.cards.check(call.desk, params.token))


async def _cards_remove(gateway: SubscribeGateway, call: Call, params: CardsRemoveParams) -> Success:
    await gateway.cards.remove(call.desk, params.token)
    return Success()


async def _receipts_create(
    gateway: SubscribeGateway, call: Call, params: ReceiptsCreateParams, claim: Claim | None = None
) -> ReceiptResult:
    receipt = None if claim is None or claim.fresh else await _made(gateway, call, claim.made)
    if receipt is None:
        new = NewReceipt(
            amount_tiyin=params.amount,
            account=params.account,
            description=params.description or "",
            detail=params.detail,
            hold=params.hold,
            receipt_id=None if claim is None else claim.made,
        )
        receipt = await gateway.receipts.create(call.desk, new)
    return ReceiptResult(gateway.receipts.shape(receipt, call.desk, call.language))


async def _made(gateway: SubscribeGateway, call: Call, receipt_id: str) -> Receipt | None:
    """Look for a receipt that an earlier call with the same key may have made."""
    try:
        return await gateway.receipts.get(call.desk, receipt_id)
    except RpcError:
        return None


async def _receipts_pay(gateway: SubscribeGateway, call: Call, params: ReceiptsPayParams) -> ReceiptResult:
    receipt = await gateway.receipts.pay(
        call.desk, params.id, params.token, payer=params.payer, hold=params.hold
    )
    return ReceiptResult(gateway.receipts.shape(receipt, call.desk, call.language))


async def _receipts_check(
    gateway: SubscribeGateway, call: Call, params: ReceiptsCheckParams
) -> ReceiptStateResult:
    return ReceiptStateResult((await gateway.receipts.get(call.desk, params.id)).state)


async def _receipts_get(gateway: SubscribeGateway, call: Call, params: ReceiptsGetParams) -> ReceiptResult:
    receipt = await gateway.receipts.get(call.desk, params.id)
    return ReceiptResult(gateway.receipts.shape(receipt, call.desk, call.language))


async def _receipts_get_all(
    gateway: SubscribeGateway, call: Call, params: ReceiptsGetAllParams
) -> list[ReceiptAnswer]:
    receipts = await gateway.receipt_lists.page(
        call.desk.id, params.from_ms, params.to_ms, count=params.count, offset=params.offset
    )
    return [shape_receipt(receipt, call.desk, call.language, listed=True) for receipt in receipts]


async def _receipts_cancel(
    gateway: SubscribeGateway, call: Call, params: ReceiptsCancelParams
) -> ReceiptResult:
    receipt = await gateway.receipts.cancel(call.desk, params.id)
    return ReceiptResult(gateway.receipts.shape(receipt, call.desk, call.language))


async def _receipts_confirm_hold(
    gateway: SubscribeGateway, call: Call, params: ReceiptsConfirmHoldParams
) -> ReceiptResult:
    receipt = await gateway.receipts.confirm_hold(call.desk, params.id)
    return ReceiptResult(gateway.receipts.shape(receipt, call.desk, call.language))


async def _receipts_send(
    gateway: SubscribeGateway, call: Call, params: ReceiptsSendParams, claim: Claim | None = None
) -> Success:
    receipt = await gateway.receipts.get(call.desk, params.id)
    if receipt.state != CREATED:
        raise RpcError(SubscribeCode.RECEIPT_NOT_FOUND)
    if claim is None:
        await gateway.invoices.send_invoice(call.desk, receipt, params.phone, call.language)
    else:
        await gateway.invoices.send_invoice(
            call.desk, receipt, params.phone, call.language, message_id=claim.made
        )
    return Success()


async def _receipts_set_fiscal_data(
    gateway: SubscribeGateway, call: Call, params: ReceiptsSetFiscalDataParams
) -> Success:
    receipt = await gateway.receipts.get(call.desk, params.id)
    await gateway.fiscal_receipts.set_by_merchant(receipt, params.fiscal_data)
    return Success()


_Handler: TypeAlias = Callable[[SubscribeGateway, Call, Any], Awaitable[Any]]


def _new_id(gateway: SubscribeGateway) -> str:
    return gateway.ids.new(gateway.clock.now_ms())


class Maker(msgspec.Struct, frozen=True):
    """A method that makes something: how the thing is named, made, and whether a repeat is told of it."""

    name: Callable[[SubscribeGateway], str]
    make: Callable[[SubscribeGateway, Call, Any, Claim], Awaitable[Any]]
    may_tell: Callable[[SubscribeGateway, Call, str], Awaitable[None]] | None = None


MAKERS: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "cards.create": Maker(lambda _: new_token(), _cards_create, _may_tell_token),
        "receipts.create": Maker(_new_id, _receipts_create),
        "receipts.send": Maker(_new_id, _receipts_send),
    }
)

HANDLERS: Final[Mapping[str, _Handler]] = MappingProxyType(
    {
        "cards.create": _cards_create,
        "cards.get_verify_code": _cards_get_verify_code,
        "cards.verify": _cards_verify,
        "cards.check": _cards_check,
        "cards.remove": _cards_remove,
        "receipts.create": _receipts_create,
        "receipts.pay": _receipts_pay,
        "receipts.check": _receipts_check,
        "receipts.get": _receipts_get,
        "receipts.get_all": _receipts_get_all,
        "receipts.cancel": _receipts_cancel,
        "receipts.confirm_hold": _receipts_confirm_hold,
        "receipts.send": _receipts_send,
        "receipts.set_fiscal_data": _receipts_set_fiscal_data,
    }
)
