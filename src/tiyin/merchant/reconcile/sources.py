"""The kit's own transactions as a source, whatever store keeps them."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from typing import Final, TypeVar

from tiyin.merchant.answers import statement_rows
from tiyin.merchant.driving import drive_all
from tiyin.merchant.in_loop import LoopThread
from tiyin.merchant.reconcile.rows import Period
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.stores.port import TransactionStore
from tiyin.protocol.merchant_api import StatementTransaction

__all__ = ["transactions_of", "transactions_of_sync"]

T = TypeVar("T")

_PAGE: Final = 1_000


async def transactions_of(
    store: str | TransactionStore, period: Period
) -> AsyncGenerator[StatementTransaction, None]:
    """Go through the transactions of a period, as GetStatement answers them, page by page.

    ```python
    async for transaction in transactions_of("sqlite:///payme.db", period):
        reconciler.add_transaction(transaction)
    ```

    Args:
        store: What `MerchantApi` was given: the address of the kit's own store, which is opened for this, or
            a store that awaits and is open.
        period: From when to when, by Payme's time of making.

    Raises:
        TypeError: If the store blocks; see `transactions_of_sync`.

    Documentation: merchant-api/GetStatement
    """
    if not isinstance(store, str):
        if store.blocking:
            raise TypeError("this store does not await: use transactions_of_sync")
        async for row in _rows(store, period):
            yield row
        return
    own = OwnStore(store)
    await own.start()
    try:
        async for row in _rows(own, period):
            yield row
    finally:
        await own.stop()


def transactions_of_sync(
    store: str | TransactionStore, period: Period
) -> Generator[StatementTransaction, None, None]:
    """Do what `transactions_of` does, in a program that does not await.

    ```python
    found = reconcile(orders, transactions_of_sync("sqlite:///payme.db", period), receipts,
                      now_ms=now_ms, period=period)
    ```

    Args:
        store: The address of the kit's own store, or a store that blocks and is open, such as
            Django's.
        period: From when to when, by Payme's time of making.

    Raises:
        TypeError: If the store awaits and is no address; see `transactions_of`.
    """
    if isinstance(store, str):
        yield from _in_thread(store, period)
        return
    if not store.blocking:
        raise TypeError("this store awaits: use transactions_of")
    yield from drive_all(_rows(store, period))


def _in_thread(address: str, period: Period) -> Generator[StatementTransaction, None, None]:
    loop = LoopThread()
    rows = transactions_of(address, period)
    try:
        while (row := loop.run(_next(rows))) is not None:
            yield row
    finally:
        loop.run(rows.aclose())
        loop.stop()


async def _next(rows: AsyncIterator[T]) -> T | None:
    return await anext(rows, None)


async def _rows(store: TransactionStore, period: Period) -> AsyncIterator[StatementTransaction]:
    after = None
    while True:
        page = await store.statement(period.from_ms, period.to_ms, after, _PAGE)
        for row in statement_rows(page):
            yield row
        if len(page) < _PAGE:
            return
        after = page[-1]
