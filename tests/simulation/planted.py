"""Bugs that are planted in the gateway on purpose: a simulation that does not find them proves nothing.

Each breaks one promise of the engine; `with PLANTED[name]():` breaks it for as long as the block lasts.
"""
# a bug is planted inside, and forgets what it is given

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any
from unittest import mock

from msgspec.structs import replace

from simulation.store import InstantStore
from simulation.tables import MemoryTables
from tiyin.gateway.acquiring.port import Debited, Declined, Held, OutcomeUnknown, Reversed
from tiyin.gateway.app import Gateway
from tiyin.gateway.cards.service import Cards
from tiyin.gateway.ledger import Share, closing, payouts, refunding
from tiyin.gateway.ledger.days import COUNTING
from tiyin.gateway.merchant_calls.answers import RefusedByMerchant, Unknown
from tiyin.gateway.merchant_calls.calls import MerchantCalls
from tiyin.gateway.notifications import delivery, outbox
from tiyin.gateway.notifications.port import SendingLater
from tiyin.gateway.receipts import (
    at_acquirer,
    at_billing,
    cancelling,
    holds,
    interventions,
    outcomes,
    paying,
    payment,
    people,
    repeating,
    shares,
)
from tiyin.gateway.receipts.moves import Moved, Note, begin_payment, onwards
from tiyin.gateway.receipts.payment import PaymentDriver
from tiyin.gateway.receipts.records import RECEIPTS, shares_of
from tiyin.gateway.receipts.states import CANCELLING, CLOSING, CREATED, HELD, PAUSED
from tiyin.gateway.subscribe_api import api
from tiyin.storage import Decision
from tiyin.storage.tables import Expecting

__all__ = ["PLANTED"]

Planted = Callable[[], AbstractContextManager[Any]]
PLANTED: dict[str, Planted] = {}


def bug(plant: Callable[[], Iterator[None]]) -> Callable[[], AbstractContextManager[None]]:
    """Keep a planted bug under its function's name, read as words."""
    made = contextmanager(plant)
    PLANTED[plant.__name__.replace("_", " ")] = made
    return made


def _stage(step: Any, decide: Callable[..., Any]) -> Any:
    """Replace how the outcome of one step is read."""
    stages = payment._STAGES
    return mock.patch.dict(stages, {step: stages[step]._replace(decide=decide)})


@bug
def an_unknown_debit_is_made_again_under_a_new_key() -> Iterator[None]:
    async def at_acquirer_(self: Any, step: Any, receipt: Any, lease: Any, *, ask: bool) -> Any:
        if step == "debit" and ask:
            receipt = replace(receipt, attempt_key=f"{receipt.attempt_key}9")
        return await real(self, step, receipt, lease, ask=ask and step != "debit")

    real = PaymentDriver._at_acquirer
    with mock.patch.object(PaymentDriver, "_at_acquirer", at_acquirer_):
        yield


@bug
def an_unknown_debit_is_taken_for_a_declined_one() -> Iterator[None]:
    def decide(receipt: Any, outcome: Any, terms: Any) -> Any:
        lost = isinstance(outcome, at_acquirer.NotKnown)
        return at_acquirer.debit_answered(receipt, Declined(-31630) if lost else outcome, terms)

    with _stage("debit", decide):
        yield


@bug
def an_unknown_refund_is_taken_for_done() -> Iterator[None]:
    def decide(receipt: Any, outcome: Any, terms: Any) -> Any:
        lost = isinstance(outcome, at_acquirer.NotKnown)
        return at_acquirer.refund_answered(receipt, Reversed() if lost else outcome, terms)

    with _stage("refund", decide):
        yield


@bug
def an_unknown_void_is_taken_for_done() -> Iterator[None]:
    def decide(receipt: Any, outcome: Any, terms: Any) -> Any:
        lost = isinstance(outcome, at_acquirer.NotKnown)
        return at_acquirer.void_answered(receipt, Reversed() if lost else outcome, terms)

    with _stage("void", decide):
        yield


@bug
def a_lost_perform_is_taken_for_a_refused_one() -> Iterator[None]:
    def decide(receipt: Any, outcome: Any, terms: Any) -> Any:
        if isinstance(outcome, Unknown):
            return outcomes.refund(receipt, terms, Note("unknown"))
        return at_billing.perform_answered(receipt, outcome, terms)

    with _stage("perform", decide):
        yield


@bug
def the_refund_does_not_wait_for_the_billing() -> Iterator[None]:
    def undo_paid(receipt: Any, terms: Any, *, entries: Any = (), note: Any = None) -> Any:
        given = refunding(receipt.id, shares_of(receipt), terms.now_ms)
        return onwards(
            receipt,
            terms,
            state=CANCELLING,
            step="refund",
            entries=(*entries, *given),
            note=note,
            cancelling=0,
        )

    with (
        mock.patch.object(cancelling, "undo_paid", undo_paid),
        mock.patch.object(outcomes, "undo_paid", undo_paid),
    ):
        yield


