"""The Merchant API in Litestar: a plugin, or a route handler.

```python
app = Litestar(plugins=[PaymePlugin(api)])  # the endpoint is /payme
```
The plugin adds the endpoint and lets the application open and close the api. With the handler alone the first
call opens it, or the application does:

```python
app = Litestar([payme_handler(api)], on_startup=[api.start], on_shutdown=[api.stop])
```
"""

from litestar import asgi
from litestar.config.app import AppConfig
from litestar.handlers import ASGIRouteHandler
from litestar.plugins import InitPlugin
from litestar.types import Receive, Scope, Send

from tiyin.merchant.api import MerchantApi
from tiyin.merchant.integrations.asgi import payme_app

__all__ = ["PaymePlugin", "payme_handler"]


def payme_handler(api: MerchantApi, path: str = "/payme") -> ASGIRouteHandler:
    """Make a Litestar route handler of a shop's api.

    It asks to be left out of Litestar's own authentication and of its CSRF protection: Payme brings its key.

    Args:
        api: The api; see `PaymePlugin` for who opens it.
        path: The endpoint's path; with a slash at its end or without one is the same.

    Returns:
        The handler, for `Litestar` or a `Router`.

    Raises:
        ValueError: If the path does not begin with a slash.
    """
    if not path.startswith("/"):
        raise ValueError(f"the endpoint's path begins with a slash: write {'/' + path!r}")
    app = payme_app(api)

    @asgi(path, opt={"exclude_from_auth": True, "exclude_from_csrf": True}, copy_scope=True)
    async def payme(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)  # type: ignore[arg-type]  # Litestar's words for the same

    return payme


class PaymePlugin(InitPlugin):
    """Adds a shop's api to a Litestar application, which opens it at its start and closes it at its end.

    Args:
        api: The api.
        path: The endpoint's path.
    """

    def __init__(self, api: MerchantApi, path: str = "/payme") -> None:
        self._api = api
        self._handler = payme_handler(api, path)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Take part in the making of an application; Litestar calls it.

        Args:
            app_config: What the application is made of.

        Returns:
            The same, with the endpoint.
        """
        app_config.route_handlers.append(self._handler)
        app_config.on_startup.append(self._api.start)
        app_config.on_shutdown.append(self._api.stop)
        return app_config
