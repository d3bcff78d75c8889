"""`/dev` answers the person at this machine, and no page that happens to be open in their browser."""

import pytest
from starlette.requests import Request

from tiyin.emulator.guard import refusal


def request(
    headers: dict[str, str] | None = None, *, method: str = "GET", client: str | None = "127.0.0.1"
) -> Request:
    named = {"host": "127.0.0.1:8080", **(headers or {})}
    return Request(
        {
            "type": "http",
            "method": method,
            "path": "/dev",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "client": None if client is None else (client, 40_000),
            "server": ("127.0.0.1", 8080),
            "scheme": "http",
        }
    )


NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        ({}, "GET"),
        ({}, "POST"),
        ({"host": "localhost:8080"}, "POST"),
        ({"host": "[::1]:8080"}, "GET"),
        ({"sec-fetch-site": "none"}, "GET"),
        ({"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8080"}, "POST"),
        (NAVIGATION, "GET"),
    ],
)
def test_the_person_at_this_machine_is_answered(headers: dict[str, str], method: str) -> None:
    assert refusal(request(headers, method=method)) is None


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        # Another name that leads to this machine: DNS rebinding.
        ({"host": "attacker.example"}, "GET"),
        ({"host": "127.0.0.1.attacker.example:8080"}, "GET"),
        ({"host": ""}, "GET"),
        ({"host": "[::1"}, "GET"),
        # Another page, also one from another port of this machine.
        ({"sec-fetch-site": "cross-site"}, "GET"),
        ({"sec-fetch-site": "same-site"}, "POST"),
        (NAVIGATION, "POST"),
        ({**NAVIGATION, "sec-fetch-dest": "iframe"}, "GET"),
        ({"origin": "http://attacker.example"}, "POST"),
        ({"origin": "http://127.0.0.1:3000"}, "POST"),
        ({"origin": "null"}, "POST"),
    ],
)
def test_other_pages_are_refused(headers: dict[str, str], method: str) -> None:
    assert refusal(request(headers, method=method)) is not None


@pytest.mark.parametrize("client", ["192.168.1.5", "8.8.8.8", "not-an-address", None])
def test_other_machines_are_refused(client: str | None) -> None:
    assert refusal(request(client=client)) is not None