@bug
def a_merchant_who_delivered_is_not_heard() -> Iterator[None]:
    def decide(receipt: Any, outcome: Any, terms: Any) -> Any:
        if isinstance(outcome, RefusedByMerchant) and outcome.code == -31007:
            return outcomes.let_go(receipt, terms, None)
        return at_billing.cancel_answered(receipt, outcome, terms)

    with _stage("cancel", decide):
        yield


@bug
def leases_fence_nothing() -> Iterator[None]:
    def fence(self: Any, lease: Any) -> None:
        if lease is not None and lease.key not in self.work:
            real(self, lease)

    real = MemoryTables._fence
    with mock.patch.object(MemoryTables, "_fence", fence):
        yield


@bug
def a_driver_does_not_look_at_its_lease() -> Iterator[None]:
    async def secure(self: Any, receipt: Any, lease: Any) -> Any:
        return lease

    with mock.patch.object(PaymentDriver, "_secure", secure):
        yield


@bug
def held_work_is_claimed_all_the_same() -> Iterator[None]:
    def claim(self: Any, kind: str, owner: str, lease_ms: int, limit: int, sent_s: float) -> Any:
        for key, work in self.work.items():
            if work.kind == kind and work.leased_until and work.leased_until - self._now_ms() < 18_000:
                self.work[key] = replace(work, leased_until=0, next_at=0)
        return real(self, kind, owner, lease_ms, limit, sent_s)

    real = MemoryTables.claim
    with mock.patch.object(MemoryTables, "claim", claim):
        yield


@bug
def time_changes_on_a_repeat() -> Iterator[None]:
    async def create(self: Any, target: Any, name: str, time_ms: int, amount: int, account: Any) -> Any:
        return await real(self, target, name, self._clock.now_ms(), amount, account)

    real = MerchantCalls.create
    with mock.patch.object(MerchantCalls, "create", create):
        yield


@bug
def a_cancel_does_not_wait_for_the_debit() -> Iterator[None]:
    def ask(receipt: Any, terms: Any, *, by: str) -> Any:
        if receipt.state == 2 and receipt.step == "debit" and receipt.route == "billing":
            return outcomes.undo_at_billing(receipt, terms, reason=5, note=Note("cancel_asked", by))
        return cancelling.ask_to_cancel(receipt, terms, by=by)

    with mock.patch.object(paying, "ask_to_cancel", ask):
        yield


@bug
def a_wish_to_cancel_is_forgotten() -> Iterator[None]:
    def ask(receipt: Any, terms: Any, *, by: str) -> Any:
        decision: Any = cancelling.ask_to_cancel(receipt, terms, by=by)
        if (
            decision.record is not None
            and decision.record.cancel_wish is not None
            and receipt.state != PAUSED
        ):
            return Decision(Moved(receipt, None))
        return decision

    with mock.patch.object(paying, "ask_to_cancel", ask):
        yield


@bug
def a_hold_is_captured_after_its_cancel() -> Iterator[None]:
    def confirm(receipt: Any, terms: Any) -> Any:
        if receipt.state == CANCELLING and receipt.held:
            receipt = replace(receipt, state=HELD)
        return holds.confirm_hold(receipt, terms)

    async def confirm_anything(self: Any, desk: Any, receipt_id: str) -> Any:
        return await self._confirm(receipt_id)

    with (
        mock.patch.object(paying, "confirm_hold", confirm),
        mock.patch.object(paying.Paying, "confirm_hold", confirm_anything),
    ):
        yield


@bug
def a_ledger_entry_is_forgotten() -> Iterator[None]:
    with mock.patch.object(outcomes, "earned", return_value=()):
        yield


@bug
def payers_are_debited_in_their_absence() -> Iterator[None]:
    def never(receipt: Any, terms: Any) -> bool:
        return False

    with ExitStack() as stack:
        for module in (at_billing, at_acquirer, holds, repeating):
            for name in ("is_given_up", "nobody_waits"):
                if hasattr(module, name):
                    stack.enter_context(mock.patch.object(module, name, never))
        yield


@bug
def one_time_tokens_pay_twice() -> Iterator[None]:
    async def reserve(self: Any, desk: Any, token: str, receipt_id: str, amount: int, *, attempt: int) -> Any:
        return await self.paying_card(desk, token, receipt_id, amount)

    async def spend(self: Any, token_id: str, receipt_id: str) -> None:
        """Forget it."""

    with mock.patch.object(Cards, "reserve", reserve), mock.patch.object(Cards, "spend", spend):
        yield


