"""Receipts: made, paid, looked at.

Documentation: subscribe-api/receipts.create, subscribe-api/receipts.pay, subscribe-api/receipts.check,
subscribe-api/receipts.get.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec
import sqlalchemy as sa

from tiyin.gateway.acquiring.port import Acquirer
from tiyin.gateway.cards.tokens import PayingCard, TokenReserved
from tiyin.gateway.desks.records import Desk
from tiyin.gateway.ledger import commission_of
from tiyin.gateway.merchant_calls.calls import MerchantCalls
from tiyin.gateway.receipts.moves import PayIntent
from tiyin.gateway.receipts.numbers import ReceiptNumbers
from tiyin.gateway.receipts.orders import Orders
from tiyin.gateway.receipts.payable import Payable, ask_billing, check_bounds
from tiyin.gateway.receipts.payment import LEASE_MS, PaymentDriver, TokensAndCards
from tiyin.gateway.receipts.records import RECEIPTS, WORK_KIND, Receipt, error_of
from tiyin.gateway.receipts.shape import shape_receipt
from tiyin.gateway.receipts.states import CANCELLED, CREATED, PAID, route_of
from tiyin.gateway.receipts.worker import Worker
from tiyin.protocol.errors import RpcError, SubscribeCode, wrong_field
from tiyin.protocol.receipt import ReceiptAnswer
from tiyin.protocol.values import Language, Text, account_key
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import ID_LENGTH, Ids
from tiyin.runtime.tasks import Tasks, TasksRefused
from tiyin.storage import Decision, Schedule, Store
from tiyin.storage.schema import WORK

__all__ = ["ANSWER_MS", "NewReceipt", "PayerCards", "Receipts"]

ANSWER_MS: Final = 25_000
"""How long receipts.pay waits: longer than the slowest documented card, shorter than clients give up."""

_WAKE_BATCH: Final = 200

_encode = msgspec.json.Encoder().encode


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


class NewReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt is made of.

    Attributes:
        amount_tiyin: What is to be paid.
        account: The account as given.
        description: A text, in one language or three.
        detail: The details as given, or None: then the merchant's own, where it sends some.
        type: 2 for receipts made by API, 1 for the checkout page.
        source: "subscribe" or "checkout".
        back_url: Where the checkout page leads back to.
        hold: Whether the money is to be held only.
    """

    amount_tiyin: int
    account: Mapping[str, str | int]
    description: str | Text = ""
    detail: Mapping[str, Any] | None = None
    type: int = 2
    source: str = "subscribe"
    back_url: str | None = None
    hold: bool = False


