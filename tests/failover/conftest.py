"""What the tests that lose a database's leader share."""

import asyncio
from collections.abc import Iterator

import pytest

from helpers_failover import Cluster
from helpers_kill import Nursery, nursery


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A leader and its synchronous standby; each test leaves them whole, whoever leads then."""
    opened = Cluster()
    try:
        asyncio.run(opened.start())
        yield opened
    finally:
        opened.remove()


@pytest.fixture(scope="session")
def born() -> Iterator[Nursery]:
    """Where the shops' processes come from."""
    with nursery() as opened:
        yield opened
