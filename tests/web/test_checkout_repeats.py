"""The same thing twice: forms, pages, windows, receipts. Money is asked for once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from helpers_checkout import DESK, Site
from helpers_pages import GOOD_CARD, Answer, Payer, link_of
from tiyin.gateway.receipts.records import Receipt, write_error
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError


def card_of(page: Answer, number: str = GOOD_CARD) -> dict[str, str]:
    """Return a page's card form, filled in."""
    return {"nonce": page.hidden("nonce"), "proof": page.hidden("proof"), "number": number, "expire": "0399"}


def at_the_code(payer: Payer, number: str = GOOD_CARD) -> str:
    """Walk to the page that asks for the code; return its address."""
    path = link_of("", lang="en")
    led = payer.post(path, card_of(payer.get(path), number))
    assert led.status == 303, led.text
    return led.headers["location"]


def code_path(address: str, more: str = "") -> str:
    """Return where a page's code form is sent."""
    parts = urlsplit(address)
    return f"{parts.path}/code{more}?{parts.query}"


def pay(payer: Payer, address: str, code: str = "666666") -> Answer:
    """Send the code of the page at an address."""
    return payer.post(code_path(address), {"proof": payer.get(address).hidden("proof"), "code": code})


def made(site: Site, **changes: Any) -> Receipt:
    """Return a receipt that was made some other way, in some state."""
    payer = Payer(site.url)
    receipt_id = urlsplit(at_the_code(payer)).path.rsplit("/", 1)[1]
    return site.run(site.gateway.move(receipt_id, **changes))


def test_a_card_form_that_arrives_many_times_at_once_makes_one_receipt(site: Site) -> None:
    site.gateway.step_s = 0.3
    payer = Payer(site.url)
    path = link_of("", lang="en")
    fields = card_of(payer.get(path))
    with ThreadPoolExecutor(6) as pool:
        led = [
            answer.headers["location"] for answer in pool.map(lambda _: payer.post(path, fields), range(6))
        ]
    assert len(set(led)) == 1
    assert payer.post(path, fields).headers["location"] == led[0]
    assert site.rows() == (1, 0, 1)
    assert site.gateway.count("cards.create") == 1
    assert site.gateway.count("cards.get_verify_code") == 1


def test_a_code_form_that_arrives_many_times_at_once_pays_once(site: Site) -> None:
    site.gateway.step_s = 0.1
    payer = Payer(site.url)
    address = at_the_code(payer)
    fields = {"proof": payer.get(address).hidden("proof"), "code": "666666"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: payer.post(code_path(address), fields), range(6)))
    assert {answer.status for answer in answers} == {303}
    assert site.gateway.count("receipts.pay") == 1
    payer.post(code_path(address), fields)
    assert site.gateway.count("receipts.pay") == 1
    assert payer.get(address).heading == "Paid"


def test_another_code_is_not_sent_before_its_time(site: Site) -> None:
    payer = Payer(site.url)
    address = at_the_code(payer)
    fields = {"proof": payer.get(address).hidden("proof")}
    for _ in range(3):
        assert payer.post(code_path(address, "/again"), fields).status == 303
    assert site.gateway.count("cards.get_verify_code") == 1
    site.gateway.clock.advance(60_001)
    payer.post(code_path(address, "/again"), fields)
    assert site.gateway.count("cards.get_verify_code") == 2


def test_a_card_form_of_another_browser_does_nothing(site: Site) -> None:
    path = link_of("", lang="en")
    fields = card_of(Payer(site.url).get(path))
    stranger = Payer(site.url)
    for cookie in ("", "tiyin=" + "A" * 43, "tiyin=short", "tiyin=" + "é" * 43, "tiyin"):
        stranger.cookie = cookie
        answer = stranger.post(path, fields)
        assert answer.status == 422
        assert "This page was open for too long" in answer.text
        assert GOOD_CARD not in answer.text
    assert site.rows() == (0, 0, 0)
    assert site.gateway.count("cards.create") == 0


