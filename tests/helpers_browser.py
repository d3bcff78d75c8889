"""A real browser and a real server for the tests that look at pages.

`serve` runs an ASGI application on a free port, in a thread with an event loop of its own. `Watched` is a
page that remembers what a browser complained about, and asks for no address but the server's.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

__all__ = ["Served", "Watched", "browser", "serve", "watched"]

T = TypeVar("T")

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_S = 20


class Served:
    """A server that runs.

    Args:
        url: Its address, without a slash at the end.
        loop: Its event loop, in which its objects live.
    """

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self._loop = loop

    def run(self, coro: Awaitable[T]) -> T:
        """Run a coroutine in the server's loop, from the test's thread."""

        async def awaited() -> T:
            return await coro

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(WAIT_S)


class _Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


@contextmanager
def serve(opened: Callable[[str], AbstractAsyncContextManager[Any]]) -> Iterator[Served]:
    """Serve an application until the block ends.

    Args:
        opened: Takes the server's address and gives an asynchronous context manager of the ASGI application;
            it is entered and left in the server's loop.
    """
    # asyncio sends at once (TCP_NODELAY) only where a socket names its protocol.
    sock = socket.socket(proto=socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    ready = threading.Event()
    held: dict[str, Any] = {}

    async def main() -> None:
        async with opened(url) as app:
            config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none")
            server = _Server(config, ready)
            held.update(server=server, loop=asyncio.get_running_loop())
            await server.serve(sockets=[sock])

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            held["error"] = error
            raise
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="served")
    thread.start()
    ready.wait(WAIT_S)
    try:
        if "error" in held:
            raise RuntimeError("the server did not start") from held["error"]
        yield Served(url, held["loop"])
    finally:
        if "server" in held:
            held["server"].should_exit = True
        thread.join(WAIT_S)
        sock.close()


class Watched:
    """A browser's page of its own profile, and everything that went wrong in it.

    Args:
        context: The profile.
        url: The only server that it may ask.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.asked: list[str] = []
        self._url = url
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        # A page with an error's status is a page like any other; Chromium mentions it all the same.
        if (
            message.type in {"error", "warning"}
            and "the server responded with a status of" not in message.text
        ):
            self.complaints.append(message.text)

    def _on_request(self, request: Request) -> None:
        self.asked.append(request.url)
        if not request.url.startswith(self._url):
            self.strangers.append(request.url)


@contextmanager
def watched(browser: Browser, url: str, *, strict: bool = True, **options: Any) -> Iterator[Watched]:
    """Open a page in a profile of its own; at the end it must have had nothing to complain about.

    Args:
        browser: The browser.
        url: The server.
        strict: Whether complaints fail the test.
        options: For `Browser.new_context`: `viewport`, `locale`, `java_script_enabled`, `color_scheme` ...
    """
    context = browser.new_context(**options)
    try:
        page = Watched(context, url)
        page.page.set_default_timeout(WAIT_S * 1000)
        yield page
        if strict:
            assert page.complaints == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a file of tests; every test takes profiles of its own from it.

    While it is open an event loop runs in the tests' thread, so a file that uses it has no asynchronous
    tests.
    """
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield opened
        opened.close()


@asynccontextmanager
async def as_opened(app: Any) -> AsyncIterator[Any]:
    """Give an application that needs no opening to `serve`."""
    yield app
