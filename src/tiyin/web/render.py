"""Pages from templates: one environment a language, one way to answer with a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tiyin.protocol.values import LANGUAGES, Language, read_language
from tiyin.web.headers import PAGE_HEADERS
from tiyin.web.static_files import StaticFiles
from tiyin.web.words import LANGUAGE_NAMES, format_money, format_when, translations

__all__ = ["Templates", "language_of", "make_templates"]

_HERE: Final = Path(__file__).parent


def language_of(request: Request, otherwise: Language | None = None) -> Language:
    """Return the language that a page is to be in.

    Args:
        request: The request; `lang` in its address decides.
        otherwise: The language where the address names none; without it the browser's languages decide.
    """
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        return read_language(asked)
    return otherwise or read_language(request.headers.get("accept-language"))


class Templates:
    """The templates of some folders in all languages, with the static files that they name.

    Args:
        static: The files that `static('name')` may name.
        folders: Where templates are looked for, in this order.
    """

    def __init__(self, static: StaticFiles, *folders: Path) -> None:
        self.static: Final = static
        loader = jinja2.FileSystemLoader(folders)
        self._environments = {language: _environment(loader, static, language) for language in LANGUAGES}

    def page(
        self,
        request: Request,
        name: str,
        *,
        language: Language | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """Render a template as an answer with the headers of a page.

        Args:
            request: What is answered; the language switch leads to its address in another language.
            name: The template.
            language: The page's language; without it `language_of(request)`.
            status_code: The HTTP status.
            headers: Further headers; they win over the page's own.
            context: What the template sees. `here` may name another path for the language switch.
        """
        language = language or language_of(request)
        # Two slashes at the beginning would make the path the name of another host.
        here = "/" + str(context.pop("here", request.url.path)).lstrip("/")
        kept = [(k, v) for k, v in request.query_params.multi_items() if k != "lang"]

        def in_language(code: Language) -> str:
            query = urlencode([*kept, ("lang", code)])
            return str(request.url.replace(scheme="", netloc="", path=here, query=query))

        template = self._environments[language].get_template(name)
        body = template.render(request=request, in_language=in_language, **context)
        return HTMLResponse(body, status_code, {**PAGE_HEADERS, **(headers or {})})


def make_templates(*, folders: tuple[Path, ...] = (), static_folders: tuple[Path, ...] = ()) -> Templates:
    """Return the house's templates and static files, with further folders of a page's own.

    Templates extend `base.html` and take their components from `macros.html`.

    Args:
        folders: Further template folders; their names win over the house's.
        static_folders: Further folders of static files.
    """
    return Templates(StaticFiles(_HERE / "static", *static_folders), *folders, _HERE / "templates")


def _environment(loader: jinja2.BaseLoader, static: StaticFiles, language: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalog = translations(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        catalog.gettext, catalog.ngettext, newstyle=True
    )
    environment.globals.update(language=language, language_names=LANGUAGE_NAMES, static=static.address)
    environment.filters["money"] = lambda amount_tiyin: format_money(amount_tiyin, language)
    environment.filters["when"] = lambda moment_ms: format_when(moment_ms, language)
    return environment
