"""The Merchant API as a FastAPI router.

```python
app = FastAPI()
app.include_router(payme_router(api))  # the endpoint is /payme
```
The application's lifespan opens and closes the api. The endpoint is not in the OpenAPI schema, and FastAPI's
validation, dependencies and response classes do not touch it: its wire is Payme's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tiyin.merchant.api import MerchantApi
from tiyin.merchant.integrations.asgi import payme_app

__all__ = ["payme_router"]


def payme_router(api: MerchantApi, path: str = "/payme") -> APIRouter:
    """Make a FastAPI router of a shop's api.

    Args:
        api: The api. The application's lifespan opens and closes it; in an application that is mounted in
            another one, which has no lifespan, the first call opens it.
        path: The endpoint's path; with a slash at its end or without one is the same.

    Returns:
        The router, for `FastAPI.include_router`.

    Raises:
        ValueError: If the path does not begin with a slash.
    """
    if not path.startswith("/"):
        raise ValueError(f"the endpoint's path begins with a slash: write {'/' + path!r}")
    if path == "/":
        # A router with a prefix would redirect to it, and Payme follows no redirect.
        raise ValueError("the endpoint's path needs a name: write '/payme'")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with api:
            yield

    router = APIRouter(lifespan=lifespan)
    bare = path.rstrip("/")
    for each in (bare, f"{bare}/"):
        router.routes.append(Route(each, _Endpoint(api), include_in_schema=False))
    return router


class _Endpoint:
    """An ASGI application as an object: a route made of one takes every HTTP method."""

    def __init__(self, api: MerchantApi) -> None:
        self._app = payme_app(api)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
