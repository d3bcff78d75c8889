"""Who may speak for a cash desk: the table of X-Auth headers, and the reader of the answers.

Documentation: subscribe-api/overview (Авторизация)
"""

import pytest

from helpers_cards import DESK_ID, KEY, TEST_KEY, open_room
from tiyin.gateway.desks import Desks
from tiyin.protocol.errors import RpcError
from tiyin.runtime.ids import SeededIds
from tiyin.storage import Store, open_store

NOBODY = "300fe486b33784292111b7dc"

# header, whether the key is needed, what the answer's `data` is (None: let in)
CASES = [
    (DESK_ID, False, None),
    (f" {DESK_ID} ", False, None),
    (f"{DESK_ID}:{KEY}", False, None),
    (f"{DESK_ID}:{KEY}", True, None),
    (DESK_ID, True, "invalid_authorization_header"),
    (None, False, "invalid_authorization_header"),
    (None, True, "invalid_authorization_header"),
    ("", False, "invalid_authorization_header"),
    (":", False, "invalid_authorization_header"),
    (f":{KEY}", True, "invalid_authorization_header"),
    (f"{DESK_ID}:", False, "invalid_authorization_header"),
    (f"{DESK_ID}:wrong", False, "invalid_authorization_header"),
    (f"{DESK_ID}:wrong", True, "invalid_authorization_header"),
    (f"{DESK_ID}:{KEY}x", True, "invalid_authorization_header"),
    (f"{DESK_ID}:{KEY[:-1]}", True, "invalid_authorization_header"),
    (f"{DESK_ID}::{KEY}", True, "invalid_authorization_header"),
    (f"{DESK_ID}:ключ", True, "invalid_authorization_header"),
    (NOBODY, False, "invalid_id"),
    (f"{NOBODY}:{KEY}", True, "invalid_id"),
    ("100", False, "invalid_id"),
    (DESK_ID.upper(), False, "invalid_id"),
    ("x" * 3000, False, "invalid_authorization_header"),
]


@pytest.fixture
async def sqlite(sqlite_url: str) -> Store:
    return await open_store(sqlite_url)


@pytest.mark.parametrize("test", [False, True])
async def test_every_header(sqlite: Store, test: bool) -> None:
    """One room, every row of the table: parametrizing would open two dozen databases."""
    room = await open_room(sqlite, test=test)
    for header, need_key, data in CASES:
        if data is None:
            assert (await room.desks.authorize(header, need_key=need_key)).id == DESK_ID, header
            continue
        with pytest.raises(RpcError) as refused:
            await room.desks.authorize(header, need_key=need_key)
        assert (refused.value.code, refused.value.data) == (-32504, data), header
        assert refused.value.message.ru == "Access denied."
    await sqlite.close()


async def test_the_test_key_opens_only_where_test_cards_are_on(sqlite: Store) -> None:
    """The test key holds a colon: only the first one separates."""
    testing = await open_room(sqlite, test=True)
    header = f"{DESK_ID}:{TEST_KEY}"
    assert (await testing.desks.authorize(header, need_key=True)).test
    real = Desks(sqlite, testing.clock, SeededIds(), testing.vault, test=False)
    with pytest.raises(RpcError):
        await real.authorize(header, need_key=True)
    assert not (await real.authorize(f"{DESK_ID}:{KEY}", need_key=True)).test
    assert await testing.desks.key_of(testing.desk.id) == TEST_KEY
    assert await real.key_of(testing.desk.id) == KEY
    await sqlite.close()
