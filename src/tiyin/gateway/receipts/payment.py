"""The driver of a receipt: look at the state, act, write; until nothing is under way any more.

The same loop runs first inside receipts.pay, confirm_hold or cancel and, after a crash or a long wait, in the
worker. It holds a lease on the receipt's work all the time: every write carries it, and no outside call
starts unless its longest duration and a margin end within it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol
from zlib import crc32

import msgspec
from msgspec.structs import replace

from tiyin.gateway.acquiring.port import Acquirer, CardNumber, Debited, Held, NotFound, OutcomeUnknown
from tiyin.gateway.merchant_calls.answers import Answered, Created, Outcome, Unknown
from tiyin.gateway.merchant_calls.calls import MerchantCalls, Target
from tiyin.gateway.receipts.at_acquirer import (
    AcquirerOutcome,
    NotKnown,
    capture_answered,
    debit_answered,
    refund_answered,
    void_answered,
)
from tiyin.gateway.receipts.at_billing import (
    cancel_answered,
    cancel_checked,
    create_answered,
    create_checked,
    perform_answered,
    perform_checked,
)
from tiyin.gateway.receipts.holds import hold_answered, hold_watched
from tiyin.gateway.receipts.moves import Moved, PayIntent, Terms, begin_payment
from tiyin.gateway.receipts.orders import Orders
from tiyin.gateway.receipts.records import RECEIPTS, Receipt, Step
from tiyin.gateway.receipts.repeating import is_given_up
from tiyin.gateway.receipts.states import CANCELLED, CREATED
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.storage import Decision, Lease, LeaseLost, Schedule, StorageError, Store
from tiyin.storage.tables import Expecting

__all__ = ["LEASE_MS", "CommissionsOf", "PaymentDriver", "TokensAndCards"]

CommissionsOf = Callable[[Sequence[str]], Awaitable[dict[str, int]]]
"""Gives the commissions, in basis points, of those of the named cash desks that take payments."""

LEASE_MS: Final = 20_000
"""How long a driver holds a receipt without writing; after a crash, how long the worker waits at most."""

_MARGIN_MS: Final = 3_000

_SPARE_MS: Final = 500
"""How much longer than the longest call a lease lasts that a write leaves as it is."""


class TokensAndCards(Protocol):
    """What the driver needs of the cards."""

    async def open(self, card_id: str) -> CardNumber:
        """Give the card's number, for the acquirer alone."""
        ...

    async def spend(self, token_id: str, receipt_id: str) -> None:
        """Note that the token has paid; a one-time token leaves a tombstone. A repeat changes nothing."""
        ...

    async def release(self, token_id: str, receipt_id: str, attempt: int) -> None:
        """Let a one-time token that an attempt had reserved pay something else. A repeat changes nothing."""
        ...


class _Stage(NamedTuple):
    """One step: whom it asks, and how what came back moves the receipt."""

    at_billing: bool
    decide: Callable[[Receipt, Any, Terms], Decision[Moved]]


_STAGES: Final[dict[Step, _Stage]] = {
    "create": _Stage(True, create_answered),
    "check_create": _Stage(True, create_checked),
    "hold": _Stage(False, hold_answered),
    "watch": _Stage(False, hold_watched),
    "debit": _Stage(False, debit_answered),
    "capture": _Stage(False, capture_answered),
    "void": _Stage(False, void_answered),
    "perform": _Stage(True, perform_answered),
    "check_perform": _Stage(True, perform_checked),
    "cancel": _Stage(True, cancel_answered),
    "check_cancel": _Stage(True, cancel_checked),
    "refund": _Stage(False, refund_answered),
}


class _Overtaken(Exception):
    """Another wrote the next step while this driver held the work: it goes on from there."""


