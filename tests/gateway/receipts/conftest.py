"""Worlds around receipts; after every test the books agree, and nothing ever looked wrong on the way."""

import shutil
from collections.abc import AsyncIterator

import pytest

from helpers_receipts import World, agrees, fast_folder, make_desk
from tiyin.gateway.metadata import metadata
from tiyin.storage import Store


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A desk with a billing, over a database that is quick: for what does not depend on the database."""
    folder = fast_folder()
    world = await World.open(f"sqlite:///{folder / 'store.db'}")
    yield world
    await agrees(world)
    await world.close()
    shutil.rmtree(folder)


@pytest.fixture
async def terminal() -> AsyncIterator[World]:
    """A desk without billing, over a database that is quick."""
    folder = fast_folder()
    terminal = await World.open(f"sqlite:///{folder / 'store.db'}", make_desk(billing=False))
    yield terminal
    await agrees(terminal)
    await terminal.close()
    shutil.rmtree(folder)


@pytest.fixture
async def stored(store: Store) -> AsyncIterator[World]:
    """A desk with a billing, once over each kind of database."""
    await store.create_tables(metadata)
    stored = World(store, make_desk())
    yield stored
    await agrees(stored)


@pytest.fixture
async def stored_terminal(store: Store) -> AsyncIterator[World]:
    """A desk without billing, once over each kind of database."""
    await store.create_tables(metadata)
    stored_terminal = World(store, make_desk(billing=False))
    yield stored_terminal
    await agrees(stored_terminal)
