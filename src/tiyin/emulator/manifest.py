"""`emulator.json`: where everything is, for programs that start the emulator and use it."""

from collections.abc import Sequence

import msgspec

from tiyin.emulator.directory import KeptDesk
from tiyin.protocol.hidden import rich_repr

__all__ = ["Manifest", "ManifestDesk", "manifest", "shop_endpoint"]


class ManifestDesk(msgspec.Struct, frozen=True):
    """A cash desk, as a shop's settings need it.

    Args:
        id: 24 hexadecimal characters.
        name: What it is called.
        kind: `billing`, `virtual-terminal`, `no-billing`, `on-site`.
        key: The key (of production, as far as an emulator has one).
        test_key: The key for the sandbox.
        endpoint: Where its Merchant API is, or None for a desk without billing.
        account: The names of its account fields.
    """

    id: str
    name: str
    kind: str
    key: str
    test_key: str
    endpoint: str | None
    account: tuple[str, ...]

    def __repr__(self) -> str:
        return f"ManifestDesk(id={self.id!r}, name={self.name!r}, keys hidden)"

    __rich_repr__ = rich_repr


class Manifest(msgspec.Struct, frozen=True):
    """What `emulator.json` holds: addresses without a slash at their end, and the desks.

    Args:
        gateway: The root of it all.
        api: The Subscribe API.
        checkout: What a GET link is appended to, and a POST form is sent to.
        cabinet: The merchant's cabinet.
        sandbox: The sandbox's page.
        shop: The demo shop.
        dev: Clock, inbox and reset.
        desks: The demo shop's desk first, then the virtual terminal, then those whose payers type the amount.
    """

    gateway: str
    api: str
    checkout: str
    cabinet: str
    sandbox: str
    shop: str
    dev: str
    desks: tuple[ManifestDesk, ...]


def manifest(address: str, desks: Sequence[KeptDesk]) -> Manifest:
    """Lay out the emulator's addresses.

    Args:
        address: The root, such as `http://127.0.0.1:8080`.
        desks: The desks, in the order they are told.
    """
    return Manifest(
        gateway=address,
        api=f"{address}/api",
        checkout=address,
        cabinet=f"{address}/cabinet",
        sandbox=f"{address}/sandbox",
        shop=f"{address}/shop",
        dev=f"{address}/dev",
        desks=tuple(
            ManifestDesk(
                id=desk.id,
                name=desk.name,
                kind=desk.kind,
                key=desk.key,
                test_key=desk.test_key,
                endpoint=shop_endpoint(address) if desk.kind == "billing" else None,
                account=desk.account,
            )
            for desk in desks
        ),
    )


def shop_endpoint(address: str) -> str:
    """Say where the demo shop's Merchant API is below a root address."""
    return f"{address}/shop/payme"
