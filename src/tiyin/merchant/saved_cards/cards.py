"""`SavedCards` and `AsyncSavedCards`: cards that customers left with a shop, each behind a PIN."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from tiyin.merchant.driving import drive
from tiyin.merchant.saved_cards.client import AsyncCardsClient, CardsClient
from tiyin.merchant.saved_cards.flow import CardView, Flow
from tiyin.merchant.saved_cards.records import AsyncCardKeeper, CardKeeper, SavedCard
from tiyin.merchant.saved_cards.sealing import PlainSecrets, Secrets
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.tasks import Tasks

__all__ = ["AsyncSavedCards", "SavedCards"]

R = TypeVar("R")
T = TypeVar("T")

_COMPARING_AT_ONCE: Final = 4
_DRAIN_S: Final = 60.0


class SavedCards(Generic[R]):
    """Cards that customers left with a shop: a PIN before each payment, and three tries.

    ```python
    cards = SavedCards(keeper, client, secrets=SealedSecrets(os.environ["CARDS_KEY"]))

    saved = cards.save("customer-7", token, "860006******6311", pin="4071")
    try:
        receipt = cards.pay("customer-7", saved.card, receipt_id, pin=typed)
    except SavedCardError as error:
        show(error.text.in_language("ru"))
    ```

    Documentation: subscribe-api/overview

    Args:
        keeper: Where the cards are kept; see `CardKeeper`.
        client: A `tiyin.merchant.subscribe.SubscribeClient`.
        secrets: How tokens and PINs are hidden in the keeper; by default they are not.
        allow_without_pin: Whether a card may be kept without a PIN; it then pays without asking.
        clock: The time.
    """

    def __init__(
        self,
        keeper: CardKeeper,
        client: CardsClient[R],
        *,
        secrets: Secrets | None = None,
        allow_without_pin: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._flow = Flow(
            _Keeper(keeper),
            _Client(client),
            PlainSecrets() if secrets is None else secrets,
            SystemClock() if clock is None else clock,
            without_pin=allow_without_pin,
            compute=_at_once,
        )

    def save(
        self, customer: str, token: str, number: str, *, pin: str | None = None, card: str | None = None
    ) -> CardView:
        """Keep a verified card's token.

        ```python
        saved = cards.save("customer-7", token, "860006******6311", pin="4071")
        ```

        Args:
            customer: Your name of the customer.
            token: The token of a card that was created with ``save`` and verified.
            number: The card's number as cards.create answered it; it is masked if it is not.
            pin: The PIN that the customer chose, 4 to 8 digits; None if he wants none.
            card: Your name of the card; a new one by default.

        Returns:
            The card as a page shows it.

        Raises:
            PinRefused: If the PIN is no PIN or easy to guess.
            PinNotSet: If there is none and the shop wants one.
            CardAlreadySaved: If the customer has a card of that name.
            ValueError: If a name or the token is empty, or holds what no database stores.
        """
        return drive(self._flow.save(customer, token, number, pin, card))

    def cards(self, customer: str) -> list[CardView]:
        """List a customer's cards, the oldest first, at most 100; those that are being removed are not in it.

        ```python
        for card in cards.cards("customer-7"):
            print(card.number, card.has_pin)
        ```

        Args:
            customer: Your name of the customer.
        """
        return drive(self._flow.cards(customer))

    def pay(self, customer: str, card: str, receipt_id: str, *, pin: str | None = None) -> R:
        """Pay a receipt by a saved card, once its PIN is right.

        ```python
        receipt = cards.pay("customer-7", saved.card, receipt_id, pin=typed)
        ```

        Documentation: subscribe-api/receipts.pay

        Args:
            customer: Your name of the customer.
            card: Your name of the card.
            receipt_id: The receipt.
            pin: What the customer typed.

        Returns:
            What the client's ``pay`` returned.

        Raises:
            PinRequired: If there is a PIN and none was given.
            PinWrong: If it is wrong; ``tries_left`` says how many tries are left.
            CardRemoved: If it was the third wrong one, or the card is being removed.
            SavedCardError: For the rest of the tree in `tiyin.merchant.saved_cards.errors`.
            Exception: Whatever the client raises.
        """
        return drive(self._flow.pay(customer, card, receipt_id, pin))

    def unlock(self, customer: str, card: str, *, pin: str | None = None) -> str:
        """Return a saved card's token once its PIN is right, for a call that `pay` does not make (a hold).

        ```python
        client.receipts.pay(receipt_id, cards.unlock("customer-7", card, pin=typed), hold=True)
        ```

        Args:
            customer: Your name of the customer.
            card: Your name of the card.
            pin: What the customer typed.

        Returns:
            The token; never log it.

        Raises:
            SavedCardError: As for `pay`.
        """
        return drive(self._flow.unlock(customer, card, pin))

    def set_pin(self, customer: str, card: str, new: str, *, old: str | None = None) -> None:
        """Set a card's PIN, or another one.

        ```python
        cards.set_pin("customer-7", card, "5093", old="4071")
        ```

        Args:
            customer: Your name of the customer.
            card: Your name of the card.
            new: The new PIN.
            old: The PIN that it has, if it has one; wrong ones count like those before a payment. A customer
                who forgot it adds the card again.

        Raises:
            PinRefused: If the new one is no PIN or easy to guess.
            SavedCardError: As for `pay`.
        """
        drive(self._flow.set_pin(customer, card, new, old))

    def remove(self, customer: str, card: str) -> bool:
        """Remove a card, here and at Payme.

        ```python
        cards.remove("customer-7", card)
        ```

        Documentation: subscribe-api/cards.remove

        Args:
            customer: Your name of the customer.
            card: Your name of the card.

        Returns:
            False if Payme could not be told yet: the card pays no more, and the next call about it or
            `finish_removals` tells it.

        Raises:
            CardUnknown: If there is no such card.
        """
        return drive(self._flow.remove(customer, card))

    def finish_removals(self) -> int:
        """Tell Payme of removed cards that it could not be told of before; for a job that runs now and then.

        ```python
        cards.finish_removals()
        ```

        Returns:
            How many were told, at most 100.
        """
        return drive(self._flow.finish_removals())


class AsyncSavedCards(Generic[R]):
    """The same for shops that await; each method means what that of `SavedCards` means.

    A payment whose customer hangs up goes on to its end. PINs are compared in threads.

    ```python
    cards = AsyncSavedCards(OwnCardKeeper("sqlite:///cards.db"), client)
    receipt = await cards.pay("customer-7", saved.card, receipt_id, pin=typed)
    ```

    Args:
        keeper: Where the cards are kept; see `AsyncCardKeeper`.
        client: A `tiyin.merchant.subscribe.AsyncSubscribeClient`.
        secrets: How tokens and PINs are hidden in the keeper; by default they are not.
        allow_without_pin: Whether a card may be kept without a PIN; it then pays without asking.
        clock: The time.
        tasks: Owns what must not end with a request; by default a set of its own, drained by `stop`.
    """

    def __init__(
        self,
        keeper: AsyncCardKeeper,
        client: AsyncCardsClient[R],
        *,
        secrets: Secrets | None = None,
        allow_without_pin: bool = False,
        clock: Clock | None = None,
        tasks: Tasks | None = None,
    ) -> None:
        self._own_tasks = tasks is None
        self._tasks = Tasks() if tasks is None else tasks
        places = asyncio.Semaphore(_COMPARING_AT_ONCE)

        async def in_thread(work: Callable[[], T]) -> T:
            async with places:
                return await asyncio.to_thread(work)

        self._flow = Flow(
            keeper,
            client,
            PlainSecrets() if secrets is None else secrets,
            SystemClock() if clock is None else clock,
            without_pin=allow_without_pin,
            compute=in_thread,
        )

    async def stop(self) -> None:
        """Let what runs end; for the server's shutdown, before the keeper and the client are closed.

        ```python
        await cards.stop()
        ```
        """
        if self._own_tasks:
            await self._tasks.drain(_DRAIN_S)

    async def save(
        self, customer: str, token: str, number: str, *, pin: str | None = None, card: str | None = None
    ) -> CardView:
        """Keep a verified card's token; see `SavedCards.save`."""
        return await self._flow.save(customer, token, number, pin, card)

    async def cards(self, customer: str) -> list[CardView]:
        """List a customer's cards; see `SavedCards.cards`."""
        return await self._flow.cards(customer)

    async def pay(self, customer: str, card: str, receipt_id: str, *, pin: str | None = None) -> R:
        """Pay a receipt by a saved card, once its PIN is right; see `SavedCards.pay`."""
        paying = self._flow.pay(customer, card, receipt_id, pin)
        return await self._tasks.finish(paying, name="payment by a saved card")

    async def unlock(self, customer: str, card: str, *, pin: str | None = None) -> str:
        """Return a saved card's token once its PIN is right; see `SavedCards.unlock`."""
        unlocking = self._flow.unlock(customer, card, pin)
        return await self._tasks.finish(unlocking, name="PIN of a saved card")

    async def set_pin(self, customer: str, card: str, new: str, *, old: str | None = None) -> None:
        """Set a card's PIN, or another one; see `SavedCards.set_pin`."""
        await self._tasks.finish(self._flow.set_pin(customer, card, new, old), name="PIN of a saved card")

    async def remove(self, customer: str, card: str) -> bool:
        """Remove a card, here and at Payme; see `SavedCards.remove`."""
        return await self._tasks.finish(self._flow.remove(customer, card), name="removal of a saved card")

    async def finish_removals(self) -> int:
        """Tell Payme of cards that it could not be told of before; see `SavedCards.finish_removals`."""
        return await self._flow.finish_removals()


