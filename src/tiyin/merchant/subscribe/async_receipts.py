"""The methods receipts.* for asyncio: `client.receipts` of `AsyncSubscribeClient`.

Documentation: subscribe-api/methods, subscribe-api/holds
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from tiyin.merchant.subscribe import calls
from tiyin.merchant.subscribe.driving import AsyncDriver
from tiyin.merchant.subscribe.pages import Pages
from tiyin.merchant.subscribe.results import Receipt, State
from tiyin.protocol.fiscal import FiscalData
from tiyin.protocol.receipts_api import COUNT_MAX, PayerParams

__all__ = ["AsyncReceipts"]


class AsyncReceipts:
    """Receipts; see `Receipts`, whose arguments, answers and errors these are.

    Args:
        driver: Makes the calls.
    """

    def __init__(self, driver: AsyncDriver) -> None:
        self._driver = driver

    async def create(
        self,
        amount_tiyin: int,
        account: Mapping[str, str | int],
        *,
        description: str | None = None,
        detail: Mapping[str, Any] | msgspec.Struct | None = None,
        hold: bool = False,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Make a receipt to be paid; see `Receipts.create`.

        ```python
        receipt = await client.receipts.create(500_000, {"order_id": "17"})
        ```
        """
        return await self._driver.ask(
            calls.receipts_create(
                amount_tiyin,
                account,
                description=description,
                detail=detail,
                hold=hold,
                idempotency_key=idempotency_key,
            )
        )

    async def pay(
        self,
        receipt_id: str,
        token: str,
        *,
        payer: Mapping[str, str] | PayerParams | None = None,
        hold: bool = False,
    ) -> Receipt:
        """Pay a receipt with a card's token; see `Receipts.pay`, above all about lost answers.

        ```python
        receipt = await client.receipts.pay(receipt.id, card.token)
        ```
        """
        return await self._driver.ask(calls.receipts_pay(receipt_id, token, payer=payer, hold=hold))

    async def hold(
        self, receipt_id: str, token: str, *, payer: Mapping[str, str] | PayerParams | None = None
    ) -> Receipt:
        """Hold a receipt's money on the card; see `Receipts.hold`.

        ```python
        receipt = await client.receipts.hold(receipt.id, card.token)
        ```
        """
        return await self.pay(receipt_id, token, payer=payer, hold=True)

    async def confirm_hold(self, receipt_id: str) -> Receipt:
        """Take the money that is held; see `Receipts.confirm_hold`.

        ```python
        receipt = await client.receipts.confirm_hold(receipt.id)
        ```
        """
        return await self._driver.ask(calls.receipts_confirm_hold(receipt_id))

    async def cancel(self, receipt_id: str) -> Receipt:
        """Cancel a receipt; see `Receipts.cancel`.

        ```python
        receipt = await client.receipts.cancel(receipt.id)
        ```
        """
        return await self._driver.ask(calls.receipts_cancel(receipt_id))

    async def check(self, receipt_id: str) -> State:
        """Tell a receipt's state; see `Receipts.check`.

        ```python
        state = await client.receipts.check(receipt_id)
        ```
        """
        return await self._driver.ask(calls.receipts_check(receipt_id))

    async def get(self, receipt_id: str) -> Receipt:
        """Tell all about a receipt; see `Receipts.get`.

        ```python
        receipt = await client.receipts.get(receipt_id)
        ```
        """
        return await self._driver.ask(calls.receipts_get(receipt_id))

    def get_all(
        self, from_: datetime | int, to: datetime | int, *, count: int = COUNT_MAX
    ) -> AsyncIterator[Receipt]:
        """Go through all receipts of a period, each once; see `Receipts.get_all`.

        ```python
        async for receipt in client.receipts.get_all(monday, sunday):
            print(receipt.id)
        ```
        """
        return self._walk(Pages(from_, to, count=count))

    async def _walk(self, pages: Pages) -> AsyncIterator[Receipt]:
        while not pages.over:
            for receipt in pages.take(await self._driver.ask(pages.call())):
                yield receipt

    async def send(self, receipt_id: str, phone: str, *, idempotency_key: str | None = None) -> bool:
        """Send a receipt to be paid by SMS; see `Receipts.send`.

        ```python
        await client.receipts.send(receipt.id, "998901304527")
        ```
        """
        return await self._driver.ask(calls.receipts_send(receipt_id, phone, idempotency_key=idempotency_key))

    async def set_fiscal_data(self, receipt_id: str, fiscal_data: Mapping[str, Any] | FiscalData) -> bool:
        """Tell Payme the fiscal receipt that the shop made itself; see `Receipts.set_fiscal_data`.

        ```python
        await client.receipts.set_fiscal_data(receipt.id, fiscal_data)
        ```
        """
        return await self._driver.ask(calls.receipts_set_fiscal_data(receipt_id, fiscal_data))
