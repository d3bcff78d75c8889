"""The demo shop's order: whatever calls come, in any order and however often, its books stay right.

Method: the pure rule is folded over effects that Hypothesis chooses, beside what must hold of each step.
"""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.emulator.shop.orders import EFFECTS_KEPT, Effect, Outcome, ShopOrder, effect_rule
from tiyin.merchant.billing import OrderState


def waiting() -> ShopOrder:
    return ShopOrder(
        id="1",
        number=1,
        amount_tiyin=500_000,
        product="",
        state=OrderState.WAITING.value,
        transaction=None,
        effects="[]",
        checks=0,
        creates=0,
        performs=0,
        cancels=0,
        created_at_ms=0,
    )


def fold(order: ShopOrder, *steps: tuple[str, Effect]) -> tuple[ShopOrder, list[Outcome]]:
    outcomes = []
    for transaction, effect in steps:
        decision = effect_rule(transaction, effect)(order)
        assert isinstance(decision.record, ShopOrder)
        order = decision.record
        outcomes.append(decision.answer)
    return order, outcomes


@pytest.mark.parametrize(
    ("steps", "state", "outcomes"),
    [
        ([("a", Effect.RESERVE)], "reserved", "done"),
        ([("a", Effect.RESERVE), ("a", Effect.PAY)], "paid", "done done"),
        ([("a", Effect.RESERVE), ("a", Effect.RELEASE)], "waiting", "done done"),
        ([("a", Effect.RESERVE), ("a", Effect.PAY), ("a", Effect.REFUND)], "cancelled", "done done done"),
        ([("a", Effect.RESERVE), ("b", Effect.RESERVE)], "reserved", "done refused"),
        ([("a", Effect.RESERVE), ("b", Effect.PAY)], "reserved", "done refused"),
        ([("a", Effect.PAY)], "waiting", "refused"),
        ([("a", Effect.RESERVE), ("a", Effect.RELEASE), ("b", Effect.RESERVE)], "reserved", "done done done"),
        ([("a", Effect.RESERVE), ("a", Effect.PAY), ("b", Effect.RESERVE)], "paid", "done done refused"),
        # A payment that never came to its end is undone even where the shop had already written it.
        ([("a", Effect.RESERVE), ("a", Effect.PAY), ("a", Effect.RELEASE)], "waiting", "done done done"),
        # The end overtook the beginning: the reservation that arrives late is refused.
        ([("a", Effect.RELEASE), ("a", Effect.RESERVE)], "waiting", "done refused"),
        # Another payer's end does not touch the order.
        ([("a", Effect.RESERVE), ("b", Effect.RELEASE)], "reserved", "done done"),
    ],
)
def test_effects_move_the_order(steps: list[tuple[str, Effect]], state: str, outcomes: str) -> None:
    order, answers = fold(waiting(), *steps)
    assert order.state == state
    assert [str(answer) for answer in answers] == outcomes.split()


def test_a_repeat_is_counted_and_changes_nothing_else() -> None:
    once, _ = fold(waiting(), ("a", Effect.RESERVE), ("a", Effect.PAY))
    twice, outcomes = fold(once, ("a", Effect.PAY))
    assert outcomes == [Outcome.REPEATED]
    assert twice == msgspec.structs.replace(once, performs=2)


def test_an_order_that_does_not_exist_is_not_made() -> None:
    decision = effect_rule("a", Effect.RESERVE)(None)
    assert (decision.answer, decision.record) == (Outcome.NO_ORDER, None)


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Effect)), max_size=40)


@given(STEPS)
def test_any_row_of_effects_keeps_the_books_right(steps: list[tuple[str, Effect]]) -> None:
    order = waiting()
    done: set[tuple[str, Effect]] = set()
    for transaction, effect in steps:
        before = order
        order, [outcome] = fold(order, (transaction, effect))
        assert sum(order.hooks.values()) == sum(before.hooks.values()) + 1
        if outcome is Outcome.DONE:
            assert (transaction, effect) not in done, "an effect was done twice"
            done.add((transaction, effect))
        elif outcome is Outcome.REPEATED:
            assert (transaction, effect) in done
        if outcome is not Outcome.DONE:
            assert (order.state, order.transaction) == (before.state, before.transaction)
        if before.state not in {order.state, "waiting"}:
            assert before.transaction == transaction, "somebody else's transaction moved the order"
        assert (order.state == "waiting") == (order.transaction is None)
        if order.state == "paid":
            assert order.transaction is not None
            assert (order.transaction, Effect.RESERVE) in done
            assert (order.transaction, Effect.PAY) in done
    if order.state == "cancelled":
        assert any(effect is Effect.REFUND for _, effect in done)


def test_what_an_order_remembers_is_bounded() -> None:
    order = waiting()
    for attempt in range(EFFECTS_KEPT):
        order, _ = fold(order, (f"t{attempt}", Effect.RESERVE), (f"t{attempt}", Effect.RELEASE))
    assert len(msgspec.json.decode(order.effects)) == EFFECTS_KEPT
