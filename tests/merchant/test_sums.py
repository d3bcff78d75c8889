"""Sums and tiyin: exact, whatever the shop keeps its prices in; what cannot be exact is refused."""

import decimal
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.merchant.sums import check_tiyin, sums_from_tiyin, sums_text, tiyin_from_sums
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Language

LONGEST = 40

amounts = st.integers(1, AMOUNT_TIYIN_MAX)


@pytest.mark.parametrize(
    ("value", "tiyin"),
    [
        (5000, 500_000),
        (Decimal("12500.50"), 1_250_050),
        (Decimal("0.01"), 1),
        (Decimal("5.0000"), 500),
        (Decimal("1E+3"), 100_000),
        ("12500.5", 1_250_050),
        ("12500,5", 1_250_050),
        ("1 250 000,50", 125_000_050),
        ("1\u00a0250\u00a0000,50", 125_000_050),
        ("1\u202f250", 125_000),
        (" 00500 ", 50_000),
        (10**11, AMOUNT_TIYIN_MAX),
    ],
)
def test_sums_are_read_exactly(value: Any, tiyin: int) -> None:
    assert tiyin_from_sums(value) == tiyin


@pytest.mark.parametrize("value", [0.1, 5000.0, float("nan"), True, False, None, b"5", [5], Fraction(1, 2)])
def test_what_is_no_exact_sum_is_refused_by_its_type(value: Any) -> None:
    with pytest.raises(TypeError):
        tiyin_from_sums(value)


def test_the_refusal_of_a_float_says_why() -> None:
    with pytest.raises(TypeError, match=r"exactly .* Decimal"):
        tiyin_from_sums(0.3)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, 10**11 + 1, 10**4000, -(10**4000)),
        *map(Decimal, ["0", "-0.01", "NaN", "sNaN", "Infinity", "1E+999999", "1E-999999", "0.001"]),
        Decimal("100000000000.01"),
        Decimal("1.000000000000000000000000000000000000000000001"),
        *("", " ", "abc", "12.500", "12,500", "1,250,000.50", "1 25", "12 5000", "1  250", "1 250 00"),
        *("-5", "+5", "5.", ".5", "1e3", "٥", "5 сум", "1\n250", "0", "0.00", "9" * 41, "NaN", "1_000"),
    ],
)
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="sum"):
        tiyin_from_sums(value)


@given(amounts)
def test_every_amount_comes_back(tiyin: int) -> None:
    sums = sums_from_tiyin(tiyin)
    assert sums * 100 == tiyin
    assert sums.as_tuple().exponent == -2
    assert tiyin_from_sums(sums) == tiyin
    assert tiyin_from_sums(str(sums)) == tiyin
    assert tiyin_from_sums(f"{sums:,}".replace(",", " ").replace(".", ",")) == tiyin


@given(amounts, st.sampled_from(["ru", "uz"]))
def test_what_people_read_can_be_typed_again(tiyin: int, language: Language) -> None:
    assert tiyin_from_sums(sums_text(tiyin, language).rpartition(" ")[0]) == tiyin


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_decimal_is_read_exactly_or_not_at_all(sums: Decimal) -> None:
    try:
        tiyin = tiyin_from_sums(sums)
    except ValueError:
        assert not sums.is_finite() or not 0 < sums <= 10**11 or Fraction(sums) * 100 % 1 != 0
    else:
        assert Fraction(sums) * 100 == tiyin


@given(st.text())
def test_no_text_is_read_as_anything_but_an_amount(text: str) -> None:
    try:
        tiyin = tiyin_from_sums(text)
    except ValueError:
        return
    assert 0 < tiyin <= AMOUNT_TIYIN_MAX


def test_the_shops_own_decimal_context_changes_nothing() -> None:
    with decimal.localcontext(decimal.Context(prec=2)):
        assert tiyin_from_sums(Decimal("12345678.91")) == 1_234_567_891
        assert tiyin_from_sums("12345678.91") == 1_234_567_891
        assert sums_from_tiyin(1_234_567_891) == Decimal("12345678.91")


def test_sums_are_written_for_people() -> None:
    assert sums_text(1_250_050, "ru") == "12 500,50 сум"
    assert sums_text(500_000, "uz") == "5 000 soʻm"
    assert sums_text(500_000, "en") == "UZS 5,000"
    assert sums_text(-1, "en") == "-UZS 0.01"


@pytest.mark.parametrize("value", [500.0, True, "500", Decimal(500), None])
def test_tiyin_are_whole_numbers(value: Any) -> None:
    for function in (check_tiyin, sums_from_tiyin, lambda amount: sums_text(amount, "ru")):
        with pytest.raises(TypeError, match="tiyin_from_sums"):
            function(value)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (True, "a bool is no sum of money"),
        (
            0.1,
            "a float cannot hold every sum exactly (0.1 + 0.2 is not 0.3): keep money in Decimal, int or str",
        ),
        ([], "a sum is a Decimal, an int or a str, not list"),
        ("zwölf", "a sum is written as 12500, 12500.50 or 12 500,50"),
        ("1" * 60, "a sum is written as 12500, 12500.50 or 12 500,50"),
        (Decimal("NaN"), "a sum is a finite number"),
        (Decimal(0), "an amount is from 0.01 to 100000000000 sums"),
        (
            Decimal("0.001"),
            "a sum has at most two decimals (1 tiyin is 0.01 sum); round it yourself, on purpose",
        ),
    ],
)
def test_refusals_say_what_to_do(value: Any, sentence: str) -> None:
    with pytest.raises((TypeError, ValueError)) as refusal:
        tiyin_from_sums(value)
    assert str(refusal.value) == sentence


def test_the_longest_text_is_read() -> None:
    assert tiyin_from_sums("100000000000".ljust(LONGEST)) == 10**13
    with pytest.raises(ValueError, match=r"^a sum is written as"):
        tiyin_from_sums("100000000000".ljust(LONGEST + 1))


def test_the_refusal_of_what_is_no_tiyin_says_what_to_do() -> None:
    with pytest.raises(TypeError) as refusal:
        check_tiyin(1.5)  # type: ignore[arg-type]
    assert str(refusal.value) == (
        "an amount in tiyin is an int, not float; tiyin_from_sums turns sums into tiyin"
    )
