"""Senders by the operator's settings: what each makes, and refusals that show no secret."""

import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tiyin.gateway.notifications.choosing import SendersRefused, choose_senders
from tiyin.gateway.notifications.eskiz import EskizSender
from tiyin.gateway.notifications.file_messages import FileMessages
from tiyin.gateway.notifications.mail import MailSender
from tiyin.gateway.notifications.outbox import Senders
from tiyin.gateway.notifications.port import Letter, LogMessages, SendingLater
from tiyin.gateway.notifications.smpp import SmppSender
from tiyin.gateway.notifications.telegram import TelegramSender
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.http import HttpAnswer, ScriptedHttp
from tiyin.runtime.tasks import Tasks

TOKEN = "123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


def choose(**values: Any) -> Senders:
    given: dict[str, Any] = {
        "sms": "log",
        "sms_from": "Tiyin",
        "mail": None,
        "mail_from": "pay@example.uz",
        "telegram_token": None,
    }
    http = ScriptedHttp(lambda _: HttpAnswer(200, {}, b"{}"))
    return choose_senders(**(given | values), http=http, clock=ManualClock(), tasks=Tasks())


@pytest.mark.parametrize(
    ("sms", "kind", "shown"),
    [
        ("log", LogMessages, ""),
        ("file:/tmp/x", FileMessages, ""),
        ("smpp://user:pa%40ss@smsc.example.uz", SmppSender, "'user' at smsc.example.uz:2775"),
        ("smpps://user:pass@smsc.example.uz", SmppSender, "smsc.example.uz:3550"),
        ("smpp://user:pass@10.0.0.1:99?system_type=VMA&payload=1", SmppSender, "10.0.0.1:99"),
        ("eskiz+https://a%40b.uz:pass@notify.eskiz.uz", EskizSender, "https://notify.eskiz.uz"),
    ],
)
def test_each_way_of_sms(sms: str, kind: type[object], shown: str) -> None:
    sender = choose(sms=sms).sms
    assert type(sender) is kind
    assert shown in repr(sender)


@pytest.mark.parametrize(
    ("mail", "shown"),
    [
        ("smtp://user:pass@mail.example.uz", "mail.example.uz:587, starttls"),
        ("smtps://user:pass@mail.example.uz", "mail.example.uz:465, tls"),
        ("smtp+plain://127.0.0.1:2525", "127.0.0.1:2525, none"),
    ],
)
def test_each_way_of_mail(mail: str, shown: str) -> None:
    sender = choose(mail=mail).mail
    assert isinstance(sender, MailSender)
    assert shown in repr(sender)


def test_what_is_not_set_is_nobody() -> None:
    senders = choose(mail="", telegram_token="")
    assert senders.mail is None
    assert senders.telegram is None
    assert isinstance(choose(telegram_token=TOKEN).telegram, TelegramSender)
    assert isinstance(choose(mail="file:/tmp/x").mail, FileMessages)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"sms": ""}, "TIYIN_SMS"),
        ({"sms": "file:"}, "TIYIN_SMS"),
        ({"sms": "http://user:hunter2@host"}, "TIYIN_SMS"),
        ({"sms": "smpp://host"}, "TIYIN_SMS"),
        ({"sms": "smpp://user:hunter2@host:notaport"}, "TIYIN_SMS"),
        ({"sms": "smpp://user:hunter2@"}, "TIYIN_SMS"),
        ({"sms": "smpp://user:hunter2hunter2@host"}, "TIYIN_SMS"),
        ({"sms": "smpp://user:hunter2@host", "sms_from": None}, "TIYIN_SMS_FROM"),
        ({"sms": "smpp://user:hunter2@host", "sms_from": "TwelveLetter"}, "TIYIN_SMS_FROM"),
        ({"sms": "smpp://user:hunter2@host", "sms_from": "Тийин"}, "TIYIN_SMS_FROM"),
        ({"mail": "smtp://user@host"}, "TIYIN_MAIL"),
        ({"mail": "imap://user:hunter2@host"}, "TIYIN_MAIL"),
        ({"mail": "smtp://host", "mail_from": None}, "TIYIN_MAIL_FROM"),
        ({"mail": "smtp://host", "mail_from": "a@b\nBcc: c@d"}, "TIYIN_MAIL_FROM"),
        ({"telegram_token": "hunter2"}, "TIYIN_TELEGRAM_TOKEN"),
    ],
)
def test_refusals_name_the_setting_and_no_secret(values: dict[str, Any], name: str) -> None:
    with pytest.raises(SendersRefused) as refused:
        choose(**values)
    assert str(refused.value).startswith(name)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_a_file_takes_all_three_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    sender = FileMessages(path, ManualClock(7))
    await sender.send_sms("998901234531", "Счёт")
    await sender.send_mail(Letter("payer@example.uz", "s", "t", "h"))
    await sender.send_telegram("777", "<b>x</b>")
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert [line["way"] for line in lines] == ["sms", "email", "telegram"]
    assert lines[0] == {"at_ms": 7, "way": "sms", "receiver": "998901234531", "text": "Счёт"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SendingLater, match="file"):
        await FileMessages(tmp_path / "none" / "x", ManualClock()).send_sms("1", "x")
