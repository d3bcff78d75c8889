"""Every page that a payer or a merchant meets at the checkout, over a gateway that is not there."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from playwright.sync_api import Page, Route, expect

from helpers_browser import serve
from helpers_checkout import DESK, FakeGateway, Site
from helpers_pages import GOOD_CARD, link_of
from tiyin.gateway.desks.records import DeskKind
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.service import NewReceipt
from tiyin.protocol.values import Language, Text
from tiyin.storage import open_store
from tiyin.storage.errors import StorageUnavailable
from tiyin.web.sandbox.site import Sandbox
from tiyin.web.site import SiteSettings, checkout_site

__all__ = ["EVERY_PAGE", "GOODS", "VARIANTS", "WRONG_CARD", "every_site", "type_card", "type_code"]

AMOUNT_TIYIN: Final = 500_000
WRONG_CARD: Final = "3333336415804657"
GOODS: Final = {
    "receipt_type": 0,
    "items": [
        {
            "title": title,
            "price": price,
            "count": count,
            "code": "00702001001000001",
            "package_code": "123456",
            "vat_percent": 12,
        }
        for title, price, count in (("Шафран", 150_000, 2), ("Зира", 50_000, 2))
    ],
    "shipping": {"title": "Курьер", "price": 100_000},
}

Opening = Callable[[Page, Site, Language], None]
"""Brings a browser's page to where one of our pages can be looked at."""


@contextmanager
def every_site(folder: Path) -> Iterator[Site]:
    """Serve all of it, the sandbox too.

    Args:
        folder: Where the store's file stands.
    """
    held: list[FakeGateway] = []

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Any]:
        store = await open_store(f"sqlite:///{folder / 'pages.db'}")
        await store.create_tables(metadata)
        gateway = FakeGateway(store)
        held.append(gateway)
        sandbox = Sandbox(cast("Any", gateway), encrypted=False, allow_private=False)
        yield checkout_site(gateway, SiteSettings(public_url=url, powered_by="Powered by Payme"), sandbox)
        await sandbox.close()
        await gateway.tasks.drain(1)
        await store.close()

    with serve(opened) as served:
        yield Site(served, held[0])


def type_card(page: Page, number: str = GOOD_CARD) -> None:
    """Type a card and go on."""
    page.locator("#number").fill(number)
    page.locator("#expire").fill("03/99")
    page.locator("form[data-form=card] button[type=submit]").click()


def type_code(page: Page, code: str = "666666") -> None:
    """Type the code of the SMS and go on."""
    page.locator("#code").fill(code)
    page.locator("form[data-form=code] button").click()


def _at(path: str) -> Opening:
    def open_(page: Page, site: Site, language: Language) -> None:
        page.goto(f"{site.url}{path}{'&' if '?' in path else '?'}lang={language}")

    return open_


def _receipt(site: Site, **changes: Any) -> str:
    """Make a receipt that stands somewhere; its path."""
    new = NewReceipt(
        amount_tiyin=AMOUNT_TIYIN,
        account={"order_id": "197", "phone": "901234567"},
        type=1,
        description=Text(ru="Две пачки", uz="Ikki quti", en="Two packs"),
        detail=GOODS,
        back_url="https://shop.example.uz/back",
    )
    made = site.run(site.gateway.receipts.create(site.gateway.desk, new))
    if changes:
        site.run(site.gateway.move(made.id, attempt=1, **changes))
    return f"/checkout/{made.id}"


def _receipt_at(state: int, below: str = "", **changes: Any) -> Opening:
    def open_(page: Page, site: Site, language: Language) -> None:
        now_ms = site.gateway.clock.now_ms()
        times = {"cancel_time_ms": now_ms} if state == 50 else {"pay_time_ms": now_ms}
        path = _receipt(site, state=state, card_mask="860006******6311", **times, **changes)
        _at(path + below)(page, site, language)

    return open_


def _card(page: Page, site: Site, language: Language) -> None:
    _at(_receipt(site))(page, site, language)
    expect(page.locator("#number")).to_be_visible()


def _card_wrong(page: Page, site: Site, language: Language) -> None:
    _card(page, site, language)
    type_card(page, WRONG_CARD)
    expect(page.locator("#number-error")).not_to_be_empty()


def _code(page: Page, site: Site, language: Language) -> None:
    _card(page, site, language)
    type_card(page)
    expect(page.locator("#code")).to_be_visible()


def _code_wrong(page: Page, site: Site, language: Language) -> None:
    _code(page, site, language)
    type_code(page, "123456")
    expect(page.locator("#code-error")).not_to_be_empty()


def _paid(page: Page, site: Site, language: Language) -> None:
    _code(page, site, language)
    type_code(page)
    expect(page.locator("[data-return]")).to_be_visible()


