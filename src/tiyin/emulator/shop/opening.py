"""The demo shop put together: its database, its books, the merchant kit over them, and its site."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from tiyin.emulator.pages import Pages
from tiyin.emulator.shop.app import ShopAddresses, shop_app
from tiyin.emulator.shop.billing import ACCOUNT_FIELD, ShopBilling
from tiyin.emulator.shop.books import Books
from tiyin.emulator.shop.orders import metadata
from tiyin.emulator.shop.refunds import Refunds
from tiyin.merchant.access import Keys
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.integrations.asgi import payme_app
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.subscribe import AsyncSubscribeClient
from tiyin.runtime.clock import Clock
from tiyin.storage.open import open_store

__all__ = ["Shop", "open_shop"]

_PAYME = "/shop/payme"


class Shop:
    """The opened shop: an ASGI application for everything from `/shop` on.

    Args:
        app: The application.
        books: Its orders.
    """

    def __init__(self, app: ASGIApp, books: Books) -> None:
        self._app = app
        self._books = books

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    async def new_account(self, amount_tiyin: int) -> dict[str, str | int]:
        """Make an order, and return the account that pays it.

        Args:
            amount_tiyin: What it costs, in tiyin.
        """
        return {ACCOUNT_FIELD: (await self._books.new_order(amount_tiyin)).id}


@asynccontextmanager
async def open_shop(
    database_url: str, addresses: ShopAddresses, keys: Keys, clock: Clock, pages: Pages
) -> AsyncIterator[Shop]:
    """Open the shop for the length of a block.

    The books and the kit's transactions share one database file: it is the shop's. They are still two: the
    kit never touches the books, and an effect is recognised by its transaction, not by a shared commit.

    Args:
        database_url: The shop's database.
        addresses: Where the shop and its checkout are.
        keys: The keys of its cash desk.
        clock: The time.
        pages: Draws the pages.

    Yields:
        The shop.
    """
    store = await open_store(database_url)
    try:
        await store.create_tables(metadata)
        books = Books(store, clock)
        # The checkout is this very emulator, or one in a network of the laptop's own.
        client = AsyncSubscribeClient(
            addresses.desk, keys.production, base_url=f"{addresses.checkout}/api", allow_http=True
        )
        async with (
            client,
            MerchantApi(ShopBilling(books), OwnStore(store, clock=clock), keys, clock=clock) as api,
        ):
            site = shop_app(books, addresses, pages, refunds=Refunds(books, client, clock))
            yield Shop(_front(payme_app(api), site), books)
    finally:
        await store.close()


def _front(payme: ASGIApp, site: ASGIApp) -> ASGIApp:
    """Lead Payme's calls to the kit straight away, and everything else to the site."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        to_payme = path == _PAYME or path.startswith(f"{_PAYME}/")
        await (payme if to_payme else site)(scope, receive, send)

    return app
