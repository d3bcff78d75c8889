"""How a command speaks with a running emulator: `/dev` over HTTP, never through a proxy."""

import json
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from tiyin.cli.ending import stop

__all__ = ["DevClient", "DevSilent"]

_ANSWER_S: Final = 120.0
_BODY_MAX: Final = 256 * 1024 * 1024


class DevSilent(Exception):  # reads as what happened
    """The emulator does not answer; the message says what to do."""


class DevClient:
    """Asks the `/dev` of one emulator.

    Args:
        data: Its directory, where no address is given; it is read anew for every request, so that an emulator
            that was started again on another port is found.
        dev: The address of its `/dev`, or None. The emulator's own address is good as well.
    """

    def __init__(self, *, data: Path, dev: str | None) -> None:
        self._data = data
        self._dev = None if dev is None else _read_address(dev)
        self._opener = build_opener(ProxyHandler({}))

    @property
    def address(self) -> str:
        """The address of `/dev`.

        Raises:
            DevSilent: No emulator runs on the directory.
        """
        if self._dev is not None:
            return self._dev
        try:
            return _read_address(str(json.loads((self._data / "emulator.json").read_bytes())["dev"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DevSilent(
                f"No emulator runs on {self._data}: start it with tiyin up, or name its directory with "
                "--data or its address with --dev."
            ) from error

    def ask(self, verb: str, path: str, content: object = None, **query: object) -> Any:
        """Send a request and give the answer's JSON; what is refused ends the command with its sentence.

        Args:
            verb: `GET`, `POST` or `DELETE`.
            path: What follows `/dev`.
            content: What to send as JSON, or None.
            query: What to ask for; None is left out.

        Raises:
            DevSilent: Nobody answers, or not now.
        """
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        address = self.address
        url = f"{address}{path}" + (f"?{asked}" if asked else "")
        body = None if content is None else json.dumps(content).encode()
        headers = {"accept": "application/json", "content-type": "application/json"}
        request = Request(url, body, headers, method=verb)  # noqa: S310 - the scheme was looked at
        try:
            with self._opener.open(request, timeout=_ANSWER_S) as answer:
                return json.loads(answer.read(_BODY_MAX))
        except HTTPError as error:
            with error:
                told = error.read(_BODY_MAX)
            if error.code == 503:
                raise DevSilent(f"The emulator at {address} is starting or stopping: try again.") from error
            stop(_sentence(told) or f"{address} answered HTTP {error.code}: is it an emulator's /dev?")
        except (OSError, HTTPException, ValueError) as error:
            raise DevSilent(
                f"The emulator at {address} does not answer: start it with tiyin up, or name its directory "
                "with --data or its address with --dev."
            ) from error


def _read_address(dev: str) -> str:
    """Read the address of `/dev`, or of the emulator itself."""
    try:
        parts = urlsplit(dev)
        # Reading the port refuses one that cannot be.
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and dev.isprintable() and " " not in dev
    except ValueError:
        good = False
    if not good:
        stop(f"--dev must be an address such as http://127.0.0.1:8080/dev, not {dev!r}.")
    address = dev.rstrip("/")
    return address if parts.path.rstrip("/") else f"{address}/dev"


def _sentence(told: bytes) -> str | None:
    try:
        return str(json.loads(told)["error"])
    except (ValueError, KeyError, TypeError):
        return None
