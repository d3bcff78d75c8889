"""The shop's books: numbers in a row whatever happens, and a clear answer when they cannot be written."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.types import ASGIApp, Message

from tiyin.emulator.pages import Pages
from tiyin.emulator.shop.app import ShopAddresses, shop_app
from tiyin.emulator.shop.books import Books
from tiyin.emulator.shop.orders import metadata
from tiyin.runtime.clock import ManualClock
from tiyin.storage import Store, open_store
from tiyin.storage.errors import StorageUnavailable

ADDRESSES = ShopAddresses("http://127.0.0.1:1/shop", "http://127.0.0.1:1", "0" * 24)


class Breakable:
    """A store that can be told to fail before it writes, or after it wrote."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fail: str | None = None

    async def change(self, *arguments: Any) -> Any:
        if self.fail == "before":
            raise StorageUnavailable("the disk is full")
        answer = await self._store.change(*arguments)
        if self.fail == "after":
            raise StorageUnavailable("nobody heard the answer")
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def ask(app: ASGIApp, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send one request to an application, without a server."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:1")],
        "scheme": "http",
        "server": ("127.0.0.1", 1),
        "client": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(f"sqlite:///{tmp_path / 'shop.db'}")
    await opened.create_tables(metadata)
    yield opened
    await opened.close()


async def test_two_shops_over_one_database_number_in_one_row(store: Store) -> None:
    first, second = Books(store, ManualClock()), Books(store, ManualClock())
    made = await asyncio.gather(*(books.new_order(100) for _ in range(20) for books in (first, second)))
    assert sorted(order.number for order in made) == list(range(1, 41))
    assert [order.number for order in await Books(store, ManualClock()).newest(3)] == [40, 39, 38]


async def test_an_order_that_could_not_be_written_leaves_no_gap(store: Store) -> None:
    breakable = Breakable(store)
    books = Books(breakable, ManualClock())  # type: ignore[arg-type]  # it hands on the rest
    assert (await books.new_order(100)).number == 1
    breakable.fail = "before"
    with pytest.raises(StorageUnavailable):
        await books.new_order(100)
    breakable.fail = None
    assert (await books.new_order(100)).number == 2
    breakable.fail = "after"
    with pytest.raises(StorageUnavailable):
        await books.new_order(100)
    breakable.fail = None
    assert (await books.new_order(100)).number == 4
    assert [order.number for order in await books.newest(9)] == [4, 3, 2, 1]


async def test_books_that_cannot_be_written_are_told(store: Store) -> None:
    breakable = Breakable(store)
    books = Books(breakable, ManualClock())  # type: ignore[arg-type]  # it hands on the rest
    breakable.fail = "before"
    status, body = await ask(shop_app(books, ADDRESSES, Pages()), "POST", "/shop/orders", b'{"amount": 5}')
    assert (status, b"try again" in body) == (503, True)


@pytest.mark.parametrize("order_id", ["0", "01", "-1", "1.0", "%00", "x" * 500, "%D9%A1"])
async def test_what_is_no_number_is_no_order(store: Store, order_id: str) -> None:
    app = shop_app(Books(store, ManualClock()), ADDRESSES, Pages())
    status, _ = await ask(app, "GET", f"/shop/orders/{order_id}")
    assert status == 404
