"""Whether an account may be paid: every state and every edge of the amounts, without I/O."""

import pytest

from helpers_merchant import payme_id
from tiyin.merchant.billing import Order, OrderState, Receiver
from tiyin.merchant.orders import guard_of, judge_fields, judge_holder, judge_order
from tiyin.merchant.records import Row, State
from tiyin.merchant.refusals import AccountNotFound, CannotPerform, OrderUnavailable, WrongAmount

ACCOUNT: dict[str, str | int] = {"order_id": "1", "phone": "998901234567"}


def holder(state: int) -> Row:
    return Row(payme_id(1), 1, 500_000, "{}", "g", "n", state)


@pytest.mark.parametrize(
    ("account", "field", "code"),
    [
        ({"phone": "1"}, "order_id", -31054),
        ({"order_id": "", "phone": "1"}, "order_id", -31054),
        ({"order_id": "1"}, "phone", -31054),
        ({"order_id": "1", "phone": "2", "login": "x"}, "login", -31055),
    ],
)
def test_fields_that_are_not_the_desk_s(account: dict[str, str | int], field: str, code: int) -> None:
    with pytest.raises(AccountNotFound) as refusal:
        judge_fields(account, ("order_id", "phone"))
    assert (refusal.value.field, refusal.value.code) == (field, code)


def test_fields_that_are_the_desk_s() -> None:
    judge_fields({"phone": 0, "order_id": "1"}, ("order_id", "phone"))
    judge_fields({"anything": ""}, ())


@pytest.mark.parametrize(
    ("state", "creating", "code"),
    [
        (OrderState.RESERVED, True, -31008),
        (OrderState.RESERVED, False, -31051),
        (OrderState.PAID, True, -31052),
        (OrderState.PAID, False, -31052),
        (OrderState.CANCELLED, True, -31053),
        (OrderState.CANCELLED, False, -31053),
        (OrderState.BLOCKED, True, -31099),
        (OrderState.BLOCKED, False, -31099),
    ],
)
def test_an_order_that_does_not_wait(state: OrderState, creating: bool, code: int) -> None:
    with pytest.raises((CannotPerform, OrderUnavailable)) as refusal:
        judge_order(Order(state=state), ACCOUNT, 1, creating=creating)
    assert refusal.value.code == code
    assert refusal.value.data == (None if code == -31008 else "order_id")


def test_the_field_to_blame_can_be_named() -> None:
    with pytest.raises(OrderUnavailable) as refusal:
        judge_order(Order(state=OrderState.PAID, field="phone"), ACCOUNT, 1, creating=True)
    assert refusal.value.data == "phone"
    with pytest.raises(OrderUnavailable) as refusal:
        judge_order(Order(state=OrderState.PAID), {}, 1, creating=True)
    assert refusal.value.data == "account"


@pytest.mark.parametrize(
    ("order", "right", "wrong"),
    [
        (Order(amount_tiyin=500_000), [500_000], [499_999, 500_001, 1]),
        (Order(), [1, 500_000, 10**13], []),
        (Order(amount_tiyin_min=100, amount_tiyin_max=200), [100, 150, 200], [99, 201]),
        (Order(amount_tiyin=150, amount_tiyin_min=200), [], [150, 200]),
    ],
)
def test_amounts(order: Order, right: list[int], wrong: list[int]) -> None:
    for creating in (False, True):
        for amount_tiyin in right:
            assert judge_order(order, ACCOUNT, amount_tiyin, creating=creating) is order
        for amount_tiyin in wrong:
            with pytest.raises(WrongAmount):
                judge_order(order, ACCOUNT, amount_tiyin, creating=creating)


def test_a_split_adds_up_or_the_shop_is_wrong() -> None:
    parts = [Receiver(payme_id(1), 100), Receiver(payme_id(2), 400)]
    order = Order(receivers=parts)
    assert judge_order(order, ACCOUNT, 500, creating=True) is order
    with pytest.raises(ValueError, match=r"^the parts of Order.receivers do not add up to the amount$"):
        judge_order(order, ACCOUNT, 501, creating=True)
    judge_order(Order(receivers=[]), ACCOUNT, 501, creating=True)


def test_what_is_no_order() -> None:
    with pytest.raises(TypeError, match=r"must return an Order, not dict"):
        judge_order({"amount": 1}, ACCOUNT, 1, creating=True)


@pytest.mark.parametrize(
    ("state", "creating", "code"),
    [
        (State.CREATING, True, -31008),
        (State.WAITING, True, -31008),
        (State.WAITING, False, -31051),
        (State.PAID, True, -31052),
        (State.PAID, False, -31052),
        (State.REFUNDED, True, -31053),
        (State.REFUNDED, False, -31053),
    ],
)
def test_who_holds_an_order(state: int, creating: bool, code: int) -> None:
    with pytest.raises((CannotPerform, OrderUnavailable)) as refusal:
        judge_holder(holder(state), Order(field="phone"), ACCOUNT, creating=creating)
    assert refusal.value.code == code
    assert refusal.value.data == (None if code == -31008 else "phone")


def test_a_held_order_is_blamed_on_the_main_field() -> None:
    with pytest.raises(OrderUnavailable) as refusal:
        judge_holder(holder(State.PAID), Order(), ACCOUNT, creating=True)
    assert refusal.value.data == "order_id"


def test_an_order_that_nobody_holds() -> None:
    judge_holder(None, Order(), ACCOUNT, creating=True)


def test_what_is_reserved() -> None:
    assert guard_of(Order(one_time=False, key="7"), ACCOUNT) is None
    assert guard_of(Order(key="7"), ACCOUNT) == "7"
    assert guard_of(Order(), {"a": 1, "b": "2"}) == guard_of(Order(), {"b": 2, "a": "1"})
    assert guard_of(Order(), {"a": "1"}) != guard_of(Order(), {"a": "2"})
    assert guard_of(Order(), {"a": "1"}) != guard_of(Order(), {"b": "1"})
