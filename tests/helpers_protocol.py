"""The documentation's own samples, and what tests of the protocol share."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tiyin.protocol.errors import RpcError

SAMPLES_FILE = Path(__file__).parent / "protocol" / "documentation_samples.json"

TRANSACTION_ID = "5305e3bab097f420a62ced0b"
RECEIPT_ID = "2e0b1bc1f1eb50d487ba268d"
NOW_MS = 1_399_114_284_039


@cache
def samples() -> dict[str, list[dict[str, Any]]]:
    """Return the JSON of each documentation page that has some, comments and stray commas taken out."""
    read: dict[str, list[dict[str, Any]]] = json.loads(SAMPLES_FILE.read_text(encoding="utf-8"))
    return read


def sample_requests(api: str) -> list[Any]:
    """Return the requests of one API's pages, as pytest parameters."""
    return [
        pytest.param(sample["method"], sample["params"], id=f"{page}-{index}")
        for page, found in samples().items()
        if page.startswith(api)
        for index, sample in enumerate(found)
        if "method" in sample
    ]


def sample_results(page: str) -> list[Any]:
    """Return the results that one page shows."""
    return [sample["result"] for sample in samples()[page] if "result" in sample]


def code_and_data(error: RpcError) -> tuple[int, Any]:
    """Return what a test compares of an error."""
    return error.code, error.data


def outcome(call: Callable[..., Any], *args: Any) -> Any:
    """Return what a call answers, or the documented error that it raises; any other error fails the test."""
    try:
        return call(*args)
    except RpcError as error:
        return error


clean_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
"""Any JSON there is; lone surrogates among it, which `json.dumps` writes as escapes."""
accounts = st.dictionaries(
    clean_text.filter(lambda name: 0 < len(name) <= 64),
    clean_text.filter(lambda value: len(value) <= 256) | st.integers(-(2**63) + 1, 2**63 - 1),
    min_size=1,
    max_size=5,
)