class Receipts:
    """The gateway's receipts.

    Args:
        store: Where they are kept.
        clock: The product's time.
        ids: Names them.
        tasks: Owns payments under way.
        calls: The merchants' billings.
        acquirer: Who debits cards.
        cards: Tokens and cards.
        owner: This process's name in the work queue; unique among processes.
        answer_ms: How long `pay` waits for the end before it answers the receipt as it stands.
        lease_ms: How long a driver's lease is.
    """

    def __init__(  # noqa: PLR0913 - its ports
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        tasks: Tasks,
        calls: MerchantCalls,
        acquirer: Acquirer,
        cards: PayerCards,
        *,
        owner: str,
        answer_ms: int = ANSWER_MS,
        lease_ms: int = LEASE_MS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._tasks = tasks
        self._calls = calls
        self._cards = cards
        self._answer_ms = answer_ms
        self._numbers = ReceiptNumbers(store)
        self._orders = Orders(store, clock)
        self._driver = PaymentDriver(
            store, clock, calls, acquirer, cards, self._orders, owner=owner, lease_ms=lease_ms
        )
        self.worker = Worker(store, clock, tasks, self._driver, owner=owner, lease_ms=lease_ms)

    async def start(self) -> None:
        """Start the worker that recovers what other processes left."""
        self.worker.start()

    async def stop(self) -> None:
        """Take up nothing new; hand payments over at their next safe point. The caller drains the tasks."""
        self.worker.stop()
        self._driver.stop()

    async def check_payable(self, desk: Desk, amount_tiyin: int, account: Mapping[str, str | int]) -> Payable:
        """Tell whether something can be paid; creates nothing.

        Args:
            desk: The cash desk.
            amount_tiyin: The amount.
            account: The account as given.

        Raises:
            RpcError: -31601, -31610, -31611, -31612, -31622, -31623.

        Documentation: merchant-api/CheckPerformTransaction.
        """
        check_bounds(desk, amount_tiyin, account)
        return await ask_billing(self._calls, desk, amount_tiyin, account)

    async def create(self, desk: Desk, new: NewReceipt) -> Receipt:
        """Make a receipt, if the desk and its billing take it.

        Args:
            desk: The cash desk.
            new: What it is made of.

        Raises:
            RpcError: As `check_payable`; -31610 with data `hold` when the money is to be held.

        Documentation: subscribe-api/receipts.create.
        """
        if new.hold:
            raise wrong_field("hold")
        check_bounds(desk, new.amount_tiyin, new.account)
        account = _encode(new.account)
        payable = await ask_billing(self._calls, desk, new.amount_tiyin, msgspec.Raw(account))
        detail = payable.detail if new.detail is None else new.detail
        now_ms = self._clock.now_ms()
        receipt = Receipt(
            id=self._ids.new(now_ms),
            number=await self._numbers.take(),
            desk_id=desk.id,
            route=route_of(desk.endpoint),
            amount_tiyin=new.amount_tiyin,
            account=account.decode(),
            account_key=account_key(new.account),
            created_ms=now_ms,
            type=new.type,
            source=new.source,
            description=_encode(new.description).decode(),
            detail=None if detail is None else _encode(detail).decode(),
            back_url=new.back_url,
        )
        return await self._store.change(RECEIPTS, receipt.id, lambda _: Decision(receipt, receipt))

    async def get(self, desk: Desk, receipt_id: str) -> Receipt:
        """Give a receipt of this desk.

        Raises:
            RpcError: -31602 for an unknown or another desk's receipt.

        Documentation: subscribe-api/receipts.get, subscribe-api/receipts.check.
        """
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
        """Pay a receipt with a card's token.

        The payment belongs to the process and not to the caller: one that hangs up cancels nothing.

        Args:
            desk: The cash desk.
            receipt_id: The receipt.
            token: The card's token.
            payer: What is known of who pays.
            hold: Whether the money is to be held only.

        Returns:
            The receipt: paid; or, while its end is not known yet, as it stands.

        Raises:
            RpcError: -31400 (token), -31601 (desk), -31602 (no such receipt, cancelled, or paid by another
            card), -31610
                (refused by the merchant), -31622, -31623 (merchant unavailable, works incorrectly), -31620,
                -31630, -31640 (declined), -31700 (this process is stopping).

        Documentation: subscribe-api/receipts.pay.
        """
        if hold:
            raise wrong_field("hold")
        receipt = await self.get(desk, receipt_id)
        if receipt.state != CREATED:
            return await self._pay_again(desk, receipt, token)
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

    async def _pay_again(self, desk: Desk, receipt: Receipt, token: str) -> Receipt:
        """Answer a repeat: the paid receipt to the card that paid it, else the receipt as it stands."""
        if receipt.state == CANCELLED:
            raise RpcError(SubscribeCode.RECEIPT_NOT_FOUND)
        if receipt.state == PAID:
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
        )
        moved, lease = await self._driver.begin(receipt.id, intent)
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
        driven = await self._driver.drive(moved.receipt, lease, fresh=True)
        error = error_of(driven) if driven.state in {CREATED, CANCELLED} else None
        if error is not None:
            raise error
        return driven

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

    def shape(self, receipt: Receipt, desk: Desk, language: Language) -> ReceiptAnswer:
        """Shape a receipt for the wire; see `shape_receipt`."""
        return shape_receipt(receipt, desk, language)

    async def wake(self) -> int:
        """Make every unresolved receipt due at once: for the emulator, after its clock was turned.

        A receipt that a driver holds stays with it, and is due again as soon as that one puts it back.

        Returns:
            How many there were.
        """
        work = WORK.schema.c
        after, count = "", 0
        while True:
            # Unresolved receipts are those with a work row, and of these there are few.
            rows = await self._store.query(
                sa.select(work.key)
                .where(work.kind == WORK_KIND, work.key > after)
                .order_by(work.key)
                .limit(_WAKE_BATCH)
            )
            await asyncio.gather(*(self._store.change(RECEIPTS, key, _wake) for (key,) in rows))
            count += len(rows)
            if len(rows) < _WAKE_BATCH:
                return count
            after = rows[-1][0]


def _is_over(receipt: Receipt, attempt: int, token_id: str) -> bool:
    """Tell whether an attempt can take nothing any more by a token that is still reserved for it."""
    if receipt.attempt != attempt:
        # Attempts begin in the order of their numbers, and each once.
        return receipt.attempt > attempt or receipt.state == CANCELLED
    return receipt.state in {CREATED, CANCELLED} or receipt.token_id != token_id


def _wake(stored: Receipt | None) -> Decision[None]:
    """Make the work due, if there still is any; a running driver is left alone."""
    if stored is None or not stored.unresolved:
        return Decision(None)
    return Decision(None, work=Schedule(stored.id, WORK_KIND))
