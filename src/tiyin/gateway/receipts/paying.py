"""Paying receipts, confirming holds, cancelling: what the Subscribe API and the pages ask of the driver.

What is begun belongs to the process and not to the caller: one that hangs up cancels nothing.

Documentation: subscribe-api/receipts.pay, subscribe-api/holds, subscribe-api/receipts.cancel.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

import msgspec

from tiyin.gateway.cards.tokens import PayingCard, TokenReserved
from tiyin.gateway.desks.records import Desk
from tiyin.gateway.ledger import commission_of
from tiyin.gateway.merchant_calls.calls import MerchantCalls
from tiyin.gateway.receipts.cancelling import ask_to_cancel
from tiyin.gateway.receipts.holds import confirm_hold
from tiyin.gateway.receipts.moves import Moved, PayIntent
from tiyin.gateway.receipts.orders import Orders
from tiyin.gateway.receipts.payable import ask_billing
from tiyin.gateway.receipts.payment import PaymentDriver, TokensAndCards
from tiyin.gateway.receipts.records import RECEIPTS, Receipt, error_of
from tiyin.gateway.receipts.states import CANCELLED, CANCELLING, CREATED, HELD, HOLDING, PAID, route_of
from tiyin.protocol.errors import RpcError, SubscribeCode, wrong_field
from tiyin.runtime.ids import ID_LENGTH
from tiyin.runtime.tasks import Tasks, TasksRefused
from tiyin.storage import Lease, Store

__all__ = ["PayerCards", "Paying"]

_encode = msgspec.json.Encoder().encode
_NOT_PAYABLE = frozenset({PAID, HELD})


class PayerCards(TokensAndCards, Protocol):
    """What receipts need of the cards."""

    async def reserve(
        self, desk: Desk, token: str, receipt_id: str, amount_tiyin: int, *, attempt: int
    ) -> PayingCard:
        """Let a token pay a receipt; a one-time token is reserved for it. Repeats answer the same."""
        ...

    async def paying_card(self, desk: Desk, token: str, receipt_id: str, amount_tiyin: int) -> PayingCard:
        """Answer what `reserve` would, and reserve nothing."""
        ...


class Paying:
    """Begins what a caller asks for, and drives it as far as it goes in one go.

    Args:
        store: Where receipts are kept.
        tasks: Owns payments under way.
        calls: The merchants' billings.
        cards: Tokens and cards.
        orders: Which orders are closed to new payments.
        driver: Drives one receipt.
        answer_ms: How long a caller waits for the end before it is answered the receipt as it stands.
    """

    def __init__(
        self,
        store: Store,
        tasks: Tasks,
        calls: MerchantCalls,
        cards: PayerCards,
        orders: Orders,
        driver: PaymentDriver,
        *,
        answer_ms: int,
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._calls = calls
        self._cards = cards
        self._orders = orders
        self._driver = driver
        self._answer_ms = answer_ms

    async def get(self, desk: Desk, receipt_id: str) -> Receipt:
        """Give a receipt of this desk; see `Receipts.get`."""
        # Many reads share one statement, so a name that the database would refuse is not asked for.
        may_be_one = len(receipt_id) == ID_LENGTH and receipt_id.isascii() and receipt_id.isalnum()
        receipt = await self._store.get(RECEIPTS, receipt_id) if may_be_one else None
        if receipt is None or receipt.desk_id != desk.id:
            raise RpcError(SubscribeCode.RECEIPT_NOT_FOUND)
        return receipt

    async def pay(
        self,
        desk: Desk,
        receipt_id: str,
        token: str,
        *,
        payer: Mapping[str, Any] | msgspec.Struct | None = None,
        hold: bool = False,
    ) -> Receipt:
        """Pay a receipt with a card's token; see `Receipts.pay`."""
        receipt = await self.get(desk, receipt_id)
        if hold is not bool(receipt.hold):
            raise wrong_field("hold")
        if receipt.state != CREATED:
            return await self._pay_again(desk, receipt, token)
        if hold and not desk.holds:
            raise wrong_field("hold")
        if not desk.active:
            raise RpcError(SubscribeCode.MERCHANT_NOT_FOUND)
        if desk.endpoint is not None and not await self._orders.are_open(desk.id, receipt.account_key):
            raise RpcError(SubscribeCode.MERCHANT_UNAVAILABLE)
        try:
            async with asyncio.timeout(self._answer_ms / 1000):
                account = msgspec.Raw(receipt.account.encode())
                await ask_billing(self._calls, desk, receipt.amount_tiyin, account)
                payment = self._pay(desk, receipt, token, None if payer is None else _encode(payer).decode())
                return await self._tasks.finish(payment, name=f"receipts.pay {receipt_id}")
        except TimeoutError:
            return await self.get(desk, receipt_id)
        except TasksRefused:
            receipt = await self.get(desk, receipt_id)
            if receipt.state == CREATED:
                raise RpcError(SubscribeCode.MAINTENANCE) from None
            return receipt

    async def confirm_hold(self, desk: Desk, receipt_id: str) -> Receipt:
        """Take the money that is held; see `Receipts.confirm_hold`."""
        receipt = await self.get(desk, receipt_id)
        if not receipt.hold or receipt.state in {CREATED, HOLDING, CANCELLING, CANCELLED}:
            raise RpcError(SubscribeCode.RECEIPT_NOT_FOUND)
        if receipt.state != HELD:
            return receipt
        try:
            async with asyncio.timeout(self._answer_ms / 1000):
                return await self._tasks.finish(
                    self._confirm(receipt_id), name=f"receipts.confirm_hold {receipt_id}"
                )
        except TimeoutError:
            return await self.get(desk, receipt_id)
        except TasksRefused:
            raise RpcError(SubscribeCode.MAINTENANCE) from None

    async def _confirm(self, receipt_id: str) -> Receipt:
        if self._driver.stopping:
            raise RpcError(SubscribeCode.MAINTENANCE)
        moved, lease = await self._driver.move(receipt_id, confirm_hold)
        if moved.pause_ms is None and moved.receipt.state in {CANCELLING, CANCELLED}:
            # A cancel came first.
            raise RpcError(SubscribeCode.RECEIPT_NOT_FOUND)
        if lease is None:
            return moved.receipt
        return _answer(await self._driver.drive(moved.receipt, lease, fresh=True))

    async def cancel(self, desk: Desk, receipt_id: str) -> Receipt:
        """Cancel a receipt; see `Receipts.cancel`."""
        await self.get(desk, receipt_id)
        moved, lease = await self._driver.move(
            receipt_id, lambda receipt, terms: ask_to_cancel(receipt, terms, by="merchant")
        )
        if lease is not None:
            self._go_on(moved, lease)
        return moved.receipt

    def _go_on(self, moved: Moved, lease: Lease) -> None:
        """Drive what was begun, while its caller is answered."""
        driving: Coroutine[Any, Any, Receipt] = self._driver.drive(moved.receipt, lease, fresh=True)
        try:
            self._tasks.start(driving, name=f"receipts.cancel {moved.receipt.id}")
        except TasksRefused:
            # This process is stopping: the lease runs out, and another goes on.
            driving.close()

    async def _pay_again(self, desk: Desk, receipt: Receipt, token: str) -> Receipt:
        """Answer a repeat: the receipt as it stands; once paid or held, to the card that pays it alone."""
        if receipt.state == CANCELLED:
            raise RpcError(SubscribeCode.RECEIPT_NOT_FOUND)
        if receipt.state in _NOT_PAYABLE:
            card = await self._cards.paying_card(desk, token, receipt.id, receipt.amount_tiyin)
            if card.card_id != receipt.card_id:
                raise RpcError(SubscribeCode.RECEIPT_NOT_FOUND)
        return receipt

    async def _pay(self, desk: Desk, receipt: Receipt, token: str, payer: str | None) -> Receipt:
        """Begin the payment and drive it as far as it goes in one go."""
        if self._driver.stopping:
            # Begun now, it would stand still until another process finds it.
            raise RpcError(SubscribeCode.MAINTENANCE)
        attempt = receipt.attempt + 1
        card = await self._reserve(desk, token, receipt, attempt)
        intent = PayIntent(
            attempt=attempt,
            route=route_of(desk.endpoint),
            endpoint=desk.endpoint,
            terminal=desk.epos.terminal_id,
            commission_tiyin=commission_of(receipt.amount_tiyin, desk.commission_basis_points),
            card_id=card.card_id,
            token_id=card.token_id if card.one_time else None,
            card_mask=card.number,
            card_expire=card.expire,
            payer=payer,
            hold=bool(receipt.hold),
        )
        moved, lease = await self._driver.begin(receipt, intent)
        if moved.pause_ms is None:
            # Somebody else began at the same moment; a token that he does not pay with is free again.
            pays = (moved.receipt.attempt, moved.receipt.token_id) == (attempt, card.token_id)
            if card.one_time and not pays:
                await self._cards.release(card.token_id, receipt.id, attempt)
            if moved.receipt.state == CREATED and (error := error_of(moved.receipt)) is not None:
                # His payment was refused meanwhile, and this one with it.
                raise error
            return await self._pay_again(desk, moved.receipt, token)
        if lease is None:
            return moved.receipt
        return _answer(await self._driver.drive(moved.receipt, lease, fresh=True))

    async def _reserve(self, desk: Desk, token: str, receipt: Receipt, attempt: int) -> PayingCard:
        """Reserve the token, also one that an attempt which is over did not live to release."""
        try:
            return await self._cards.reserve(desk, token, receipt.id, receipt.amount_tiyin, attempt=attempt)
        except TokenReserved as held:
            other = await self._store.get(RECEIPTS, held.receipt_id)
            if other is None or not _is_over(other, held.attempt, held.token_id):
                raise
            await self._cards.release(held.token_id, held.receipt_id, held.attempt)
        return await self._cards.reserve(desk, token, receipt.id, receipt.amount_tiyin, attempt=attempt)


def _answer(driven: Receipt) -> Receipt:
    """Give what a caller is answered once a receipt was driven: the receipt, or why it came to nothing."""
    error = error_of(driven) if driven.state in {CREATED, CANCELLED} else None
    if error is not None:
        raise error
    return driven


def _is_over(receipt: Receipt, attempt: int, token_id: str) -> bool:
    """Tell whether an attempt can take nothing any more by a token that is still reserved for it."""
    if receipt.attempt != attempt:
        # Attempts begin in the order of their numbers, and each once.
        return receipt.attempt > attempt or receipt.state == CANCELLED
    return receipt.state in {CREATED, CANCELLED} or receipt.token_id != token_id
