"""The gateway's site: the raw Subscribe API endpoint beside the pages.

`gateway_site` puts the faces together under one address; what a page of any other part of the house is made
with (`make_templates`, `Templates.page`) is found here too.
"""

from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tiyin.gateway.app import Gateway
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.runtime.logs import get_logger
from tiyin.runtime.proxies import Proxies
from tiyin.runtime.tasks import TasksRefused
from tiyin.storage.errors import StorageError
from tiyin.web.callers import KnownCallers
from tiyin.web.card_form.routes import card_form_routes
from tiyin.web.checkout.context import Checkout
from tiyin.web.checkout.routes import checkout_routes
from tiyin.web.checkout.services import CheckoutGateway
from tiyin.web.headers import SecureHeaders
from tiyin.web.integration.routes import integration_routes
from tiyin.web.payer_receipt.routes import payer_receipt_routes
from tiyin.web.render import Templates, language_of, make_templates
from tiyin.web.sandbox.services import NewAccounts
from tiyin.web.sandbox.site import Sandbox
from tiyin.web.subscribe import PATHS, SubscribeEndpoint

__all__ = [
    "Site",
    "SiteSettings",
    "Templates",
    "checkout_site",
    "gateway_site",
    "language_of",
    "make_templates",
]

_log: Final = get_logger("tiyin.web")


class SiteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator sets for the pages.

    Args:
        public_url: The address that payers and shops use, as they see it; with https cookies are bound to it.
        powered_by: The brand text at the foot of the pages; may be empty.
        offer_url: Where the offer stands that payers accept; empty leads to a page that says whose it is.
        trusted_proxies: Addresses or networks of the operator's own proxies: their `X-Forwarded-For` is
            believed, and nobody else's.
        sandbox: Whether there is a `/sandbox`: only where the gateway is one for tests.
        sandbox_private: Whether it may call loopback and private addresses.
    """

    public_url: str
    powered_by: str = ""
    offer_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    sandbox: bool = False
    sandbox_private: bool = False


def checkout_site(
    gateway: CheckoutGateway, settings: SiteSettings, sandbox: Sandbox | None = None
) -> ASGIApp:
    """Return the pages: checkout, static files, `/healthz`, and a friendly page where nothing is.

    Args:
        gateway: The gateway; the caller starts and stops it.
        settings: The operator's settings.
        sandbox: The sandbox's pages, where there are any; the caller closes it.
    """
    encrypted = settings.public_url.startswith("https://")
    templates = make_templates()
    checkout = Checkout(gateway, templates, encrypted=encrypted, powered_by=settings.powered_by)

    async def not_found(request: Request, _: Exception) -> Response:
        return checkout.not_found(request)

    async def not_allowed(request: Request, error: Exception) -> Response:
        page = checkout.not_found(request, status_code=405)
        page.headers.update(getattr(error, "headers", None) or {})
        return page

    async def busy(request: Request, error: Exception) -> Response:
        # The address is left out: a link's holds the account.
        _log.warning("page_unavailable", method=request.method, error=type(error).__name__)
        return checkout.broken(request, busy=True)

    async def broken(request: Request, _: Exception) -> Response:
        return checkout.broken(request, busy=False)

    pages = Starlette(
        routes=[
            Route("/healthz", _healthz, methods=["GET"]),
            *templates.static.routes(),
            *(sandbox.routes(templates) if sandbox is not None else ()),
            *integration_routes(checkout, settings.public_url),
            *card_form_routes(checkout, offer_url=settings.offer_url),
            *payer_receipt_routes(checkout),
            *checkout_routes(checkout),
        ],
        exception_handlers={
            404: not_found,
            405: not_allowed,
            StorageError: busy,
            TasksRefused: busy,
            Exception: broken,
        },
    )
    site = SecureHeaders(pages, encrypted=encrypted)
    proxies = Proxies(settings.trusted_proxies)
    return KnownCallers(site, proxies) if proxies else site


class Site:
    """The whole site of a gateway: an ASGI application. `gateway_site` makes one.

    Args:
        api: The Subscribe API.
        pages: Everything else.
        sandbox: The sandbox's pages, where there are any.
    """

    def __init__(self, api: ASGIApp, pages: ASGIApp, sandbox: Sandbox | None) -> None:
        self._api = api
        self._pages = pages
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead a request to where its path belongs."""
        face = self._api if scope["type"] == "http" and scope["path"] in PATHS else self._pages
        await face(scope, receive, send)

    async def close(self) -> None:
        """Stop what the site itself runs; before the gateway is stopped. Harmless when repeated."""
        if self._sandbox is not None:
            await self._sandbox.close()


def gateway_site(
    gateway: Gateway, settings: SiteSettings, *, new_accounts: NewAccounts | None = None
) -> Site:
    """Return the whole site of a gateway.

    Args:
        gateway: The gateway; the caller starts and stops it.
        settings: The operator's settings.
        new_accounts: By a desk's id, what makes new payable accounts for the sandbox's runs.
    """
    sandbox = None
    if settings.sandbox:
        sandbox = Sandbox(
            gateway,
            encrypted=settings.public_url.startswith("https://"),
            allow_private=settings.sandbox_private,
            new_accounts=new_accounts,
        )
    api = SubscribeEndpoint(SubscribeApi(gateway), gateway.tasks)
    return Site(api, checkout_site(gateway, settings, sandbox), sandbox)


async def _healthz(_: Request) -> Response:
    return JSONResponse({"status": "ok"})
