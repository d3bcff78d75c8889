"""Settings that cannot work are refused when the client is made, and say what to change."""

import subprocess
import sys
from typing import Any

import pytest

from tiyin.merchant.subscribe import PRODUCTION, TEST

DESK_ID = "100fe486b33784292111b7dc"
KEY = "Rw712wMJspZBczFvrG09?bHkSNxnD4PY0n1C"


@pytest.mark.parametrize(
    ("who", "settings", "words"),
    [
        (("100fe486",), {}, r"24 characters.*got 8"),
        ((KEY, DESK_ID), {}, "the key is the second argument"),
        ((f"{DESK_ID}:{KEY}",), {}, "give id and key apart"),
        ((None,), {}, "a string"),
        ((DESK_ID, ""), {}, "leave it out"),
        ((DESK_ID, f"{KEY}\n"), {}, "copy it again"),
        ((DESK_ID, f"{DESK_ID}:{KEY}"), {}, "the key alone"),
        ((DESK_ID, 1), {}, "a string"),
        ((DESK_ID, KEY), {"base_url": "prod"}, "'production', 'test' or an address"),
        ((DESK_ID, KEY), {"base_url": "ftp://pay.uz/api"}, "'production', 'test' or an address"),
        ((DESK_ID, KEY), {"base_url": "https://a:b@pay.uz/api"}, "without login"),
        ((DESK_ID, KEY), {"base_url": "https://pay.uz/api?x=1"}, "question mark"),
        ((DESK_ID, KEY), {"base_url": "https://pay.uz:0/api"}, "an address"),
        ((DESK_ID, KEY), {"base_url": "https://pay.uz\\@evil.uz/api"}, "an address"),
        ((DESK_ID, KEY), {"base_url": "https://pay.uz"}, "write https://pay.uz/api"),
        ((DESK_ID, KEY), {"base_url": "http://pay.uz/api"}, "unencrypted: write https://"),
        ((DESK_ID, KEY), {"base_url": "http://8.8.8.8/api"}, "unencrypted"),
        ((DESK_ID, KEY), {"base_url": "http://127.0.0.1.evil.uz/api"}, "unencrypted"),
        ((DESK_ID, KEY), {"base_url": "http://169.254.169.254/api"}, "unencrypted"),
        ((DESK_ID, KEY), {"base_url": "http://pay.uz/api", "allow_http": "no"}, "unencrypted"),
        ((DESK_ID, KEY), {"timeout_ms": 0}, "timeout_ms is from 1"),
        ((DESK_ID, KEY), {"timeout_ms": 1.5}, "timeout_ms is an integer"),
        ((DESK_ID, KEY), {"pay_timeout_ms": True}, "pay_timeout_ms is an integer"),
        ((DESK_ID, KEY), {"total_ms": 10**9}, "total_ms is from 1 to 600000 milliseconds"),
        ((DESK_ID, KEY), {"retries": -1}, "retries is from 0 to 10"),
        ((DESK_ID, KEY), {"language": "RU"}, "ru, uz, en"),
    ],
)
def test_refused_at_once(caller: Any, who: tuple[Any, ...], settings: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words) as refused:
        caller.client(*who, **settings)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("production", PRODUCTION),
        ("test", TEST),
        *((same, same) for same in ("http://127.0.0.1:8080/api", "http://[::1]:8080/api")),
        *((same, same) for same in ("http://localhost/api", "http://10.0.0.7/api/", "https://pay.uz/x/api")),
    ],
)
def test_addresses(caller: Any, given: str, called: str) -> None:
    client = caller.client(base_url=given)
    assert client.base_url == called
    assert KEY not in repr(client)


def test_plain_http_where_it_is_allowed(caller: Any) -> None:
    assert caller.client(base_url="http://pay.uz/api", allow_http=True).base_url == "http://pay.uz/api"
    assert (PRODUCTION, TEST) == ("https://checkout.paycom.uz/api", "https://checkout.test.paycom.uz/api")


def test_nothing_optional_is_imported_before_it_is_needed() -> None:
    """A shop that only answers the Merchant API needs no HTTP client; without it one is told what to do."""
    code = (
        "import sys\n"
        "sys.modules['pyreqwest'] = None\n"
        "import tiyin.merchant\n"
        "assert 'tiyin.merchant.subscribe' not in sys.modules\n"
        "from tiyin.merchant.subscribe import SubscribeClient\n"
        "try:\n"
        f"    SubscribeClient({DESK_ID!r})\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'tiyin[client]'" in done.stdout
