"""The hand-written shop's settings, and the kit's app in the place of the view."""

from bench.handwritten.settings import (
    ALLOWED_HOSTS,
    DATABASES,
    DEBUG,
    DEFAULT_AUTO_FIELD,
    MIDDLEWARE,
    ORDER_AMOUNT_TIYIN,
    PAYME_KEY,
    SECRET_KEY,
    USE_I18N,
    USE_TZ,
)

__all__ = [
    "ALLOWED_HOSTS",
    "DATABASES",
    "DEBUG",
    "DEFAULT_AUTO_FIELD",
    "INSTALLED_APPS",
    "MIDDLEWARE",
    "ORDER_AMOUNT_TIYIN",
    "PAYME",
    "ROOT_URLCONF",
    "SECRET_KEY",
    "USE_I18N",
    "USE_TZ",
]

INSTALLED_APPS = ["bench.handwritten", "tiyin.merchant.integrations.django"]
ROOT_URLCONF = "bench.django_shop.urls"
PAYME = {"BILLING": "bench.django_shop.shop.Shop", "KEY": PAYME_KEY}
