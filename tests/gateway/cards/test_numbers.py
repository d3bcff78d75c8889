"""Card numbers and expiry dates: what passes and what each refusal answers."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.gateway.cards.numbers import Scheme, is_expired, is_luhn, read_expire, read_number, scheme_of
from tiyin.protocol.errors import RpcError

PREFIXES = ["8600", "5614", "6262", "5440", "9860"]
DOCUMENTED = [
    "8600060921090842",
    "3333336415804657",
    "4444445987459073",
    "8600143417770323",
    "8600134301849596",
    "8600495473316478",
    "8600069195406311",
]


def attempt(read: Callable[[str], str], typed: str) -> tuple[str, int]:
    """Read a text: what came of it, and the code it was refused with (0 where it was not)."""
    try:
        return read(typed), 0
    except RpcError as refused:
        return "", refused.code


def with_check_digit(digits: str) -> str:
    return next(digits + str(last) for last in range(10) if is_luhn(digits + str(last)))


valid_numbers = st.builds(
    lambda prefix, rest: with_check_digit(prefix + rest),
    st.sampled_from(PREFIXES),
    st.text("0123456789", min_size=11, max_size=11),
)


@given(valid_numbers)
def test_a_number_of_a_known_scheme_with_its_check_digit_passes(number: str) -> None:
    assert number == read_number(number)
    assert number == read_number(f"{number[:4]} {number[4:8]} {number[8:12]} {number[12:]}")
    assert scheme_of(number) is (Scheme.HUMO if number.startswith("9860") else Scheme.UZCARD)


@given(valid_numbers, st.integers(0, 15), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(number: str, place: int, shift: int) -> None:
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    with pytest.raises(RpcError) as refused:
        read_number(wrong)
    assert refused.value.code == -31300
    assert refused.value.data == "number"


@given(st.text("0123456789", min_size=15, max_size=15).map(with_check_digit))
def test_other_schemes_are_unsupported(number: str) -> None:
    if number[:4] in PREFIXES:
        assert number == read_number(number)
        return
    with pytest.raises(RpcError) as refused:
        read_number(number)
    assert refused.value.code == -31900


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(typed: str) -> None:
    number, code = attempt(read_number, typed)
    assert code in {0, -31300, -31900}
    assert code or (len(number) == 16 and number.isascii() and number.isdigit())


@pytest.mark.parametrize(
    "typed",
    ["", "8600", "86000691954063110", "８６００069195406311", "8600-0691-9540-6311", "8600069195406312"],
)
def test_what_is_no_card_number(typed: str) -> None:
    with pytest.raises(RpcError) as refused:
        read_number(typed)
    assert refused.value.code == -31300


@pytest.mark.parametrize("number", DOCUMENTED)
def test_documented_numbers_pass_where_they_are_on(number: str) -> None:
    assert number == read_number(number, is_test_card=DOCUMENTED.__contains__)


def test_the_documented_numbers_of_no_scheme_pass_nowhere_else() -> None:
    for number in DOCUMENTED[1:3]:
        with pytest.raises(RpcError) as refused:
            read_number(number)
        assert refused.value.code == -31900


@pytest.mark.parametrize(("typed", "read"), [("0399", "0399"), ("03/99", "0399"), ("12/30", "1230")])
def test_expiry_dates_are_read(typed: str, read: str) -> None:
    assert read == read_expire(typed)


@given(st.text(max_size=10))
def test_any_expiry_text_is_read_or_refused(typed: str) -> None:
    expire, code = attempt(read_expire, typed)
    assert code in {0, -31300}
    assert code or (1 <= int(expire[:2]) <= 12 and len(expire) == 4)


@pytest.mark.parametrize("typed", ["", "1399", "0099", "399", "03-99", "99/03/01", "0399\n0", "٠٣99"])
def test_what_is_no_expiry_date(typed: str) -> None:
    with pytest.raises(RpcError):
        read_expire(typed)


@pytest.mark.parametrize(
    ("moment", "expired"),
    [
        (datetime(2027, 3, 31, 18, 59, 59, tzinfo=UTC), False),
        (datetime(2027, 3, 31, 19, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 12, 1, tzinfo=UTC), False),
        (datetime(2028, 1, 1, tzinfo=UTC), True),
    ],
)
def test_a_card_is_good_until_its_month_ends_in_tashkent(moment: datetime, expired: bool) -> None:
    assert expired is is_expired("0327", int(moment.timestamp() * 1000))
