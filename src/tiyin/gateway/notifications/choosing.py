"""Who sends, as the operator's settings say.

| setting | values |
|---|---|
| `TIYIN_SMS` | `log`; `file:PATH`; `smpp://USER:PASSWORD@HOST:PORT` (`smpps://` for TLS, `?system_type=..&payload=1`); `eskiz+https://EMAIL:PASSWORD@HOST` |
| `TIYIN_SMS_FROM` | who SMS come from, as phones show it |
| `TIYIN_MAIL` | `smtp://USER:PASSWORD@HOST:PORT` (STARTTLS), `smtps://` (TLS), `smtp+plain://HOST` (this machine only), `file:PATH`; empty for none |
| `TIYIN_MAIL_FROM` | the address that letters come from |
| `TIYIN_TELEGRAM_TOKEN` | the bot's token; empty for none |

An EMAIL or PASSWORD is written percent-encoded: `@` is `%40`.
"""  # noqa: E501 - a table's rows cannot be broken

from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from tiyin.gateway.notifications.eskiz import EskizAccount, EskizSender
from tiyin.gateway.notifications.file_messages import FileMessages
from tiyin.gateway.notifications.mail import MailAccount, MailSender, Security
from tiyin.gateway.notifications.outbox import Senders
from tiyin.gateway.notifications.port import LogMessages, Mail, Messages
from tiyin.gateway.notifications.smpp import SmppAccount, SmppSender
from tiyin.gateway.notifications.smpp_pdu import Bind, PduError, write_bind
from tiyin.gateway.notifications.telegram import TelegramSender, is_bot_token
from tiyin.runtime.clock import Clock
from tiyin.runtime.http import Http
from tiyin.runtime.tasks import Tasks

__all__ = ["SendersRefused", "choose_senders"]

_SMPP_PORT: Final = 2775
_SMPPS_PORT: Final = 3550
_SOURCE_LETTERS_MAX: Final = 11
_SOURCE_MAX: Final = 20
_FILE: Final = "file:"
_MAIL: Final[dict[str, tuple[Security, int]]] = {
    "smtp": ("starttls", 587),
    "smtps": ("tls", 465),
    "smtp+plain": ("none", 25),
}


class SendersRefused(ValueError):
    """A setting cannot be used; one sentence says which and what to write, and shows nothing of its value."""


def choose_senders(
    *,
    sms: str,
    sms_from: str | None,
    mail: str | None,
    mail_from: str | None,
    telegram_token: str | None,
    http: Http,
    clock: Clock,
    tasks: Tasks,
) -> Senders:
    """Make the senders that the settings name; nothing is connected yet.

    Args:
        sms: `TIYIN_SMS`.
        sms_from: `TIYIN_SMS_FROM`.
        mail: `TIYIN_MAIL`.
        mail_from: `TIYIN_MAIL_FROM`.
        telegram_token: `TIYIN_TELEGRAM_TOKEN`.
        http: How calls to services leave.
        clock: The product's time.
        tasks: Runs what a connection needs.

    Raises:
        SendersRefused: If one of them cannot be used.
    """
    if telegram_token and not is_bot_token(telegram_token):
        raise SendersRefused("TIYIN_TELEGRAM_TOKEN has another form than the token that BotFather gives.")
    return Senders(
        sms=_sms(sms, sms_from, http, clock, tasks),
        mail=_mail(mail, mail_from, clock) if mail else None,
        telegram=TelegramSender(telegram_token, http) if telegram_token else None,
    )


def _sms(value: str, source: str | None, http: Http, clock: Clock, tasks: Tasks) -> Messages:
    if value == "log":
        return LogMessages()
    if value.startswith(_FILE):
        return FileMessages(_path("TIYIN_SMS", value), clock)
    parts, port = _split("TIYIN_SMS", value)
    if parts.scheme not in ("smpp", "smpps", "eskiz+https"):
        raise SendersRefused("TIYIN_SMS is log, file:PATH, smpp://..., smpps://... or eskiz+https://...")
    user, password = _account("TIYIN_SMS", parts)
    if not source:
        raise SendersRefused("TIYIN_SMS_FROM is not set; write who SMS come from, as the provider agreed.")
    if not source.isascii() or len(source) > (_SOURCE_MAX if source.isdigit() else _SOURCE_LETTERS_MAX):
        raise SendersRefused("TIYIN_SMS_FROM is a number or a name of at most 11 Latin letters.")
    host = parts.hostname or ""
    if parts.scheme == "eskiz+https":
        url = f"https://{host}" + (f":{port}" if port else "") + parts.path
        return EskizSender(EskizAccount(url=url, email=user, password=password, source=source), http)
    query = parse_qs(parts.query)
    system_type = query.get("system_type", [""])[0]
    try:
        write_bind(Bind(user, password, system_type))
    except PduError:
        raise SendersRefused(
            "TIYIN_SMS: SMPP takes a user of at most 15 characters, a password of 8 and a system_type of 12."
        ) from None
    tls = parts.scheme == "smpps"
    return SmppSender(
        SmppAccount(
            host=host,
            port=port or (_SMPPS_PORT if tls else _SMPP_PORT),
            system_id=user,
            password=password,
            source=source,
            system_type=system_type,
            tls=tls,
            payload=query.get("payload", ["0"])[0] == "1",
        ),
        tasks,
    )


def _mail(value: str, source: str | None, clock: Clock) -> Mail:
    if value.startswith(_FILE):
        return FileMessages(_path("TIYIN_MAIL", value), clock)
    parts, port = _split("TIYIN_MAIL", value)
    if parts.scheme not in _MAIL:
        raise SendersRefused("TIYIN_MAIL is smtp://..., smtps://..., smtp+plain://... or file:PATH.")
    if not source or "@" not in source or "\n" in source or "\r" in source:
        raise SendersRefused("TIYIN_MAIL_FROM is not set to an address; write the one letters come from.")
    security, usual = _MAIL[parts.scheme]
    user, password = _account("TIYIN_MAIL", parts) if parts.username else (None, None)
    return MailSender(
        MailAccount(
            host=parts.hostname or "",
            port=port or usual,
            source=source,
            security=security,
            username=user,
            password=password,
        )
    )


def _path(name: str, value: str) -> Path:
    path = value.removeprefix(_FILE)
    if not path:
        raise SendersRefused(f"{name} names no file; write file:/path/to/file.jsonl.")
    return Path(path)


def _split(name: str, value: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise SendersRefused(f"{name} is no address; percent-encode what is special in it.") from None
    if "//" in value and not parts.hostname:
        raise SendersRefused(f"{name} names no host; percent-encode what is special in user and password.")
    return parts, port


def _account(name: str, parts: SplitResult) -> tuple[str, str]:
    if not parts.username or not parts.password:
        raise SendersRefused(f"{name} has no user and password; write them before the host: user:password@.")
    return unquote(parts.username), unquote(parts.password)