def test_a_code_form_of_another_browser_does_nothing(site: Site) -> None:
    payer, stranger = Payer(site.url), Payer(site.url)
    address = at_the_code(payer)
    proof = payer.get(address).hidden("proof")
    stranger.get(address)
    for guess in (proof, "0" * 64, ""):
        stranger.post(code_path(address), {"proof": guess, "code": "666666"})
        stranger.post(code_path(address, "/again"), {"proof": guess})
    assert site.gateway.count("cards.verify") == 0
    assert 'name="number"' in stranger.get(address).text


def test_a_form_that_another_site_made_this_browser_send_does_nothing(site: Site) -> None:
    """The cookie alone is not enough: what only our page knows has to come with it."""
    payer = Payer(site.url)
    address = at_the_code(payer)
    site.gateway.clock.advance(61_000)
    for forged in ({}, {"proof": ""}, {"proof": "0" * 64}, {"proof": payer.get(link_of("")).hidden("proof")}):
        payer.post(code_path(address), {**forged, "code": "666666"})
        payer.post(code_path(address, "/again"), forged)
        payer.post(link_of(""), {**forged, "nonce": "n", "number": GOOD_CARD, "expire": "0399"})
    assert site.gateway.count("cards.verify") == 0
    assert site.gateway.count("cards.get_verify_code") == 1
    assert site.gateway.count("cards.create") == 1


def test_only_the_browser_that_paid_is_led_back_by_itself(site: Site) -> None:
    payer, stranger = Payer(site.url), Payer(site.url)
    address = at_the_code(payer)
    pay(payer, address)
    paid, seen = payer.get(address), stranger.get(address)
    assert ("data-return" in paid.text, paid.heading) == (True, "Paid")
    assert ("data-return" in seen.text, seen.heading) == (False, "This receipt is already paid")
    site.gateway.clock.advance(301_000)
    assert "data-return" not in payer.get(address).text


def test_what_was_typed_of_a_card_never_comes_back(site: Site) -> None:
    site.gateway.desk = msgspec.structs.replace(DESK, test=False)  # No list of test cards on the page.
    payer = Payer(site.url)
    path = link_of("", lang="en")
    for number, expire in (
        (GOOD_CARD, "13/99"),
        (GOOD_CARD + "1", "03/99"),
        ("8600 0691 9540 6311", "01/01"),
    ):
        page = payer.get(path)
        answer = payer.post(path, {**card_of(page), "number": number, "expire": expire})
        assert answer.status == 422
        for text in (GOOD_CARD, number, "13/99", "01/01"):
            assert text not in answer.text


def test_the_script_of_the_page_is_answered_in_json(site: Site) -> None:
    payer = Payer(site.url)
    path = link_of("", lang="en")
    json = {"Accept": "application/json"}
    page = payer.get(path)
    wrong = payer.post(path, {**card_of(page), "number": "1"}, **json)
    assert (wrong.status, '"number"' in wrong.text, GOOD_CARD in wrong.text) == (422, True, False)
    right = payer.post(path, card_of(page), **json)
    assert (right.status, '"go":"/checkout/' in right.text) == (200, True)


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        ({"state": 4, "pay_time_ms": 1_700_000_000_000}, "This receipt is already paid"),
        ({"state": 50, "cancel_time_ms": 1_700_000_000_000}, "The payment was cancelled"),
        ({"state": 50, "reference": "7", "cancel_time_ms": 1_700_000_000_000}, "The payment was cancelled"),
        ({"state": 50, "cancel_reason": 4}, "The time for this payment is over"),
        ({"state": 50, "error": write_error(-31630)}, "The bank declined the payment"),
        ({"state": 20, "state_from": 3}, "The payment is being checked"),
        ({"state": 21}, "The payment is being cancelled"),
        ({"state": 5}, "The money is held"),
        ({"state": 1}, "The payment is under way"),
        ({"state": 30}, "The payment is under way"),
    ],
)
def test_a_receipt_that_is_opened_again_tells_how_it_stands(
    site: Site, changes: dict[str, Any], heading: str
) -> None:
    receipt = made(site, **changes)
    stranger = Payer(site.url, "en")
    address = f"/checkout/{receipt.id}?lang=en&back=https%3A%2F%2Fevil.example&timeout=0"
    answer = stranger.get(address)
    assert (answer.status, answer.heading) == (200, heading)
    assert "https://evil.example" not in answer.text
    assert "http-equiv" not in answer.text or "under way" in heading
    assert "860006" not in answer.text
    # Nothing can be paid here any more.
    for path in (
        f"/checkout/{receipt.id}",
        f"/checkout/{receipt.id}/code",
        f"/checkout/{receipt.id}/code/again",
    ):
        stranger.post(path, {"number": GOOD_CARD, "expire": "0399", "code": "666666"})
    assert site.gateway.count("cards.create") == 1
    assert site.gateway.count("receipts.pay") == 0


