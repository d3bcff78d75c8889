"""E-mail against a real mail server: what arrives, and what each failure means."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers_mail import PASSWORD, USER, MailServer, make_certificate
from tiyin.gateway.notifications.mail import MailAccount, MailSender, Security, write_letter
from tiyin.gateway.notifications.port import (
    Letter,
    SendingFailed,
    SendingLater,
    SendingRefused,
    SendingUnknown,
)

LETTER = Letter("payer@example.uz", "Счёт: Doʻkon", "Сумма: 5 000 сум\n", "<p>Сумма: 5 000 сум</p>")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def sender_to(server: MailServer, security: Security = "none", **changes: str | None) -> MailSender:
    return MailSender(
        MailAccount(
            host="127.0.0.1",
            port=server.port,
            source="Tiyin <pay@example.uz>",
            security=security,
            username=changes.get("username"),
            password=changes.get("password"),
            ca=changes.get("ca"),
        )
    )


async def test_a_letter_arrives_as_text_and_as_html(server: MailServer) -> None:
    await sender_to(server).send_mail(LETTER)
    (letter,) = server.letters
    assert (letter["To"], letter["Subject"]) == (LETTER.receiver, LETTER.subject)
    assert letter["From"] == "Tiyin <pay@example.uz>"
    assert letter["Message-ID"].endswith("@example.uz>")
    plain, html = letter.get_body(["plain"]), letter.get_body(["html"])
    assert plain is not None
    assert html is not None
    assert plain.get_content().strip() == LETTER.text.strip()
    assert html.get_content().strip() == LETTER.html


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_over_tls_with_a_login(tmp_path: Path, security: Security) -> None:
    ca, context = make_certificate(tmp_path)
    with MailServer(context, tls=security == "tls", login=True) as server:
        await sender_to(server, security, username=USER, password=PASSWORD, ca=str(ca)).send_mail(LETTER)
        assert (len(server.letters), server.logins) == (1, 1)

        with pytest.raises(SendingLater, match="smtp_535"):
            await sender_to(server, security, username=USER, password="wrong", ca=str(ca)).send_mail(LETTER)
        with pytest.raises(SendingLater, match="not_connected"):
            # A certificate that nobody vouches for is not spoken to.
            await sender_to(server, security, username=USER, password=PASSWORD).send_mail(LETTER)
        assert len(server.letters) == 1


async def test_a_server_without_starttls_hears_nothing(server: MailServer) -> None:
    with pytest.raises(SendingLater):
        await sender_to(server, "starttls").send_mail(LETTER)
    assert server.letters == []


@pytest.mark.parametrize(
    ("step", "reply", "kind", "word"),
    [
        ("RCPT", "550 no such user", SendingRefused, "smtp_550"),
        ("RCPT", "451 greylisted", SendingLater, "smtp_451"),
        ("DATA", "554 spam", SendingRefused, "smtp_554"),
        ("DATA", "452 full", SendingLater, "smtp_452"),
        ("DATA", "cut", SendingUnknown, "connection_lost"),
    ],
)
async def test_what_a_reply_means(
    server: MailServer, step: str, reply: str, kind: type[SendingFailed], word: str
) -> None:
    server.refusals[step] = reply
    with pytest.raises(SendingFailed) as failed:
        await sender_to(server).send_mail(LETTER)
    assert (type(failed.value), failed.value.word) == (kind, word)


async def test_nobody_there_is_for_later(server: MailServer) -> None:
    sender = MailSender(MailAccount(host="127.0.0.1", port=1, source="a@b.uz", security="none"))
    with pytest.raises(SendingLater, match="not_connected"):
        await sender.send_mail(LETTER)
    assert server.letters == []


@pytest.mark.parametrize(
    "letter",
    [
        Letter("payer@example.uz\r\nBcc: all@example.uz", "s", "t", "h"),
        Letter("a@example.uz, b@example.uz", "s", "t", "h"),
        Letter("nobody", "s", "t", "h"),
        Letter("", "s", "t", "h"),
        Letter("payer@example.uz", "s\r\nBcc: all@example.uz", "t", "h"),
    ],
)
async def test_no_value_makes_a_header(server: MailServer, letter: Letter) -> None:
    with pytest.raises(SendingRefused, match="not_sendable"):
        await sender_to(server).send_mail(letter)
    assert server.letters == []


def test_nothing_shows_the_password_or_the_payer() -> None:
    account = MailAccount(host="h", port=1, source="a@b.uz", username=USER, password=PASSWORD)
    shown = repr(account) + repr(MailSender(account)) + repr(LETTER)
    for secret in (PASSWORD, "payer"):
        assert secret not in shown
    assert write_letter(LETTER, "a@b.uz")["Auto-Submitted"] == "auto-generated"
