"""May this account be paid with this amount: what a shop's `Order` means in the protocol's codes. Pure."""

from collections.abc import Sequence

from tiyin.merchant.billing import Order, OrderState, unavailable
from tiyin.merchant.records import Row, State
from tiyin.merchant.refusals import AccountNotFound, CannotPerform, WrongAmount
from tiyin.protocol.errors import MerchantCode
from tiyin.protocol.values import account_key

__all__ = ["guard_of", "judge_fields", "judge_holder", "judge_order"]

_HOLDER_STATES = {State.PAID: OrderState.PAID, State.REFUNDED: OrderState.CANCELLED}


def judge_fields(account: dict[str, str | int], fields: Sequence[str]) -> None:
    """Compare an account's fields with those of the cash desk.

    Args:
        account: As it was sent.
        fields: Names of the desk's fields; none = whatever the shop's `check` makes of them.

    Raises:
        AccountNotFound: For the first field that is missing, empty or foreign.
    """
    if not fields:
        return
    for field in fields:
        if account.get(field, "") == "":
            raise AccountNotFound(field, code=MerchantCode.ACCOUNT_FIELD_MISSING)
    for field in account:
        if field not in fields:
            # Two spellings of one order would be two accounts, and so could be paid twice.
            raise AccountNotFound(field, code=MerchantCode.ACCOUNT_FIELD_UNKNOWN)


def judge_order(order: object, account: dict[str, str | int], amount_tiyin: int, *, creating: bool) -> Order:
    """Decide whether an order may be paid with an amount.

    Args:
        order: What `Billing.check` returned.
        account: The account as it was sent.
        amount_tiyin: What the payer wants to pay.
        creating: True for CreateTransaction, False for CheckPerformTransaction.

    Returns:
        The order.

    Raises:
        CannotPerform: If it is reserved and a transaction is to be created.
        OrderUnavailable: If it is in another state than waiting.
        WrongAmount: If the amount is not right.
        TypeError: If the shop returned something that is no order.
        ValueError: If the shop's split does not add up.
    """
    if not isinstance(order, Order):
        raise TypeError(f"Billing.check must return an Order, not {type(order).__name__}")
    if order.state != OrderState.WAITING:
        raise _refusal(OrderState(order.state), order, account, creating=creating)
    low, high = order.amount_tiyin_min, order.amount_tiyin_max
    if not low <= amount_tiyin <= high or order.amount_tiyin not in (None, amount_tiyin):
        raise WrongAmount
    if order.receivers and sum(receiver.amount for receiver in order.receivers) != amount_tiyin:
        raise ValueError("the parts of Order.receivers do not add up to the amount")
    return order


def judge_holder(holder: Row | None, order: Order, account: dict[str, str | int], *, creating: bool) -> None:
    """Decide whether an order is still free.

    Args:
        holder: The transaction that holds the order's guard, if there is one.
        order: The order.
        account: The account as it was sent.
        creating: True for CreateTransaction, False for CheckPerformTransaction.

    Raises:
        CannotPerform: If another transaction waits for it and a transaction is to be created.
        OrderUnavailable: If it is reserved, paid or was refunded.
    """
    if holder is not None:
        state = _HOLDER_STATES.get(holder.state, OrderState.RESERVED)
        raise _refusal(state, order, account, creating=creating)


def guard_of(order: Order, account: dict[str, str | int]) -> str | None:
    """Return what a transaction keeps for itself alone: a one-time order's key, or None for a balance."""
    if not order.one_time:
        return None
    return account_key(account) if order.key is None else order.key


def _refusal(state: OrderState, order: Order, account: dict[str, str | int], *, creating: bool) -> Exception:
    if creating and state == OrderState.RESERVED:
        return CannotPerform()
    field = order.field if order.field is not None else next(iter(account), "account")
    return unavailable(state, field)
