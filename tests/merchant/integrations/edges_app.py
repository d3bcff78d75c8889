"""The same quiet shop behind each edge, for servers in processes of their own: ``EDGE`` says behind which.

Pages of a statement and the patience with bodies are small here, so that tests meet both.
"""

import os
from collections.abc import Callable
from typing import Any

import tiyin.merchant.integrations.asgi as asgi_edge
import tiyin.merchant.integrations.wsgi as wsgi_edge
import tiyin.merchant.methods
from helpers_merchant import KEY, QuietShop
from tiyin.merchant import MerchantApi
from tiyin.merchant.access import AddressList
from tiyin.merchant.integrations.slow_bodies import SlowBodies

PAGE = 7
PATIENCE_S = 1.0
PAYER_OF_PROXY = "203.0.113.7"

tiyin.merchant.methods.STATEMENT_PAGE = PAGE
asgi_edge._BODY_PATIENCE_S = PATIENCE_S  # noqa: SLF001 - not a setting
wsgi_edge._slow_bodies = SlowBodies(PATIENCE_S)  # noqa: SLF001 - the same


def _asgi(api: MerchantApi) -> Any:
    return asgi_edge.payme_app(api)


def _wsgi(api: MerchantApi) -> Any:
    return wsgi_edge.payme_wsgi(api)


def _fastapi(api: MerchantApi) -> Any:
    from fastapi import FastAPI  # noqa: PLC0415 - each process loads one framework

    from tiyin.merchant.integrations.fastapi import payme_router  # noqa: PLC0415 - the same

    made = FastAPI()
    made.include_router(payme_router(api))
    return made


def _litestar(api: MerchantApi) -> Any:
    from litestar import Litestar  # noqa: PLC0415 - the same

    from tiyin.merchant.integrations.litestar import PaymePlugin  # noqa: PLC0415 - the same

    return Litestar(plugins=[PaymePlugin(api)])


def _flask(api: MerchantApi) -> Any:
    from flask import Flask  # noqa: PLC0415 - the same

    from tiyin.merchant.integrations.flask import payme_blueprint  # noqa: PLC0415 - the same

    made = Flask(__name__)
    # An application's own bound is for its own pages.
    made.config["MAX_CONTENT_LENGTH"] = 10
    made.register_blueprint(payme_blueprint(api))
    return made


EDGES: dict[str, Callable[[MerchantApi], Any]] = {
    "asgi": _asgi,
    "fastapi": _fastapi,
    "litestar": _litestar,
    "wsgi": _wsgi,
    "flask": _flask,
}

app = EDGES[os.environ.get("EDGE", "asgi")](
    MerchantApi(
        QuietShop(),
        os.environ.get("PAYME_STORE", "sqlite:///payme.db"),
        KEY,
        addresses=AddressList(["127.0.0.1", PAYER_OF_PROXY], trusted_proxies=["127.0.0.1"]),
    )
)
