"""What the tests that kill share."""

from collections.abc import Iterator

import pytest

from helpers_kill import Nursery, nursery


@pytest.fixture(scope="session")
def born() -> Iterator[Nursery]:
    """Where the processes of all tests of a worker come from."""
    with nursery() as opened:
        yield opened
