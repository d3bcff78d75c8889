"""Values: what is read, what is refused, and how money and cards are shown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers_protocol import accounts, clean_text
from tiyin.protocol.values import (
    AMOUNT_TIYIN_MAX,
    FieldError,
    Language,
    Text,
    account_key,
    check_clean,
    format_sum,
    is_clean_text,
    mask_card_number,
    read_account,
    read_amount,
    read_id,
    read_language,
    read_text,
    read_timestamp,
    read_whole_number,
)


@pytest.mark.parametrize(
    ("value", "amount_tiyin"),
    [
        (1, 1),
        (500000, 500000),
        (500000.0, 500000),
        (AMOUNT_TIYIN_MAX, AMOUNT_TIYIN_MAX),
        (float(AMOUNT_TIYIN_MAX), AMOUNT_TIYIN_MAX),
    ],
)
def test_amounts_are_integers_and_floats_without_a_fraction(value: object, amount_tiyin: int) -> None:
    read = read_amount(value)
    assert read == amount_tiyin
    assert type(read) is int


@pytest.mark.parametrize(
    "value",
    [
        *(
            0,
            -1,
            0.0,
            -0.0,
            1e300,
            2**70,
            500000.5,
            AMOUNT_TIYIN_MAX + 1,
            True,
            False,
            "500000",
            None,
            [1],
            {},
        ),
        *(math.nan, math.inf, -math.inf, 9007199254740993.0),
    ],
)
def test_other_amounts_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        read_amount(value)


@given(st.integers(1 - 2**53, 2**53 - 1))
def test_a_float_that_holds_an_integer_is_that_integer(number: int) -> None:
    assert read_whole_number(float(number)) == number
    assert read_whole_number(number) == number


@pytest.mark.parametrize("value", [float(2**53), float(-(2**53)), 2.0**60])
def test_a_float_that_stands_for_several_integers_is_none(value: float) -> None:
    """9007199254740992.0 is also what 9007199254740993.0 is read as."""
    with pytest.raises(ValueError, match="must be"):
        read_whole_number(value)


def test_big_integers_stay_exact() -> None:
    assert read_whole_number(2**200 + 1) == 2**200 + 1


@pytest.mark.parametrize("value", [0, 1, 1399114284039, 1399114284039.0, 10**13 - 1])
def test_timestamps_are_at_most_13_digits(value: float) -> None:
    assert read_timestamp(value) == value


@pytest.mark.parametrize("value", [-1, 10**13, 1.5, True, "1399114284039", None])
def test_other_timestamps_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        read_timestamp(value)


def test_ids_have_24_characters() -> None:
    assert read_id("5305e3bab097f420a62ced0b") == "5305e3bab097f420a62ced0b"
    for wrong in (
        "",
        "5305e3bab097f420a62ced0",
        "5305e3bab097f420a62ced0bb",
        "5305e3bab097f420a62ced0\0",
        1,
        None,
    ):
        with pytest.raises(ValueError, match="24 characters"):
            read_id(wrong)


def test_an_account_keeps_what_it_was_given() -> None:
    assert read_account({"order_id": 106, "phone": "903595731", "n": 1.0}) == {
        "order_id": 106,
        "phone": "903595731",
        "n": 1,
    }
    assert read_account({}) == {}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"order_id": None}, "order_id"),
        ({"order_id": True}, "order_id"),
        ({"order_id": 1.5}, "order_id"),
        ({"order_id": []}, "order_id"),
        ({"order_id": {}}, "order_id"),
        ({"order_id": "a\0"}, "order_id"),
        ({"order_id": "\ud800"}, "order_id"),
        ({"order_id": "x" * 257}, "order_id"),
        ({"order_id": 2**63}, "order_id"),
        ({"": "1"}, ""),
        ({"a\0": "1"}, ""),
        ({"x" * 65: "1"}, ""),
        ({str(number): "1" for number in range(21)}, ""),
        ([], ""),
        ("order_id", ""),
        (None, ""),
    ],
)
def test_other_accounts_are_refused_by_field(value: object, field: str) -> None:
    with pytest.raises(FieldError) as caught:
        read_account(value)
    assert caught.value.field == field


@given(accounts)
def test_an_account_reads_back_and_has_one_key(account: dict[str, str | int]) -> None:
    """Integer and string are one, and the order of the fields does not count."""
    assert read_account(account) == account
    as_text = {name: str(value) for name, value in reversed(account.items())}
    assert account_key(account) == account_key(as_text)


@given(accounts, accounts)
def test_different_accounts_have_different_keys(
    one: dict[str, str | int], other: dict[str, str | int]
) -> None:
    same = {name: str(value) for name, value in one.items()} == {
        name: str(value) for name, value in other.items()
    }
    assert (account_key(one) == account_key(other)) is same


@pytest.mark.parametrize(
    ("amount_tiyin", "language", "written"),
    [
        (500000, "ru", "5 000 сум"),
        (500000, "uz", "5 000 soʻm"),
        (500000, "en", "UZS 5,000"),
        (500050, "ru", "5 000,50 сум"),
        (500005, "uz", "5 000,05 soʻm"),
        (500050, "en", "UZS 5,000.50"),
        (0, "ru", "0 сум"),
        (1, "en", "UZS 0.01"),
        (-123456700, "en", "-UZS 1,234,567"),
        (123456700, "ru", "1 234 567 сум"),
        (AMOUNT_TIYIN_MAX, "uz", "100 000 000 000 soʻm"),
    ],
)
def test_sums_are_written_for_people(amount_tiyin: int, language: Language, written: str) -> None:
    assert format_sum(amount_tiyin, language) == written


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("8600069195406311", "860006******6311"),
        ("8600 0691 9540 6311", "860006******6311"),
        ("123456789012", "************"),
        ("12345678901234", "123456****1234"),
        ("8600", "****"),
        ("", ""),
    ],
)
def test_card_numbers_are_masked(number: str, shown: str) -> None:
    assert mask_card_number(number) == shown


@given(st.text(st.characters(codec="ascii", categories=["Nd"]), min_size=1, max_size=19))
def test_a_mask_hides_at_least_four_digits_of_a_number(number: str) -> None:
    shown = mask_card_number(number)
    assert len(shown) == len(number)
    assert shown.count("*") >= min(4, len(number))


@pytest.mark.parametrize(
    ("value", "language"),
    [
        (None, "ru"),
        ("", "ru"),
        ("uz", "uz"),
        ("EN", "en"),
        (" ru ", "ru"),
        ("de", "ru"),
        ("uz-Latn-UZ", "uz"),
        ("en_US", "en"),
        ("de, en;q=0.8, uz;q=0.9", "uz"),
        ("en;q=0, uz;q=0.1", "uz"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8", "ru"),
        ("en;q=nonsense", "ru"),
        ("*", "ru"),
        ("english", "ru"),
        ("en," * 100_000, "en"),
    ],
)
def test_languages_are_read_leniently(value: str | None, language: Language) -> None:
    assert read_language(value) == language


@given(st.text())
def test_any_text_gives_a_language(value: str) -> None:
    assert read_language(value) in ("ru", "uz", "en")


def test_a_foreign_text_fills_what_it_lacks() -> None:
    assert read_text("Hello") == Text.same("Hello")
    assert read_text({"uz": "Salom", "en": "Hello"}) == Text(ru="Salom", uz="Salom", en="Hello")
    assert read_text({"en": "", "ru": "Привет", "uz": 5}) == Text.same("Привет")
    assert read_text(Text.same("x")) == Text.same("x")
    nothings: tuple[object, ...] = (
        None,
        5,
        "",
        "  ",
        {},
        {"de": "Hallo"},
        {"ru": None},
        [],
        "\0",
        {"ru": "\ud800"},
    )
    for nothing in nothings:
        assert read_text(nothing) is None


def test_a_text_speaks_three_languages() -> None:
    text = Text(ru="чек", uz="chek", en="receipt")
    assert [text.in_language(language) for language in ("ru", "uz", "en")] == ["чек", "chek", "receipt"]
    assert text.as_dict() == {"ru": "чек", "uz": "chek", "en": "receipt"}


@given(clean_text)
def test_text_without_nul_and_lone_surrogates_is_clean(text: str) -> None:
    assert is_clean_text(text)
    check_clean({"a": [text]})


@pytest.mark.parametrize("unclean", ["\0", "a\0b", "\ud800", "я\udfff", "я\0"])
def test_unclean_text_is_found_wherever_it_stands(unclean: str) -> None:
    assert not is_clean_text(unclean)
    for value, path in (
        (unclean, ""),
        ({"a": {"b": [0, unclean]}}, "a.b[1]"),
        ({"a": {unclean: 1}}, "a"),
        ([{"a": unclean}], "[0].a"),
    ):
        with pytest.raises(FieldError) as caught:
            check_clean(value)
        assert caught.value.field == path


def test_deep_values_are_refused() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(FieldError, match="deep"):
        check_clean(value)