async def _at_once(work: Callable[[], T]) -> T:
    return work()


class _Keeper:
    """A keeper that blocks, for coroutines that never wait."""

    def __init__(self, keeper: CardKeeper) -> None:
        self._keeper = keeper

    async def get(self, customer: str, card: str) -> SavedCard | None:
        return self._keeper.get(customer, card)

    async def add(self, record: SavedCard) -> bool:
        return self._keeper.add(record)

    async def replace(self, old: SavedCard, new: SavedCard) -> bool:
        return self._keeper.replace(old, new)

    async def delete(self, old: SavedCard) -> bool:
        return self._keeper.delete(old)

    async def of_customer(self, customer: str, limit: int) -> list[SavedCard]:
        return self._keeper.of_customer(customer, limit)

    async def removing(self, limit: int) -> list[SavedCard]:
        return self._keeper.removing(limit)


class _Client(Generic[R]):
    """A client that blocks, in the same way."""

    def __init__(self, client: CardsClient[R]) -> None:
        self.cards = _Cards(client)
        self.receipts = _Receipts(client)


class _Cards:
    def __init__(self, client: CardsClient[Any]) -> None:
        self._client = client

    async def remove(self, token: str) -> Any:
        return self._client.cards.remove(token)


class _Receipts(Generic[R]):
    def __init__(self, client: CardsClient[R]) -> None:
        self._client = client

    async def pay(self, receipt_id: str, token: str) -> R:
        return self._client.receipts.pay(receipt_id, token)
