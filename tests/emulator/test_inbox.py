"""The inbox keeps what a payer's phone would have shown, bounded, over restarts."""

import sys
from pathlib import Path

import pytest

from tiyin.emulator.inbox import MESSAGES_MAX, Inbox
from tiyin.gateway.notifications.port import Letter
from tiyin.runtime.clock import ManualClock


async def test_messages_are_kept_newest_first_with_their_code(tmp_path: Path) -> None:
    clock = ManualClock(1_000)
    inbox = Inbox(tmp_path / "inbox.jsonl", clock)
    await inbox.send_sms("998901234567", "Tiyin: 5 000 сум. Код: 123456")
    clock.advance(50)
    await inbox.send_sms("998901234567", "Оплачено 1234567 тийин")
    again = Inbox(tmp_path / "inbox.jsonl", clock)
    for messages in (inbox.messages, again.messages):
        assert [(one.number, one.at_ms, one.code) for one in messages] == [
            (2, 1_050, None),
            (1, 1_000, "123456"),
        ]


async def test_the_inbox_is_bounded_and_goes_on_counting(tmp_path: Path) -> None:
    path = tmp_path / "inbox.jsonl"
    inbox = Inbox(path, ManualClock())
    for _ in range(3 * MESSAGES_MAX):
        await inbox.send_sms("998901234567", "code 000001")
    assert len(inbox.messages) == MESSAGES_MAX
    assert len(path.read_bytes().splitlines()) <= 2 * MESSAGES_MAX
    again = Inbox(path, ManualClock())
    assert again.messages == inbox.messages
    assert again.messages[0].number == 3 * MESSAGES_MAX


async def test_a_line_that_a_crash_cut_off_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "inbox.jsonl"
    await Inbox(path, ManualClock()).send_sms("998901234567", "one 111111")
    with path.open("ab") as file:
        file.write(b'{"number": 2, "at_')
    inbox = Inbox(path, ManualClock())
    await inbox.send_sms("998901234567", "two 222222")
    assert [one.code for one in Inbox(path, ManualClock()).messages] == ["222222", "111111"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
async def test_codes_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "inbox.jsonl"
    await Inbox(path, ManualClock()).send_sms("998901234567", "one 111111")
    assert path.stat().st_mode & 0o077 == 0


async def test_all_three_ways_arrive_and_a_receipts_id_is_no_code(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.jsonl", ManualClock())
    await inbox.send_sms("998901234567", "Pay: http://127.0.0.1:8080/checkout/2e0b1bc1f1eb50d123456b8d")
    await inbox.send_mail(Letter("payer@example.uz", "Invoice", "Pay 5 000", "<p>Pay</p>"))
    await inbox.send_telegram("777", "<b>Invoice</b>")
    again = Inbox(tmp_path / "inbox.jsonl", ManualClock()).messages
    assert [(one.way, one.phone, one.code) for one in again] == [
        ("telegram", "777", None),
        ("email", "payer@example.uz", None),
        ("sms", "998901234567", None),
    ]
    assert again[1].text == "Invoice\nPay 5 000"
