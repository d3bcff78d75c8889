"""Who asks, where the operator's own proxies stand between."""

from typing import Any

import pytest

from tiyin.runtime.proxies import Proxies
from tiyin.web.callers import KnownCallers


async def _seen(client: tuple[str, int] | None, *forwarded: str) -> tuple[str, int] | None:
    """Pass one request through, and return the address that the application sees."""
    seen: list[Any] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope["client"])

    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    scope = {"type": "http", "client": client, "headers": headers}
    known = KnownCallers(app, Proxies(["10.0.0.0/8", "fd00::/8"]))
    await known(scope, None, None)  # type: ignore[arg-type]  # the application reads and answers nothing
    return seen[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("10.0.0.7", ["8.8.8.8"], "8.8.8.8"),
        ("::ffff:10.0.0.7", ["8.8.8.8"], "8.8.8.8"),
        ("fd00::7", ["2001:4860::8888"], "2001:4860::8888"),
        # What the caller himself wrote stands further left, and is not read.
        ("10.0.0.7", ["1.1.1.1, 8.8.8.8"], "8.8.8.8"),
        ("10.0.0.7", ["1.1.1.1", "8.8.8.8, 10.0.0.9"], "8.8.8.8"),
        # Nobody but an own proxy is believed.
        ("9.9.9.9", ["8.8.8.8"], "9.9.9.9"),
        ("10.0.0.7", [], "10.0.0.7"),
    ],
)
async def test_the_caller_is_found(peer: str, forwarded: list[str], caller: str) -> None:
    assert await _seen((peer, 4711), *forwarded) == (caller, 4711)


@pytest.mark.parametrize("nonsense", ["", "unknown", "8.8.8.8:99", "<script>", "\xff"])
async def test_a_proxy_that_says_nothing_readable_leaves_the_caller_unknown(nonsense: str) -> None:
    assert await _seen(("10.0.0.7", 4711), nonsense) is None


async def test_a_connection_without_an_address_stays_one() -> None:
    assert await _seen(None, "8.8.8.8") is None
