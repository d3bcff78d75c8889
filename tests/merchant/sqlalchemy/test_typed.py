"""What a payer types, read as a column's type: in one spelling, within its range, and never an error."""

import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from tiyin.merchant.refusals import AccountNotFound
from tiyin.merchant.stores.sqlalchemy.rows import _read  # the one rule behind `find`


class Wrapped(sa.types.TypeDecorator[int]):
    """A type of a shop's own."""

    impl = sa.SmallInteger
    cache_ok = True


BOUNDS: list[tuple[Any, int]] = [
    (sa.SmallInteger(), 15),
    (Wrapped(), 15),
    (sa.Integer(), 31),
    (sa.BigInteger(), 63),
]


def read(column_type: Any, typed: str, *, any_integer: bool = False) -> Any:
    """Read it; None where nothing is found."""
    try:
        return _read(column_type, typed, "order_id", any_integer=any_integer)
    except AccountNotFound:
        return None


@pytest.mark.parametrize(("column_type", "bits"), BOUNDS)
@given(number=st.integers(-(2**70), 2**70))
def test_whole_numbers(column_type: Any, bits: int, number: int) -> None:
    fits = -(2**bits) <= number < 2**bits
    assert read(column_type, str(number)) == (number if fits else None)
    anywhere = read(column_type, str(number), any_integer=True)
    assert anywhere == (number if -(2**63) <= number < 2**63 else None)


@pytest.mark.parametrize(("column_type", "bits"), BOUNDS)
def test_the_ends_of_a_range(column_type: Any, bits: int) -> None:
    assert read(column_type, str(2**bits - 1)) == 2**bits - 1
    assert read(column_type, str(2**bits)) is None
    assert read(column_type, str(-(2**bits))) == -(2**bits)
    assert read(column_type, str(-(2**bits) - 1)) is None


@given(typed=st.text())
@example("01")
@example("-0")
@example("+1")
@example(" 1")
@example("1\n")
@example("1_0")
@example("1.0")
@example("²")
@example("٣")
@example("9" * 5000)
def test_a_number_has_one_spelling(typed: str) -> None:
    """Goal: two spellings would be two accounts of one order."""
    found = read(sa.Integer(), typed)
    assert found is None or str(found) == typed


@given(number=st.uuids(), typed=st.text())
def test_uuids(number: uuid.UUID, typed: str) -> None:
    assert read(sa.Uuid(), str(number)) == read(sa.Uuid(), str(number).upper()) == number
    for spelling in (number.hex, f"{{{number}}}", number.urn, f"{number} ", typed):
        found = read(sa.Uuid(), spelling)
        assert found is None or str(found) == spelling.lower()


@given(typed=st.text())
def test_texts(typed: str) -> None:
    found = read(sa.String(5), typed)
    assert found is None or found == typed
    if "\x00" in typed or not typed:
        assert found is None


def test_the_field_is_named() -> None:
    with pytest.raises(AccountNotFound) as refused:
        _read(sa.Integer(), "abc", "order_id", any_integer=False)
    assert (refused.value.code, refused.value.field) == (-31050, "order_id")


@pytest.mark.parametrize("column_type", [sa.Numeric(), sa.Boolean(), sa.DateTime(), sa.Float(), sa.JSON()])
def test_what_nobody_types(column_type: Any) -> None:
    with pytest.raises(TypeError, match=r"override find"):
        _read(column_type, "1", "order_id", any_integer=False)