class PaymentDriver:
    """Drives receipts.

    Args:
        store: Where receipts are kept.
        clock: The product's time.
        calls: The merchants' billings.
        acquirer: Who debits cards.
        cards: Whose cards and tokens they are.
        orders: Which orders are closed to new receipts; told of changes.
        commissions_of: Which desks may receive a part of a payment, and at which commission.
        owner: This process's name in the work queue.
        lease_ms: How long a lease is.
    """

    def __init__(  # noqa: PLR0913 - its ports
        self,
        store: Store,
        clock: Clock,
        calls: MerchantCalls,
        acquirer: Acquirer,
        cards: TokensAndCards,
        orders: Orders,
        commissions_of: CommissionsOf,
        *,
        owner: str,
        lease_ms: int = LEASE_MS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._calls = calls
        self._acquirer = acquirer
        self._cards = cards
        self._orders = orders
        self._commissions_of = commissions_of
        self._owner = owner
        self._lease_ms = lease_ms
        self._stopping = False
        self._log = get_logger("tiyin.receipts")
        longest_ms = max(calls.budget_ms, acquirer.timeout_ms) + _MARGIN_MS
        if lease_ms < longest_ms:
            raise ValueError(f"a lease of {lease_ms} ms is shorter than the longest call, {longest_ms} ms")
        self._enough_ms = longest_ms + _SPARE_MS

    def stop(self) -> None:
        """Hand receipts over at the next safe point: no outside call starts any more."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether receipts are only handed over any more."""
        return self._stopping

    async def begin(self, receipt: Receipt, intent: PayIntent) -> tuple[Moved, Lease | None]:
        """Write the first intent of a payment and take the lease with it.

        Args:
            receipt: The receipt as it was just read.
            intent: What is pinned.

        Returns:
            The move, and the lease; no lease when the receipt was not at 0 any more.
        """
        return await self.move(
            receipt.id, lambda stored, terms: begin_payment(stored, intent, terms), expected=receipt
        )

    async def move(
        self,
        receipt_id: str,
        rule: Callable[[Receipt, Terms], Decision[Moved]],
        *,
        expected: Receipt | None = None,
    ) -> tuple[Moved, Lease | None]:
        """Write an intent that somebody outside gave, and take the lease with it where nobody has it.

        Args:
            receipt_id: Which receipt; it exists.
            rule: Decides; what it raises is raised here.
            expected: The receipt as it was just read, where it was: it saves a read if nobody moved it since.

        Returns:
            The move, and the lease; no lease when nothing is to be driven, or another driver has the work: he
            goes on.
        """
        terms = self._terms(receipt_id, fresh=True)

        def decide(stored: Receipt | None) -> Decision[Moved]:
            if stored is None:
                raise LookupError(f"there is no receipt {receipt_id}")
            return rule(stored, terms)

        hopeful: Expecting[Receipt, Moved] = Expecting(decide, expected)
        moved, lease = await self._store.change_and_lease(
            RECEIPTS, receipt_id, decide if expected is None else hopeful
        )
        if moved.receipt.cancelling:
            self._orders.changed(moved.receipt)
        return moved, lease

    async def drive(self, receipt: Receipt, lease: Lease, *, fresh: bool) -> Receipt:
        """Act and write until nothing is under way, the next look is far away, or the lease is lost.

        Args:
            receipt: The receipt as it stands.
            lease: The lease on its work.
            fresh: Whether the step's intent was written under this very lease, so that no call was made for
                it yet.

        Returns:
            The receipt as it stands then.
        """
        moved = Moved(receipt, 0)
        ask = not fresh
        try:
            while moved.pause_ms is not None and moved.receipt.step is not None:
                if moved.pause_ms:
                    await self._clock.sleep(moved.pause_ms / 1000)
                receipt = moved.receipt
                if self._stopping:
                    await self._store.work.release(lease)
                    return receipt
                lease = await self._secure(receipt, lease)
                outcome = await self._act(receipt, lease, ask=ask)
                try:
                    moved, lease = await self._write(receipt, outcome, lease, fresh=fresh)
                except _Overtaken:
                    # A hold was confirmed or cancelled while it was looked at. The work is still this
                    # driver's, so nobody has acted on the new intent yet; a renewal makes sure of it.
                    lease = await self._store.work.renew(lease, self._lease_ms)
                    receipt = await self._store.get(RECEIPTS, receipt.id) or receipt
                    moved, ask, fresh = Moved(receipt, 0), False, True
                    continue
                fresh = fresh or moved.receipt is not receipt
                # After a lost answer the acquirer is asked by the key; "not found" means the same debit
                # again.
                ask = isinstance(outcome, NotKnown) and moved.receipt.step == receipt.step
        except LeaseLost:
            self._log.warning("lease_lost", receipt_id=receipt.id)
            return await self._store.get(RECEIPTS, receipt.id) or receipt
        return moved.receipt

    async def _secure(self, receipt: Receipt, lease: Lease) -> Lease:
        """Make sure that the next call ends within the lease.

        A renewal counts from when it was asked for: one that took long, because the database was away, is
        asked for again.
        """
        stage = _STAGES[_step_of(receipt)]
        budget_ms = self._calls.budget_ms if stage.at_billing else self._acquirer.timeout_ms
        if lease.left_ms() >= budget_ms + _MARGIN_MS:
            return lease
        lease = await self._store.work.renew(lease, self._lease_ms)
        while lease.left_ms() < budget_ms + _MARGIN_MS // 2:
            lease = await self._store.work.renew(lease, self._lease_ms)
        return lease

    async def _act(self, receipt: Receipt, lease: Lease, *, ask: bool) -> Any:
        """Make the call that the receipt's step intends."""
        step = _step_of(receipt)
        if not _STAGES[step].at_billing:
            return await self._at_acquirer(step, receipt, lease, ask=ask)
        if receipt.endpoint is None:
            return Unknown("no_endpoint", sent=False)
        target = Target(receipt.desk_id, receipt.endpoint)
        match step:
            case "create":
                created = await self._calls.create(
                    target,
                    receipt.id,
                    receipt.time_ms,
                    receipt.amount_tiyin,
                    msgspec.Raw(receipt.account.encode()),
                )
                return await self._with_commissions(created)
            case "perform":
                return await self._calls.perform(target, receipt.id)
            case "cancel":
                return await self._calls.cancel(target, receipt.id, receipt.cancel_reason or 0)
            case _:
                return await self._calls.check(target, receipt.id)

    async def _with_commissions(self, outcome: Outcome[Created]) -> Outcome[Created]:
        """Fill in the commissions of the receivers that a merchant named."""
        if not isinstance(outcome, Answered) or not outcome.result.receivers:
            return outcome
        receivers = outcome.result.receivers
        rates = await self._commissions_of(sorted({receiver.id for receiver in receivers}))
        filled = tuple(replace(receiver, basis_points=rates.get(receiver.id)) for receiver in receivers)
        return Answered(replace(outcome.result, receivers=filled))

    async def _at_acquirer(  # noqa: PLR0911 - one row of a table each
        self, step: Step, receipt: Receipt, lease: Lease, *, ask: bool
    ) -> AcquirerOutcome:
        key = receipt.attempt_key or ""
        try:
            if step in {"void", "refund"}:
                return await self._acquirer.reverse(key)
            if ask or step == "watch":
                return await self._acquirer.status(key)
            if step == "capture":
                return await self._acquirer.capture(key)
            card = await self._cards.open(receipt.card_id or "")
            if lease.left_ms() < self._acquirer.timeout_ms:
                # The database took long to give the card. Nothing was sent; the next round renews the lease.
                return NotKnown()
            if is_given_up(receipt, self._terms(receipt.id, fresh=False)):
                # It took long to come here, and nothing was sent: the key is forbidden instead.
                return NotFound()
            if step == "hold":
                return await self._acquirer.hold(key, card, receipt.amount_tiyin, receipt.terminal)
            return await self._acquirer.debit(key, card, receipt.amount_tiyin, receipt.terminal)
        except OutcomeUnknown:
            return NotKnown()

    async def _write(
        self, receipt: Receipt, outcome: Any, lease: Lease, *, fresh: bool
    ) -> tuple[Moved, Lease]:
        """Write the outcome and the next intent in one commit.

        Returns:
            The move and the lease as it is afterwards.
        """
        decide = _STAGES[_step_of(receipt)].decide
        terms = self._terms(receipt.id, fresh=fresh)
        decision = decide(receipt, outcome, terms)
        if not decision.writes:
            return decision.answer, lease
        if isinstance(outcome, Debited | Held) and receipt.token_id is not None:
            # Before the write, so that a crash between the two repeats it.
            await self._cards.spend(receipt.token_id, receipt.id)

        smooth = self._without_renewal(decision, lease)

        def rule(stored: Receipt | None) -> Decision[Moved]:
            if stored is not None and stored.version == receipt.version:
                return smooth
            if stored is None or stored.attempt != receipt.attempt:
                raise LeaseLost(receipt.id)
            if stored.step != receipt.step:
                raise _Overtaken
            return decide(stored, outcome, terms)

        # It is nearly always stored as it was last written: expecting that saves a read.
        hopeful: Expecting[Receipt, Moved] = Expecting(rule, receipt)
        moved, renewed = await self._store.change_and_lease(RECEIPTS, receipt.id, hopeful, lease=lease)
        if moved.receipt.cancelling != receipt.cancelling:
            self._orders.changed(moved.receipt)
        if receipt.token_id is not None and moved.receipt.state in {CREATED, CANCELLED}:
            await self._release(receipt.token_id, receipt)
        return moved, renewed or lease

    def _without_renewal(self, decision: Decision[Moved], lease: Lease) -> Decision[Moved]:
        """Leave the work row alone while the lease still covers any call: each renewal is a row to write."""
        work = decision.work
        renews = isinstance(work, Schedule) and work.owner is not None and work.kind == lease.kind
        if not renews or lease.left_ms() < self._enough_ms:
            return decision
        return Decision(decision.answer, decision.record, decision.appends)

    async def _release(self, token_id: str, receipt: Receipt) -> None:
        """Release the token after the write that ended its attempt: before it, the attempt may go on yet."""
        try:
            await self._cards.release(token_id, receipt.id, receipt.attempt)
        except StorageError as error:
            # Who wants to pay with it next finds that its attempt is over.
            self._log.warning("token_not_released", receipt_id=receipt.id, error=type(error).__name__)

    def _terms(self, receipt_id: str, *, fresh: bool) -> Terms:
        now_ms = self._clock.now_ms()
        # Half of an id is chance already: that spreads the waits, and costs no call for more of it.
        chance = crc32(f"{receipt_id}{now_ms}".encode()) / (1 << 32)
        return Terms(now_ms, self._owner, self._lease_ms, chance, fresh)


def _step_of(receipt: Receipt) -> Step:
    if receipt.step is None:
        raise AssertionError(f"nothing is under way at {receipt.id}")
    return receipt.step
