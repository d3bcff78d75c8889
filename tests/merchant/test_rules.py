"""The rules as a table: every state, every call, without I/O."""

from typing import Any

import pytest

from helpers_merchant import NOW_MS, TIMEOUT_MS, payme_id
from tiyin.merchant import rules
from tiyin.merchant.records import Begun, Row, State
from tiyin.merchant.rules import Answer, Ask, AskDelivered, Fresh, Hooks, Refuse, Run, Step

NONE = Hooks()
ALL = Hooks(create=True, perform=True, may_cancel=True, cancel=True)
ASK = Ask(payme_id(1), NOW_MS, 500_000, {"order_id": 1})
LATE_MS = NOW_MS + TIMEOUT_MS


def row(state: int, **fields: Any) -> Row:
    values: dict[str, Any] = {
        "id": payme_id(1),
        "time_ms": NOW_MS,
        "amount_tiyin": 500_000,
        "account": '{"order_id":"1"}',
        "guard": "g",
        "number": "n",
        "state": state,
        "create_time_ms": NOW_MS,
        "accepted": int(state != State.CREATING),
        "due_ms": LATE_MS if state in (State.WAITING, State.CREATING) else None,
        **fields,
    }
    return Row(**values)


def outcome(step: Step) -> Any:
    """Say a step in one word: the code, the state of the answer, or the name of what is to happen."""
    match step.outcome:
        case Refuse(code):
            return int(code)
        case Answer(answer):
            return answer.state
        case Run(effect, _, reason, final):
            return (effect, reason, final)
        case other:
            return type(other)


WAITING, PAID, CANCELLED, REFUNDED = State.WAITING, State.PAID, State.CANCELLED, State.REFUNDED
CREATING, NEVER = State.CREATING, State.NEVER


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, -31003),
        (row(NEVER), -31003),
        (row(CREATING), -31008),
        (row(WAITING), PAID),
        (row(PAID), PAID),
        (row(CANCELLED), -31008),
        (row(REFUNDED), -31008),
        (row(WAITING, begun=Begun.CANCEL), -31008),
    ],
)
def test_perform(stored: Row | None, expected: Any) -> None:
    assert outcome(rules.perform(stored, NOW_MS, NONE)) == expected


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, -31003),
        (row(NEVER), -31003),
        (row(CREATING), CANCELLED),
        (row(WAITING), CANCELLED),
        (row(PAID), REFUNDED),
        (row(CANCELLED), CANCELLED),
        (row(REFUNDED), REFUNDED),
    ],
)
def test_cancel(stored: Row | None, expected: Any) -> None:
    assert outcome(rules.cancel(stored, NOW_MS, 5, NONE)) == expected


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, -31003),
        (row(NEVER), -31003),
        (row(CREATING), -31003),
        (row(WAITING), WAITING),
        (row(PAID), PAID),
        (row(CANCELLED), CANCELLED),
        (row(REFUNDED), REFUNDED),
    ],
)
def test_check(stored: Row | None, expected: Any) -> None:
    step = rules.check(stored, NOW_MS, NONE)
    assert outcome(step) == expected
    assert step.write is None


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, Fresh),
        (row(NEVER), Fresh),
        (row(CREATING), WAITING),
        (row(WAITING), WAITING),
        (row(PAID), -31008),
        (row(CANCELLED), -31008),
        (row(REFUNDED), -31008),
        (row(WAITING, begun=Begun.CANCEL), -31008),
        (row(CREATING, begun=Begun.CREATE | Begun.CANCEL), -31008),
        (row(WAITING, amount_tiyin=1), -31008),
        (row(WAITING, time_ms=NOW_MS - 1), -31008),
        (row(WAITING, account='{"order_id":"2"}'), -31008),
        (row(WAITING, account='{"order_id":1}'), WAITING),
    ],
)
def test_create(stored: Row | None, expected: Any) -> None:
    assert outcome(rules.create(stored, NOW_MS, ASK, NONE)) == expected