@bug
def nothing_is_debited() -> Iterator[None]:
    def decide(receipt: Any, outcome: Any, terms: Any) -> Any:
        decision: Any = at_billing.create_answered(receipt, outcome, terms)
        if decision.record is not None and decision.record.step == "debit":
            record = replace(decision.record, state=CLOSING, step="perform")
            return Decision(Moved(record, 0), record, decision.appends, decision.work)
        return decision

    with _stage("create", decide):
        yield


@bug
def more_is_debited_than_agreed() -> Iterator[None]:
    async def at_acquirer_(self: Any, step: Any, receipt: Any, lease: Any, *, ask: bool) -> Any:
        dearer = replace(receipt, amount_tiyin=receipt.amount_tiyin + receipt.commission_tiyin)
        return await real(self, step, dearer, lease, ask=ask)

    real = PaymentDriver._at_acquirer
    with mock.patch.object(PaymentDriver, "_at_acquirer", at_acquirer_):
        yield


@bug
def a_second_window_begins_anew() -> Iterator[None]:
    def begin(receipt: Any, intent: Any, terms: Any) -> Any:
        again = receipt.state in {1, 2}
        return real(
            replace(receipt, state=CREATED, attempt=intent.attempt - 1) if again else receipt, intent, terms
        )

    real = begin_payment
    with mock.patch.object(payment, "begin_payment", begin):
        yield


@bug
def an_update_is_lost() -> Iterator[None]:
    async def change(self: Any, table: Any, key: str, rule: Any, *, lease: Any = None) -> Any:
        if table is not RECEIPTS:
            return await real(self, table, key, rule, lease=lease)
        read = self.tables.of(table).get(key)
        inner = rule.rule if isinstance(rule, Expecting) else rule
        return await real(self, table, key, lambda stored: inner(read), lease=lease)

    real = InstantStore.change_and_lease
    with mock.patch.object(InstantStore, "change_and_lease", change):
        yield


@bug
def the_card_is_asked_before_anything_is_written() -> Iterator[None]:
    async def begin(self: Any, receipt: Any, intent: Any) -> Any:
        card = await self._cards.open(intent.card_id)
        with suppress(OutcomeUnknown):
            await self._acquirer.debit(f"{receipt.id}-{intent.attempt}", card, 500_000, intent.terminal)
        return await real(self, receipt, intent)

    real = PaymentDriver.begin
    with mock.patch.object(PaymentDriver, "begin", begin):
        yield


@bug
def idempotency_keys_are_ignored() -> Iterator[None]:
    with mock.patch.object(api, "MAKERS", {}):
        yield


@bug
def a_refund_is_not_registered() -> Iterator[None]:
    with mock.patch.object(outcomes, "FISCAL_CANCEL", 0):
        yield


@bug
def the_merchant_is_told_another_fiscal_receipt() -> Iterator[None]:
    async def tell(self: Any, target: Any, receipt_id: str, kind: str, data: Any) -> Any:
        again = replace(data, fiscal_sign="000000000000")
        return await real(self, target, receipt_id, kind, again)

    real = MerchantCalls.set_fiscal_data
    with mock.patch.object(MerchantCalls, "set_fiscal_data", tell):
        yield


@bug
def a_person_leaves_no_name() -> Iterator[None]:
    def sign(decision: Any, receipt: Any, what: str, by: Any, terms: Any) -> Any:
        return decision

    with mock.patch.object(people, "sign", sign), mock.patch.object(interventions, "sign", sign):
        yield


@bug
def a_person_who_cancels_overrides() -> Iterator[None]:
    def cancel(receipt: Any, terms: Any, by: Any, *, override: bool) -> Any:
        if override:
            return real(receipt, terms, by, override=True)
        decision = real(receipt, terms, by, override=True)
        *others, (table, row) = decision.appends
        return replace(decision, appends=[*others, (table, replace(row, what="cancel"))])

    real = people.cancel_paused
    with mock.patch.object(interventions, "cancel_paused", cancel):
        yield


@bug
def an_override_does_not_ask_the_bank() -> Iterator[None]:
    def cancel(receipt: Any, terms: Any, by: Any, *, override: bool) -> Any:
        return real(replace(receipt, step="perform") if override else receipt, terms, by, override=override)

    real = people.cancel_paused
    with mock.patch.object(interventions, "cancel_paused", cancel):
        yield


@bug
def receivers_are_not_added_up() -> Iterator[None]:
    def split(receipt: Any, receivers: Any) -> Any:
        return real(replace(receipt, amount_tiyin=sum(each.amount_tiyin for each in receivers)), receivers)

    real = shares.split
    with mock.patch.object(at_billing, "split", split):
        yield


