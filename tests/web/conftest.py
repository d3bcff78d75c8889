"""A checkout that is served over a gateway that is not there, and a browser to look at it with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers_browser import browser, serve
from helpers_checkout import FakeGateway, Site, opened_checkout

__all__ = ["browser", "site", "untouched_site"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The checkout's pages on a free port."""
    held: list[FakeGateway] = []
    with serve(lambda url: opened_checkout(tmp_path, url, held)) as served:
        yield Site(served, held[0])


@pytest.fixture(scope="module")
def untouched_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same for a whole file of tests, none of which may make it do or store anything."""
    held: list[FakeGateway] = []
    with serve(lambda url: opened_checkout(tmp_path_factory.mktemp("site"), url, held)) as served:
        site = Site(served, held[0])
        yield site
        assert (site.rows(), site.gateway.calls) == ((0, 0, 0), [])
