"""No card and no secret passes the one point that logs, traffic, errors and reports go through."""

import base64
import dataclasses
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.runtime.ids import SeededIds, new_key, new_token
from tiyin.runtime.redaction import HIDDEN, redact, redact_bytes, redact_text

CARD = "8600069195406311"
DESK = "5e730e8e0b852a417aa49ceb"
KEY = "ZPDODSiTYKuX0jyO7Kl2to4rQbNwG08jbghj"


def with_check_digit(body: str) -> str:
    """Append the digit that makes Luhn's check pass, written here a second way."""
    total = 0
    for place, character in enumerate(reversed(body)):
        digit = int(character) * (2 if place % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return body + str(-total % 10)


cards = st.text("0123456789", min_size=15, max_size=15).map(with_check_digit)
separators = st.sampled_from(["", "", " ", "-", "+", "%20", "\u00a0", "  "])


@st.composite
def spaced_cards(draw: st.DrawFn) -> tuple[str, str]:
    number = draw(cards)
    # A group of more than twelve digits counts as a number of its own, so one cut lies in the middle.
    middle = draw(st.none() | st.integers(4, 12))
    others = draw(st.lists(st.integers(1, 15), max_size=4)) if middle else []
    cuts = sorted({*others, middle} if middle else ())
    parts = [number[a:b] for a, b in zip([0, *cuts], [*cuts, 16], strict=True)]
    return number, draw(separators).join(parts)


@given(card=spaced_cards(), before=st.text(), after=st.text())
def test_no_card_survives_in_any_text(card: tuple[str, str], before: str, after: str) -> None:
    """Sixteen digits that pass Luhn's check do not come out, whatever stands around them."""
    number, written = card
    if before[-1:].isalnum():
        before += ":"
    if after[:1].isalnum():
        after = "," + after
    shown = redact_text(f"{before} is {written}. {after}")
    assert number not in shown
    assert written not in shown


@given(card=cards, others=st.lists(st.integers(0, 999_999), max_size=3), last=st.integers(0, 999_999))
def test_a_card_between_other_numbers_is_found(card: str, others: list[int], last: int) -> None:
    assert card not in redact_text(" ".join([*map(str, others), card, str(last)]))


@given(card=cards)
def test_a_card_is_found_in_every_form_a_value_takes(card: str) -> None:
    assert card not in json.dumps(redact({"a": [card, {"b": (int(card), f"x {card}")}], card: 1}))
    assert card.encode() not in redact_bytes(f'{{"n":"{card}"}}'.encode() + b"\xff\x00")
    assert card not in redact_text(json.dumps({"body": json.dumps({"card": {"number": card}})}))


def test_a_masked_card_can_still_be_told_from_another() -> None:
    assert redact_text(f"card {CARD}, 8600 0691 9540 6311") == "card 860006******6311, 860006******6311"


@pytest.mark.parametrize(
    "number", ["378282246310005", "30569309025904", "4222222222222", with_check_digit("621234567890123200")]
)
def test_cards_of_other_lengths_are_known_by_their_scheme(number: str) -> None:
    assert number not in redact_text(f"card {number}.")


def test_a_card_inside_a_long_run_of_digits_is_found() -> None:
    assert CARD not in redact_text(f"{CARD}0399")
    assert CARD not in redact_text(f"00{CARD}039912")


def test_two_cards_written_together_are_both_found() -> None:
    """The end of one and the beginning of the next make a group, which is a card with what follows, too."""
    shown = redact_text("card 8600 0691 9540 63118600 0691 9540 6311 paid")
    assert shown == "card 860006******6311860006******6311 paid"
    assert "9540 6311" not in redact_text("card 12 8600 0691 9540 63110399 5000")
    assert "9540" not in redact_text("card 008600%200691%209540%206311 5000")


def test_a_card_that_begins_within_another_is_found() -> None:
    """Both pass the check; the last four digits of the one would be told, and are the other's first four."""
    assert redact_text("card 8600069195468600069195406311.") == f"card 860006{18 * '*'}6311."
    assert redact_text("8600 0691 9546 8600 0691 9540 6311.") == f"860006{18 * '*'}6311."
    assert redact_text(CARD * 2_000) == "860006******6311" * 2_000


@given(st.integers(1_000_000_000_000, 1_999_999_999_999))
def test_moments_in_milliseconds_are_kept(moment: int) -> None:
    text = f'{{"time":{moment},"perform_time":0}} {moment} 5000'
    assert redact_text(text) == text
    assert redact(moment) == moment


@given(st.integers(0, 2**48 - 1), st.integers(0, 1000))
def test_ids_are_kept(now_ms: int, seed: int) -> None:
    text = f"receipt {SeededIds(seed).new(now_ms)} of {DESK}, key='{DESK}'"
    assert redact_text(text) == text


def test_an_id_that_happens_to_hold_a_valid_number_is_kept() -> None:
    """Sixteen zeros pass Luhn's check; in an id they are no card, elsewhere they are taken for one."""
    assert redact_text("id abcd0000000000000000beef.") == "id abcd0000000000000000beef."
    assert redact_text("id abcd0000000000000000beefs") != "id abcd0000000000000000beefs"


@given(st.from_regex(r"0[0-9]{16}", fullmatch=True))
def test_fiscal_codes_of_seventeen_digits_are_kept(ikpu: str) -> None:
    """No scheme has 17 digits, so a fiscal code stays readable also when it happens to pass the check."""
    if any(scheme in ikpu for scheme in ("8600", "5614", "6262", "5440", "9860")):
        return
    text = json.dumps({"code": ikpu, "package_code": "1234567", "vat_percent": 12})
    assert redact_text(text) == text
    assert redact({"code": ikpu}) == {"code": ikpu}


def test_ordinary_values_are_kept() -> None:
    for text in (
        '{"error":{"code":-31050,"message":"Order not found","data":"order_id"},"amount":10000000000000}',
        "https://ofd.soliq.uz/epi?t=EP000000000356&r=414622483&c=20240610160048&s=168355950146",
        "2026-11-24T06:52:42.123456Z 1732431162.123456 GET /checkout 200",
        "unknown key: order_id; invalid token: expected a string; Basic authentication failed",
        "monkey=7 keyboard=us",
    ):
        assert redact_text(text) == text


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "line",
    [
        f"Authorization: {basic('Paycom:' + KEY)}",
        f"authorization: {basic('Paycom:' + KEY)}\r\nHost: x",
        f"got {basic('Paycom:' + KEY)} from 10.0.0.1",
        f"X-Auth: {DESK}:{KEY}",
        f"[(b'x-auth', b'{DESK}:{KEY}')]",
        f"x_auth={DESK}:{KEY}",
        f"called with {DESK}:{KEY} in it",
        f"Desk(id='{DESK}', key='{KEY}', test_key='{KEY}')",
        f'{{"params":{{"password":"{KEY}"}}}}',
        json.dumps({"body": json.dumps({"body": json.dumps({"password": 'x"' + KEY})})}),
        f"/x?token={KEY}&a=1",
        f'{{"access_token": "{KEY}"',
        f'{{"token": "{KEY}',
        f'{{"keys": ["{KEY}", "b"]}}',
        f"Cookie: a=1; session={KEY}",
        f"password={KEY}",
    ],
)
def test_keys_are_hidden_wherever_they_stand(line: str) -> None:
    shown = redact_text(line)
    assert KEY not in shown
    assert basic("Paycom:" + KEY)[6:] not in shown
    assert HIDDEN in shown


