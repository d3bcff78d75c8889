"""Running an ASGI application on uvicorn, the way every command of the house does it.

A first Ctrl-C or SIGTERM lets requests end and then the application close; a second Ctrl-C ends
the process at once, which costs nothing: whatever was answered is durable.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from tiyin.runtime.memory import settle_memory
from tiyin.web.binding import BACKLOG
from tiyin.web.bounded_heads import BoundedHeads

__all__ = ["GRACE_S", "Server", "run_on_loop"]

GRACE_S = 5
"""How long requests may take to end after the signal, in seconds."""

_KEEP_ALIVE_S = 30
# What a shell shows for a process that Ctrl-C ended.
_INTERRUPTED = 130


class Server(uvicorn.Server):
    """A uvicorn server that ends by returning, whatever signal ended it, so that what was opened is closed.

    Args:
        app: The ASGI application; its lifespan is not used.
        sock: The bound socket.
        on_ready: Called once, when connections are answered.
        before_end: Called once after the signal, while connections are still answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        sock: socket.socket,
        *,
        on_ready: Callable[[], None] | None = None,
        before_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedHeads,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ws="none",
                backlog=BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._sock = sock
        self._on_ready = on_ready
        self._before_end = before_end

    async def listen(self) -> None:
        """Serve until a signal, or until `should_exit` is set."""
        await self.serve(sockets=[self._sock])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        settle_memory()
        await super().startup(sockets=sockets)
        if self.started and self._on_ready is not None:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what needs this server, then the server."""
        if self._before_end is not None:
            await self._before_end()
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that mean "stop" while serving; they are not raised again afterwards."""
        signals = [signal.SIGINT, signal.SIGTERM]
        if sys.platform == "win32":
            signals.append(signal.SIGBREAK)
        before = {one: signal.signal(one, self._stop) for one in signals}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _stop(self, received: int, frame: FrameType | None) -> None:
        if self.should_exit and received == signal.SIGINT:
            os._exit(_INTERRUPTED)
        self.handle_exit(received, frame)


def run_on_loop(main: Callable[[], Any]) -> None:
    """Run a coroutine function on uvloop where the platform has it, else on asyncio's own loop."""
    try:
        import uvloop  # noqa: PLC0415  # absent on Windows
    except ImportError:
        asyncio.run(main())
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
