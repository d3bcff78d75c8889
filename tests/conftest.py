"""Fixtures that several rooms share: databases. A test that asks for none pays nothing."""

import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from helpers_storage import PostgresServer
from tiyin.runtime.memory import settle_memory
from tiyin.storage import Store, open_store

# Asked to keep no bytecode, Python would compile everything again in each worker and each process of a test.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("tiyin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tiyin")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long and mostly waits: beside it there is then always something to do."""
    items.sort(key=lambda item: item.get_closest_marker("kill") is None)


def pytest_collection_finish() -> None:
    """Let the garbage collector forget the thousands of tests: it would look at them all again and again."""
    settle_memory()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for each session or worker, started by the first test that wants it."""
    server = PostgresServer(durable=False)
    server.start()
    yield server
    server.remove()


@pytest.fixture
async def postgres_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The address of a fresh, empty PostgreSQL database."""
    name = f"t{secrets.token_hex(8)}"
    await postgres_server.create_database(name)
    yield postgres_server.url(name)
    await postgres_server.drop_database(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh, empty database: the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open store without tables, on each kind of database; `Store.create_tables` makes them."""
    opened = await open_store(store_url)
    yield opened
    await opened.close()
