"""`tiyin link` and `tiyin qr`, run inside the test's process: they only write text and pictures."""

import base64
from pathlib import Path

import pytest

from helpers_emulator import invoke
from tiyin.protocol.checkout_link import read_link

DESK = "587f72c72cac0d162c722ae2"


def test_a_link_opens_what_was_asked() -> None:
    printed = invoke(
        "link", "--merchant", DESK, "--amount", "500", "--account", "order_id=197", "--lang", "uz",
        "--callback", "https://shop.example/back;x=1", "--checkout", "https://pay.example/",
    )  # fmt: skip
    assert printed.exit_code == 0
    address, _, encoded = printed.stdout.strip().rpartition("/")
    assert address == "https://pay.example"
    request = read_link(encoded)
    assert (request.merchant, request.account, request.amount_tiyin) == (DESK, {"order_id": "197"}, 500)
    assert (request.lang, request.callback) == ("uz", "https://shop.example/back%3Bx=1")


def test_the_documented_link_is_printed() -> None:
    printed = invoke(
        "link", "--merchant", DESK, "--amount", "500", "--account", "order_id=197",
        "--checkout", "https://checkout.paycom.uz",
    )  # fmt: skip
    documented = base64.b64encode(f"m={DESK};ac.order_id=197;a=500".encode()).decode()
    assert printed.stdout.strip() == f"https://checkout.paycom.uz/{documented}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--amount", "0"], "amount"),
        (["--amount", "-5"], "amount"),
        (["--amount", "1.5"], "--amount"),
        (["--account", "197"], "FIELD=VALUE"),
        (["--account", "order_id="], "FIELD=VALUE"),
        (["--account", "order_id=1", "--account", "order_id=2"], "twice"),
        (["--account", "order_id=a;b"], "carry"),
        (["--lang", "fr"], "ru, uz or en"),
        (["--checkout", "ftp://x"], "http"),
        (["--callback", "javascript:alert(1)"], "callback"),
        (["--merchant", "a b"], "link cannot"),
    ],
)
def test_a_wrong_link_is_refused(arguments: list[str], said: str) -> None:
    given = {"--merchant": [DESK], "--amount": ["500"], "--account": ["order_id=197"]}
    changed: dict[str, list[str]] = {name: [] for name in arguments[::2]}
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        changed[name].append(value)
    whole = [
        part for name, values in {**given, **changed}.items() for value in values for part in (name, value)
    ]
    refused = invoke("link", *whole)
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_a_qr_code_is_drawn_in_the_terminal_and_into_files(tmp_path: Path) -> None:
    parts = ["--merchant", DESK, "--amount", "500", "--account", "order_id=197"]
    drawn = invoke("qr", *parts)
    assert (drawn.exit_code, "█" in drawn.stdout or "▀" in drawn.stdout) == (0, True)
    for name, begin in (("code.svg", b"<?xml"), ("code.png", b"\x89PNG")):
        drawn = invoke("qr", *parts, "-o", str(tmp_path / name))
        assert drawn.exit_code == 0
        assert (tmp_path / name).read_bytes().startswith(begin)
    assert invoke("qr", "--url", "https://pay.example/x").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--url", "javascript:1"],
        ["--url", "https://x.example/" + "y" * 3000],
        ["--url", "https://x", "-o", "a.gif"],
        ["--url", "https://x", "-o", "/nowhere/at/all.svg"],
    ],
)
def test_a_wrong_qr_is_refused(arguments: list[str]) -> None:
    refused = invoke("qr", *arguments)
    assert refused.exit_code == 2
