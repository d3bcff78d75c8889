"""The methods cards.*: `client.cards`.

Documentation: subscribe-api/methods
"""

from collections.abc import Mapping

from tiyin.merchant.subscribe import calls
from tiyin.merchant.subscribe.driving import AsyncDriver, Driver
from tiyin.merchant.subscribe.results import Card, CodeSent

__all__ = ["AsyncCards", "Cards"]


class Cards:
    """Cards and their tokens; the desk's id alone opens all of it.

    Args:
        driver: Makes the calls.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def create(
        self,
        number: str,
        expire: str,
        *,
        save: bool = False,
        amount_tiyin: int | None = None,
        account: Mapping[str, str | int] | None = None,
        customer: str | None = None,
        idempotency_key: str | None = None,
    ) -> Card:
        """Make a token of a card; it pays once a code has proved it.

        ```python
        card = client.cards.create("8600069195406311", "03/99", save=True)
        ```

        Args:
            number: The card's number; spaces are taken out. A server had better never see it: let the
                payer's own application make the token where it can.
            expire: Month and year, `0399` or `03/99`.
            save: Whether the token is good for more than one payment.
            amount_tiyin: In tiyin; the token then pays only this amount. Of the older API.
            account: What is being paid, where it is known already.
            customer: Any name of the payer: phone, uid, mail address.
            idempotency_key: What names this call, if the program may make it again after a crash; by default
                a fresh one for each call.

        Returns:
            The card, masked, and its token, not verified yet.

        Raises:
            CardRefused: If there is no such card, or it is expired, blocked or of an unsupported type.
            ValueError: If an argument cannot be right; nothing was sent.

        Documentation: subscribe-api/cards.create
        """
        return self._driver.ask(
            calls.cards_create(
                number,
                expire,
                save=save,
                amount_tiyin=amount_tiyin,
                account=account,
                customer=customer,
                idempotency_key=idempotency_key,
            )
        )

    def get_verify_code(self, token: str) -> CodeSent:
        """Send a code to the card's phone.

        ```python
        sent = client.cards.get_verify_code(card.token)
        print(sent.phone, sent.wait_ms)
        ```

        Args:
            token: The card's token.

        Returns:
            To which phone, masked, and after how long another code may be asked for.

        Raises:
            CodeNotSent: If sending failed.
            CardRefused: If the token is unknown, or its owner gets no SMS.

        Documentation: subscribe-api/cards.get_verify_code
        """
        return self._driver.ask(calls.cards_get_verify_code(token))

    def verify(self, token: str, code: str) -> Card:
        """Prove with the code that the card is the payer's. Never sent again by itself: tries are few.

        ```python
        card = client.cards.verify(card.token, "666666")
        assert card.verify
        ```

        Args:
            token: The card's token.
            code: The digits from the SMS, as the payer typed them.

        Returns:
            The card with the token that pays: keep this one.

        Raises:
            CodeWrong: If it is another code; the payer may try again.
            CodeExpired: If it came too late.
            CodeTriesExceeded: If there were too many tries.
            CardNotFound: If the token is unknown.

        Documentation: subscribe-api/cards.verify
        """
        return self._driver.ask(calls.cards_verify(token, code))

    def check(self, token: str) -> Card:
        """Tell about a token.

        ```python
        if not client.cards.check(token).verify:
            client.cards.get_verify_code(token)
        ```

        Args:
            token: The card's token.

        Returns:
            The card, masked.

        Raises:
            CardNotFound: If the token is unknown, used up or removed.

        Documentation: subscribe-api/cards.check
        """
        return self._driver.ask(calls.cards_check(token))

    def remove(self, token: str) -> bool:
        """Forget a token.

        ```python
        client.cards.remove(token)
        ```

        Args:
            token: The card's token.

        Returns:
            Whether the server says that it is forgotten.

        Raises:
            CardNotFound: If the token is unknown, or forgotten already.

        Documentation: subscribe-api/cards.remove
        """
        return self._driver.ask(calls.cards_remove(token))


class AsyncCards:
    """Cards and their tokens; see `Cards`, whose arguments, answers and errors these are.

    Args:
        driver: Makes the calls.
    """

    def __init__(self, driver: AsyncDriver) -> None:
        self._driver = driver

    async def create(
        self,
        number: str,
        expire: str,
        *,
        save: bool = False,
        amount_tiyin: int | None = None,
        account: Mapping[str, str | int] | None = None,
        customer: str | None = None,
        idempotency_key: str | None = None,
    ) -> Card:
        """Make a token of a card; see `Cards.create`.

        ```python
        card = await client.cards.create("8600069195406311", "03/99", save=True)
        ```
        """
        return await self._driver.ask(
            calls.cards_create(
                number,
                expire,
                save=save,
                amount_tiyin=amount_tiyin,
                account=account,
                customer=customer,
                idempotency_key=idempotency_key,
            )
        )

    async def get_verify_code(self, token: str) -> CodeSent:
        """Send a code to the card's phone; see `Cards.get_verify_code`.

        ```python
        sent = await client.cards.get_verify_code(card.token)
        ```
        """
        return await self._driver.ask(calls.cards_get_verify_code(token))

    async def verify(self, token: str, code: str) -> Card:
        """Prove with the code that the card is the payer's; see `Cards.verify`.

        ```python
        card = await client.cards.verify(card.token, "666666")
        ```
        """
        return await self._driver.ask(calls.cards_verify(token, code))

    async def check(self, token: str) -> Card:
        """Tell about a token; see `Cards.check`.

        ```python
        card = await client.cards.check(token)
        ```
        """
        return await self._driver.ask(calls.cards_check(token))

    async def remove(self, token: str) -> bool:
        """Forget a token; see `Cards.remove`.

        ```python
        await client.cards.remove(token)
        ```
        """
        return await self._driver.ask(calls.cards_remove(token))
