"""Cash desks and cards for tests: the real services over a store, with a test's issuer and messages."""

import msgspec
import pytest

from tiyin.gateway.acquiring.test_cards import TEST_CARDS, TestCards
from tiyin.gateway.cards import CardPhone, Cards, CodeLimits, Issuer, KeyRing, TestIssuer, Vault
from tiyin.gateway.desks import AccountField, Desk, DeskKind, Desks
from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.port import SendingFailed
from tiyin.protocol.values import Text
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.ids import SeededIds
from tiyin.storage import Store

__all__ = [
    "DESK_ID",
    "KEY",
    "NOW_MS",
    "ORDER_ID",
    "OTHER_DESK_ID",
    "TEST_KEY",
    "CardsRoom",
    "Phone",
    "RealIssuer",
    "new_vault",
    "on_sqlite",
    "open_room",
]

NOW_MS = 1_790_000_000_000
"""September 2026."""

DESK_ID = "100fe486b33784292111b7dc"
OTHER_DESK_ID = "200fe486b33784292111b7dc"
KEY = "Rw712wMJspZBczFvrG09?bHkSNxnD4PY0n1C"
TEST_KEY = "t:st&12wMJspZBczFvrG09?bHkSNxnD4PY0n"
ORDER_ID = AccountField(
    "order_id", Text(ru="Номер заказа", uz="Buyurtma raqami", en="Order number"), main=True
)

on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
"""For tests whose point is the same on each database."""


class Phone:
    """Keeps messages; the test reads codes out of them."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.broken = False

    async def send_sms(self, phone: str, text: str) -> None:
        if self.broken:
            raise SendingFailed("the provider is down")
        self.messages.append((phone, text))

    @property
    def code(self) -> str:
        return self.messages[-1][1][:6]


class RealIssuer:
    """Knows every card, as a real processing centre would, and sends each its own fresh code."""

    def __init__(self, phone: str = "998935551234") -> None:
        self.phone = phone

    def is_test_card(self, number: str) -> bool:
        assert number
        return False

    async def check(self, number: str, expire: str) -> None:
        assert number
        assert expire

    async def phone_of(self, number: str, expire: str) -> CardPhone:
        assert number
        assert expire
        return CardPhone(self.phone)


class CardsRoom(msgspec.Struct):
    """Everything that a test of cards touches."""

    store: Store
    clock: ManualClock
    vault: Vault
    phone: Phone
    desks: Desks
    cards: Cards
    desk: Desk
    other_desk: Desk


def new_vault(*names: str) -> Vault:
    """Make a vault with a key of each name, the same key for the same name."""
    return Vault(KeyRing({name: name.encode().ljust(32, b"-") for name in names or ("k1",)}))


async def open_room(
    store: Store,
    *,
    test: bool = True,
    issuer: Issuer | None = None,
    vault: Vault | None = None,
    limits: CodeLimits | None = None,
) -> CardsRoom:
    """Make the tables, a business with two desks, and the services over them."""
    await store.create_tables(metadata)
    clock, ids, phone = ManualClock(NOW_MS), SeededIds(7), Phone()
    vault = new_vault() if vault is None else vault
    desks = Desks(store, clock, ids, vault, test=test)
    issuer = TestIssuer(TestCards(TEST_CARDS)) if issuer is None else issuer
    cards = Cards(store, clock, ids, vault, issuer, phone, limits=limits)
    business = await desks.create_business(name="Online Shop", organization="ЧП «Online Shop»")
    desk, _, _ = await desks.create_desk(
        business_id=business.id,
        name="Online Shop LLC",
        kind=DeskKind.BILLING,
        endpoint="https://shop.uz/payme",
        account_fields=(ORDER_ID,),
        domains=("shop.uz",),
        desk_id=DESK_ID,
        key=KEY,
        test_key=TEST_KEY,
    )
    other, _, _ = await desks.create_desk(
        business_id=business.id, name="Terminal", kind="virtual-terminal", desk_id=OTHER_DESK_ID
    )
    return CardsRoom(store, clock, vault, phone, desks, cards, desk, other)
