"""Django's settings for the hand-written endpoint: what it needs, durable, with lasting connections."""

import os
from typing import Any
from urllib.parse import urlsplit

from bench.merchant_server import AMOUNT_TIYIN as ORDER_AMOUNT_TIYIN
from bench.merchant_server import KEY

__all__ = [
    "ALLOWED_HOSTS",
    "DATABASES",
    "DEBUG",
    "DEFAULT_AUTO_FIELD",
    "INSTALLED_APPS",
    "MIDDLEWARE",
    "ORDER_AMOUNT_TIYIN",
    "PAYME_KEY",
    "PAYME_LOGIN",
    "ROOT_URLCONF",
    "SECRET_KEY",
    "USE_I18N",
    "USE_TZ",
]


def _database(url: str) -> dict[str, Any]:
    if url.startswith("sqlite:///"):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": url.removeprefix("sqlite:///"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 30,
                # A transaction that will write says so at once: it then waits instead of failing half-way.
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768;"
                "PRAGMA wal_autocheckpoint=4000;",
            },
        }
    at = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": at.hostname,
        "PORT": at.port,
        "USER": at.username,
        "NAME": at.path.removeprefix("/"),
        "CONN_MAX_AGE": None,
        # Statements that come again and again are prepared by the driver.
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 2},
    }


DEBUG = False
SECRET_KEY = "nothing is signed with it"  # noqa: S105  # Django wants one
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["bench.handwritten"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "bench.handwritten.urls"
DATABASES = {"default": _database(os.environ["BENCH_DATABASE"])}
PAYME_LOGIN = "Paycom"
PAYME_KEY = KEY
