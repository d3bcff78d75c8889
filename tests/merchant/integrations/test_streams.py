"""Long statements behind each kind of server and store: no event loop is blocked, nobody reads in vain."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker

from helpers_merchant import KEY, PRICE_TIYIN, QuietShop, payme_id
from sandbox.zoo.serving import served
from tiyin.merchant import MerchantApi, payme_app
from tiyin.merchant.api import Call
from tiyin.merchant.billing import Account, Order
from tiyin.merchant.records import Row
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.stores.sqlalchemy import SqlAlchemyStore, payme_tables, prepare_sqlite
from tiyin.merchant.sync_billing import SyncBilling
from tiyin.protocol.authorization import write_basic
from tiyin.runtime.clock import SystemClock

ROWS = 30
PAGE = 7
NOW_MS = SystemClock().now_ms()
STATEMENT = json.dumps({"id": 1, "method": "GetStatement", "params": {"from": NOW_MS, "to": NOW_MS}}).encode()


class PlainShop(SyncBilling):
    def check(self, account: Account, amount_tiyin: int) -> Order:
        del account, amount_tiyin
        return Order(amount_tiyin=PRICE_TIYIN)


class WatchedBlocking(SqlAlchemyStore):
    """A store that blocks, and remembers which threads read its pages."""

    def __init__(self, sessions: Any) -> None:
        super().__init__(sessions)
        self.readers: list[threading.Thread] = []

    async def statement(self, from_ms: int, to_ms: int, after: Row | None, limit: int) -> list[Row]:
        self.readers.append(threading.current_thread())
        return await super().statement(from_ms, to_ms, after, limit)


class WatchedOwn(OwnStore):
    """The kit's own store, which waits with each page but the first two until it is told to go on."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.pages = 0
        self.waits, self.go_on = asyncio.Event(), asyncio.Event()

    async def statement(self, from_ms: int, to_ms: int, after: Row | None, limit: int) -> list[Row]:
        self.pages += 1
        if self.pages > 2:
            self.waits.set()
            await self.go_on.wait()
        return await super().statement(from_ms, to_ms, after, limit)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiyin.merchant.methods.STATEMENT_PAGE", PAGE)


@pytest.fixture
def blocking(tmp_path: Path) -> Iterator[WatchedBlocking]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    prepare_sqlite(engine)
    metadata = sa.MetaData()
    payme_tables(metadata)
    metadata.create_all(engine)
    yield WatchedBlocking(sessionmaker(engine))
    engine.dispose()


def post(body: bytes) -> Call:
    return Call("POST", body, write_basic("Paycom", KEY))


def creates() -> Iterator[Call]:
    for number in range(1, ROWS + 1):
        params = {"id": payme_id(number), "time": NOW_MS, "amount": PRICE_TIYIN}
        params["account"] = {"order_id": number}
        yield post(json.dumps({"method": "CreateTransaction", "params": params}).encode())


def ids_in(body: bytes) -> list[str]:
    return [row["id"] for row in json.loads(body)["result"]["transactions"]]


ALL = [payme_id(number) for number in range(1, ROWS + 1)]


async def whole(api: MerchantApi) -> bytes:
    reply = await api.handle(post(STATEMENT))
    assert reply.more is not None
    return b"".join([reply.body, *[piece async for piece in reply.more]])


async def test_a_store_that_blocks_is_not_read_in_the_event_loop(blocking: WatchedBlocking) -> None:
    async with MerchantApi(PlainShop(), blocking, KEY) as api:
        for call in creates():
            assert b'"state":1' in (await api.handle(call)).body
        assert ids_in(await whole(api)) == ALL
    assert len(blocking.readers) == ROWS // PAGE + 1
    assert threading.main_thread() not in blocking.readers


def test_a_store_that_blocks_without_awaiting(blocking: WatchedBlocking) -> None:
    api = MerchantApi(PlainShop(), blocking, KEY)
    for call in creates():
        assert b'"state":1' in api.handle_sync(call).body
    reply = api.handle_sync(post(STATEMENT))
    assert reply.more is not None
    assert ids_in(reply.body + b"".join(reply.more)) == ALL
    api.stop_sync()


@pytest.fixture
async def own(sqlite_url: str) -> AsyncIterator[tuple[MerchantApi, WatchedOwn]]:
    store = WatchedOwn(sqlite_url)
    async with MerchantApi(QuietShop(), store, KEY) as api:
        for call in creates():
            assert b'"state":1' in (await api.handle(call)).body
        yield api, store


async def test_a_statement_goes_out_while_it_is_read(own: tuple[MerchantApi, WatchedOwn]) -> None:
    """Goal: the first page has arrived before the last one was read."""
    api, store = own
    async with served(payme_app(api)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request())
        received = await asyncio.wait_for(reader.readuntil(payme_id(PAGE).encode()), 10)
        assert payme_id(1).encode() in received
        assert store.pages <= 3
        store.go_on.set()
        await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 10)
        writer.close()
        await writer.wait_closed()
    assert store.pages == ROWS // PAGE + 1


async def test_nobody_reads_on_for_a_caller_who_has_gone(own: tuple[MerchantApi, WatchedOwn]) -> None:
    """Goal: when the server says that he has gone, no further page is read."""
    api, store = own
    told, ended = asyncio.Event(), asyncio.Event()
    app = payme_app(api)

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def receive_and_tell() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":
                told.set()
            return message

        await app(scope, receive_and_tell, send)
        if scope["type"] == "http":
            ended.set()

    async with served(watched) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request())
        await asyncio.wait_for(store.waits.wait(), 10)
        writer.close()
        await asyncio.wait_for(told.wait(), 10)
        store.go_on.set()
        await asyncio.wait_for(ended.wait(), 10)
        assert store.pages == 3
        assert ids_in(await whole(api)) == ALL


def request() -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: {len(STATEMENT)}\r\n"
    return f"{head}Authorization: {write_basic('Paycom', KEY)}\r\n\r\n".encode() + STATEMENT
