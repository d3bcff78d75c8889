"""The pictures of the payment page in docs/images, made by a real browser.

`python scripts/screenshots.py [DIR]` after the page looks otherwise. The gateway behind it is the one of the
tests, which needs no network and no other process. Each picture is reduced to a palette and stays small.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from helpers_browser import CHROMIUM, CHROMIUM_ARGS  # noqa: E402 - the tests' helpers are found only now
from helpers_checkout import DESK, Site  # noqa: E402 - the same
from helpers_every_page import every_site, type_card, type_code  # noqa: E402 - the same
from helpers_pages import Payer, pairs_of  # noqa: E402 - the same
from tiyin.gateway.desks.records import Desk, DeskKind  # noqa: E402 - the same
from tiyin.protocol.fiscal import read_detail  # noqa: E402 - the same
from tiyin.protocol.values import Language, Text  # noqa: E402 - the same

PHONE = ViewportSize(width=360, height=740)
DESKTOP = ViewportSize(width=1280, height=800)
COLOURS = 96
BYTES_MAX = 60_000

SHOP = msgspec.structs.replace(
    DESK,
    name="Sabzi Bozor",
    organization="Sabzi Savdo LLC",
    account_fields=DESK.account_fields[:1],
    test=False,
)
OPEN_DESK = msgspec.structs.replace(SHOP, kind=DeskKind.NO_BILLING, endpoint=None)
GOODS: dict[Language, tuple[str, str, str]] = {
    "ru": ("Шафран, 2 г", "Зира, 50 г", "Доставка завтра утром"),
    "uz": ("Zaʼfaron, 2 g", "Zira, 50 g", "Ertaga ertalab yetkazamiz"),
    "en": ("Saffron, 2 g", "Cumin, 50 g", "Delivery tomorrow morning"),
}
COURIER = Text(ru="Курьер", uz="Kuryer", en="Courier")


def order(site: Site, language: Language, number: str) -> str:
    """Leave an order with the gateway as a shop's form does, and return where its payment page is."""
    saffron, cumin, description = GOODS[language]
    goods = {"code": "00702001001000001", "package_code": "123456", "vat_percent": 12}
    detail = {
        "receipt_type": 0,
        "items": [
            {**goods, "title": saffron, "price": 15_000_000, "count": 2},
            {**goods, "title": cumin, "price": 4_500_000, "count": 1},
        ],
        "shipping": {"title": COURIER.in_language(language), "price": 2_500_000},
    }
    pairs = pairs_of(
        lang=language,
        amount_tiyin=37_000_000,
        account={"order_id": number},
        description=Text(ru=description, uz=description, en=description),
        detail=read_detail(detail),
    )
    return site.url + Payer(site.url).post("/", pairs).headers["location"]


class Camera:
    """Takes pictures of one page in one size.

    Args:
        page: The browser's page.
        folder: Where the pictures go.
        width: The page's width, for their names.
    """

    def __init__(self, page: Page, folder: Path, width: int) -> None:
        self.page = page
        self._folder = folder
        self._width = width

    def take(self, name: str) -> None:
        """Take a picture of the whole page."""
        # Neither the mouse nor a caret that blinks is part of the page.
        self.page.mouse.move(0, 0)
        taken = self.page.screenshot(full_page=True, animations="disabled", caret="hide")
        path = self._folder / f"checkout-{name}-{self._width}.png"
        with Image.open(io.BytesIO(taken)) as image:
            few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
        size = path.stat().st_size
        if size > BYTES_MAX:
            raise SystemExit(f"{path} has {size} bytes, more than {BYTES_MAX}.")
        print(f"{path.name}: {size / 1000:.1f} kB")


@contextmanager
def camera(browser: Browser, folder: Path, size: ViewportSize, *, dark: bool = False) -> Iterator[Camera]:
    """Open a profile of its own in one size."""
    context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light")
    try:
        yield Camera(context.new_page(), folder, size["width"])
    finally:
        context.close()


@contextmanager
def desk(site: Site, other: Desk) -> Iterator[None]:
    """Let another cash desk stand for a while."""
    before, site.gateway.desk = site.gateway.desk, other
    try:
        yield
    finally:
        site.gateway.desk = before


def a_payment(site: Site, shot: Camera, number: str) -> None:
    """From the card to the result, in English."""
    page = shot.page
    page.goto(order(site, "en", number))
    page.locator(".goods").evaluate("goods => { goods.open = true }")
    shot.take("card")
    type_card(page)
    expect(page.locator("#code")).to_be_visible()
    shot.take("code")
    site.gateway.step_s = 5.0
    type_code(page)
    expect(page.locator("li[data-step=now]")).to_be_visible()
    shot.take("progress")
    site.gateway.step_s = 0.0
    expect(page.locator("h1")).to_have_text("Paid", timeout=30_000)
    page.get_by_role("button", name="Stay here").click()
    shot.take("paid")


def what_went_wrong(site: Site, shot: Camera, number: str) -> None:
    """A card that the bank refused, in Uzbek."""
    page = shot.page
    page.goto(order(site, "uz", number))
    type_card(page, "8600143417770323")
    type_code(page)
    expect(page.locator(".sign--bad")).to_be_visible()
    shot.take("refused")


def what_is_typed(site: Site, shot: Camera) -> None:
    """A desk without billing, in Russian."""
    with desk(site, OPEN_DESK):
        shot.page.goto(f"{site.url}/fallback/merchant/?id={DESK.id}&lang=ru")
        shot.page.locator("input").first.fill("А-77")
        shot.page.locator("#sum").fill("370000")
        shot.take("open-desk")


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(
        description="Takes the pictures of the payment page for the documentation."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        every_site(Path(data)) as site,
        desk(site, SHOP),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for turn, size in enumerate((PHONE, DESKTOP)):
            with camera(browser, folder, size) as shot:
                a_payment(site, shot, f"{1024 + turn}")
                what_went_wrong(site, shot, f"{2048 + turn}")
                what_is_typed(site, shot)
            with camera(browser, folder, size, dark=True) as shot:
                shot.page.goto(order(site, "uz", "197"))
                shot.page.locator("#number").fill("9860")
                shot.take("dark")
        browser.close()


if __name__ == "__main__":
    main()
