"""The property test is worth what it finds: each classic mistake, planted, must be found by it.

The method: one function of the moves is replaced by a wrong one, and scenarios are played until the checks of
`helpers_scenarios` object; a bug that survives fails its test.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace

from helpers_scenarios import Scenario, run_scenario, scenarios
from tiyin.gateway.merchant_calls.answers import RefusedByMerchant, Unknown
from tiyin.gateway.receipts import at_acquirer, at_billing, outcomes, payment, repeating
from tiyin.gateway.receipts.at_acquirer import NotKnown
from tiyin.gateway.receipts.moves import Moved, Note, Terms
from tiyin.gateway.receipts.outcomes import cancelled, refund
from tiyin.gateway.receipts.records import Receipt, Step
from tiyin.storage import Decision

Plant = Callable[[pytest.MonkeyPatch], None]


def changes_the_debit_key_on_a_retry(patch: pytest.MonkeyPatch) -> None:
    def repeat_later(receipt: Receipt, terms: Terms, note: Note) -> Decision[Moved]:
        other = replace(
            receipt, attempt=receipt.attempt + 1, attempt_key=f"{receipt.id}-{receipt.attempt + 1}"
        )
        return repeating.repeat_later(other, terms, note)

    patch.setattr(at_acquirer, "repeat_later", repeat_later)


def cancels_before_the_billing_answered(patch: pytest.MonkeyPatch) -> None:
    def undo(receipt: Receipt, terms: Terms, *, note: Note, error: str, **_: Any) -> Decision[Moved]:
        return cancelled(receipt, terms, note=note, error=error)

    patch.setattr(at_acquirer, "undo_at_billing", undo)


def changes_the_time_on_a_repeat(patch: pytest.MonkeyPatch) -> None:
    def repeat_later(receipt: Receipt, terms: Terms, note: Note) -> Decision[Moved]:
        return repeating.repeat_later(replace(receipt, time_ms=terms.now_ms), terms, note)

    patch.setattr(at_billing, "repeat_later", repeat_later)


def takes_an_unknown_debit_for_a_failed_one(patch: pytest.MonkeyPatch) -> None:
    def debit_answered(receipt: Receipt, outcome: Any, terms: Terms) -> Decision[Moved]:
        if isinstance(outcome, NotKnown):
            note = Note("declined")
            if receipt.route == "billing":
                return outcomes.undo_at_billing(receipt, terms, reason=2, note=note)
            return cancelled(receipt, terms, note=note)
        return at_acquirer.debit_answered(receipt, outcome, terms)

    _plant_step(patch, "debit", debit_answered)


def takes_an_unknown_create_for_a_refused_one(patch: pytest.MonkeyPatch) -> None:
    def create_answered(receipt: Receipt, outcome: Any, terms: Terms) -> Decision[Moved]:
        if isinstance(outcome, Unknown):
            outcome = Unknown(outcome.reason, sent=False)
            terms, receipt = replace(terms, fresh=True), replace(receipt, tries=0)
        return at_billing.create_answered(receipt, outcome, terms)

    _plant_step(patch, "create", create_answered)


def refunds_a_refused_perform_without_asking(patch: pytest.MonkeyPatch) -> None:
    def perform_answered(receipt: Receipt, outcome: Any, terms: Terms) -> Decision[Moved]:
        if isinstance(outcome, RefusedByMerchant):
            return refund(receipt, terms, Note("refused"))
        return at_billing.perform_answered(receipt, outcome, terms)

    _plant_step(patch, "perform", perform_answered)


def believes_a_refused_repeat_of_a_create(patch: pytest.MonkeyPatch) -> None:
    def create_answered(receipt: Receipt, outcome: Any, terms: Terms) -> Decision[Moved]:
        if isinstance(outcome, RefusedByMerchant):
            terms, receipt = replace(terms, fresh=True), replace(receipt, tries=0)
        return at_billing.create_answered(receipt, outcome, terms)

    _plant_step(patch, "create", create_answered)


def debits_in_the_payers_absence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(repeating, "patience_is_over", lambda *_: False)


def forgets_what_the_desk_is_owed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outcomes, "earned", lambda *_: ())


def _plant_step(patch: pytest.MonkeyPatch, step: Step, decide: Any) -> None:
    stages = dict(payment._STAGES)  # noqa: SLF001 - a wrong stage is planted there
    stages[step] = stages[step]._replace(decide=decide)
    patch.setattr(payment, "_STAGES", stages)


@pytest.mark.parametrize(
    "plant",
    [
        changes_the_debit_key_on_a_retry,
        cancels_before_the_billing_answered,
        pytest.param(changes_the_time_on_a_repeat, marks=pytest.mark.long),
        takes_an_unknown_debit_for_a_failed_one,
        takes_an_unknown_create_for_a_refused_one,
        pytest.param(refunds_a_refused_perform_without_asking, marks=pytest.mark.long),
        believes_a_refused_repeat_of_a_create,
        pytest.param(debits_in_the_payers_absence, marks=pytest.mark.long),
        forgets_what_the_desk_is_owed,
    ],
)
def test_the_property_finds(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)

    @settings(
        max_examples=1500,
        deadline=None,
        database=None,
        derandomize=True,
        # Finding it is enough: nobody reads the smallest example.
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(scenarios)
    def search(scenario: Scenario) -> None:
        run_scenario(scenario)

    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the checks object to
        search()
