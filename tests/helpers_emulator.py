"""A real emulator process for tests, plain HTTP to speak with it from outside, and the command line."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html.parser import HTMLParser
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from typer.testing import CliRunner, Result

from tiyin.cli.commands import app

READY_S = 30.0
CARD = {"number": "8600069195406311", "expire": "0399"}
CODE = "666666"


def free_port() -> int:
    """Find a port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Answer:
    """An HTTP answer, read whole."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes, url: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.url = url

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def location(self) -> str:
        """Where a redirect leads, whole."""
        return urljoin(self.url, self.headers["location"])


class Browser:
    """Plain HTTP with cookies: enough of a browser to fill in forms without scripts."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def ask(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request; redirects are not followed."""
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
        sent = {**(headers or {})}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(
                method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, sent
            )
            got = connection.getresponse()
            for name, value in got.getheaders():
                if name.lower() == "set-cookie":
                    key, _, rest = value.partition("=")
                    self.cookies[key] = rest.partition(";")[0]
            received = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, received, got.read(), url)
        finally:
            connection.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Open a page, following redirects as a browser does."""
        answer = self.ask("GET", url, headers={"accept": "text/html", **(headers or {})})
        return self._follow(answer)

    def submit(self, answer: Answer, **filled: str) -> Answer:
        """Send the page's (first fitting) form with some fields filled in."""
        form = next(
            form
            for form in forms_of(answer.text)
            if form.method == "post" and set(filled) <= set(form.fields)
        )
        url = urljoin(answer.url, form.action or answer.url)
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
        parts = urlsplit(url)
        headers["origin"] = f"{parts.scheme}://{parts.netloc}"
        body = urlencode({**form.fields, **filled}).encode()
        return self._follow(self.ask("POST", url, body, headers))

    def _follow(self, answer: Answer) -> Answer:
        for _ in range(10):
            if answer.status not in {301, 302, 303, 307}:
                return answer
            answer = self.ask("GET", answer.location, headers={"accept": "text/html"})
        raise AssertionError("too many redirects")


class Form:
    """A form of a page."""

    def __init__(self, method: str, action: str) -> None:
        self.method = method
        self.action = action
        self.fields: dict[str, str] = {}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(got.get("method", "get").lower(), got.get("action", ""))
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and "name" in got:
            self._open.fields[got["name"]] = got.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms_of(page: str) -> list[Form]:
    """Read the forms of a page."""
    reader = _Forms()
    reader.feed(page)
    return reader.forms


class EmulatorProcess:
    """`tiyin up` as a process of its own."""

    def __init__(self, data: Path, port: int | None = None) -> None:
        self.data = data
        self.port = free_port() if port is None else port
        self.log = data.with_name(f"{data.name}.log")
        self.process: subprocess.Popen[bytes] | None = None
        self.ready_s = 0.0

    @property
    def address(self) -> str:
        """The root address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, *options: str) -> dict[str, Any]:
        """Start it and wait until `emulator.json` says that it is ready."""
        command = [
            sys.executable,
            "-m",
            "tiyin.cli",
            "up",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
            *options,
        ]
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        manifest = self.data / "emulator.json"
        while time.monotonic() < began + READY_S:
            if self.process.poll() is not None:
                raise AssertionError(f"the emulator ended by itself:\n{self.log.read_text()}")
            if manifest.exists():
                self.ready_s = time.monotonic() - began
                told: dict[str, Any] = json.loads(manifest.read_text())
                if told["gateway"] == self.address:
                    return told
            time.sleep(0.02)
        raise AssertionError(f"the emulator was not ready after {READY_S} s:\n{self.log.read_text()}")

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and give its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(by)
        code = self.process.wait(timeout=40)
        self.process = None
        return code

    def kill(self) -> None:
        """End it the way a power cut does."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None
        # A killed emulator cannot take back that it is ready; who starts it again must not believe the old
        # word.
        (self.data / "emulator.json").unlink(missing_ok=True)


@contextmanager
def emulator_process(data: Path) -> Iterator[tuple[EmulatorProcess, dict[str, Any]]]:
    """Run an emulator for the length of a block."""
    process = EmulatorProcess(data)
    try:
        yield process, process.start()
    finally:
        process.kill()


def post_json(url: str, content: object, headers: Mapping[str, str] | None = None) -> Answer:
    """Post JSON."""
    sent = {"content-type": "application/json", **(headers or {})}
    return Browser().ask("POST", url, json.dumps(content).encode(), sent)


def get_json(url: str) -> Any:
    """Get JSON as a program does."""
    answer = Browser().ask("GET", url, headers={"accept": "*/*"})
    assert answer.status == 200, answer.body
    return answer.json


def call(
    told: Mapping[str, Any], desk: Mapping[str, Any], method: str, *, key: bool, **params: object
) -> Any:
    """Call the Subscribe API; gives the result."""
    auth = f"{desk['id']}:{desk['key']}" if key else desk["id"]
    answer = post_json(told["api"], {"id": 1, "method": method, "params": params}, {"x-auth": auth})
    assert answer.status == 200
    assert "result" in answer.json, answer.json
    return answer.json["result"]


def verified_token(told: Mapping[str, Any], desk: Mapping[str, Any], *, save: bool = False) -> str:
    """Make a card's token and verify it."""
    card = call(told, desk, "cards.create", key=False, card=CARD, save=save)["card"]
    call(told, desk, "cards.get_verify_code", key=False, token=card["token"])
    token: str = call(told, desk, "cards.verify", key=False, token=card["token"], code=CODE)["card"]["token"]
    return token


def run_tiyin(
    *arguments: str, environ: Mapping[str, str] | None = None, timeout_s: float = 60
) -> "subprocess.CompletedProcess[str]":
    """Run `tiyin ...` to its end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIYIN_")}
    return subprocess.run(
        [sys.executable, "-m", "tiyin.cli", *arguments],
        env={**kept, "NO_COLOR": "1", "COLUMNS": "200", **(environ or {})},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def invoke(*arguments: str, environ: Mapping[str, str] | None = None) -> Result:
    """Run `tiyin ...` inside this process: quicker, for commands that do not serve."""
    unset: dict[str, str | None] = {name: None for name in os.environ if name.startswith("TIYIN_")}
    env = {**unset, "NO_COLOR": "1", "COLUMNS": "200", **(environ or {})}
    result = CliRunner(env=env).invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError("the command ended with a traceback") from result.exception
    return result
