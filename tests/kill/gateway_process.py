"""A whole gateway in a process of its own, with boundaries around its ports; database and HTTP are real."""

from pathlib import Path
from typing import Any, cast

import msgspec

from kill.boundaries import Boundaries, SteppedAcquirer, SteppedHttp, SteppedStore, stepped_app
from kill.planted import plant, plant_in_http
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway
from tiyin.gateway.cards.issuer import TestIssuer
from tiyin.gateway.notifications.port import LogMessages
from tiyin.gateway.vault import KeyRing, Vault
from tiyin.runtime.clock import TurnableClock
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.ids import SystemIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Store, open_store
from tiyin.web.binding import bind
from tiyin.web.serving import Server
from tiyin.web.site import SiteSettings, gateway_site

__all__ = ["LEASE_MS", "GatewaySettings", "serve_gateway"]

CALL_MS = 2_000
ACQUIRER_MS = 4_000
LEASE_MS = 7_000
"""The shortest that the calls above allow: what a killed driver held is free again so soon."""


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, tag="gateway"):
    """What a gateway is started with.

    Args:
        port: Where it listens on 127.0.0.1.
        database_url: Its database, tables included.
        vault_keys: The vault's keys.
        told: The file that names the boundary it died at.
        worker: Whether it takes up what others left.
        at: The boundary to die at, counted from its start; None does not count.
        bug: The planted bug, if any.
    """

    port: int
    database_url: str
    vault_keys: str
    told: str
    worker: bool = True
    at: int | None = None
    bug: str | None = None


async def serve_gateway(settings: GatewaySettings) -> None:
    """Serve until killed, or until a signal."""
    boundaries = Boundaries(Path(settings.told))
    clock = TurnableClock()
    gateway = await _assemble(settings, boundaries, clock)

    async def control(name: str, given: Any) -> Any:
        match name:
            case "arm":
                return boundaries.arm(given)
            case "boundaries":
                return list(boundaries.names)
            case "advance":
                clock.advance(given)
                return await gateway.receipts.wake()
        raise AssertionError(name)

    if settings.at is not None:
        boundaries.arm(settings.at)
    if settings.worker:
        await gateway.start()
    site = gateway_site(gateway, SiteSettings(public_url=f"http://127.0.0.1:{settings.port}"))
    app = stepped_app(cast("Any", site), boundaries, control, under="/api")
    try:
        await Server(cast("Any", app), bind("127.0.0.1", settings.port)).listen()
    finally:
        await gateway.stop()


async def _assemble(settings: GatewaySettings, boundaries: Boundaries, clock: TurnableClock) -> Gateway:
    """Do what `open_gateway` does, with boundaries in between and shorter waits."""
    cards = TestCards()
    store = cast("Store", SteppedStore(await open_store(settings.database_url), boundaries))
    http = plant_in_http(settings.bug, SteppedHttp(GuardedHttp(allow_private=True), boundaries))
    stepped = SteppedAcquirer(TestAcquirer(store, clock, cards), boundaries, timeout_ms=ACQUIRER_MS)
    store, acquirer = plant(settings.bug, store, stepped, worker=settings.worker)
    return Gateway(
        store=store,
        clock=clock,
        ids=SystemIds(),
        tasks=Tasks(),
        http=http,
        acquirer=acquirer,
        issuer=TestIssuer(cards),
        messages=LogMessages(show=True),
        vault=Vault(KeyRing.read(settings.vault_keys)),
        test=True,
        lease_ms=LEASE_MS,
        merchant_timeout_ms=CALL_MS,
    )
