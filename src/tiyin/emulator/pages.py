"""What the emulator's pages are drawn with: the house's layout and components, and templates of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tiyin.web.render import Templates, make_templates

__all__ = ["Pages"]

_HERE: Final = Path(__file__).parent


class Pages:
    """Draws the pages of the demo shop and of `/dev`."""

    def __init__(self) -> None:
        self._templates: Templates = make_templates(
            folders=(_HERE / "templates",), static_folders=(_HERE / "static",)
        )

    def page(
        self,
        request: Request,
        name: str,
        context: Mapping[str, Any],
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Draw a page in the language of the request.

        Args:
            request: What is answered.
            name: The template's name.
            context: What the template sees.
            status_code: The HTTP status.
            headers: Further headers; they win over the page's own.
        """
        return self._templates.page(request, name, status_code=status_code, headers=headers, **context)

    @property
    def static_prefix(self) -> str:
        """The path below which this process's own static files are, as its pages name them."""
        return f"/static/{self._templates.static.version}/"

    def static_routes(self) -> list[BaseRoute]:
        """Routes that serve the static files that the pages name."""
        return self._templates.static.routes()
