"""The methods receipts.*: `client.receipts`. All of them need the desk's key.

Documentation: subscribe-api/methods, subscribe-api/holds
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from tiyin.merchant.subscribe import calls
from tiyin.merchant.subscribe.driving import Driver
from tiyin.merchant.subscribe.pages import Pages
from tiyin.merchant.subscribe.results import Receipt, State
from tiyin.protocol.fiscal import FiscalData
from tiyin.protocol.receipts_api import COUNT_MAX, PayerParams

__all__ = ["Receipts"]


class Receipts:
    """Receipts: made, paid, held, cancelled, asked about.

    Args:
        driver: Makes the calls.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def create(
        self,
        amount_tiyin: int,
        account: Mapping[str, str | int],
        *,
        description: str | None = None,
        detail: Mapping[str, Any] | msgspec.Struct | None = None,
        hold: bool = False,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Make a receipt to be paid.

        ```python
        receipt = client.receipts.create(500_000, {"order_id": "17"}, description="Order 17")
        ```

        Args:
            amount_tiyin: In tiyin, from 1 to 10**13.
            account: What is being paid, by the names of the cash desk's fields.
            description: What the payer reads.
            detail: The goods for the fiscal receipt: an object as the documentation has it, or a
                `tiyin.protocol.fiscal.Detail`.
            hold: Whether the money will only be held; pay it with `hold` then.
            idempotency_key: What names this call, if the program may make it again after a crash; by default
                a fresh one for each call.

        Returns:
            The receipt in state 0. Its amount may be rounded up, where the desk is set so.

        Raises:
            ReceiptNotPayable: If the shop's billing refuses account or amount; `data` names the field.
            Unavailable: If the shop's billing does not answer.
            ValueError: If an argument cannot be right; nothing was sent.
            TypeError: If the amount is no integer.

        Documentation: subscribe-api/receipts.create, subscribe-api/holds
        """
        return self._driver.ask(
            calls.receipts_create(
                amount_tiyin,
                account,
                description=description,
                detail=detail,
                hold=hold,
                idempotency_key=idempotency_key,
            )
        )

    def pay(
        self,
        receipt_id: str,
        token: str,
        *,
        payer: Mapping[str, str] | PayerParams | None = None,
        hold: bool = False,
    ) -> Receipt:
        """Pay a receipt with a card's token.

        ```python
        try:
            state = client.receipts.pay(receipt.id, card.token, payer={"phone": "998901304527"}).state
        except PaymentRefused as refusal:
            return refusal.text  # nothing was taken: another card may be tried
        except SubscribeError:
            state = client.receipts.check(receipt.id)  # paid before, lost on the way, still being paid
        if state not in (ReceiptState.PAID, ReceiptState.CANCELLED):
            ask_again_later(receipt.id)  # never let the payer pay with another card meanwhile
        ```

        A refusal that is not `PaymentRefused` is asked about, too: a receipt that was paid by an earlier try,
        before your process died, is answered like one that cannot be paid, and so is a token that is used up.

        It is sent again by itself only where the request certainly never left. A receipt is paid once however
        often it is asked for, but a repeat of a payment whose answer was lost would be answered like a
        refusal. So a lost answer raises with `outcome_unknown`, and receipts.check tells the truth.

        Args:
            receipt_id: The receipt.
            token: The card's token, proved by a code.
            payer: What is known about the payer, against fraud: `id`, `phone`, `email`, `name`, `ip`.
            hold: Whether the money is only held; the receipt must have been made so.

        Returns:
            The receipt. Look at its state: one whose payment is still on its way is answered as it stands.

        Raises:
            PaymentRefused: If the card's bank said no.
            CardRefused: If the token cannot be used.
            ReceiptNotPayable: If the receipt cannot be paid, or is paid already.
            SubscribeError: With `outcome_unknown`, if it may be paid.

        Documentation: subscribe-api/receipts.pay
        """
        return self._driver.ask(calls.receipts_pay(receipt_id, token, payer=payer, hold=hold))

    def hold(
        self, receipt_id: str, token: str, *, payer: Mapping[str, str] | PayerParams | None = None
    ) -> Receipt:
        """Hold a receipt's money on the card: `pay` with `hold`.

        ```python
        receipt = client.receipts.create(500_000, {"order_id": "17"}, hold=True)
        assert client.receipts.hold(receipt.id, card.token).is_held
        ```

        Args:
            receipt_id: The receipt, made with `hold`.
            token: The card's token, proved by a code.
            payer: What is known about the payer.

        Returns:
            The receipt, in state 5 when the money is held.

        Raises:
            SubscribeError: As `pay` does.

        Documentation: subscribe-api/holds
        """
        return self.pay(receipt_id, token, payer=payer, hold=True)

    def confirm_hold(self, receipt_id: str) -> Receipt:
        """Take the money that is held.

        ```python
        assert client.receipts.confirm_hold(receipt.id).is_paid
        ```

        Args:
            receipt_id: The receipt, in state 5.

        Returns:
            The receipt, in state 4 when the money is taken.

        Raises:
            SubscribeError: As `pay` does; with `outcome_unknown`, if the money may be taken.

        Documentation: subscribe-api/holds
        """
        return self._driver.ask(calls.receipts_confirm_hold(receipt_id))

    def cancel(self, receipt_id: str) -> Receipt:
        """Cancel a receipt: give up one that is not paid, release a hold, give back the money of a paid one.

        ```python
        receipt = client.receipts.cancel(receipt.id)
        print(receipt.state_text("en"))  # 21, in the queue, or 50, cancelled
        ```

        Args:
            receipt_id: The receipt.

        Returns:
            The receipt: in state 21 while it is in the queue, 50 once nothing of the money is kept.

        Raises:
            ReceiptNotFound: If there is no such receipt.
            SubscribeError: With `outcome_unknown`, if it may be cancelled.

        Documentation: subscribe-api/receipts.cancel
        """
        return self._driver.ask(calls.receipts_cancel(receipt_id))

    def check(self, receipt_id: str) -> State:
        """Tell a receipt's state.

        ```python
        if client.receipts.check(receipt_id) == ReceiptState.PAID:
            deliver()
        ```

        Args:
            receipt_id: The receipt.

        Returns:
            A `ReceiptState`; a plain integer where the server knows one that the documentation does not.

        Raises:
            ReceiptNotFound: If there is no such receipt.

        Documentation: subscribe-api/receipts.check, subscribe-api/receipt-states
        """
        return self._driver.ask(calls.receipts_check(receipt_id))

    def get(self, receipt_id: str) -> Receipt:
        """Tell all about a receipt.

        ```python
        receipt = client.receipts.get(receipt_id)
        print(receipt.amount_tiyin, receipt.pay_time, receipt.account)
        ```

        Args:
            receipt_id: The receipt.

        Returns:
            The receipt.

        Raises:
            ReceiptNotFound: If there is no such receipt.

        Documentation: subscribe-api/receipts.get
        """
        return self._driver.ask(calls.receipts_get(receipt_id))

    def get_all(
        self, from_: datetime | int, to: datetime | int, *, count: int = COUNT_MAX
    ) -> Iterator[Receipt]:
        """Go through all receipts of a period, a page at a time, each receipt once.

        ```python
        tashkent = ZoneInfo("Asia/Tashkent")
        for receipt in client.receipts.get_all(
            datetime(2026, 9, 1, tzinfo=tashkent), datetime(2026, 9, 30, tzinfo=tashkent)
        ):
            print(receipt.id, receipt.amount_tiyin)
        ```

        Args:
            from_: The first moment: a datetime with a time zone, or milliseconds since 1970.
            to: The last moment, inclusive; one that is midnight in Tashkent means that whole day.
            count: How many to ask for at a time, from 1 to 50.

        Returns:
            An iterator that asks for the next page when it is needed.

        Raises:
            ValueError: If a moment has no time zone, or the period ends before it begins.
            BadAnswer: While iterating, if the server repeats itself.

        Documentation: subscribe-api/receipts.get_all
        """
        return self._walk(Pages(from_, to, count=count))

    def _walk(self, pages: Pages) -> Iterator[Receipt]:
        while not pages.over:
            yield from pages.take(self._driver.ask(pages.call()))

    def send(self, receipt_id: str, phone: str, *, idempotency_key: str | None = None) -> bool:
        """Send a receipt to be paid by SMS.

        ```python
        client.receipts.send(receipt.id, "+998 90 130-45-27")
        ```

        Args:
            receipt_id: The receipt, in state 0.
            phone: Whose phone, with the country's code.
            idempotency_key: What names this call, if the program may make it again after a crash.

        Returns:
            Whether the server says that it was sent.

        Raises:
            ReceiptNotPayable: If there is no such receipt, or it cannot be paid any more.

        Documentation: subscribe-api/receipts.send
        """
        return self._driver.ask(calls.receipts_send(receipt_id, phone, idempotency_key=idempotency_key))

    def set_fiscal_data(self, receipt_id: str, fiscal_data: Mapping[str, Any] | FiscalData) -> bool:
        """Tell Payme the fiscal receipt that the shop made itself.

        ```python
        client.receipts.set_fiscal_data(
            receipt.id, {"receipt_id": 121, "qr_code_url": "https://ofd.soliq.uz/epi?t=..."}
        )
        ```

        Args:
            receipt_id: The receipt.
            fiscal_data: What the tax service answered: an object as the documentation has it, or a
                `tiyin.protocol.fiscal.FiscalData`.

        Returns:
            Whether the server says that it is kept.

        Raises:
            ReceiptNotFound: If there is no such receipt.
            ValueError: If the data cannot be right; nothing was sent.

        Documentation: subscribe-api/receipts.set_fiscal_data
        """
        return self._driver.ask(calls.receipts_set_fiscal_data(receipt_id, fiscal_data))
