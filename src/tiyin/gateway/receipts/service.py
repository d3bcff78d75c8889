"""Receipts: made, paid, held, cancelled, looked at.

Documentation: subscribe-api/receipts.create, subscribe-api/receipts.pay, subscribe-api/receipts.check,
subscribe-api/receipts.get.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.acquiring.port import Acquirer
from tiyin.gateway.desks.records import Desk
from tiyin.gateway.merchant_calls.calls import MerchantCalls
from tiyin.gateway.receipts.numbers import ReceiptNumbers
from tiyin.gateway.receipts.orders import Orders
from tiyin.gateway.receipts.payable import Payable, ask_billing, check_bounds
from tiyin.gateway.receipts.paying import PayerCards, Paying
from tiyin.gateway.receipts.payment import LEASE_MS, CommissionsOf, PaymentDriver
from tiyin.gateway.receipts.records import RECEIPTS, WORK_KIND, Receipt
from tiyin.gateway.receipts.shape import shape_receipt
from tiyin.gateway.receipts.states import route_of
from tiyin.gateway.receipts.worker import Worker
from tiyin.protocol.errors import wrong_field
from tiyin.protocol.receipt import ReceiptAnswer
from tiyin.protocol.values import Language, Text, account_key
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import Ids
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Decision, Schedule, Store
from tiyin.storage.schema import WORK
from tiyin.storage.tables import Expecting

__all__ = ["ANSWER_MS", "NewReceipt", "PayerCards", "Receipts"]

ANSWER_MS: Final = 25_000
"""How long receipts.pay waits: longer than the slowest documented card, shorter than clients give up."""

_WAKE_BATCH: Final = 200

_encode = msgspec.json.Encoder().encode


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
        receipt_id: What it is to be called, where a repeat of this call must find it; None for a fresh name.
    """

    amount_tiyin: int
    account: Mapping[str, str | int]
    description: str | Text = ""
    detail: Mapping[str, Any] | None = None
    type: int = 2
    source: str = "subscribe"
    back_url: str | None = None
    hold: bool = False
    receipt_id: str | None = None


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
        commissions_of: Which desks may receive a part of a payment, and at which commission.
        owner: This process's name in the work queue; unique among processes.
        answer_ms: How long `pay` waits for the end before it answers the receipt as it stands.
        lease_ms: How long a driver's lease is.
        fiscal: Whether payments with details are registered with the tax service.
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
        commissions_of: CommissionsOf,
        *,
        owner: str,
        answer_ms: int = ANSWER_MS,
        lease_ms: int = LEASE_MS,
        fiscal: bool = False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._calls = calls
        self._fiscal = fiscal
        self._numbers = ReceiptNumbers(store)
        orders = Orders(store, clock)
        self._driver = PaymentDriver(
            store, clock, calls, acquirer, cards, orders, commissions_of, owner=owner, lease_ms=lease_ms
        )
        self._paying = Paying(store, tasks, calls, cards, orders, self._driver, answer_ms=answer_ms)
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
            RpcError: As `check_payable`; -31610 with data `hold` when the money is to be held and the desk
                may not.

        Documentation: subscribe-api/receipts.create.
        """
        if new.hold and not desk.holds:
            raise wrong_field("hold")
        check_bounds(desk, new.amount_tiyin, new.account)
        account = _encode(new.account)
        payable = await ask_billing(self._calls, desk, new.amount_tiyin, msgspec.Raw(account))
        detail = payable.detail if new.detail is None else new.detail
        now_ms = self._clock.now_ms()
        receipt = Receipt(
            id=new.receipt_id or self._ids.new(now_ms),
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
            hold=int(new.hold),
            fiscal=int(self._fiscal and detail is not None),
        )

        def insert(stored: Receipt | None) -> Decision[Receipt]:
            # A repeat under a name that was given finds what the first one made.
            return Decision(receipt, receipt) if stored is None else Decision(stored)

        rule: Expecting[Receipt, Receipt] = Expecting(insert, None)
        return await self._store.change(RECEIPTS, receipt.id, rule)

    async def get(self, desk: Desk, receipt_id: str) -> Receipt:
        """Give a receipt of this desk.

        Raises:
            RpcError: -31602 for an unknown or another desk's receipt.

        Documentation: subscribe-api/receipts.get, subscribe-api/receipts.check.
        """
        return await self._paying.get(desk, receipt_id)

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
            hold: Whether the money is to be held only; the receipt must have been made for it.

        Returns:
            The receipt: paid; or, while its end is not known yet, as it stands.

        Raises:
            RpcError: -31400 (token), -31601 (desk), -31602 (no such receipt, cancelled, or paid by another
            card), -31610
                (refused by the merchant), -31622, -31623 (merchant unavailable, works incorrectly), -31620,
                -31630, -31640 (declined), -31700 (this process is stopping).

        Documentation: subscribe-api/receipts.pay.
        """
        return await self._paying.pay(desk, receipt_id, token, payer=payer, hold=hold)

    async def confirm_hold(self, desk: Desk, receipt_id: str) -> Receipt:
        """Take the money that a receipt holds: create at the billing, capture, close.

        Args:
            desk: The cash desk.
            receipt_id: The receipt.

        Returns:
            The receipt: paid; or, while its end is not known yet, as it stands. A repeat answers the same.

        Raises:
            RpcError: -31602 (no such receipt, none that was made to hold, not held yet, or cancelled),
                -31610, -31622, -31623 (the billing refused, is unavailable or works incorrectly: the hold is
                given back), -31640 (the hold could not be taken), -31700 (this process is stopping).

        Documentation: subscribe-api/holds.
        """
        return await self._paying.confirm_hold(desk, receipt_id)

    async def cancel(self, desk: Desk, receipt_id: str) -> Receipt:
        """Cancel a receipt: at once, or in the queue where money or a billing is concerned.

        Args:
            desk: The cash desk.
            receipt_id: The receipt.

        Returns:
            The receipt as it stands then: 50 where nothing was paid, 21 where money goes back, else the
            state in which the wish was recorded. A repeat changes nothing.

        Raises:
            RpcError: -31602 (no such receipt), -31901 (a HUMO hold of more than 30 days).

        Documentation: subscribe-api/receipts.cancel, subscribe-api/holds.
        """
        return await self._paying.cancel(desk, receipt_id)

    def shape(self, receipt: Receipt, desk: Desk, language: Language) -> ReceiptAnswer:
        """Shape a receipt for the wire; see `shape_receipt`."""
        return shape_receipt(receipt, desk, language)

    async def wake(self) -> int:
        """Make every receipt that is looked after due at once: for the emulator, after its clock was turned.

        A receipt that a driver holds stays with it, and is due again as soon as that one puts it back.

        Returns:
            How many there were.
        """
        work = WORK.schema.c
        after, count = "", 0
        while True:
            # They are those with a work row, and of these there are few.
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


def _wake(stored: Receipt | None) -> Decision[None]:
    """Make the work due, if there still is any; a running driver is left alone."""
    if stored is None or not stored.worked:
        return Decision(None)
    return Decision(None, work=Schedule(stored.id, WORK_KIND))