@pytest.mark.parametrize("state", [WAITING, CREATING])
def test_twelve_hours(state: int) -> None:
    """Each call notices, each answers what it answers for a cancelled one, and all write the same row."""
    stored = row(state)
    steps = {
        "perform": (rules.perform(stored, LATE_MS, NONE), -31008),
        "cancel": (rules.cancel(stored, LATE_MS, 5, NONE), CANCELLED),
        "create": (rules.create(stored, LATE_MS, ASK, NONE), -31008),
        "expire": (rules.expire(stored, LATE_MS, NONE), CANCELLED),
    }
    if state == WAITING:
        steps["check"] = (rules.check(stored, LATE_MS, NONE), CANCELLED)
    for step, expected in steps.values():
        assert outcome(step) == expected
        gone = step.write
        assert gone is not None
        assert (gone.state, gone.reason, gone.cancel_time_ms) == (CANCELLED, 4, LATE_MS)
        assert (gone.guard, gone.due_ms, gone.begun) == (None, None, 0)
    early = rules.expire(stored, LATE_MS - 1, NONE)
    assert (outcome(early), early.write) == (state, None)


@pytest.mark.parametrize("state", [PAID, CANCELLED, REFUNDED])
def test_nothing_else_expires(state: int) -> None:
    step = rules.expire(row(state), LATE_MS * 2, ALL)
    assert (outcome(step), step.write) == (state, None)


@pytest.mark.parametrize(
    ("time_ms", "expected"),
    [
        (NOW_MS - TIMEOUT_MS, -31008),
        (NOW_MS - TIMEOUT_MS + 1, Fresh),
        (NOW_MS, Fresh),
        (NOW_MS + 86_400_000, Fresh),
        (NOW_MS + 86_400_001, -31008),
    ],
)
def test_the_time_of_a_new_transaction(time_ms: int, expected: Any) -> None:
    ask = Ask(payme_id(1), time_ms, 500_000, {"order_id": 1})
    assert outcome(rules.create(None, NOW_MS, ask, ALL)) == expected
    new = row(CREATING, time_ms=time_ms)
    step = rules.create(None, NOW_MS, ask, NONE, new)
    assert (step.write is None) is (expected == -31008)


def test_hooks_run_before_the_answer() -> None:
    new = row(CREATING)
    step = rules.create(None, NOW_MS, ASK, ALL, new)
    assert outcome(step) == (Begun.CREATE, None, True)
    assert step.write is not None
    assert (step.write.state, step.write.begun, step.write.accepted) == (CREATING, Begun.CREATE, 0)
    step = rules.perform(row(WAITING), NOW_MS, ALL)
    assert outcome(step) == (Begun.PERFORM, None, True)
    assert step.write == row(WAITING, begun=Begun.PERFORM)
    step = rules.cancel(row(WAITING), NOW_MS, 3, ALL)
    assert outcome(step) == (Begun.CANCEL, 3, True)
    assert step.write == row(WAITING, begun=Begun.CANCEL)
    step = rules.perform(row(WAITING), LATE_MS, ALL)
    assert outcome(step) == (Begun.CANCEL, 4, False)


def test_delivery_is_asked_about_for_paid_ones_alone() -> None:
    assert outcome(rules.cancel(row(PAID), NOW_MS, 5, ALL)) is AskDelivered
    assert outcome(rules.cancel(row(PAID), NOW_MS, 5, ALL, may_cancel=False)) == -31007
    assert outcome(rules.cancel(row(PAID), NOW_MS, 5, ALL, may_cancel=True)) == (Begun.CANCEL, 5, True)
    assert outcome(rules.cancel(row(WAITING), NOW_MS, 5, ALL, may_cancel=False)) == (Begun.CANCEL, 5, True)
    begun = row(PAID, begun=Begun.CANCEL)
    assert outcome(rules.cancel(begun, NOW_MS, 5, ALL)) == (Begun.CANCEL, 5, True)
    assert outcome(rules.perform(begun, NOW_MS, ALL)) == PAID


