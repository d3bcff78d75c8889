"""The demo shop in a process of its own, with boundaries around its store, its hooks and its answers."""

from pathlib import Path
from typing import Any, cast

import msgspec

from kill.boundaries import Boundaries, SteppedBilling, SteppedStore, stepped_app
from tiyin.emulator.pages import Pages
from tiyin.emulator.shop.app import ShopAddresses, shop_app
from tiyin.emulator.shop.books import Books
from tiyin.emulator.shop.orders import metadata
from tiyin.merchant.access import Keys
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.integrations.asgi import payme_app
from tiyin.merchant.stores.own import OwnStore
from tiyin.runtime.clock import SystemClock
from tiyin.storage import Store, open_store
from tiyin.web.binding import bind
from tiyin.web.serving import Server

__all__ = ["LEASE_MS", "PAYME", "ShopSettings", "serve_shop"]

PAYME = "/shop/payme"
LEASE_MS = 1_500
PATIENCE_S = 1.5


class ShopSettings(msgspec.Struct, frozen=True, kw_only=True, tag="shop"):
    """What a shop is started with.

    Args:
        port: Where it listens on 127.0.0.1.
        database_url: Its database, made if it is missing.
        desk: The id of its cash desk.
        keys: The desk's key and test key.
        told: The file that names the boundary it died at.
    """

    port: int
    database_url: str
    desk: str
    keys: tuple[str, str]
    told: str


async def serve_shop(settings: ShopSettings, pages: Pages) -> None:
    """Do what `open_shop` does, with boundaries in between and a shorter lease, until killed."""
    boundaries = Boundaries(Path(settings.told))
    clock = SystemClock()
    store = cast("Store", SteppedStore(await open_store(settings.database_url), boundaries))
    await store.create_tables(metadata)
    books = Books(store, clock)
    billing = SteppedBilling(books, boundaries)
    own = OwnStore(store, clock=clock, lease_ms=LEASE_MS, patience_s=PATIENCE_S)
    key, test_key = settings.keys
    keys = Keys(production=key, test=test_key, mode="either")
    root = f"http://127.0.0.1:{settings.port}"
    site = shop_app(books, ShopAddresses(f"{root}/shop", root, settings.desk), pages)

    async def control(name: str, given: Any) -> Any:
        match name:
            case "arm":
                return boundaries.arm(given)
            case "boundaries":
                return list(boundaries.names)
            case "refuse":
                return billing.refusing.add(given)
        raise AssertionError(name)

    async with MerchantApi(billing, own, keys, clock=clock, patience_s=PATIENCE_S) as api:
        payme = payme_app(api)

        async def front(scope: Any, receive: Any, send: Any) -> None:
            await (payme if scope.get("path") == PAYME else cast("Any", site))(scope, receive, send)

        app = stepped_app(front, boundaries, control, under=PAYME)
        await Server(cast("Any", app), bind("127.0.0.1", settings.port)).listen()
    await store.close()
