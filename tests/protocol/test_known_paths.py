"""How much of a field's path is ours to repeat: names that a stranger chose stay out of logs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.protocol.params import known_path
from tiyin.protocol.subscribe_api import FIELD_NAMES, METHODS


def test_the_names_of_all_parameters_are_known() -> None:
    assert {"card", "number", "expire", "token", "code", "from", "fiscal_data", "vat_percent"} <= FIELD_NAMES
    assert "from_ms" not in FIELD_NAMES, "the wire's name counts"
    assert not METHODS & FIELD_NAMES


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("card.number", "card.number"),
        ("amount", "amount"),
        ("detail.items[0].price", "detail.items[0].price"),
        ("detail.items[0]", "detail.items[0]"),
        ("account", "account"),
        ("account.order_id", "account"),
        ("account.8600069195406311", "account"),
        ("account.token", "account.token"),
        ("detail.secret.items", "detail"),
        ("detail[8600069195406311]", "detail"),
        ("amount\n", ""),
        ("tokens", ""),
        ("", ""),
    ],
)
def test_a_path_is_known_up_to_the_first_strange_name(path: str, known: str) -> None:
    assert known_path(path, FIELD_NAMES) == known


@given(st.text(max_size=60))
def test_nothing_strange_is_ever_repeated(path: str) -> None:
    known = known_path(path, FIELD_NAMES)
    assert path.startswith(known)
    for step in known.replace("[", ".[").split("."):
        assert step in FIELD_NAMES or step == "" or step.startswith("[")