def test_money_that_was_given_back_is_said_to_be_given_back(site: Site) -> None:
    receipt = made(site, state=50, reference="7", error=write_error(-31630))
    answer = Payer(site.url, "en").get(f"/checkout/{receipt.id}")
    assert "given back to your card" in answer.text
    assert "Nothing was taken" not in answer.text


def test_a_receipt_that_waits_can_be_paid_from_any_browser(site: Site) -> None:
    receipt = made(site)
    payer = Payer(site.url)
    path = f"/checkout/{receipt.id}?lang=en"
    led = payer.post(path, card_of(payer.get(path)))
    assert pay(payer, led.headers["location"]).status == 303
    assert payer.get(path).heading == "Paid"
    assert site.gateway.count("receipts.create") == 1


def test_a_link_that_this_browser_paid_leads_to_the_receipt(site: Site) -> None:
    payer = Payer(site.url)
    address = at_the_code(payer)
    pay(payer, address)
    site.gateway.check_error = RpcError(SubscribeCode.WRONG_FIELD, data="order_id")
    again = payer.get(link_of("", lang="en"))
    assert (again.status, again.headers["location"]) == (303, address)
    assert Payer(site.url).get(link_of("", lang="en")).status == 400


def test_a_payment_that_never_began_can_be_begun_again(site: Site) -> None:
    """The process died between code and payment: after a minute the page says so and asks for a card."""
    payer = Payer(site.url)
    address = at_the_code(payer)
    proof = payer.get(address).hidden("proof")
    # What the dead process left: the visit is handed over, the receipt untouched.
    site.gateway.lost = True
    payer.post(code_path(address), {"proof": proof, "code": "666666"})
    assert payer.get(address).heading == "The payment is under way"
    site.gateway.clock.advance(61_000)
    page = payer.get(address)
    assert "The payment was interrupted" in page.text
    site.gateway.lost = False
    led = payer.post(address, card_of(page))
    pay(payer, led.headers["location"])
    assert payer.get(address).heading == "Paid"


def test_too_many_wrong_codes_ask_for_the_card_again(site: Site) -> None:
    payer = Payer(site.url)
    address = at_the_code(payer)
    assert pay(payer, address, "111111").headers["location"].startswith("/checkout/")
    page = payer.get(address)
    assert "The code was wrong too often" in page.text
    pay(payer, payer.post(address, card_of(page)).headers["location"])
    assert payer.get(address).heading == "Paid"


def test_a_refusal_at_the_payment_is_told_on_the_receipts_page(site: Site) -> None:
    payer = Payer(site.url)
    address = at_the_code(payer)
    site.gateway.pay_error = RpcError(SubscribeCode.MERCHANT_UNAVAILABLE)
    pay(payer, address)
    page = payer.get(address)
    assert page.heading == "The shop does not answer"
    site.gateway.pay_error = None
    again = f"{address}&card=other"
    pay(payer, payer.post(again, card_of(payer.get(again))).headers["location"])
    assert payer.get(address).heading == "Paid"
