"""Settings: Django's usual ones, and `PAYME`."""

import os
from typing import Any
from urllib.parse import urlsplit

# --- Payme ---

PAYME = {
    "BILLING": "shop.payme.Shop",
    "KEY": os.environ.get("PAYME_KEY"),
    "TEST_KEY": os.environ.get("PAYME_TEST_KEY"),
    "MODE": os.environ.get("PAYME_MODE", "production"),
}
PAYME_DESK = os.environ.get("PAYME_DESK", "587f72c72cac0d162c722ae2")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "tiyin.merchant.integrations.django",
    "shop",
]


# --- The database: SQLite as it has to be for payments, or PostgreSQL ---


def database(url: str) -> dict[str, Any]:
    """Read an address such as ``sqlite:///shop.db`` or ``postgresql://user:password@host:5432/shop``."""
    if url.startswith("sqlite:///"):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": url.removeprefix("sqlite:///"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
            },
        }
    at = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": at.hostname,
        "PORT": at.port,
        "USER": at.username,
        "PASSWORD": at.password,
        "NAME": at.path.removeprefix("/"),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": database(os.environ.get("SHOP_DATABASE", "sqlite:///shop.db"))}


# --- Django's usual ---

DEBUG = os.environ.get("SHOP_DEBUG") == "1"
SECRET_KEY = os.environ.get("SHOP_SECRET", "an example signs nothing that anybody would want")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "ru"
TIME_ZONE = "Asia/Tashkent"
USE_TZ = True
STATIC_URL = "static/"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
