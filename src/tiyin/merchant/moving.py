"""Moving in: transactions that another implementation took, so that they can still be asked for and refunded.

Payme goes on asking about old transactions: it checks them, cancels them, and wants them in statements. A
shop that changes over brings them along once, with the new endpoint not yet in use:

```python
old = (from_paytechuz(row) for row in PaymentTransaction.objects.filter(gateway="payme").values())
print(api.take_over_sync(old))
```

What is known already is left as it is, so that this can be run again. None of the shop's hooks run, except
`check`, which says what names the order.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from tiyin.merchant.billing import Order
from tiyin.merchant.orders import guard_of
from tiyin.merchant.records import Row, State
from tiyin.merchant.refusals import Refused
from tiyin.merchant.rules import Answer, Step
from tiyin.merchant.shop import Shop
from tiyin.merchant.stores.port import GuardTakenError, TransactionStore
from tiyin.protocol.merchant_api import TRANSACTION_TIMEOUT_MS, Reason
from tiyin.protocol.values import read_account, read_amount, read_id, read_timestamp

__all__ = ["OldTransaction", "TakenOver", "from_payme_pkg", "from_paytechuz", "take_over"]

_STATES: Final = (State.WAITING, State.PAID, State.CANCELLED, State.REFUNDED)
_TIYIN_IN_SUM: Final = 100
_encode = msgspec.json.Encoder().encode


class OldTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction as another implementation kept it.

    Args:
        id: Payme's id of it, 24 characters.
        time_ms: When Payme made it: the `time` of CreateTransaction, in milliseconds since 1970.
        amount_tiyin: The amount, in tiyin.
        account: The account as Payme sent it.
        state: 1 waiting, 2 paid, -1 cancelled, -2 cancelled after it was paid.
        number: What Payme was told as `transaction`; the id by default.
        create_time_ms: What Payme was told as `create_time`; `time_ms` by default.
        perform_time_ms: What it was told as `perform_time`; 0 if it was never paid.
        cancel_time_ms: What it was told as `cancel_time`; 0 if it was not cancelled.
        reason: Why it was cancelled: 1 to 5, or 10.

    Raises:
        ValueError: If a value is none that the protocol knows, or times and state contradict each other.
    """

    id: str
    time_ms: int
    amount_tiyin: int
    account: dict[str, str | int]
    state: int
    number: str | None = None
    create_time_ms: int | None = None
    perform_time_ms: int = 0
    cancel_time_ms: int = 0
    reason: int | None = None

    def __post_init__(self) -> None:
        read_id(self.id)
        read_amount(self.amount_tiyin)
        read_account(self.account)
        for time_ms in (self.time_ms, self.create_time_ms or 0, self.perform_time_ms, self.cancel_time_ms):
            read_timestamp(time_ms)
        if self.state not in _STATES:
            raise ValueError(f"{self.id}: a transaction's state is 1, 2, -1 or -2, not {self.state!r}")
        if (self.state in (State.PAID, State.REFUNDED)) != bool(self.perform_time_ms):
            raise ValueError(f"{self.id}: in state {self.state} its perform_time is {self.perform_time_ms}")
        if (self.state in (State.CANCELLED, State.REFUNDED)) != bool(self.cancel_time_ms):
            raise ValueError(f"{self.id}: in state {self.state} its cancel_time is {self.cancel_time_ms}")
        if self.reason is not None and self.reason not in list(Reason):
            raise ValueError(f"{self.id}: a reason is 1 to 5 or 10, not {self.reason!r}")