def test_an_x_auth_key_of_any_characters_is_hidden() -> None:
    assert "&v" not in redact_text(f"X-Auth: {DESK}:ab&v,w;x=y")


def test_codes_are_hidden_but_not_error_codes() -> None:
    assert redact({"code": "666666"}) == {"code": HIDDEN}
    assert redact({"code": 666666}) == {"code": HIDDEN}
    assert redact({"code": -31103}) == {"code": -31103}
    assert "666666" not in redact_text('{"token":"a","code":"666666"}')
    assert "666666" not in redact_text("code=666666")


def test_a_mistyped_card_in_its_field_is_masked() -> None:
    assert redact({"number": "8600 0691 9540 6312"}) == {"number": "860006******6312"}
    assert "8600069195406312" not in redact_text('{"card":{"number":"8600069195406312"}}')
    assert redact({"number": 7}) == {"number": 7}


def test_tokens_and_keys_made_here_are_hidden_by_their_shape() -> None:
    token, key = new_token(), new_key()
    assert token[25:] not in redact_text(f"what is {token}?")
    assert key not in redact_text(f"what is {DESK}:{key}?")


class Card(msgspec.Struct):
    number: str
    token: str


@dataclasses.dataclass
class Holder:
    card: Card
    key: bytes
    note: object


class Odd:
    def __repr__(self) -> str:
        return f"Odd(password={KEY!r})"


def test_structs_dataclasses_and_strangers_are_looked_into() -> None:
    shown = redact(Holder(Card(CARD, "abc"), KEY.encode(), {Odd(): [Odd(), (b"X-Auth", b"zz")]}))
    text = repr(shown)
    assert CARD not in text
    assert KEY not in text
    assert "zz" not in text
    assert shown["card"] == {"number": "860006******6311", "token": HIDDEN}


def test_nothing_is_too_deep_or_too_round() -> None:
    ring: dict[str, object] = {"number": CARD}
    ring["ring"] = ring
    assert CARD not in repr(redact(ring))


def test_the_original_is_not_changed() -> None:
    original = {"token": "abc", "list": [CARD]}
    redact(original)
    assert original == {"token": "abc", "list": [CARD]}


@given(st.text(), st.binary())
def test_anything_can_be_redacted_twice(text: str, data: bytes) -> None:
    once = redact_text(text)
    assert redact_text(once) == once
    assert redact_bytes(redact_bytes(data)) == redact_bytes(data)


@given(st.binary())
def test_bytes_without_secrets_pass_unchanged(data: bytes) -> None:
    data = data.translate(None, b"0123456789=:,").lower().replace(b"basic", b"").replace(b"bearer", b"")
    assert redact_bytes(data) == data


def test_hostile_texts_take_time_in_proportion() -> None:
    """A hundred thousand characters that make expressions backtrack end within the test's patience."""
    for text in (
        "key" * 30_000, "a=" * 50_000, "token=" * 20_000, "\\" * 50_000 + '"token', 'token:["' * 10_000,
        "[(" * 20_000, "0" * 100_000, "8600 " * 20_000, 'token=\\"' * 10_000, "authorization:" * 8_000,
        "Basic " * 20_000, "5" * 23 + "a" * 100_000, (DESK + " ") * 4_000,
    ):  # fmt: skip
        redact_text(text)
