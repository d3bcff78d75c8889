"""The pure rules of saved cards: whatever happens in whatever order, three wrong PINs are the end."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tiyin.merchant.saved_cards import rules
from tiyin.merchant.saved_cards.errors import PinMalformed, PinRefused
from tiyin.merchant.saved_cards.pins import Pins, check_new_pin
from tiyin.merchant.saved_cards.records import SavedCard
from tiyin.merchant.saved_cards.rules import CHECK_MS, TRIES, Ruling, Verdict

CARD = SavedCard(customer="c", card="1", number="860006******6311", token="t", pin="hash")


def begin(record: SavedCard, now_ms: int = 0, *, given: bool = True, without_pin: bool = False) -> Ruling:
    return rules.begin(record, now_ms, pin_given=given, without_pin=without_pin)


@pytest.mark.parametrize(
    ("record", "given", "without_pin", "verdict"),
    [
        (CARD, True, False, Verdict.COMPARE),
        (CARD, False, True, Verdict.ASK),
        (replace(CARD, pin=None), False, True, Verdict.PAY),
        (replace(CARD, pin=None), True, True, Verdict.PAY),
        (replace(CARD, pin=None), True, False, Verdict.NO_PIN),
        (replace(CARD, tries=2, wrong=2), True, False, Verdict.COMPARE),
        (replace(CARD, tries=3, wrong=2), True, False, Verdict.BUSY),
        (replace(CARD, tries=3, wrong=2), False, False, Verdict.BUSY),
        (replace(CARD, tries=3, wrong=3), False, False, Verdict.REMOVE),
        (replace(CARD, removing=True), True, True, Verdict.REMOVE),
        (replace(CARD, removing=True, pin=None), True, True, Verdict.REMOVE),
    ],
)
def test_who_may_go_on(record: SavedCard, given: bool, without_pin: bool, verdict: Verdict) -> None:
    assert begin(record, given=given, without_pin=without_pin).verdict is verdict


@pytest.mark.parametrize(
    ("age_ms", "verdict"),
    [
        (0, "BUSY"),
        (CHECK_MS - 1, "BUSY"),
        (CHECK_MS, "REMOVE"),
        (1 - CHECK_MS, "BUSY"),
        (-CHECK_MS, "REMOVE"),
    ],
)
def test_tries_without_an_end_count_as_wrong_in_the_end(age_ms: int, verdict: str) -> None:
    ruling = begin(replace(CARD, tries=3, tried_ms=10**9), 10**9 + age_ms)
    assert ruling.verdict is Verdict[verdict]
    assert (ruling.record is not None and ruling.record.removing) is (verdict == "REMOVE")


def test_a_try_is_counted_before_it_is_compared() -> None:
    assert begin(CARD, 5) == Ruling(Verdict.COMPARE, replace(CARD, tries=1, tried_ms=5))
    assert begin(CARD, given=False).record is None


def test_a_right_pin_takes_off_the_wrong_ones_and_itself_only() -> None:
    assert rules.right(replace(CARD, tries=3, wrong=1), "hash").record == replace(CARD, tries=1)
    assert rules.right(replace(CARD, tries=1), "hash").record == CARD


def test_the_third_wrong_one_is_the_end() -> None:
    assert rules.wrong(replace(CARD, tries=3, wrong=1), "hash").verdict is Verdict.WRONG
    ruling = rules.wrong(replace(CARD, tries=3, wrong=2), "hash")
    assert (ruling.verdict, ruling.record and ruling.record.removing) == (Verdict.REMOVE, True)


def test_another_pin_s_end_decides_nothing() -> None:
    for end in (rules.right, rules.wrong):
        assert end(replace(CARD, tries=1), "older") == Ruling(Verdict.BUSY)
    assert rules.undone(replace(CARD, tries=1), "older") == Ruling(Verdict.DONE)
    assert rules.put_pin(CARD, "older", "new") == Ruling(Verdict.BUSY)
    assert rules.put_pin(replace(CARD, tries=2, wrong=2), "hash", "new").record == replace(CARD, pin="new")


def test_nothing_makes_a_card_pay_that_is_being_removed() -> None:
    record = replace(CARD, removing=True, tries=3, wrong=3)
    for end in (rules.right, rules.wrong):
        assert end(record, "hash") == Ruling(Verdict.REMOVE)
    assert rules.put_pin(record, "hash", "new") == Ruling(Verdict.REMOVE)
    assert rules.remove(record) == Ruling(Verdict.REMOVE)
    assert rules.undone(record, "hash") == Ruling(Verdict.DONE)


@dataclass
class Shop:
    """A card, and the tries that are being compared: each is right or wrong from its beginning."""

    record: SavedCard = CARD
    comparing: list[bool] = field(default_factory=list)
    wrong_since_right: int = 0
    wrong_begun: int = 0

    def do(self, ruling: Ruling) -> Verdict:
        self.record = self.record if ruling.record is None else ruling.record
        return ruling.verdict


steps = st.lists(
    st.tuples(st.sampled_from(["right", "wrong", "end", "undone"]), st.integers(0, 5)), max_size=40
)


@given(steps)
def test_any_order_of_tries(events: list[tuple[str, int]]) -> None:
    shop = Shop()
    for event, which in events:
        if event in ("right", "wrong"):
            if shop.do(begin(shop.record)) is Verdict.COMPARE:
                shop.comparing.append(event == "right")
        elif shop.comparing:
            was_right = shop.comparing.pop(which % len(shop.comparing))
            removed = shop.record.removing
            if event == "undone":
                shop.do(rules.undone(shop.record, "hash"))
            elif was_right:
                verdict = shop.do(rules.right(shop.record, "hash"))
                assert verdict is (Verdict.REMOVE if removed else Verdict.PAY)
                shop.wrong_since_right = 0 if not removed else shop.wrong_since_right
            elif not removed:
                shop.wrong_since_right += 1
                verdict = shop.do(rules.wrong(shop.record, "hash"))
                last = shop.wrong_since_right == TRIES
                assert verdict is (Verdict.REMOVE if last else Verdict.WRONG)
        assert 0 <= shop.record.wrong <= shop.record.tries <= TRIES
        if not shop.record.removing:
            # Nothing is lost and nothing is counted twice.
            assert shop.record.wrong == shop.wrong_since_right < TRIES
            assert shop.record.tries == shop.record.wrong + len(shop.comparing)


@pytest.mark.parametrize("pin", ["1111", "00000000", "1234", "4321", "7890", "0987", "2468", "12345678"])
@pytest.mark.parametrize("number", ["", "860006******6311"])
def test_rows_are_refused(pin: str, number: str) -> None:
    with pytest.raises(PinRefused) as caught:
        check_new_pin(pin, number)
    assert pin not in str(caught.value)


@pytest.mark.parametrize("pin", ["1212", "12121212", "123123", "40714071", "6311"])
def test_patterns_and_the_card_s_own_digits_are_refused(pin: str) -> None:
    with pytest.raises(PinRefused):
        check_new_pin(pin, "860006******6311")


@pytest.mark.parametrize("pin", ["4071", "1231", "11112", "90210", "40714072", "0007"])
def test_other_pins_are_taken(pin: str) -> None:
    assert check_new_pin(pin, "860006******6311") == pin


@given(st.text())
def test_only_four_to_eight_digits_are_a_pin(typed: str) -> None:
    try:
        pin = check_new_pin(typed)
    except PinMalformed:
        assert not (typed.isascii() and typed.isdigit() and 4 <= len(typed) <= 8)
    except PinRefused:
        assert typed.isdigit()
    else:
        assert typed.isascii()
        assert typed.isdigit()
        assert 4 <= len(pin) <= 8


def test_every_ending_is_written_whole() -> None:
    """Goal: each ruling is this one and no other: what it says to do, and each field of what it stores."""
    comparing = replace(CARD, tries=2, wrong=0, tried_ms=7)
    late = begin(comparing, CHECK_MS + 7)
    assert late == Ruling(Verdict.COMPARE, replace(CARD, tries=3, wrong=2, tried_ms=CHECK_MS + 7))
    assert rules.wrong(comparing, "hash") == Ruling(Verdict.WRONG, replace(comparing, wrong=1))
    crashed = replace(CARD, tries=0, wrong=0)
    assert rules.wrong(crashed, "hash") == Ruling(Verdict.WRONG, replace(CARD, tries=1, wrong=1))
    once = replace(CARD, tries=1, wrong=1)
    assert rules.wrong(once, "hash") == Ruling(Verdict.WRONG, once)
    counted = replace(CARD, tries=2, wrong=2)
    assert rules.wrong(counted, "hash") == Ruling(Verdict.WRONG, counted)
    assert rules.undone(comparing, "hash") == Ruling(Verdict.DONE, replace(comparing, tries=1))
    assert rules.undone(counted, "hash") == Ruling(Verdict.DONE, counted)
    tried = replace(CARD, tries=2, wrong=2, tried_ms=9)
    assert rules.put_pin(tried, "hash", "new") == Ruling(Verdict.DONE, replace(CARD, pin="new"))


@pytest.mark.parametrize(
    ("pin", "number", "taken"),
    [
        ("1717", "", False),
        ("171717", "", False),
        ("4071", "", True),
        ("40714071", "", False),
        ("407140", "", True),
    ],
)
def test_patterns(pin: str, number: str, taken: bool) -> None:
    if taken:
        assert check_new_pin(pin, number) == pin
    else:
        with pytest.raises(PinRefused):
            check_new_pin(pin, number)


def test_a_pin_is_known_again_and_no_other() -> None:
    pins = Pins()
    kept = pins.hash("4071")
    assert pins.matches(kept, "4071")
    assert not pins.matches(kept, "4072")
    assert "4071" not in kept
    assert pins.hash("4071") != kept
