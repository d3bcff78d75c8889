"""The headers that say who calls."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers_protocol import clean_text
from tiyin.protocol.authorization import (
    Basic,
    XAuth,
    read_basic,
    read_x_auth,
    same_secret,
    write_basic,
    write_x_auth,
)


def test_the_documentations_header_is_read() -> None:
    assert read_basic("Basic TG9naW46UGFzcw==") == Basic("Login", "Pass")


def test_the_sandboxs_wrong_key_holds_a_colon() -> None:
    header = "Basic UGF5Y29tOlV6Y2FyZDpzb21lUmFuZG9tU3RyaW5nMTU0NTM0MzU0MzU0NQ=="
    assert read_basic(header) == Basic("Paycom", "Uzcard:someRandomString1545343543545")


@pytest.mark.parametrize("header", ["basic TG9naW46UGFzcw==", " BASIC  TG9naW46UGFzcw== "])
def test_the_scheme_may_be_written_in_any_case(header: str) -> None:
    assert read_basic(header) == Basic("Login", "Pass")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Bearer TG9naW46UGFzcw==",
        "Basic TG9naW46UGFzcw",
        "Basic !!!!",
        "Basic TG9naW4=",
        "Basic пароль",
        "Basic " + base64.b64encode(b"Login:\xff").decode(),
        "Basic " + base64.b64encode(b"Login:a\0b").decode(),
        "Basic " + "A" * 4000,
    ],
)
def test_other_headers_are_nobody(header: str | None) -> None:
    assert read_basic(header) is None


@given(
    clean_text.filter(lambda login: ":" not in login and len(login) < 60),
    clean_text.filter(lambda key: len(key) < 60),
)
def test_basic_reads_what_it_wrote(login: str, key: str) -> None:
    assert read_basic(write_basic(login, key)) == Basic(login, key)


def test_a_login_holds_no_colon() -> None:
    with pytest.raises(ValueError, match="colon"):
        write_basic("Pay:com", "key")


@pytest.mark.parametrize(
    ("header", "who"),
    [
        ("100fe486b33784292111b7dc", XAuth("100fe486b33784292111b7dc", None)),
        ("100fe486b33784292111b7dc:Rw712wMJ?bHkSN", XAuth("100fe486b33784292111b7dc", "Rw712wMJ?bHkSN")),
        (" 100fe486b33784292111b7dc:a:b%&= ", XAuth("100fe486b33784292111b7dc", "a:b%&=")),
        (None, None),
        ("", None),
        (":", None),
        (":key", None),
        ("100fe486b33784292111b7dc:", None),
        ("a\0", None),
        ("a" * 5000, None),
    ],
)
def test_x_auth_is_split_at_its_first_colon(header: str | None, who: XAuth | None) -> None:
    assert read_x_auth(header) == who


@given(
    st.from_regex(r"[0-9a-f]{24}", fullmatch=True), st.none() | st.from_regex(r"[!-~]{1,36}", fullmatch=True)
)
def test_x_auth_reads_what_it_wrote(desk_id: str, key: str | None) -> None:
    assert read_x_auth(write_x_auth(desk_id, key)) == XAuth(desk_id, key)


@pytest.mark.parametrize("desk_id", ["", "a:b"])
def test_x_auth_needs_an_id_without_a_colon(desk_id: str) -> None:
    with pytest.raises(ValueError, match="id"):
        write_x_auth(desk_id)


def test_keys_never_show() -> None:
    assert "s3cret" not in repr(Basic("Paycom", "s3cret"))
    assert "s3cret" not in repr(XAuth("desk", "s3cret"))
    assert repr(XAuth("desk")) == "XAuth(desk_id='desk', key=None)"


@given(st.text(max_size=20), st.text(max_size=20))
def test_secrets_are_the_same_when_every_character_is(one: str, other: str) -> None:
    assert same_secret(one, other) is (one == other)
    assert same_secret(one, one)
