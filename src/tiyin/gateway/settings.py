"""What an operator sets for `tiyin serve` and the tools beside it: the `TIYIN_*` variables."""

from typing import Annotated

import msgspec

from tiyin.runtime.logs import LogFormat
from tiyin.runtime.settings import Secret, Setting

__all__ = ["DatabaseSettings", "DeskSettings", "ServeSettings"]


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool needs that only looks at the database.

    Args:
        database_url: `TIYIN_DATABASE_URL`.
    """

    database_url: Annotated[
        Secret,
        Setting(
            "where the gateway keeps everything: postgresql://... or sqlite:///path/to/file.db",
            example="postgresql://tiyin:password@127.0.0.1/tiyin",
        ),
    ]


class DeskSettings(DatabaseSettings, frozen=True, kw_only=True):
    """What a tool needs that makes and lists cash desks.

    Args:
        database_url: `TIYIN_DATABASE_URL`.
        vault_keys: `TIYIN_VAULT_KEYS`.
        test_cards: `TIYIN_TEST_CARDS`.
    """

    vault_keys: Annotated[
        Secret,
        Setting("the keys that card numbers are encrypted with; `tiyin vault new-key` makes one"),
    ]
    test_cards: Annotated[
        bool, Setting("whether the documentation's test cards pay; never where real cards do")
    ] = False


class ServeSettings(DeskSettings, frozen=True, kw_only=True):
    """What the gateway needs to serve.

    Args:
        database_url: `TIYIN_DATABASE_URL`.
        vault_keys: `TIYIN_VAULT_KEYS`.
        test_cards: `TIYIN_TEST_CARDS`.
        public_url: `TIYIN_PUBLIC_URL`.
        powered_by: `TIYIN_POWERED_BY`.
        offer_url: `TIYIN_OFFER_URL`.
        trusted_proxies: `TIYIN_TRUSTED_PROXIES`.
        allow_private_merchants: `TIYIN_ALLOW_PRIVATE_MERCHANTS`.
        host: `TIYIN_HOST`.
        port: `TIYIN_PORT`.
        acquirer_url: `TIYIN_ACQUIRER_URL`.
        acquirer_secret: `TIYIN_ACQUIRER_SECRET`.
        sms: `TIYIN_SMS`.
        sms_from: `TIYIN_SMS_FROM`.
        mail: `TIYIN_MAIL`.
        mail_from: `TIYIN_MAIL_FROM`.
        telegram_token: `TIYIN_TELEGRAM_TOKEN`.
        log_format: `TIYIN_LOG_FORMAT`.
        log_level: `TIYIN_LOG_LEVEL`.
    """

    public_url: Annotated[
        str,
        Setting("the address that payers and shops use, as they see it", example="https://pay.example.uz"),
    ]
    powered_by: Annotated[
        str, Setting("the brand text at the foot of the payers' pages", example="Powered by Payme")
    ] = ""
    offer_url: Annotated[
        str,
        Setting(
            "where the offer stands that payers accept; the card form links to it",
            example="https://pay.example.uz/offer",
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Setting(
            "the addresses or networks of your own proxies, with commas: their X-Forwarded-For is believed",
            example="10.0.0.0/8",
        ),
    ] = ()
    allow_private_merchants: Annotated[
        bool,
        Setting(
            "whether shops may have private, loopback and plain-HTTP addresses; for a closed network only"
        ),
    ] = False
    acquirer_url: Annotated[
        str | None,
        Setting("who debits cards, where test cards are off", example="http://10.0.0.7:8090"),
    ] = None
    acquirer_secret: Annotated[Secret | None, Setting("what the gateway shows the acquirer", minimum=16)] = (
        None
    )
    sms: Annotated[
        Secret,
        Setting(
            "how SMS leave: log, file:PATH, smpp://user:password@host, eskiz+https://email:password@host/api",
            example="smpp://user:password@smsc.example.uz",
        ),
    ] = Secret("log")
    sms_from: Annotated[str | None, Setting("who SMS come from, as the provider agreed")] = None
    mail: Annotated[
        Secret | None,
        Setting(
            "how e-mail leaves: smtp://user:password@host, smtps://..., file:PATH",
            example="smtp://user:password@mail.example.uz",
        ),
    ] = None
    mail_from: Annotated[str | None, Setting("who e-mail comes from", example="pay@example.uz")] = None
    telegram_token: Annotated[Secret | None, Setting("the bot that sends Telegram messages")] = None
    host: Annotated[str, Setting("the address to listen on", example="10.0.0.5")] = "127.0.0.1"
    port: Annotated[int, Setting("the port to listen on", example="8080", minimum=1, maximum=65535)] = 8080
    log_format: Annotated[LogFormat, Setting("json for machines, console for people")] = "json"
    log_level: Annotated[str, Setting("the least severe level that is logged", example="INFO")] = "INFO"
