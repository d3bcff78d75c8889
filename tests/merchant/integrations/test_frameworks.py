"""What frameworks have around the endpoint: prefixes, hooks and schemas of the shop, opening, closing."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref import simple_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import fastapi
import flask
import pytest
from litestar import Litestar, Router, post
from litestar.config.csrf import CSRFConfig
from werkzeug.serving import make_server

from helpers_examples import ask
from helpers_merchant import KEY, QuietShop, payme_id
from sandbox.zoo.serving import served
from tiyin.merchant import MerchantApi
from tiyin.merchant.integrations.fastapi import payme_router
from tiyin.merchant.integrations.flask import payme_blueprint
from tiyin.merchant.integrations.litestar import PaymePlugin, payme_handler
from tiyin.merchant.integrations.wsgi import payme_wsgi
from tiyin.protocol.authorization import write_basic

CALL = json.dumps({"id": 7, "method": "CheckTransaction", "params": {"id": payme_id(1)}}).encode()
HEADERS = {"Authorization": write_basic("Paycom", KEY), "Content-Type": "application/json"}


class Opens(MerchantApi):
    """An api that tells when it is opened and closed."""

    def __init__(self, url: str) -> None:
        super().__init__(QuietShop(), url, KEY)
        self.told: list[str] = []

    async def start(self) -> None:
        self.told.append("start")
        await super().start()

    async def stop(self) -> None:
        self.told.append("stop")
        await super().stop()


def code_at(port: int, path: str, method: str = "POST") -> int:
    """Call, and return the answer's code, or the HTTP status where it is no answer of the api's."""
    status, headers, body = ask(port, method, path, CALL, HEADERS)
    if headers.get("content-type") != "application/json; charset=UTF-8":
        return status
    assert status == 200
    code: int = json.loads(body)["error"]["code"]
    return code


async def codes_at(app: Any, *paths: str) -> list[int]:
    async with served(app) as port:
        return [await asyncio.to_thread(code_at, port, path) for path in paths]


# --- FastAPI ---


async def test_fastapi_opens_and_closes_with_the_applications_own_lifespan(sqlite_url: str) -> None:
    api = Opens(sqlite_url)

    @asynccontextmanager
    async def lifespan(_: fastapi.FastAPI) -> AsyncIterator[None]:
        api.told.append("shop opens")
        yield
        api.told.append("shop closes")

    app = fastapi.FastAPI(lifespan=lifespan)
    app.include_router(payme_router(api))
    assert await codes_at(app, "/payme") == [-31003]
    assert sorted(api.told) == ["shop closes", "shop opens", "start", "stop"]
    assert api.told.index("start") < api.told.index("stop")


async def test_fastapi_leaves_the_wire_alone(sqlite_url: str) -> None:
    """Goal: a prefix counts; dependencies, response classes and the schema are for the shop's own pages."""

    def never() -> None:
        raise fastapi.HTTPException(status_code=403)

    app = fastapi.FastAPI(dependencies=[fastapi.Depends(never)])
    app.include_router(payme_router(Opens(sqlite_url), "/desk/"), prefix="/pay")
    assert app.openapi()["paths"] == {}
    assert await codes_at(app, "/pay/desk", "/pay/desk/", "/desk", "/pay/desk/x") == [
        -31003,
        -31003,
        404,
        404,
    ]


async def test_fastapi_two_desks_and_a_mounted_application(sqlite_url: str) -> None:
    app, inner = fastapi.FastAPI(), fastapi.FastAPI()
    apis = [Opens(sqlite_url), Opens(f"{sqlite_url}.2"), Opens(f"{sqlite_url}.3")]
    app.include_router(payme_router(apis[0], "/one"))
    app.include_router(payme_router(apis[1], "/two"))
    inner.include_router(payme_router(apis[2]))
    app.mount("/inner", inner)
    assert await codes_at(app, "/one", "/two", "/inner/payme") == [-31003] * 3
    # A mounted application has no lifespan: the first call has opened it, and nobody closes it.
    assert [api.told for api in apis] == [["start", "stop"], ["start", "stop"], []]
    await apis[2].stop()


# --- Litestar ---


async def test_litestar_opens_and_closes(sqlite_url: str) -> None:
    api = Opens(sqlite_url)
    app = Litestar(plugins=[PaymePlugin(api)])
    assert app.openapi_schema.paths in (None, {})
    assert await codes_at(app, "/payme", "/payme/", "/payme/x") == [-31003, -31003, 404]
    assert api.told == ["start", "stop"]


async def test_litestar_handler_in_a_router_behind_csrf(sqlite_url: str) -> None:
    @post("/orders")
    async def orders() -> int:
        return 1

    api = Opens(sqlite_url)
    app = Litestar(
        [orders, Router("/pay", route_handlers=[payme_handler(api, "/desk")])],
        csrf_config=CSRFConfig(secret="s" * 32),
        on_startup=[api.start],
        on_shutdown=[api.stop],
        request_max_body_size=5,
    )
    assert await codes_at(app, "/pay/desk", "/orders") == [-31003, 403]
    assert api.told == ["start", "stop"]


