"""Reconciling: everything that belongs together is brought together, in bounded memory, and judged."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Final, Self, TypeAlias, TypeVar

import msgspec

from tiyin.merchant.reconcile.judging import Difference, Judge
from tiyin.merchant.reconcile.kinds import Code
from tiyin.merchant.reconcile.payments import Pair, Receipt, Transaction
from tiyin.merchant.reconcile.result import Found, Reconciliation
from tiyin.merchant.reconcile.rows import AnyReceipt, Period, ShopOrder, row_of
from tiyin.merchant.reconcile.shelves import SHELVES, Shelves
from tiyin.merchant.reconcile.totals import Days
from tiyin.protocol.merchant_api import StatementTransaction

__all__ = ["EDGE_MS", "OrderOf", "Reconciler", "reconcile"]

T = TypeVar("T")
OrderOf: TypeAlias = str | Callable[[Mapping[str, str | int]], str | None] | None
"""How an account names an order: by a field, by a function, or (None) by its only field or `order_id`."""

EDGE_MS: Final = 30 * 60_000
_SOURCES_MIN: Final = 2
_USUAL_FIELD: Final = "order_id"


def reconcile(  # noqa: PLR0913 - a caller names the few it wants to set
    orders: Iterable[ShopOrder] | None,
    transactions: Iterable[StatementTransaction] | None,
    receipts: Iterable[AnyReceipt] | None,
    *,
    now_ms: int,
    period: Period,
    order_of: OrderOf = None,
    desks_without_billing: Collection[str] = (),
    fiscal: bool = False,
    edge_ms: int = EDGE_MS,
    differences_max: int = 10_000,
) -> Reconciliation:
    """Compare a shop's orders, its transactions and Payme's receipts.

    ```python
    found = reconcile(orders, statement.transactions, client.receipts.all(from_, to), now_ms=now_ms,
                      period=Period.days(date(2026, 11, 23)))
    if not found.agrees:
        for difference in found.differences:
            print(difference.code, difference.order, difference.amount_tiyin)
    ```

    The sources may be read as streams, in any order. Of each, rows from a day before and after the period
    may be there, and should: what is missing at an edge of the period can then be told from what is missing.

    Args:
        orders: The shop's orders, each once; None if they are not compared.
        transactions: What GetStatement answers; None if they are not compared.
        receipts: What receipts.get_all answers; None if they are not compared.
        now_ms: When the sources were taken, in milliseconds since 1970.
        period: What is compared.
        order_of: The account's field that names the order, or a function of the account.
        desks_without_billing: Cash desks whose receipts have no transaction.
        fiscal: Whether paid receipts without goods for the fiscal receipt are told.
        edge_ms: How near to an end of the period a missing counterpart is told as `at-edge`, in milliseconds.
        differences_max: How many differences are kept, the worst first; `counts` has all of them.

    Returns:
        What differs, and what each side counts.

    Raises:
        ValueError: If fewer than two sources are given, or a bound is out of bounds.

    Documentation: merchant-api/GetStatement, subscribe-api/receipts.get_all
    """
    reconciler = Reconciler(
        now_ms=now_ms,
        period=period,
        orders=orders is not None,
        transactions=transactions is not None,
        receipts=receipts is not None,
        order_of=order_of,
        desks_without_billing=desks_without_billing,
        fiscal=fiscal,
        edge_ms=edge_ms,
        differences_max=differences_max,
    )
    with reconciler:
        for order in orders or ():
            reconciler.add_order(order)
        for transaction in transactions or ():
            reconciler.add_transaction(transaction)
        for receipt in receipts or ():
            reconciler.add_receipt(receipt)
        return reconciler.finish()


class Reconciler:
    """Does what `reconcile` does for sources that are awaited, or come in pieces.

    ```python
    with Reconciler(now_ms=now_ms, period=period, receipts=False) as reconciler:
        async for transaction in transactions_of(store, period):
            reconciler.add_transaction(transaction)
        async for order in shop.orders():
            reconciler.add_order(order)
        found = reconciler.finish()
    ```

    Args:
        now_ms: As for `reconcile`, and so all below.
        period: What is compared.
        orders: Whether the shop's orders are compared.
        transactions: Whether transactions are.
        receipts: Whether receipts are.
        order_of: How an account names an order.
        desks_without_billing: Cash desks whose receipts have no transaction.
        fiscal: Whether data for the fiscal receipt are demanded.
        edge_ms: How near to an end of the period something may be missing, in milliseconds.
        differences_max: How many differences are kept, the worst first.

    Raises:
        ValueError: If fewer than two sources are compared, or a bound is out of bounds.
    """

    def __init__(  # noqa: PLR0913 - a caller names the few it wants to set
        self,
        *,
        now_ms: int,
        period: Period,
        orders: bool = True,
        transactions: bool = True,
        receipts: bool = True,
        order_of: OrderOf = None,
        desks_without_billing: Collection[str] = (),
        fiscal: bool = False,
        edge_ms: int = EDGE_MS,
        differences_max: int = 10_000,
    ) -> None:
        if orders + transactions + receipts < _SOURCES_MIN:
            raise ValueError(
                "give two of orders, transactions and receipts at least: there is nothing to compare"
            )
        if edge_ms < 0:
            raise ValueError("edge_ms is a number of milliseconds, 0 or more")
        if differences_max < 1:
            raise ValueError("differences_max is how many differences are kept, 1 or more")
        if isinstance(desks_without_billing, str):
            raise TypeError("desks_without_billing is a collection of ids, not one text")
        self._given = {"orders": orders, "transactions": transactions, "receipts": receipts}
        self._period = period
        self._now_ms = now_ms
        self._order_of = order_of
        self._without_billing = frozenset(desks_without_billing)
        self._judge = Judge(
            period,
            now_ms=now_ms,
            edge_ms=edge_ms,
            orders=orders,
            transactions=transactions,
            receipts=receipts,
            fiscal=fiscal,
        )
        self._days = Days(period, orders=orders, transactions=transactions, receipts=receipts)
        self._found = Found(differences_max)
        self._read: Counter[str] = Counter()
        self._orders = Shelves(ShopOrder)
        self._transactions = Shelves(Transaction)
        self._receipts = Shelves(Receipt)
        self._pairs = Shelves(Pair)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what was kept; needed where `finish` is not reached."""
        for shelves in (self._orders, self._transactions, self._receipts, self._pairs):
            shelves.close()

    def add_order(self, order: ShopOrder) -> None:
        """Take an order of the shop in.

        Args:
            order: The order.

        Raises:
            ValueError: If orders are not compared.
        """
        self._count("orders")
        self._orders.put(order.order, order)

    def add_transaction(self, row: StatementTransaction) -> None:
        """Take a row of the statement in.

        Args:
            row: The row.

        Raises:
            ValueError: If transactions are not compared.
        """
        self._count("transactions")
        kept = Transaction(
            row.id,
            self._name(row.account),
            row.amount,
            row.state,
            row.time,
            row.perform_time,
            row.cancel_time,
        )
        self._transactions.put(row.id, kept)

    def add_receipt(self, receipt: AnyReceipt) -> None:
        """Take a receipt in.

        Args:
            receipt: The receipt.

        Raises:
            ValueError: If receipts are not compared.
        """
        self._count("receipts")
        row = row_of(receipt)
        kept = Receipt(
            row.id,
            self._name(row.account),
            row.amount_tiyin,
            row.commission_tiyin,
            int(row.state),
            row.create_time_ms,
            row.pay_time_ms,
            row.cancel_time_ms,
            row.desk_id not in self._without_billing,
            -1 if row.fiscal is None else int(row.fiscal),
        )
        self._receipts.put(row.id, kept)

    def finish(self) -> Reconciliation:
        """Compare what was taken in. Called once, at the end.

        Returns:
            What differs, and what each side counts.
        """
        for shelf in range(SHELVES):
            for pair in self._meet(shelf):
                # Without a name a payment belongs to no order, and meets nothing.
                self._pairs.put(pair.order or pair.id, pair)
        for shelf in range(SHELVES):
            self._judge_shelf(shelf)
        self.close()
        return Reconciliation(
            period=self._period,
            now_ms=self._now_ms,
            read={name: self._read[name] for name, given in self._given.items() if given},
            counts=self._found.counts(),
            sums_tiyin=self._found.sums(),
            differences=self._found.worst(),
            days=self._days.result(),
            whole=self._days.whole(),
        )

    def _meet(self, shelf: int) -> Iterator[Pair]:
        """Bring transactions and receipts of one shelf together by their ids."""
        transactions = self._once(self._transactions.take(shelf), lambda row: row.id, self._twice)
        receipts = self._once(self._receipts.take(shelf), lambda row: row.id, self._twice)
        for transaction in transactions.values():
            self._days.transaction(transaction)
            yield Pair(transaction, receipts.get(transaction.id))
        for receipt in receipts.values():
            self._days.receipt(receipt)
            if receipt.id not in transactions:
                yield Pair(None, receipt)

    def _judge_shelf(self, shelf: int) -> None:
        orders = self._once(self._orders.take(shelf), lambda order: order.order, self._order_twice)
        for order in orders.values():
            self._days.order(order)
        groups: dict[str, list[Pair]] = {}
        nameless: list[Pair] = []
        for pair in self._pairs.take(shelf):
            if pair.order:
                groups.setdefault(pair.order, []).append(pair)
            else:
                nameless.append(pair)
        for name, order in orders.items():
            self._found.extend(self._judge.judge(order, groups.pop(name, ())))
        for pairs in groups.values():
            self._found.extend(self._judge.judge(None, pairs))
        for pair in nameless:
            self._found.extend(self._judge.judge(None, (pair,)))

    @staticmethod
    def _once(rows: Iterable[T], key: Callable[[T], str], twice: Callable[[T], None]) -> dict[str, T]:
        """Return rows by their keys. Of two that differ the same one is kept, whichever came first."""
        kept: dict[str, T] = {}
        told: set[str] = set()
        for row in rows:
            name = key(row)
            other = kept.setdefault(name, row)
            if other == row:
                continue
            kept[name] = max(other, row, key=_content)
            if name not in told:
                told.add(name)
                twice(kept[name])
        return kept

    def _twice(self, row: Transaction | Receipt) -> None:
        pair = Pair(row, None) if isinstance(row, Transaction) else Pair(None, row)
        self._found.add(
            Difference(
                code=Code.LISTED_TWICE, order=row.order, id=row.id, amount_tiyin=0, time_ms=pair.moment_ms
            )
        )

    def _order_twice(self, order: ShopOrder) -> None:
        self._found.add(
            Difference(code=Code.LISTED_TWICE, order=order.order, id="", amount_tiyin=0, time_ms=0)
        )

    def _count(self, source: str) -> None:
        if not self._given[source]:
            raise ValueError(f"{source} are not compared: it was made with {source}=False")
        self._read[source] += 1

    def _name(self, account: Mapping[str, str | int]) -> str:
        """Return what an account names, as text; empty if it names nothing."""
        if callable(self._order_of):
            return self._order_of(account) or ""
        if self._order_of is not None:
            return str(account.get(self._order_of, ""))
        if len(account) == 1:
            return str(next(iter(account.values())))
        return str(account.get(_USUAL_FIELD, ""))


def _content(row: object) -> bytes:
    return msgspec.msgpack.encode(row)
