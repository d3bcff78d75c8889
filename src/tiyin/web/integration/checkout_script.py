"""The script that merchants' pages bring in: put together from `script/`, and how it is served.

One classic script without a library, in the syntax of old phones. Its address has no version, so browsers
keep it for minutes only and then ask whether it changed.

Documentation: checkout/button-and-qr
"""

import gzip
import hashlib
import re
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

__all__ = ["SCRIPT_PATH", "CheckoutScript", "script_text"]

SCRIPT_PATH: Final = "/integration/js/checkout.min.js"

_FOLDER: Final = Path(__file__).parent / "script"
_FILES: Final = ("form.js", "qr.js", "drawing.js", "paycom.js")
_MAX_AGE_S: Final = 300

# Where it is brought in twice, the first one stays: the second would listen to every form once more.
_HEAD: Final = "(function () {\n'use strict';\nif (window.Paycom && Paycom.Button && Paycom.QR) return;\n"
_TAIL: Final = "})();\n"

_NO_GZIP: Final = re.compile(r"gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)")


def script_text() -> str:
    """Return the script: the files one after another, without the lines that are comments or empty."""
    sources = "".join((_FOLDER / name).read_text(encoding="utf-8") for name in _FILES)
    lines = (line.strip() for line in sources.splitlines())
    return _HEAD + "".join(f"{line}\n" for line in lines if line and not line.startswith("//")) + _TAIL


class CheckoutScript:
    """Serves the script; it is read and compressed once."""

    def __init__(self) -> None:
        self._body: Final = script_text().encode()
        self._compressed: Final = gzip.compress(self._body, 9, mtime=0)
        self._etag: Final = f'"{hashlib.sha256(self._body).hexdigest()[:20]}"'

    async def serve(self, request: Request) -> Response:
        """`GET`, `HEAD /integration/js/checkout.min.js`: any page of any site may have it."""
        headers = {
            "ETag": self._etag,
            "Cache-Control": f"public, max-age={_MAX_AGE_S}, must-revalidate",
            "Vary": "Accept-Encoding",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if self._is_known(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        body = self._body
        wanted = request.headers.get("accept-encoding", "").lower()
        if "gzip" in wanted and _NO_GZIP.search(wanted) is None:
            body = self._compressed
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers={**headers, "Content-Type": "text/javascript; charset=utf-8"})

    def _is_known(self, if_none_match: str) -> bool:
        tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return "*" in tags or self._etag in tags