@bug
def a_blocked_desk_receives() -> Iterator[None]:
    async def commissions_of(self: Any, desk_ids: Any) -> Any:
        desks = [await self.desks.find(desk_id) for desk_id in desk_ids]
        return {desk.id: desk.commission_basis_points for desk in desks if desk is not None}

    with mock.patch.object(Gateway, "_commissions_of", commissions_of):
        yield


@bug
def a_refund_is_taken_from_one_desk_alone() -> Iterator[None]:
    def alone(receipt_id: str, shares: Any, at_ms: int) -> Any:
        commission_tiyin = sum(share.commission_tiyin for share in shares)
        whole = Share(shares[0].desk_id, sum(share.amount_tiyin for share in shares), commission_tiyin)
        return refunding(receipt_id, (whole,), at_ms)

    with mock.patch.object(outcomes, "refunding", alone):
        yield


@bug
def shares_are_reckoned_anew_when_it_is_performed() -> Iterator[None]:
    def decide(receipt: Any, outcome: Any, terms: Any) -> Any:
        return at_billing.perform_answered(replace(receipt, shares=None), outcome, terms)

    with _stage("perform", decide):
        yield


@bug
def a_hold_that_ended_is_not_noticed() -> Iterator[None]:
    def decide(receipt: Any, outcome: Any, terms: Any) -> Any:
        ended = isinstance(outcome, Reversed)
        return holds.hold_watched(receipt, Held("") if ended else outcome, terms)

    with _stage("watch", decide):
        yield


@bug
def a_hold_that_ended_is_taken_for_captured() -> Iterator[None]:
    def decide(receipt: Any, outcome: Any, terms: Any) -> Any:
        ended = isinstance(outcome, Reversed)
        return at_acquirer.capture_answered(receipt, Debited("") if ended else outcome, terms)

    with _stage("capture", decide):
        yield


@bug
def a_humo_hold_is_cancelled_after_its_thirty_days() -> Iterator[None]:
    with mock.patch.object(holds, "scheme_of", return_value=None):
        yield


@bug
def what_comes_late_is_in_no_day() -> Iterator[None]:
    async def late(self: Any) -> Any:
        return {}

    with mock.patch.object(closing._Close, "_late", late):
        yield


@bug
def a_day_closes_before_its_desks_are_settled() -> Iterator[None]:
    async def settle(self: Any, stored: Any) -> None:
        if stored.began_ms == self._began_ms:
            await real(self, stored)

    async def run(self: Any, stored: Any) -> Any:
        self._began_ms = stored.began_ms if stored.state == COUNTING else None
        return await real_run(self, stored)

    real, real_run = closing._Close._settle, closing._Close.run
    with mock.patch.multiple(closing._Close, _settle=settle, run=run):
        yield


@bug
def days_are_closed_without_a_lease() -> Iterator[None]:
    async def close(self: Any, day: Any) -> Any:
        self._owner = f"{self._owner}."
        for key, work in self._store.tables.work.items():
            if work.kind == closing.WORK_KIND:
                self._store.tables.work[key] = replace(work, leased_until=0, next_at=0)
        return await real(self, day)

    real = closing.Closer._close
    with mock.patch.object(closing.Closer, "_close", close), mock.patch.object(MemoryTables, "_fence"):
        yield


@bug
def a_payout_is_paid_twice() -> Iterator[None]:
    def pay(stored: Any, *, who: str, reference: str, now_ms: int) -> Any:
        if stored is not None and stored.state == payouts.PAID:
            return Decision(stored, replace(stored, bank_reference=reference))
        return real(stored, who=who, reference=reference, now_ms=now_ms)

    real = payouts.pay
    with mock.patch.object(payouts, "pay", pay):
        yield


@bug
def a_message_is_sent_before_its_try_is_counted() -> Iterator[None]:
    def begin_try(row: Any, now_ms: int) -> Any:
        decision = delivery.begin_try(row, now_ms)
        return Decision(row) if decision.answer is not None else decision

    with mock.patch.object(outbox, "begin_try", begin_try):
        yield


@bug
def a_message_that_may_have_arrived_is_sent_for_ever() -> Iterator[None]:
    with mock.patch.object(delivery, "UNKNOWN_MAX", 99):
        yield


@bug
def a_message_has_no_work() -> Iterator[None]:
    def schedule(key: str, kind: str) -> Any:
        return None

    with mock.patch.object(outbox, "Schedule", schedule):
        yield


@bug
def a_message_that_was_not_sent_is_taken_for_sent() -> Iterator[None]:
    def end_try(row: Any, failure: Any, now_ms: int, share: float) -> Any:
        later = isinstance(failure, SendingLater)
        return delivery.end_try(row, None if later else failure, now_ms, share)

    with mock.patch.object(outbox, "end_try", end_try):
        yield
