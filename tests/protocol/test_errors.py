"""The table of errors is whole, speaks three languages, and each helper makes what the documentation says."""

import copy
import pickle
import re

import pytest

from tiyin.protocol.errors import (
    COMMON_ERRORS,
    ERRORS,
    MERCHANT_ERRORS,
    SUBSCRIBE_ERRORS,
    CommonCode,
    MerchantCode,
    RpcError,
    SubscribeCode,
    access_denied,
    account_error,
    internal_error,
    invalid_params,
    is_account_error,
    message_of,
    method_not_found,
    wrong_field,
)
from tiyin.protocol.values import LANGUAGES, Text

# The codes of each documentation page, written down by hand.
MERCHANT_PAGES = {
    "merchant-api/common-errors": [-32300, -32700, -32600, -32601, -32504, -32400],
    "merchant-api/errors": [-31001, -31003, -31007, -31008, *range(-31099, -31049)],
    "merchant-api/SetFiscalData": [-32001, -32700, -32602],
}
SUBSCRIBE_PAGES = {
    "checkout/errors": [-31601, -31610, -31611, -31612, -31622, -31623, -31630],
    "seen in the field": [
        *(
            -31001,
            -31002,
            -31100,
            -31620,
            -31624,
            -31101,
            -31102,
            -31103,
            -31110,
            -31300,
            -31301,
            -31302,
            -31303,
        ),
        *(
            -31400,
            -31601,
            -31602,
            -31610,
            -31611,
            -31612,
            -31622,
            -31623,
            -31630,
            -31640,
            -31700,
            -31900,
            -31901,
        ),
        *(-32500, -32504),
    ],
}


@pytest.mark.parametrize(
    ("table", "code"),
    [(MERCHANT_ERRORS, code) for codes in MERCHANT_PAGES.values() for code in codes]
    + [(SUBSCRIBE_ERRORS, code) for codes in SUBSCRIBE_PAGES.values() for code in codes],
)
def test_every_documented_code_has_a_text(table: dict[int, Text], code: int) -> None:
    text = table.get(code) or COMMON_ERRORS[code]
    assert all(text.in_language(language).strip() for language in LANGUAGES)


def test_every_named_code_is_in_its_table() -> None:
    for codes, table in (
        (CommonCode, COMMON_ERRORS),
        (MerchantCode, MERCHANT_ERRORS),
        (SubscribeCode, SUBSCRIBE_ERRORS),
    ):
        assert [code for code in codes if int(code) not in table] == []


def test_texts_are_whole_sentences_in_their_own_letters() -> None:
    """A translation that was forgotten or mixed up would show here."""
    for table in ERRORS.values():
        for code, text in table.items():
            assert text.ru.endswith("."), code
            assert text.uz.endswith("."), code
            assert text.en.endswith("."), code
            assert not re.search("[а-яё]", (text.uz + text.en).lower()), code
            assert not re.search("['`‘’]", text.uz), f"{code}: Uzbek is written with U+02BB and U+02BC"
            if code != SubscribeCode.ACCESS_DENIED or table is COMMON_ERRORS:
                assert re.search("[а-яё]", text.ru.lower()), code
                assert len({text.ru, text.uz, text.en}) == 3, code


def test_one_number_means_what_its_protocol_says() -> None:
    assert RpcError(-31001).message.en.startswith("Wrong amount")
    assert RpcError(MerchantCode.WRONG_AMOUNT).message.en.startswith("Wrong amount")
    assert RpcError(SubscribeCode.PAYME_UNAVAILABLE).message.en.startswith("Payme is temporarily unavailable")
    assert RpcError(CommonCode.ACCESS_DENIED).message.en == "Insufficient privileges to perform the method."
    assert RpcError(SubscribeCode.ACCESS_DENIED).message == Text.same("Access denied.")
    assert RpcError(-31610).message == SUBSCRIBE_ERRORS[-31610]


def test_an_unknown_number_still_says_what_to_do() -> None:
    assert message_of(-1).en.endswith("contact support.")


def test_helpers_make_the_documented_errors() -> None:
    for error, code, data in (
        (method_not_found("Pay"), -32601, "Pay"),
        (invalid_params("card.number"), -32602, "card.number"),
        (invalid_params(""), -32602, "params"),
        (account_error("order_id"), -31050, "order_id"),
        (account_error("phone", code=MerchantCode.ACCOUNT_OTHER), -31099, "phone"),
        (access_denied(), -32504, None),
        (access_denied("invalid_id"), -32504, "invalid_id"),
        (internal_error(), -32400, None),
        (wrong_field("cr"), -31610, "cr"),
    ):
        assert (error.code, error.data) == (code, data)
        assert type(error.code) is int


def test_an_account_error_stays_in_its_range() -> None:
    for code in (-31049, -31100, -31001):
        assert not is_account_error(code)
        with pytest.raises(ValueError, match="-31099"):
            account_error("order_id", code=code)
    assert is_account_error(-31050)
    assert is_account_error(-31099)


def test_an_error_reads_well_and_copies() -> None:
    error = RpcError(-31050, Text(ru="Нет", uz="Yoʻq", en="No"), data="order_id")
    assert str(error) == "-31050 No (order_id)"
    assert str(RpcError(-32400)) == "-32400 System error, try again later."
    assert error.text("uz") == "Yoʻq"
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301  # our own bytes
        assert (twin.code, twin.message, twin.data) == (error.code, error.message, error.data)