def test_what_another_effect_left_unfinished_is_not_overwritten() -> None:
    """Who began it may still be at it: the mark is written only by whoever holds the transaction."""
    step = rules.cancel(row(WAITING, begun=Begun.PERFORM), NOW_MS, 3, ALL)
    assert (outcome(step), step.write) == ((Begun.CANCEL, 3, True), None)
    step = rules.cancel(row(WAITING, begun=Begun.PERFORM), NOW_MS, 3, NONE)
    assert (outcome(step), step.write) == ((Begun.CANCEL, 3, True), None)


def test_results() -> None:
    run = Run(Begun.CREATE, row(CREATING))
    done = rules.finished(row(CREATING, begun=Begun.CREATE), run, NOW_MS, number="5123")
    assert (done.state, done.accepted, done.begun, done.number, done.guard) == (WAITING, 1, 0, "5123", "g")
    gone = rules.refused(row(CREATING, begun=Begun.CREATE), run)
    assert (gone.state, gone.guard, gone.due_ms, gone.accepted) == (NEVER, None, None, 0)
    run = Run(Begun.PERFORM, row(WAITING))
    done = rules.finished(row(WAITING, begun=Begun.PERFORM), run, LATE_MS)
    assert (done.state, done.perform_time_ms, done.begun, done.due_ms, done.guard) == (
        PAID,
        LATE_MS,
        0,
        None,
        "g",
    )
    assert rules.refused(row(WAITING, begun=Begun.PERFORM), run) == row(WAITING)
    run = Run(Begun.CANCEL, row(PAID), 5)
    done = rules.finished(row(PAID, begun=Begun.CANCEL), run, LATE_MS)
    assert (done.state, done.reason, done.cancel_time_ms, done.guard) == (REFUNDED, 5, LATE_MS, "g")
    done = rules.finished(row(WAITING, begun=Begun.CANCEL | Begun.PERFORM), run, LATE_MS)
    assert (done.state, done.guard, done.begun) == (CANCELLED, None, 0)


def test_what_is_done_at_once_is_written_with_the_answer() -> None:
    """Without hooks one commit does it: the row that answers is the row that is written, at that moment."""
    step = rules.create(None, NOW_MS, ASK, NONE, row(CREATING))
    assert step == Step(Answer(row(WAITING)), row(WAITING))
    step = rules.perform(row(WAITING), LATE_MS - 1, NONE)
    paid = row(PAID, perform_time_ms=LATE_MS - 1)
    assert step == Step(Answer(paid), paid)
    step = rules.cancel(row(WAITING), NOW_MS + 1, 3, NONE)
    gone = row(CANCELLED, reason=3, cancel_time_ms=NOW_MS + 1, guard=None)
    assert step == Step(Answer(gone), gone)
    step = rules.cancel(paid, NOW_MS + 2, 5, NONE)
    refunded = row(REFUNDED, reason=5, cancel_time_ms=NOW_MS + 2, perform_time_ms=LATE_MS - 1)
    assert step == Step(Answer(refunded), refunded)


def test_what_is_to_run_names_the_row_before_it() -> None:
    """Goal: a hook, and the question whether goods were delivered, are about the row as it stands."""
    assert rules.create(row(CREATING), NOW_MS, ASK, ALL) == Step(
        Run(Begun.CREATE, row(CREATING)), row(CREATING, begun=Begun.CREATE)
    )
    assert rules.perform(row(WAITING), NOW_MS, ALL).outcome == Run(Begun.PERFORM, row(WAITING))
    assert rules.cancel(row(WAITING), NOW_MS, 1, ALL).outcome == Run(Begun.CANCEL, row(WAITING), 1)
    assert rules.cancel(row(PAID), NOW_MS, 5, ALL).outcome == AskDelivered(row(PAID))
    assert rules.expire(row(WAITING), LATE_MS, ALL).outcome == Run(Begun.CANCEL, row(WAITING), 4, final=False)


def test_a_number_of_the_shop_s_own_is_optional() -> None:
    run = Run(Begun.CREATE, row(CREATING))
    assert rules.finished(row(CREATING, number="n"), run, NOW_MS).number == "n"
    assert rules.finished(row(CREATING, number="n"), run, NOW_MS, number="5123").number == "5123"
    assert rules.refused(row(CREATING, begun=Begun.CREATE), run).begun == 0
