"""The pages' own files: read once, compressed once, served under an address that names their content.

The address is `/static/<version>/<name>`, where the version is taken from the bytes of all files together. So
a file may be kept by a browser for ever, a script may import its neighbour by a relative address, and a page
that an older process rendered still finds its files (uncached) while a new version is being rolled out.
"""

import gzip
import hashlib
from pathlib import Path
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

__all__ = ["StaticFiles"]

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
}

_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "no-cache"


class _File(msgspec.Struct, frozen=True):
    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str


class StaticFiles:
    """All files of some folders, by name.

    Args:
        folders: The folders; they hold files of the known kinds directly, and a name stands in one of them
            only.

    Raises:
        ValueError: A name stands twice.
    """

    def __init__(self, *folders: Path) -> None:
        self._files: dict[str, _File] = {}
        for path in sorted(path for folder in folders for path in folder.iterdir() if path.suffix in _TYPES):
            if path.name in self._files:
                raise ValueError(f"Two static files are called {path.name}.")
            self._files[path.name] = _read(path)
        together = hashlib.sha256("".join(f"{n}:{f.etag}\n" for n, f in sorted(self._files.items())).encode())
        self.version: Final = together.hexdigest()[:12]

    def address(self, name: str) -> str:
        """Return where a page finds a file.

        Args:
            name: The file's name.

        Raises:
            KeyError: There is no such file.
        """
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    def routes(self) -> list[BaseRoute]:
        """Return the routes that serve the files."""
        return [Route("/static/{version}/{name}", self._serve, methods=["GET"])]

    async def _serve(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None:
            return Response("Not found\n", status_code=404, media_type="text/plain")
        current = request.path_params["version"] == self.version
        headers = {
            "ETag": file.etag,
            "Cache-Control": _FOREVER if current else _ASK_FIRST,
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        body = file.body
        if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body = file.compressed
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers={**headers, "Content-Type": file.media_type})


def _read(path: Path) -> _File:
    body = path.read_bytes()
    compressed = gzip.compress(body, 9, mtime=0)
    return _File(
        body=body,
        compressed=compressed if len(compressed) < len(body) else None,
        media_type=_TYPES[path.suffix],
        etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
    )
