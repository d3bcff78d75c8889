"""Hostile bytes before every reader of strangers' bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers_fuzz_parsers import PARSERS


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=300, deadline=None)
@given(data=st.binary(min_size=4, max_size=120))
def test_a_reader(name: str, data: bytes) -> None:
    PARSERS[name](data)
