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
        allow_private_merchants: `TIYIN_ALLOW_PRIVATE_MERCHANTS`.
        host: `TIYIN_HOST`.
        port: `TIYIN_PORT`.
        log_format: `TIYIN_LOG_FORMAT`.
        log_level: `TIYIN_LOG_LEVEL`.
    """

    public_url: Annotated[
        str,
        Setting("the address that payers and shops use, as they see it", example="https://pay.example.uz"),
    ]
    allow_private_merchants: Annotated[
        bool,
        Setting(
            "whether shops may have private, loopback and plain-HTTP addresses; for a closed network only"
        ),
    ] = False
    host: Annotated[str, Setting("the address to listen on", example="10.0.0.5")] = "127.0.0.1"
    port: Annotated[int, Setting("the port to listen on", example="8080", minimum=1, maximum=65535)] = 8080
    log_format: Annotated[LogFormat, Setting("json for machines, console for people")] = "json"
    log_level: Annotated[str, Setting("the least severe level that is logged", example="INFO")] = "INFO"
