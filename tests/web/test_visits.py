"""The checkout's memory: a form begins one visit, however often it is sent, and no other browser opens it."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tiyin.gateway.checkout_visits import CLAIM_MS_MAX, TURN_MS, Step, Visits
from tiyin.gateway.metadata import metadata
from tiyin.runtime.clock import ManualClock
from tiyin.storage import Store
from tiyin.web.checkout.browser import Browser


@pytest.fixture
async def visits(store: Store) -> Visits:
    await store.create_tables(metadata)
    return Visits(store, ManualClock(1_700_000_000_000))


async def claim(visits: Visits, visit_id: str = "v", receipt_id: str | None = None) -> bool:
    mine, _ = await visits.claim(
        visit_id, browser="b", order_key="o", opened_from="/link", receipt_id=receipt_id
    )
    return mine


async def at_the_code(visits: Visits, visit_id: str = "v", receipt_id: str = "r") -> None:
    assert await claim(visits, visit_id)
    await visits.opened(
        visit_id, receipt_id=receipt_id, token_sealed=b"sealed", card_number="860006******6311"
    )


async def test_many_at_once_begin_one_visit(visits: Visits) -> None:
    begun = await asyncio.gather(*(claim(visits) for _ in range(20)))
    assert begun.count(True) == 1


async def test_a_claim_that_was_given_back_can_be_taken_again(visits: Visits) -> None:
    assert await claim(visits)
    await visits.let_go("v")
    assert [await claim(visits), await claim(visits)] == [True, False]


async def test_a_claim_whose_process_died_is_taken_over(store: Store) -> None:
    await store.create_tables(metadata)
    clock = ManualClock(1_700_000_000_000)
    visits = Visits(store, clock)
    assert await claim(visits)
    clock.advance(CLAIM_MS_MAX - 1)
    assert not await claim(visits)
    clock.advance(1)
    assert await claim(visits)


async def test_many_codes_at_once_begin_one_payment(visits: Visits) -> None:
    await at_the_code(visits)
    begun = await asyncio.gather(*(visits.start_paying("v") for _ in range(20)))
    assert begun.count(True) == 1
    assert not await claim(visits)


async def test_a_token_is_forgotten_when_it_is_of_no_use(visits: Visits) -> None:
    await at_the_code(visits)
    await visits.start_paying("v")
    await visits.failed("v", "{}")
    visit = await visits.get("v")
    assert visit is not None
    assert (visit.step, visit.token_sealed, visit.failure) == (Step.FAILED, None, "{}")


async def test_late_news_change_nothing(visits: Visits) -> None:
    """A step that a visit has left is not written again."""
    await at_the_code(visits)
    await visits.start_paying("v")
    await visits.code_sent("v", phone="99890*****67", wait_ms=1)
    await visits.opened("v", receipt_id="other", token_sealed=b"other", card_number="")
    visit = await visits.get("v")
    assert visit is not None
    assert (visit.step, visit.receipt_id, visit.phone) == (Step.PAYING, "r", "")


async def test_the_newest_visit_is_found_by_receipt_and_by_order(visits: Visits) -> None:
    await at_the_code(visits, "v1", "r1")
    await at_the_code(visits, "v2", "r2")
    found = await visits.newest("b", receipt_id="r1")
    assert found is not None
    assert found.id == "v1"
    assert await visits.newest("b", order_key="o") is not None
    assert await visits.newest("stranger", receipt_id="r1") is None


async def test_the_same_order_is_kept_once(visits: Visits) -> None:
    kept = await asyncio.gather(*(visits.remember_order('{"a":1}') for _ in range(8)))
    assert len(set(kept)) == 1
    assert await visits.order(kept[0]) == '{"a":1}'
    assert await visits.order("0" * 32) is None


def browser_of(cookie: str | None, *, encrypted: bool = False) -> Browser:
    headers = [] if cookie is None else [(b"cookie", cookie.encode())]
    return Browser.of(Request({"type": "http", "headers": headers}), encrypted=encrypted)


def test_a_token_opens_only_to_its_browser_and_visit() -> None:
    one, other = browser_of(None), browser_of(None)
    sealed = one.seal("token", "v")
    assert b"token" not in sealed
    assert sealed != one.seal("token", "v")
    assert one.unseal(sealed, "v") == "token"
    assert one.unseal(sealed, "w") is None
    assert other.unseal(sealed, "v") is None
    assert one.unseal(sealed[:-1], "v") is None


def test_a_proof_is_good_for_one_form_of_one_browser() -> None:
    known = browser_of("tiyin=" + "a" * 43)
    assert known.is_proof("n", known.proof("n"))
    assert not known.is_proof("m", known.proof("n"))
    assert not browser_of("tiyin=" + "b" * 43).is_proof("n", known.proof("n"))
    fresh = browser_of(None)
    assert not fresh.is_proof("n", fresh.proof("n"))
    assert not known.is_proof("n", "é\ud800")


def test_the_cookie_is_bound_to_the_host_where_the_address_is_encrypted() -> None:
    response = Response()
    browser_of(None, encrypted=True).remember(response)
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-tiyin=")
    assert "Secure" in cookie
    known = Response()
    browser_of("tiyin=" + "a" * 43).remember(known)
    assert "set-cookie" not in known.headers


def test_a_browsers_secret_is_never_in_what_is_printed() -> None:
    assert "a" * 43 not in repr(browser_of("tiyin=" + "a" * 43))


async def test_one_window_at_a_time_begins_to_pay_an_order(store: Store) -> None:
    await store.create_tables(metadata)
    clock = ManualClock(1_700_000_000_000)
    visits = Visits(store, clock)
    turns = await asyncio.gather(*(visits.take_turn("b", "o") for _ in range(20)))
    assert turns.count(True) == 1
    # Other orders and other browsers have turns of their own.
    assert await visits.take_turn("b", "another")
    assert await visits.take_turn("c", "o")
    await visits.end_turn("b", "o")
    assert [await visits.take_turn("b", "o"), await visits.take_turn("b", "o")] == [True, False]
    # A process that died in its turn keeps nobody for longer than a minute.
    clock.advance(TURN_MS)
    assert await visits.take_turn("b", "o")


async def test_only_payments_that_began_and_were_not_refused_are_found_beside(visits: Visits) -> None:
    for visit_id in ("at the code", "paying", "refused"):
        await at_the_code(visits, visit_id, receipt_id=f"receipt of {visit_id}")
    for visit_id in ("paying", "refused"):
        assert await visits.start_paying(visit_id)
    await visits.failed("refused", "{}")
    assert [visit.id for visit in await visits.handed_over("b", "o")] == ["paying"]
    await visits.paid("paying")
    assert [visit.id for visit in await visits.handed_over("b", "o")] == ["paying"]
    assert await visits.handed_over("another browser", "o") == []
    assert await visits.handed_over("b", "another order") == []