def _twice(page: Page, site: Site, language: Language) -> None:
    site.gateway.desk = _open_desk()
    try:
        address = link_of(site.url, lang=language, account={"order_id": f"twice {language}", "phone": "1"})
        page.goto(address)
        type_card(page)
        type_code(page)
        expect(page.locator("[data-return]")).to_be_visible()
        page.goto(address)
        expect(page.locator(".sign--good")).to_be_visible()
    finally:
        site.gateway.desk = DESK


def _open_desk() -> Any:
    return msgspec.structs.replace(DESK, kind=DeskKind.NO_BILLING, endpoint=None)


def _open(page: Page, site: Site, language: Language) -> None:
    site.gateway.desk = _open_desk()
    try:
        _at(f"/fallback/merchant/?id={DESK.id}")(page, site, language)
    finally:
        site.gateway.desk = DESK


def _open_wrong(page: Page, site: Site, language: Language) -> None:
    _open(page, site, language)
    site.gateway.desk = _open_desk()
    try:
        page.locator("form[data-form=open] button[type=submit]").click()
        expect(page.locator("#sum-error")).not_to_be_empty()
    finally:
        site.gateway.desk = DESK


def _broken(page: Page, site: Site, language: Language) -> None:
    desks = site.gateway.desks

    async def gone(_: str) -> None:
        raise StorageUnavailable("gone")

    desks.find = gone  # type: ignore[method-assign,assignment]  # for the length of one page
    try:
        _at(f"/fallback/merchant/?id={DESK.id}")(page, site, language)
    finally:
        del desks.find  # the class's own stands again


def _card_form(page: Page, site: Site, language: Language) -> None:
    page.add_init_script("window.TiyinCardForm = {onResult: () => {}};")
    _at(f"/card-form/{DESK.id}?amount={AMOUNT_TIYIN}&return=bridge")(page, site, language)
    expect(page.locator("#card-form[data-ready]")).to_be_attached()


def _card_form_code(page: Page, site: Site, language: Language) -> None:
    card = {"number": "860006******6311", "expire": "03/99", "token": "t", "recurrent": True, "verify": False}
    answers = {
        "cards.create": {"card": card},
        "cards.get_verify_code": {"sent": True, "phone": "99890*****67", "wait": 60_000},
    }

    def answer(route: Route) -> None:
        asked = json.loads(route.request.post_data or "")
        route.fulfill(json={"jsonrpc": "2.0", "id": asked["id"], "result": answers[asked["method"]]})

    page.route("**/api", answer)
    _card_form(page, site, language)
    page.locator("#number").fill(GOOD_CARD)
    page.locator("#expire").fill("03/99")
    page.locator("#continue").click()
    expect(page.locator("#code-screen")).to_be_visible()


def _snippet(page: Page, site: Site, language: Language) -> None:
    account = "ac.order_id=197&ac.phone=901234567"
    _at(f"/integration?merchant={DESK.id}&kind=qr&{account}&sum=5000")(page, site, language)
    expect(page.locator("#qr-container svg")).to_be_visible()


EVERY_PAGE: Final[dict[str, Opening]] = {
    "card": _card,
    "a wrong card": _card_wrong,
    "code": _code,
    "a wrong code": _code_wrong,
    "progress": _receipt_at(2),
    "paid just now": _paid,
    "paid": _receipt_at(4, reference="1"),
    "held": _receipt_at(5, reference="1"),
    "cancelled": _receipt_at(50),
    "unclear": _receipt_at(20),
    "paid in another window": _twice,
    "no such receipt": _at(f"/checkout/{'0' * 24}"),
    "no such page": _at("/nothing/here"),
    "out of order": _broken,
    "a desk without billing": _open,
    "a wrong amount": _open_wrong,
    "the payer's receipt": _receipt_at(4, "/receipt", reference="1"),
    # Before the others: what gives them an app to talk to stays with the browser's page.
    "card form, opened astray": _at(f"/card-form/{DESK.id}?amount={AMOUNT_TIYIN}&return=bridge"),
    "card form": _card_form,
    "card form, code": _card_form_code,
    "card form, refused": _at("/card-form/0"),
    "offer": _at("/card-form/offer"),
    "integration": _at("/integration"),
    "integration, a snippet": _snippet,
    "sandbox": _at("/sandbox"),
}
"""How each is reached, by what it is."""

VARIANTS: Final = frozenset(
    {
        "a wrong card",
        "a wrong code",
        "a wrong amount",
        "paid",
        "held",
        "unclear",
        "no such page",
        "out of order",
        "card form, opened astray",
        "card form, refused",
        "offer",
        "integration, a snippet",
    }
)
"""What differs from another one in its words only: seen in one language and size is seen."""
