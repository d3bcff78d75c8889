"""The emulator: the gateway's site, the demo shop and `/dev` under one address, in one process.

They are joined by addresses alone. The gateway calls the shop over real HTTP at `/shop/payme`, and each has a
database of its own, as in life.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tiyin.emulator.desks import current_desks, seed
from tiyin.emulator.dev import dev_app
from tiyin.emulator.directory import Directory, Keys
from tiyin.emulator.inbox import Inbox
from tiyin.emulator.manifest import Manifest, manifest
from tiyin.emulator.pages import Pages
from tiyin.emulator.plug import Plug
from tiyin.emulator.shop.app import ShopAddresses
from tiyin.emulator.shop.opening import open_shop
from tiyin.emulator.snapshots import Snapshot, Snapshots
from tiyin.emulator.wires import Wires
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway, open_gateway
from tiyin.gateway.migrations import HEAD, read_revision, upgrade
from tiyin.merchant.access import Keys as ShopKeys
from tiyin.runtime.clock import SystemClock, TurnableClock
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.logs import get_logger
from tiyin.web.site import SiteSettings, gateway_site

__all__ = ["Emulator", "open_emulator"]

_log = get_logger("tiyin.emulator")

_BUSY: Final = "The emulator is starting or stopping.\n"
_RETRY_S: Final = "1"


class _Room(msgspec.Struct):
    """Everything that a reset makes anew."""

    clock: TurnableClock
    gateway: Gateway
    inbox: Inbox
    manifest: Manifest
    closing: AsyncExitStack


class _Once:
    """Does something at the first call, and nothing at the later ones."""

    def __init__(self, act: Callable[[], Awaitable[None]]) -> None:
        self._act = act
        self._done = False

    async def __call__(self) -> None:
        if not self._done:
            self._done = True
            await self._act()


class Emulator:
    """A running emulator: an ASGI application, and what `/dev` turns. `open_emulator` makes one.

    Args:
        directory: Where everything is kept, opened.
        keys: Ids and keys.
        address: The root address, such as `http://127.0.0.1:8080`.
    """

    def __init__(self, directory: Directory, keys: Keys, address: str) -> None:
        self._directory = directory
        self._keys = keys
        self._address = address
        self._pages = Pages()
        self.wires = Wires(directory, address)
        self.plug = Plug(directory.plug)
        self._dev = dev_app(self, self._pages)
        self._changing = asyncio.Lock()
        self.snapshots = Snapshots(directory, keys)
        # What answers now. The site ends first, the shop only after the payments that still need it.
        self._site: ASGIApp | None = None
        self._shop: ASGIApp | None = None
        self._room: _Room | None = None

    async def start(self) -> None:
        """Open databases, gateway and shop."""
        self.wires.traffic.open()
        async with self._changing:
            await self._open()

    async def stop(self) -> None:
        """Let payments that run come to a safe point, and close everything. Harmless when repeated."""
        await self.plug.stop()
        self.wires.traffic.close()
        async with self._changing:
            await self._close()

    async def reset(self) -> None:
        """Forget orders, receipts, cards, messages and the clock's offset; desks and keys stay."""
        async with self._changing:
            try:
                await self._close()
            except Exception:  # noqa: BLE001 - what is forgotten need not have been closed well
                _log.exception("reset_after_a_bad_end")
            self._directory.forget_data()
            self.wires.forget()
            await self._open()
            self.write_manifest()

    async def save_snapshot(self, name: str) -> Snapshot:
        """Keep the whole state under a name. Nothing else is answered meanwhile: it is one moment's.

        Args:
            name: Small letters, digits, `-` and `_`, at most 40.

        Raises:
            SnapshotRefused: It cannot be made; everything goes on as before.
        """
        async with self._changing:
            self.snapshots.check(name)
            now_ms = self.now_ms
            try:
                await self._close()
                return await self.snapshots.save(name, now_ms)
            finally:
                await self._open()
                self.write_manifest()

    async def restore_snapshot(self, name: str) -> None:
        """Come back to a state that was kept.

        Args:
            name: Its name.

        Raises:
            SnapshotRefused: There is none, or it does not fit; nothing was changed.
        """
        async with self._changing:
            await self.snapshots.stage(name)
            try:
                await self._close()
            except Exception:  # noqa: BLE001 - what is replaced need not have been closed well
                _log.exception("restore_after_a_bad_end")
            # If this fails nothing is opened: what was begun is finished by the next try or the next start.
            await self.snapshots.swap()
            await self._open()
            self.write_manifest()

    async def advance(self, ms: int) -> None:
        """Turn the clock forward, and remember it for the next start.

        What waits in the work queue waits by the database's real time: it is made due at once, so that it
        notices that its hour has come.

        Args:
            ms: By how much, in milliseconds; at least 0.
        """
        # Not in the middle of a snapshot or a restore, whose clock would be another than their databases'.
        async with self._changing:
            room = self._known
            room.clock.advance(ms)
            self._directory.write_clock_ms(room.clock.offset_ms)
            await room.gateway.receipts.wake()

    @property
    def now_ms(self) -> int:
        """The emulator's time, in milliseconds since 1970."""
        return self._known.clock.now_ms()

    @property
    def offset_ms(self) -> int:
        """By how much the clock was turned, in milliseconds."""
        return self._known.clock.offset_ms

    @property
    def inbox(self) -> Inbox:
        """The messages that the gateway sent."""
        return self._known.inbox

    @property
    def manifest(self) -> Manifest:
        """Where everything is."""
        return self._known.manifest

    def write_manifest(self) -> None:
        """Say in `emulator.json` that everything answers."""
        content = msgspec.json.format(msgspec.json.encode(self.manifest), indent=2)
        self._directory.write(self._directory.manifest.name, content + b"\n")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead a request to where its path belongs."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if _is_below(path, "/dev"):
            await self._dev(scope, receive, send)
            return
        in_shop = _is_below(path, "/shop") or path.startswith(self._pages.static_prefix)
        app = self._shop if in_shop else self._site
        if app is None:
            busy = PlainTextResponse(_BUSY, 503, {"retry-after": _RETRY_S})
            await busy(scope, receive, send)
        elif path == "/" and scope["method"] == "GET":
            # The checkout's root without a link says nothing; whoever types the address wants to look around.
            asked = scope["query_string"].decode("ascii", "replace")
            await RedirectResponse(f"/dev?{asked}" if asked else "/dev", 303)(scope, receive, send)
        else:
            await app(scope, receive, send)

    @property
    def _known(self) -> _Room:
        """The room as it is, or during a reset as it was."""
        assert self._room is not None, "an emulator answers only after its start"  # noqa: S101  # an invariant
        return self._room

    async def _open(self) -> None:
        directory = self._directory
        url = directory.gateway_url
        if await read_revision(url) != HEAD:
            await upgrade(url, SystemClock().now_ms())
        clock = TurnableClock(directory.read_clock_ms())
        inbox = Inbox(directory.inbox, clock)
        async with AsyncExitStack() as closing:
            outgoing = GuardedHttp(allow_private=True)
            closing.push_async_callback(outgoing.close)
            http = self.wires.http(outgoing, clock)
            gateway = await open_gateway(
                database_url=url,
                vault_keys=self._keys.vault_keys,
                messages=inbox,
                mail=inbox,
                telegram=inbox,
                public_url=self._address,
                test_cards=TestCards(),
                allow_private_merchants=True,
                clock=clock,
                http=http,
            )
            stop_gateway = _Once(gateway.stop)
            closing.push_async_callback(stop_gateway)
            await seed(gateway.desks, self._keys, self._address)
            desks = await current_desks(gateway.desks, self._keys)
            told = manifest(self._address, desks)
            shop = await closing.enter_async_context(
                open_shop(
                    directory.shop_url,
                    ShopAddresses(told.shop, told.checkout, desks[0].id),
                    ShopKeys(production=desks[0].key, test=desks[0].test_key, mode="either"),
                    clock,
                    self._pages,
                )
            )
            await gateway.start()
            # The gateway stops before the shop does, so that payments which run still reach it.
            closing.callback(self._hide_shop)
            closing.push_async_callback(stop_gateway)
            site = gateway_site(
                gateway,
                SiteSettings(
                    public_url=self._address,
                    powered_by="Powered by Payme",
                    sandbox=True,
                    sandbox_private=True,
                ),
                new_accounts={desks[0].id: shop.new_account},
            )
            closing.push_async_callback(site.close)
            self._room = _Room(clock, gateway, inbox, told, closing.pop_all())
            self._shop, self._site = shop, self.wires.connect(gateway, http, site, shop, told)

    async def _close(self) -> None:
        self._site = None
        self.wires.disconnect()
        if self._room is not None:
            await self._room.closing.aclose()

    def _hide_shop(self) -> None:
        self._shop = None


@asynccontextmanager
async def open_emulator(directory: Directory, keys: Keys, address: str) -> AsyncIterator[Emulator]:
    """Open an emulator for the length of a block.

    Args:
        directory: Where everything is kept, opened.
        keys: Ids and keys.
        address: The root address, such as `http://127.0.0.1:8080`.

    Raises:
        MigrationRefused: The gateway's database is not one, or a newer release's.
        tiyin.storage.StorageUnavailable: A database cannot be opened.
    """
    emulator = Emulator(directory, keys, address)
    await emulator.start()
    try:
        yield emulator
    finally:
        await emulator.stop()


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")