# --- Flask and WSGI ---


@contextmanager
def serving(app: Any, make: Callable[..., Any] = make_server) -> Iterator[int]:
    """Serve a WSGI application from a thread."""
    server = make("127.0.0.1", 0, app)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def api(sqlite_url: str) -> Iterator[MerchantApi]:
    made = MerchantApi(QuietShop(), sqlite_url, KEY)
    yield made
    made.stop_sync()


def test_wsgi_is_what_the_standard_says(api: MerchantApi) -> None:
    """Goal: the standard's own server and validator have nothing against it.

    That server does not end the stream where the body ends: reading on would wait for ever.
    """
    with serving(validator(payme_wsgi(api)), simple_server.make_server) as port:
        assert code_at(port, "/payme") == -31003
        for length in ("", "x", "-5", "9" * 30, "²", "0", "5"):
            assert wsgi_code(payme_wsgi(api), CONTENT_LENGTH=length) == -32700
        assert code_at(port, "/payme", "OPTIONS") == -32300


def wsgi_code(app: Any, **changed: str) -> int:
    """Call an application as a careless server would."""
    environ: dict[str, Any] = {"HTTP_AUTHORIZATION": HEADERS["Authorization"]}
    setup_testing_defaults(environ)
    environ |= {"REQUEST_METHOD": "POST", "wsgi.input": BytesIO(CALL), **changed}
    code: int = json.loads(b"".join(app(environ, lambda *_: None)))["error"]["code"]
    return code


def test_flask_prefixes_and_nesting(api: MerchantApi) -> None:
    app = flask.Flask(__name__)
    outer = flask.Blueprint("outer", __name__, url_prefix="/outer")
    outer.register_blueprint(payme_blueprint(api, "/desk"), url_prefix="/inner")
    app.register_blueprint(outer)
    app.register_blueprint(payme_blueprint(api, "/", name="root"))
    with app.test_request_context():
        assert flask.url_for("outer.payme.endpoint") == "/outer/inner/desk"
        assert flask.url_for("root.endpoint") == "/"
    with serving(app) as port:
        paths = ("/outer/inner/desk", "/outer/inner/desk/", "/", "/desk")
        assert [code_at(port, path) for path in paths] == [-31003, -31003, -31003, 404]
        assert code_at(port, "/outer/inner/desk", "OPTIONS") == -32300


@pytest.mark.parametrize(
    "look",
    [
        lambda: flask.request.get_json(silent=True),
        lambda: flask.request.get_data(as_text=True),
        lambda: flask.request.form.get("x"),
    ],
)
def test_flask_with_a_hook_that_has_read_the_body(api: MerchantApi, look: Callable[[], Any]) -> None:
    app = flask.Flask(__name__)
    app.register_blueprint(payme_blueprint(api))
    seen: list[Any] = []

    @app.before_request
    def log() -> None:
        seen.append(look())

    with serving(app) as port:
        assert code_at(port, "/payme") == -31003
    assert len(seen) == 1


def test_flask_a_page_beside_it_keeps_its_methods(api: MerchantApi) -> None:
    app = flask.Flask(__name__)
    app.register_blueprint(payme_blueprint(api))

    @app.get("/page")
    def page() -> str:
        return "a page"

    with serving(app) as port:
        assert code_at(port, "/page") == 405
        assert code_at(port, "/page", "GET") == 200


@pytest.mark.parametrize("make", [payme_router, payme_handler, payme_blueprint])
def test_a_path_without_a_slash_is_refused(api: MerchantApi, make: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="write '/payme'"):
        make(api, "payme")


# --- The store is down ---


async def test_a_database_that_is_down_is_a_system_error(tmp_path: Path) -> None:
    """Goal: the call that would have opened the store is answered -32400; when it is back, all is well."""
    folder = tmp_path / "later"
    folder.write_text("a file where a folder should be")
    api = MerchantApi(QuietShop(), f"sqlite:///{folder / 'payme.db'}", KEY)
    app, inner = fastapi.FastAPI(), fastapi.FastAPI()
    inner.include_router(payme_router(api))
    app.mount("/x", inner)
    async with served(app) as port:
        assert await asyncio.to_thread(code_at, port, "/x/payme") == -32400
        folder.unlink()
        assert await asyncio.to_thread(code_at, port, "/x/payme") == -31003
    await api.stop()


def test_the_same_without_awaiting(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    folder.write_text("a file where a folder should be")
    api = MerchantApi(QuietShop(), f"sqlite:///{folder / 'payme.db'}", KEY)
    with serving(payme_wsgi(api)) as port:
        assert code_at(port, "/") == -32400
        folder.unlink()
        assert code_at(port, "/") == -31003
    api.stop_sync()
