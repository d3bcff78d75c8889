"""Both houses, opened once for each file of tests."""

from collections.abc import Iterator

import pytest

from helpers_bad_input import Houses, open_houses


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    """The gateway's site and a shop, listening, with what a start logs already read."""
    with open_houses(tmp_path_factory.mktemp("houses")) as opened:
        opened.new_lines()
        yield opened
