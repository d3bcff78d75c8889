"""Serves an ASGI application in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

__all__ = ["served"]


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """Serve on a free port, with the application's start and stop."""
    # asyncio sends at once (TCP_NODELAY) only where a socket names its protocol.
    with socket.socket(proto=socket.IPPROTO_TCP) as free:
        free.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([free]))
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.01)
        try:
            yield int(free.getsockname()[1])
        finally:
            server.should_exit = True
            await task
