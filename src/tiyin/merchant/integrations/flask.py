"""The Merchant API as a Flask blueprint.

```python
app = Flask(__name__)
app.register_blueprint(payme_blueprint(api))  # the endpoint is /payme
```
Flask-WTF guards every form of an application: let it pass with ``csrf.exempt(blueprint)``.
"""

from flask import Blueprint, Response, request
from flask.sansio.blueprints import BlueprintSetupState

from tiyin.merchant.api import MerchantApi
from tiyin.merchant.integrations.wsgi import CONTENT_TYPE, answer, pieces, stop_at_exit

__all__ = ["payme_blueprint"]


def payme_blueprint(api: MerchantApi, url: str = "/payme", *, name: str = "payme") -> Blueprint:
    """Make a Flask blueprint of a shop's api.

    Args:
        api: The api. It is opened by its first call, and closed when the process ends.
        url: The endpoint's path; with a slash at its end or without one is the same.
        name: The blueprint's name; a second cash desk needs another one.

    Returns:
        The blueprint, for `Flask.register_blueprint`.

    Raises:
        ValueError: If the path does not begin with a slash.
    """
    if not url.startswith("/"):
        raise ValueError(f"the endpoint's path begins with a slash: write {'/' + url!r}")
    stop_at_exit(api)
    blueprint = Blueprint(name, __name__)

    def endpoint() -> Response:
        # Something that ran before, such as a log of requests, may have read the body already.
        read: bytes | None = vars(request._get_current_object()).get("_cached_data")  # type: ignore[attr-defined]  # noqa: SLF001 - a proxy's own way to what it stands for
        reply = answer(api, request.environ, read)
        return Response(
            reply.body if reply.more is None else pieces(reply), status=200, content_type=CONTENT_TYPE
        )

    def add(state: BlueprintSetupState) -> None:
        path = f"{state.url_prefix or ''}{url}".rstrip("/") or "/"
        # `route` would add only the methods that it knows; the documentation has an answer for all of them.
        rule = state.app.url_rule_class(
            path,
            endpoint=f"{state.name_prefix}.{state.name}.endpoint".lstrip("."),
            subdomain=state.subdomain,
            strict_slashes=False,
        )
        rule.provide_automatic_options = False  # type: ignore[attr-defined]  # Flask's own mark on a rule
        state.app.url_map.add(rule)
        state.app.view_functions[rule.endpoint] = endpoint

    blueprint.record(add)
    return blueprint
