"""The emulator's wires: traffic and fault rules, and what is connected by them now."""

from typing import TYPE_CHECKING

import msgspec
from starlette.types import ASGIApp

from tiyin.emulator.desk_names import DeskName, DeskNames
from tiyin.emulator.directory import Directory
from tiyin.emulator.faults import Faults
from tiyin.emulator.manifest import Manifest
from tiyin.emulator.recorded_http import RecordedHttp
from tiyin.emulator.recorded_site import RecordedSite
from tiyin.emulator.traffic import Traffic
from tiyin.runtime.clock import Clock
from tiyin.runtime.http import Http

if TYPE_CHECKING:
    from tiyin.gateway.app import Gateway

__all__ = ["Connected", "NotNow", "Wires"]


class NotNow(Exception):  # reads as what happened
    """The emulator is starting, stopping or being reset: nothing is connected."""


class Connected(msgspec.Struct, frozen=True):
    """What the wires connect between two resets.

    Args:
        gateway: The gateway.
        http: Its calls to merchants.
        site: Its site.
        shop: The demo shop's site.
        manifest: Where everything is.
    """

    gateway: "Gateway"
    http: RecordedHttp
    site: ASGIApp
    shop: ASGIApp
    manifest: Manifest


class Wires:
    """Traffic and fault rules of one emulator, over its resets.

    Args:
        directory: Where they are kept.
        address: The emulator's root address.

    Raises:
        DirectoryRefused: What is kept is damaged.
    """

    def __init__(self, directory: Directory, address: str) -> None:
        self._address = address
        self._names = DeskNames()
        self._connected: Connected | None = None
        self.traffic = Traffic(directory.traffic)
        self.faults = Faults(directory)

    @property
    def now(self) -> Connected:
        """What is connected.

        Raises:
            NotNow: Nothing is.
        """
        if self._connected is None:
            raise NotNow
        return self._connected

    async def desks(self) -> list[DeskName]:
        """Give the cash desks in the order they are told, the demo shop's first.

        Raises:
            NotNow: Nothing is connected.
        """
        known = await self.now.gateway.desks.desks()
        order = {desk.id: place for place, desk in enumerate(self.now.manifest.desks)}
        known.sort(key=lambda desk: order.get(desk.id, len(order)))
        return [DeskName(desk.id, desk.name) for desk in known]

    def http(self, http: Http, clock: Clock) -> RecordedHttp:
        """Put the recorder before a gateway's outgoing calls."""
        self._names = DeskNames()
        return RecordedHttp(http, self.traffic, self.faults, self._names, clock)

    def connect(
        self, gateway: "Gateway", http: RecordedHttp, site: ASGIApp, shop: ASGIApp, told: Manifest
    ) -> ASGIApp:
        """Connect what has been opened.

        Returns:
            The gateway's site with its Subscribe API recorded.
        """
        self._names.open(gateway.desks)
        recorded = RecordedSite(site, self.traffic, self.faults, self._names, gateway.clock, self._address)
        self._connected = Connected(gateway, http, recorded, shop, told)
        return recorded

    def disconnect(self) -> None:
        """Take down what is about to be closed."""
        self._connected = None

    def forget(self) -> None:
        """Forget exchanges and rules, for a reset."""
        self.traffic.forget()
        self.faults.forget()
