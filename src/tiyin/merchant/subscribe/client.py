"""The two clients: `SubscribeClient` waits in its thread, `AsyncSubscribeClient` in the event loop.

Documentation: subscribe-api/overview
"""

from types import TracebackType
from typing import Self

from tiyin.merchant.subscribe.async_receipts import AsyncReceipts
from tiyin.merchant.subscribe.cards import AsyncCards, Cards
from tiyin.merchant.subscribe.driving import AsyncDriver, BlockingClock, Driver, SystemBlockingClock
from tiyin.merchant.subscribe.receipts import Receipts
from tiyin.merchant.subscribe.settings import Settings
from tiyin.merchant.subscribe.transport import (
    AsyncTransport,
    PyreqwestTransport,
    SyncPyreqwestTransport,
    Transport,
)
from tiyin.protocol.values import DEFAULT_LANGUAGE, Language
from tiyin.runtime.chance import Chance, SystemChance
from tiyin.runtime.clock import Clock, SystemClock

__all__ = ["AsyncSubscribeClient", "SubscribeClient"]


class SubscribeClient:
    """A client of the Subscribe API; make one for a process and keep it, any number of threads may use it.

    ```python
    client = SubscribeClient(desk_id, key, base_url="test")
    receipt = client.receipts.create(500_000, {"order_id": "17"})
    ```

    Args:
        desk_id: The cash desk's id, 24 characters.
        key: Its key; left out, only `cards` can be used, as in a payer's own application.
        base_url: "production", "test", or the address of a gateway's API such as `http://127.0.0.1:8080/api`.
            An `http://` address must be this machine's or a private network's.
        timeout_ms: How long one try of a call may take, in milliseconds.
        pay_timeout_ms: The same for receipts.pay, confirm_hold and cancel, which wait for banks and the
            shop's billing: an answer given up too early leaves a payment whose outcome is unknown.
        total_ms: How long a call may take with all its tries and the pauses between them.
        retries: How often a call is sent again, where that is safe; from 0 to 10.
        language: In which language errors are told: "ru", "uz" or "en".
        allow_http: Allow `http://` to any host: for a network that is wholly yours.
        transport: Who sends; by default pyreqwest, without the environment's proxies.
        clock: Who waits.
        chance: Who draws the pauses between tries.

    Raises:
        ValueError: If a setting cannot work; the sentence says what to change.
        TypeError: If a setting is of a kind that cannot work.
        ImportError: If the extra `tiyin[client]` is not installed.

    Documentation: subscribe-api/overview
    """

    cards: Cards
    """The methods cards.*."""
    receipts: Receipts
    """The methods receipts.*."""

    def __init__(  # noqa: PLR0913 - a shop names the few it wants to set
        self,
        desk_id: str,
        key: str | None = None,
        *,
        base_url: str = "production",
        timeout_ms: int = 15_000,
        pay_timeout_ms: int = 60_000,
        total_ms: int = 45_000,
        retries: int = 2,
        language: Language = DEFAULT_LANGUAGE,
        allow_http: bool = False,
        transport: Transport | None = None,
        clock: BlockingClock | None = None,
        chance: Chance | None = None,
    ) -> None:
        settings = Settings(
            desk_id=desk_id,
            key=key,
            base_url=base_url,
            timeout_ms=timeout_ms,
            pay_timeout_ms=pay_timeout_ms,
            total_ms=total_ms,
            retries=retries,
            language=language,
            allow_http=allow_http,
        )
        self._own = transport is None
        self._driver = Driver(
            settings,
            SyncPyreqwestTransport() if transport is None else transport,
            SystemBlockingClock() if clock is None else clock,
            SystemChance() if chance is None else chance,
        )
        self.cards = Cards(self._driver)
        self.receipts = Receipts(self._driver)

    def __repr__(self) -> str:
        return f"SubscribeClient({self._driver.settings.desk_id!r}, base_url={self.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """The address that is called."""
        return self._driver.settings.base_url

    def close(self) -> None:
        """Close every connection; a transport that was given stays open.

        ```python
        with SubscribeClient(desk_id, key) as client:  # closes it at the end
            client.receipts.check(receipt_id)
        ```
        """
        if self._own:
            self._driver.transport.close()


class AsyncSubscribeClient:
    """The same client for asyncio: every method of `cards` and `receipts` is awaited.

    ```python
    async with AsyncSubscribeClient(desk_id, key, base_url="test") as client:
        receipt = await client.receipts.create(500_000, {"order_id": "17"})
        async for receipt in client.receipts.get_all(monday, sunday):
            print(receipt.id, receipt.amount_tiyin)
    ```

    A task that is cancelled while it waits for receipts.pay leaves a payment whose outcome is unknown, as a
    lost answer does: ask receipts.check.

    Args:
        desk_id: The cash desk's id, 24 characters.
        key: Its key; left out, only `cards` can be used.
        base_url: "production", "test", or the address of a gateway's API.
        timeout_ms: How long one try of a call may take, in milliseconds.
        pay_timeout_ms: The same for receipts.pay, confirm_hold and cancel.
        total_ms: How long a call may take with all its tries and the pauses between them.
        retries: How often a call is sent again, where that is safe; from 0 to 10.
        language: In which language errors are told: "ru", "uz" or "en".
        allow_http: Allow `http://` to any host: for a network that is wholly yours.
        transport: Who sends; by default pyreqwest, without the environment's proxies.
        clock: Who waits.
        chance: Who draws the pauses between tries.

    Raises:
        ValueError: If a setting cannot work; the sentence says what to change.
        TypeError: If a setting is of a kind that cannot work.
        ImportError: If the extra `tiyin[client]` is not installed.

    Documentation: subscribe-api/overview
    """

    cards: AsyncCards
    """The methods cards.*."""
    receipts: AsyncReceipts
    """The methods receipts.*."""

    def __init__(  # noqa: PLR0913 - a shop names the few it wants to set
        self,
        desk_id: str,
        key: str | None = None,
        *,
        base_url: str = "production",
        timeout_ms: int = 15_000,
        pay_timeout_ms: int = 60_000,
        total_ms: int = 45_000,
        retries: int = 2,
        language: Language = DEFAULT_LANGUAGE,
        allow_http: bool = False,
        transport: AsyncTransport | None = None,
        clock: Clock | None = None,
        chance: Chance | None = None,
    ) -> None:
        settings = Settings(
            desk_id=desk_id,
            key=key,
            base_url=base_url,
            timeout_ms=timeout_ms,
            pay_timeout_ms=pay_timeout_ms,
            total_ms=total_ms,
            retries=retries,
            language=language,
            allow_http=allow_http,
        )
        self._own = transport is None
        self._driver = AsyncDriver(
            settings,
            PyreqwestTransport() if transport is None else transport,
            SystemClock() if clock is None else clock,
            SystemChance() if chance is None else chance,
        )
        self.cards = AsyncCards(self._driver)
        self.receipts = AsyncReceipts(self._driver)

    def __repr__(self) -> str:
        return f"AsyncSubscribeClient({self._driver.settings.desk_id!r}, base_url={self.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def base_url(self) -> str:
        """The address that is called."""
        return self._driver.settings.base_url

    async def close(self) -> None:
        """Close every connection; a transport that was given stays open.

        ```python
        await client.close()
        ```
        """
        if self._own:
            await self._driver.transport.close()
