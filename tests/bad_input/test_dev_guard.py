"""`/dev` belongs to the person at this machine: what a browser's page could send there is refused."""

import pytest
from starlette.requests import Request

from tiyin.emulator.guard import refusal

OWN = "127.0.0.1:8080"


def refused(host: str = OWN, *, method: str = "POST", peer: str = "127.0.0.1", **headers: str) -> bool:
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": "/dev/reset",
        "query_string": b"",
        "headers": [(b"host", host.encode("latin-1")), *pairs],
        "client": (peer, 50_000),
    }
    return refusal(Request(scope)) is not None


def test_programs_and_own_pages_are_let_through() -> None:
    assert not refused()
    assert not refused("localhost:8080")
    assert not refused("[::1]:8080", peer="::1")
    assert not refused(sec_fetch_site="same-origin", origin=f"http://{OWN}")
    assert not refused(method="GET", sec_fetch_site="none")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1@evil.example",
        "0.0.0.0:8080",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::ffff:127.0.0.1]",
        "[::1",
        "",
        "localhost.",
        "a b",
    ],
)
def test_a_name_that_was_pointed_at_this_machine(host: str) -> None:
    assert refused(host)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "SAME-ORIGIN", "none, cross-site"])
def test_another_sites_page(site: str) -> None:
    assert refused(sec_fetch_site=site)
    assert refused(method="GET", sec_fetch_site=site, sec_fetch_mode="cors")
    assert refused(sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="document")


@pytest.mark.parametrize(
    "origin", ["null", "https://evil.example", "http://127.0.0.1:9999", f"http://{OWN}.evil.example", ""]
)
def test_another_origin(origin: str) -> None:
    assert refused(origin=origin)


@pytest.mark.parametrize("peer", ["10.0.0.5", "8.8.8.8", "::ffff:10.0.0.5", "nobody"])
def test_another_machine(peer: str) -> None:
    assert refused(peer=peer)


@pytest.mark.parametrize("origin", ["http://[", "http://[x]", "http://a]b"])
def test_an_origin_that_cannot_be_read(origin: str) -> None:
    assert refused(origin=origin)
