"""The card form over a real gateway with test cards, and a shop's page on another origin that shows it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import FrameLocator, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from helpers_cards import DESK_ID, Phone
from helpers_subscribe import open_gateway_for_tests
from tiyin.gateway.app import Gateway
from tiyin.runtime.clock import TurnableClock
from tiyin.web.site import SiteSettings, gateway_site

__all__ = [
    "AMOUNT_TIYIN",
    "CODE",
    "DOMAINS",
    "GOOD_CARD",
    "Opened",
    "form_address",
    "opened_card_form",
    "opened_shop",
    "type_card",
    "type_code",
]

DOCS = Path(__file__).parents[1] / "docs" / "card-form.md"
GOOD_CARD = "8600069195406311"
CODE = "666666"
AMOUNT_TIYIN = 500_000
DOMAINS = ("shop.uz", "*.market.uz", "pay.shop.uz:8443", "uz.shop.app://")

# The page keeps whatever reaches it, from whomever.
_SHOP = """<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">
</head><body><script>
window.heard = [];
addEventListener("message", (event) => window.heard.push({origin: event.origin, data: event.data}));
</script>
<iframe title="Card" src="%s" width="%s" height="700"></iframe>
</body></html>"""


class Opened:
    """The gateway behind the form, and what a test turns and reads.

    Args:
        gateway: The gateway.
        clock: Its clock.
        phone: Where codes arrive.
    """

    def __init__(self, gateway: Gateway, clock: TurnableClock, phone: Phone) -> None:
        self.gateway = gateway
        self.clock = clock
        self.phone = phone


@asynccontextmanager
async def opened_card_form(folder: Path, url: str, held: list[Opened]) -> AsyncIterator[Any]:
    """Open a whole site whose first desk has `DOMAINS`; what is behind it is put into `held`.

    Args:
        folder: Where the store's file stands.
        url: The site's address.
        held: Takes what is behind it.
    """
    clock, phone = TurnableClock(), Phone()
    gateway = await open_gateway_for_tests(f"sqlite:///{folder / 'gateway.db'}", phone, clock=clock)
    await gateway.desks.change_desk(DESK_ID, domains=DOMAINS)
    site = gateway_site(gateway, SiteSettings(public_url=url, powered_by="Powered by Payme"))
    held.append(Opened(gateway, clock, phone))
    yield site
    await site.close()
    await gateway.stop()


@asynccontextmanager
async def opened_shop(_: str) -> AsyncIterator[Any]:
    """Open a shop.

    `/pay` frames the address in its query's `form`, so wide as `width` says; `/documented` is the
    documentation's page for the `gateway` and `desk` in its query.
    """

    async def page(request: Request) -> Response:
        form = request.query_params["form"].replace("&", "&amp;").replace('"', "&quot;")
        return HTMLResponse(_SHOP % (form, request.query_params.get("width", "480")))

    async def done(_: Request) -> Response:
        return HTMLResponse('<!doctype html><title>Done</title><link rel="icon" href="data:,"><p>Done')

    async def documented(request: Request) -> Response:
        (text,) = re.findall(r"```html\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
        text = text.replace("https://pay.example.uz", request.query_params["gateway"])
        text = text.replace("5e730e8e0b852a417aa49ceb", request.query_params["desk"])
        return HTMLResponse(f'<!doctype html><title>Shop</title><link rel="icon" href="data:,">{text}')

    async def paid(_: Request) -> Response:
        return Response(status_code=204)

    yield Starlette(
        routes=[
            Route("/pay", page),
            Route("/done", done),
            Route("/documented", documented),
            Route("/paid", paid, methods=["POST"]),
        ]
    )


def form_address(url: str, *, desk_id: str = DESK_ID, **asked: Any) -> str:
    """Return the address of a form: 5 000 sums, one payment, by a bridge, unless something else is asked."""
    way = asked.pop("way", None)
    fields = {"amount": AMOUNT_TIYIN, **({"return": way} if way else {}), **asked}
    kept = {name: value for name, value in fields.items() if value is not None}
    return f"{url}/card-form/{desk_id}?{urlencode(kept)}"


def type_card(page: Page | FrameLocator, number: str = GOOD_CARD, expire: str = "0399") -> None:
    """Type a card and continue."""
    page.locator("#number").press_sequentially(number)
    page.locator("#expire").press_sequentially(expire)
    page.locator("#continue").click()


def type_code(page: Page | FrameLocator, code: str = CODE) -> None:
    """Type a code and confirm."""
    expect(page.locator("#code")).to_be_visible()
    page.locator("#code").press_sequentially(code)
    page.locator("#confirm").click()