class TakenOver(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        taken: How many were taken over.
        known: How many were known already.
        twice: Ids of transactions whose order another one holds already: it was paid or reserved twice. They
            were taken over too, and a person should look at them.
    """

    taken: int = 0
    known: int = 0
    twice: tuple[str, ...] = ()


async def take_over(old: Iterable[OldTransaction], shop: Shop, store: TransactionStore) -> TakenOver:
    """Keep transactions of another implementation; see `MerchantApi.take_over`.

    Args:
        old: The transactions.
        shop: Says what names an order.
        store: Where they will be.
    """
    taken = known = 0
    twice: list[str] = []
    for one in old:
        row = await _row(one, shop)
        try:
            new = await _keep(row, shop, store)
        except GuardTakenError:
            twice.append(row.id)
            new = await _keep(msgspec.structs.replace(row, guard=None), shop, store)
        taken, known = taken + new, known + (not new)
    return TakenOver(taken, known, tuple(twice))


async def _keep(row: Row, shop: Shop, store: TransactionStore) -> bool:
    """Insert a row unless its id is known; tells whether it was not."""

    def rule(stored: Row | None, _: int) -> Step:
        return Step(Answer(row), row) if stored is None else Step(Answer(stored))

    outcome = await store.carry_out(row.id, rule, shop)
    return isinstance(outcome, Answer) and outcome.row is row


async def _row(old: OldTransaction, shop: Shop) -> Row:
    return Row(
        id=old.id,
        time_ms=old.time_ms,
        amount_tiyin=old.amount_tiyin,
        account=_encode(old.account).decode(),
        guard=None if old.state == State.CANCELLED else await _guard(old, shop),
        number=old.id if old.number is None else old.number,
        state=old.state,
        reason=old.reason,
        create_time_ms=old.time_ms if old.create_time_ms is None else old.create_time_ms,
        perform_time_ms=old.perform_time_ms,
        cancel_time_ms=old.cancel_time_ms,
        accepted=1,
        due_ms=old.time_ms + TRANSACTION_TIMEOUT_MS if old.state == State.WAITING else None,
    )


async def _guard(old: OldTransaction, shop: Shop) -> str | None:
    try:
        order = await shop.check(old.account, old.amount_tiyin)
    except Refused:
        # The order is gone, or will not be sold again: there is nothing to be kept for this transaction.
        return None
    return guard_of(order, old.account) if isinstance(order, Order) else None


def from_payme_pkg(row: Mapping[str, Any], account_field: str = "order_id") -> OldTransaction:
    """Read a row of payme-pkg's `MerchantTransactionsModel`.

    ```python
    old = (from_payme_pkg(row) for row in MerchantTransactionsModel.objects.values())
    ```

    Args:
        row: The row's columns; its `amount` is in tiyin, as that library kept it.
        account_field: The name of the cash desk's account field.

    Raises:
        KeyError: If a column is missing.
        ValueError: If a value cannot be understood.
    """
    perform_time_ms, cancel_time_ms = int(row["perform_time"] or 0), int(row["cancel_time"] or 0)
    return OldTransaction(
        id=str(row["_id"]),
        number=None if row["transaction_id"] is None else str(row["transaction_id"]),
        time_ms=int(row["time"]),
        create_time_ms=int(row["created_at_ms"] or row["time"]),
        amount_tiyin=int(row["amount"]),
        account={account_field: str(row["order_id"])},
        state=_true_state(int(row["state"]), perform_time_ms, cancel_time_ms),
        perform_time_ms=perform_time_ms,
        cancel_time_ms=cancel_time_ms,
        reason=_reason(row["reason"]),
    )


def from_paytechuz(row: Mapping[str, Any], account_field: str = "order_id") -> OldTransaction:
    """Read a row of paytechuz's `PaymentTransaction`, gateway ``payme``.

    ```python
    old = (from_paytechuz(row) for row in PaymentTransaction.objects.filter(gateway="payme").values())
    ```

    Args:
        row: The row's columns; its `amount` is in sums, as that library kept it.
        account_field: The name of the cash desk's account field, where the row does not say.

    Raises:
        KeyError: If a column is missing.
        ValueError: If a value cannot be understood.
    """
    extra: Mapping[str, Any] = row["extra_data"] or {}
    sent: Mapping[str, Any] = extra.get("raw_params") or {}
    create_time_ms = _ms(row["created_at"])
    perform_time_ms, cancel_time_ms = _ms(row["performed_at"]), _ms(row["cancelled_at"])
    return OldTransaction(
        id=str(row["transaction_id"]),
        time_ms=int(sent.get("time") or extra.get("create_time") or create_time_ms),
        create_time_ms=create_time_ms,
        amount_tiyin=_tiyin(row["amount"]),
        account=dict(
            sent.get("account") or {extra.get("account_field") or account_field: str(row["account_id"])}
        ),
        state=_true_state(int(row["state"]), perform_time_ms, cancel_time_ms),
        perform_time_ms=perform_time_ms,
        cancel_time_ms=cancel_time_ms,
        reason=_reason(extra.get("cancel_reason")),
    )


def _true_state(state: int, perform_time_ms: int, cancel_time_ms: int) -> int:
    """Mend what those libraries write: -2 also for what was never paid, and 0 for what waits."""
    if cancel_time_ms:
        return State.REFUNDED if perform_time_ms else State.CANCELLED
    return State.WAITING if state == State.CREATING else state


def _tiyin(sums: Any) -> int:
    exact = Decimal(str(sums)) * _TIYIN_IN_SUM
    if exact != exact.to_integral_value():
        raise ValueError(f"{sums} sums are no whole number of tiyin")
    return int(exact)


def _ms(moment: datetime | None) -> int:
    if moment is None:
        return 0
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


def _reason(value: Any) -> int | None:
    return int(value) if value not in (None, "") else None
