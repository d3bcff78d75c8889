"""Businesses and cash desks: made, refused with advice, changed, found, and their keys kept."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from helpers_cards import DESK_ID, KEY, ORDER_ID, TEST_KEY, new_vault, on_sqlite, open_room
from tiyin.gateway.desks import AccountField, DeskKeys, DeskRefused, Desks
from tiyin.gateway.desks.records import DESKS
from tiyin.gateway.vault import SealBroken
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Text
from tiyin.runtime.ids import SeededIds
from tiyin.storage import Decision, Store, open_store

TITLE = Text(ru="Заказ", uz="Buyurtma", en="Order")


async def test_a_desk_is_found_as_it_was_made(store: Store) -> None:
    room = await open_room(store)
    assert room.desk == await room.desks.find(DESK_ID)
    assert room.desk.account_fields == (ORDER_ID,)
    assert room.desk.organization == "ЧП «Online Shop»"
    assert await room.desks.find("0" * 24) is None
    assert await room.desks.find("") is None
    assert [DESK_ID, room.other_desk.id] == [desk.id for desk in await room.desks.desks()]
    assert [room.desk.business_id] == [business.id for business in await room.desks.businesses()]
    assert await room.desks.desks("0" * 24) == []


@on_sqlite
async def test_keys_are_kept_and_given_out(store: Store) -> None:
    room = await open_room(store)
    assert DeskKeys(KEY, TEST_KEY) == await room.desks.keys_of(DESK_ID)
    row = await store.get(DESKS, DESK_ID)
    assert row is not None
    for secret in (KEY, TEST_KEY):
        assert secret.encode() not in row.key_sealed + row.test_key_sealed
        assert secret not in repr(row)
        assert secret not in repr(await room.desks.keys_of(DESK_ID))
    with pytest.raises(LookupError):
        await room.desks.keys_of("0" * 24)


@on_sqlite
async def test_new_keys_are_made_and_an_old_one_opens_nothing_more(store: Store) -> None:
    room = await open_room(store)
    fresh = await room.desks.renew_key(DESK_ID)
    assert len(fresh) == 36
    assert DeskKeys(fresh, TEST_KEY) == await room.desks.keys_of(DESK_ID)
    with pytest.raises(RpcError):
        await room.desks.authorize(f"{DESK_ID}:{KEY}", need_key=True)
    await room.desks.renew_key(DESK_ID, test=True, key="n" * 36)
    assert await room.desks.key_of(room.desk.id) == "n" * 36
    with pytest.raises(DeskRefused):
        await room.desks.renew_key("0" * 24)


@on_sqlite
async def test_a_sealed_key_moved_to_another_desk_does_not_open(store: Store) -> None:
    room = await open_room(store)
    stolen = await store.get(DESKS, room.other_desk.id)
    assert stolen is not None

    def move(held: Any) -> Decision[None]:
        return Decision(None, msgspec.structs.replace(held, key_sealed=stolen.key_sealed))

    await store.change(DESKS, DESK_ID, move)
    with pytest.raises(SealBroken):
        await room.desks.keys_of(DESK_ID)


@on_sqlite
async def test_a_change_here_is_seen_at_once_and_one_elsewhere_soon(store: Store) -> None:
    room = await open_room(store)
    elsewhere = Desks(store, room.clock, SeededIds(), room.vault, test=True)
    assert await elsewhere.find(DESK_ID)
    changed = await room.desks.change_desk(DESK_ID, name="New name", active=False)
    assert changed == await room.desks.find(DESK_ID)
    assert (changed.name, changed.active) == ("New name", False)
    stale = await elsewhere.find(DESK_ID)
    assert stale is not None
    assert stale.name == "Online Shop LLC"
    room.clock.advance(2_000)
    assert changed == await elsewhere.find(DESK_ID)


@on_sqlite
async def test_a_blocked_business_blocks_its_desks_without_touching_their_own_flag(store: Store) -> None:
    room = await open_room(store)
    await room.desks.set_business_active(room.desk.business_id, active=False)
    blocked = await room.desks.find(DESK_ID)
    assert blocked is not None
    assert not blocked.active
    await room.desks.change_desk(DESK_ID, name="Still blocked")
    await room.desks.set_business_active(room.desk.business_id, active=True)
    open_again = await room.desks.find(DESK_ID)
    assert open_again is not None
    assert open_again.active


async def test_aliases_are_unique(store: Store) -> None:
    room = await open_room(store)
    await room.desks.change_desk(DESK_ID, alias="online-shop")
    found = await room.desks.find_by_alias("online-shop")
    assert found is not None
    assert found.id == DESK_ID
    assert await room.desks.find_by_alias("nobody") is None
    with pytest.raises(DeskRefused) as refused:
        await room.desks.change_desk(room.other_desk.id, alias="online-shop")
    assert refused.value.field == "alias"
    with pytest.raises(DeskRefused):
        await room.desks.create_desk(
            business_id=room.desk.business_id, name="T", kind="on-site", alias="online-shop"
        )


async def test_keys_are_sealed_anew_when_the_vault_key_changes(store: Store) -> None:
    room = await open_room(store, vault=new_vault("k1"))
    rotating = Desks(store, room.clock, SeededIds(), new_vault("k2", "k1"), test=True)
    assert await rotating.reseal() == 2
    assert await rotating.reseal() == 0
    rotated = Desks(store, room.clock, SeededIds(), new_vault("k2"), test=True)
    assert DeskKeys(KEY, TEST_KEY) == await rotated.keys_of(DESK_ID)


GOOD: dict[str, Any] = {
    "name": "Shop",
    "kind": "billing",
    "endpoint": "https://shop.uz/payme",
    "account_fields": (ORDER_ID,),
}

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("kind", {"kind": "bank"}),
    ("name", {"name": "  "}),
    ("name", {"name": "x" * 201}),
    ("name", {"name": "a\nb"}),
    ("name", {"name": "a\x00b"}),
    ("endpoint", {"endpoint": None}),
    ("endpoint", {"endpoint": "shop.uz/payme"}),
    ("endpoint", {"endpoint": "http://shop.uz/payme"}),
    ("endpoint", {"endpoint": "https://"}),
    ("endpoint", {"endpoint": "https://[::1"}),
    ("endpoint", {"endpoint": "https://me:secret@shop.uz/"}),
    ("endpoint", {"endpoint": "https://shop.uz/#a"}),
    ("endpoint", {"endpoint": "https://shop.uz/a b"}),
    ("endpoint", {"endpoint": "https://магазин.uz/"}),
    ("endpoint", {"endpoint": "ftp://shop.uz/"}),
    ("endpoint", {"kind": "virtual-terminal"}),
    ("account_fields", {"account_fields": ()}),
    ("account_fields", {"account_fields": (AccountField("order id", TITLE),)}),
    ("account_fields", {"account_fields": (AccountField("transaction", TITLE),)}),
    ("account_fields", {"account_fields": (AccountField("a", TITLE), AccountField("a", TITLE))}),
    (
        "account_fields",
        {"account_fields": (AccountField("a", TITLE, main=True), AccountField("b", TITLE, main=True))},
    ),
    ("account_fields", {"account_fields": tuple(AccountField(f"f{n}", TITLE) for n in range(17))}),
    ("amount_tiyin_min", {"amount_tiyin_min": 0}),
    ("amount_tiyin_max", {"amount_tiyin_min": 500, "amount_tiyin_max": 499}),
    ("amount_tiyin_max", {"amount_tiyin_max": AMOUNT_TIYIN_MAX + 1}),
    ("commission_basis_points", {"commission_basis_points": 10_001}),
    ("alias", {"alias": "No"}),
    ("alias", {"alias": "1" * 24}),
    ("logo", {"logo": "javascript:alert(1)"}),
    ("domains", {"domains": ("https://shop.uz",)}),
    ("domains", {"domains": ("shop://",)}),
    ("domains", {"domains": tuple(f"a{n}.uz" for n in range(33))}),
    ("desk_id", {"desk_id": "X" * 24}),
    ("desk_id", {"desk_id": DESK_ID}),
    ("key", {"key": "short"}),
    ("key", {"key": "with space " * 4}),
    ("test_key", {"key": "k" * 36, "test_key": "k" * 36}),
    ("business_id", {"business_id": "0" * 24}),
]


async def test_what_cannot_be_is_refused_with_its_field_and_a_sentence(sqlite_url: str) -> None:
    store = await open_store(sqlite_url)
    room = await open_room(store, test=False)
    for field, wrong in REFUSED:
        with pytest.raises(DeskRefused) as refused:
            await room.desks.create_desk(**{"business_id": room.desk.business_id, **GOOD, **wrong})
        assert refused.value.field == field, wrong
        sentence = str(refused.value)
        assert sentence.endswith("."), sentence
        assert len(sentence) > 20
        for secret in {"key", "test_key"} & wrong.keys():
            assert wrong[secret] not in sentence
    assert len(await store.query(sa.select(DESKS.schema.c.id))) == 2
    await store.close()


@on_sqlite
async def test_a_change_that_cannot_be_changes_nothing(store: Store) -> None:
    room = await open_room(store, test=False)
    for wrong in (
        {"endpoint": None},
        {"domains": ("*",)},
        {"kind": "on-site"},
        {"id": "0" * 24},
        {"key": "x"},
    ):
        with pytest.raises(DeskRefused):
            await room.desks.change_desk(DESK_ID, **wrong)
    with pytest.raises(DeskRefused):
        await room.desks.change_desk("0" * 24, name="x")
    assert room.desk == await room.desks.find(DESK_ID)


@on_sqlite
async def test_plain_http_is_taken_where_test_cards_are_on(store: Store) -> None:
    room = await open_room(store, test=True)
    desk = await room.desks.change_desk(DESK_ID, endpoint="http://127.0.0.1:8080/shop/payme")
    assert desk.endpoint == "http://127.0.0.1:8080/shop/payme"


@on_sqlite
async def test_businesses_are_refused_with_advice(store: Store) -> None:
    room = await open_room(store)
    for wrong in (
        {"name": ""},
        {"name": "x", "business_id": "1"},
        {"name": "x", "business_id": room.desk.business_id},
    ):
        with pytest.raises(DeskRefused):
            await room.desks.create_business(**wrong)
    with pytest.raises(DeskRefused):
        await room.desks.set_business_active("0" * 24, active=False)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_no_key_can_be_read_in_the_database_file(sqlite_url: str, tmp_path: Path) -> None:
    store = await open_store(sqlite_url)
    room = await open_room(store)
    fresh = await room.desks.renew_key(room.other_desk.id)
    await store.close()
    content = everything_in(tmp_path)
    assert DESK_ID.encode() in content
    for secret in (KEY, TEST_KEY, fresh):
        assert secret.encode() not in content
