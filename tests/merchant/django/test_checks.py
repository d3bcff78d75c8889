"""What ``manage.py check`` finds, each finding by its id."""

import contextlib
from types import ModuleType
from typing import Any, ClassVar

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connections
from django.test import override_settings
from django.urls import clear_url_caches, path, re_path
from django.views.decorators.csrf import csrf_exempt

from merchant.django.shop.models import Order
from merchant.django.shop.payme import Shop
from merchant.django.shop.settings import KEY, PAYME
from tiyin.merchant.billing import Account, Billing
from tiyin.merchant.billing import Order as Offer
from tiyin.merchant.integrations.django import payme_view
from tiyin.merchant.integrations.django.billing import ModelBilling
from tiyin.merchant.integrations.django.checks import check_database, check_settings, check_urls
from tiyin.merchant.sync_billing import SyncBilling

WHERE = "merchant.django.test_checks"


class Awaits(Billing):
    async def check(self, account: Account, amount_tiyin: int) -> Offer:
        del account
        return Offer(amount_tiyin=amount_tiyin)


class Plain(SyncBilling):
    def check(self, account: Account, amount_tiyin: int) -> Offer:
        del account
        return Offer(amount_tiyin=amount_tiyin)


class Fieldless(Shop):
    account_fields = ()


class ByPrice(Shop):
    lookup: ClassVar[str] = "price"


class Nowhere(Shop):
    lookup: ClassVar[str] = "customer__fax"


class Modelless(ModelBilling[Order]):
    account_fields = ("order_id",)

    def check(self, order: Order, amount_tiyin: int) -> Offer:
        del order
        return Offer(amount_tiyin=amount_tiyin)


class ByHand(Fieldless):
    def find(self, account: Account, *, lock: bool) -> Order:
        del account, lock
        return Order.objects.get(pk=1)


def found(messages: list[checks.CheckMessage]) -> list[str]:
    for message in messages:
        assert message.hint, message
        assert KEY not in str(message)
    return [message.id or "" for message in messages]


def test_the_tests_own_shop_is_right() -> None:
    assert found(check_settings()) == found(check_urls()) == []


@pytest.mark.parametrize(
    ("settings", "ids", "words"),
    [
        (None, ["tiyin.E001"], "PAYME is missing"),
        ("Shop", ["tiyin.E001"], "is a dictionary"),
        ({**PAYME, "PATIENCE": 5}, ["tiyin.E001"], "did you mean PATIENCE_S"),
        ({**PAYME, "key": KEY}, ["tiyin.E001"], "did you mean KEY"),
        ({**PAYME, "COLOUR": 1}, ["tiyin.E001"], "there are BILLING"),
        ({**PAYME, "DESKS": {}}, ["tiyin.E001"], "DESKS"),
        ({**PAYME, "DESKS": {"a": {"KEI": KEY}}}, ["tiyin.E001"], 'PAYME["DESKS"]["a"] knows no'),
        ({"KEY": KEY}, ["tiyin.E002"], "a shop is derived from"),
        ({**PAYME, "BILLING": "merchant.django.shop.payme.Shope"}, ["tiyin.E002"], "Shope"),
        ({**PAYME, "BILLING": "nowhere.Shop"}, ["tiyin.E002"], "nowhere"),
        ({**PAYME, "BILLING": Awaits}, ["tiyin.E002"], "hooks that await"),
        ({**PAYME, "BILLING": Order}, ["tiyin.E002"], "Order is not"),
        ({**PAYME, "KEY": ""}, ["tiyin.E003"], "needs that key"),
        ({**PAYME, "KEY": None}, ["tiyin.E003"], "needs that key"),
        ({**PAYME, "MODE": "test"}, ["tiyin.E003"], "'test'"),
        ({**PAYME, "KEY": "changeme"}, ["tiyin.E003"], "example"),
        ({**PAYME, "KEY": "xxxxxxxx"}, ["tiyin.E003"], "example"),
        ({**PAYME, "KEY": "<key>"}, ["tiyin.E003"], "example"),
        ({**PAYME, "KEY": f"{KEY}\n"}, ["tiyin.E003"], "blanks"),
        ({**PAYME, "MODE": "prod"}, ["tiyin.E004"], "'prod'"),
        ({**PAYME, "ADDRESSES": ["payme.uz"]}, ["tiyin.E004"], "payme.uz"),
        ({**PAYME, "ADDRESSES": "anybody"}, ["tiyin.E004"], "ADDRESSES"),
        ({**PAYME, "TRUSTED_PROXIES": "10.0.0.1"}, ["tiyin.E004"], "TRUSTED_PROXIES"),
        ({**PAYME, "LOGIN": "a:b"}, ["tiyin.E004"], "colon"),
        ({**PAYME, "PATIENCE_S": 0}, ["tiyin.E004"], "patience_s"),
        ({**PAYME, "MESSAGES": {-31050: {"ru": "нет"}}}, ["tiyin.E004"], "three languages"),
        ({**PAYME, "USING": "archive"}, ["tiyin.E004"], "archive"),
        ({**PAYME, "BILLING": Fieldless}, ["tiyin.E006"], "account_fields"),
        ({**PAYME, "BILLING": ByPrice}, ["tiyin.E006"], "DecimalField"),
        ({**PAYME, "BILLING": Nowhere}, ["tiyin.E006"], "'fax'"),
        ({**PAYME, "BILLING": Modelless}, ["tiyin.E006"], "model"),
        ({**PAYME, "BILLING": ByHand}, [], ""),
        ({**PAYME, "BILLING": Plain}, [], ""),
        ({**PAYME, "BILLING": Plain()}, [], ""),
        ({**PAYME, "MODE": "test", "TEST_KEY": "another"}, [], ""),
        ({"BILLING": Plain, "DESKS": {"a": {"KEY": KEY}, "b": {"KEY": ""}}}, ["tiyin.E003"], "desk 'b'"),
    ],
)
def test_settings(settings: Any, ids: list[str], words: str) -> None:
    with override_settings(PAYME=settings):
        messages = check_settings()
    assert found(messages) == ids
    assert all(words in message.msg for message in messages), messages


def test_two_databases(sqlite_alias: str) -> None:
    connections.settings["other"] = dict(connections.settings[sqlite_alias])
    try:
        with override_settings(PAYME={**PAYME, "USING": "other"}):
            assert found(check_settings()) == ["tiyin.E005"]
    finally:
        del connections.settings["other"]


def test_debug_with_the_real_key() -> None:
    with override_settings(DEBUG=True):
        assert found(check_settings()) == ["tiyin.W004"]
        with override_settings(PAYME={**PAYME, "MODE": "test", "TEST_KEY": "another"}):
            assert found(check_settings()) == []


def test_no_url_leads_to_the_view() -> None:
    urls: Any = ModuleType("urls")
    urls.urlpatterns = []
    with override_settings(ROOT_URLCONF=urls):
        assert found(check_urls()) == ["tiyin.W003"]
    two = {**PAYME, "DESKS": {"default": {}, "second": {}}}
    inside: Any = ([path("", csrf_exempt(payme_view))], None, None)
    urls.urlpatterns = [path("payme/", payme_view)]
    with override_settings(ROOT_URLCONF=urls, PAYME=two):
        assert ["'second'" in message.msg for message in check_urls()] == [True]
    for more in (
        path("second/", payme_view, {"desk": "second"}),
        path("second/", inside, {"desk": "second"}),
        path("<desk>/", payme_view),
        re_path("(?P<desk>.*)", payme_view),
    ):
        urls.urlpatterns = [path("payme/", payme_view), more]
        clear_url_caches()
        with override_settings(ROOT_URLCONF=urls, PAYME=two):
            assert found(check_urls()) == []


@pytest.mark.parametrize(
    ("changed", "ids"),
    [
        ({"OPTIONS": {}}, ["tiyin.W001"]),
        ({"OPTIONS": {"transaction_mode": "immediate"}}, []),
        (
            {"ENGINE": "django.db.backends.mysql", "OPTIONS": {"isolation_level": "REPEATABLE READ"}},
            ["tiyin.W005"],
        ),
        ({"ENGINE": "django.db.backends.mysql", "OPTIONS": {}}, []),
        ({"ATOMIC_REQUESTS": True}, []),
    ],
)
def test_a_databases_settings(changed: dict[str, Any], ids: list[str]) -> None:
    kept = connections.settings["default"]
    before = dict(kept)
    kept.update(changed)
    try:
        assert found(check_settings()) == ids
    finally:
        kept.clear()
        kept.update(before)


def test_a_sqlite_file(shop_database: str) -> None:
    assert found(check_database(databases=[shop_database])) == []
    assert found(check_database(databases=[])) == []
    connection = connections[shop_database]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
    assert found(check_database(databases=[shop_database])) == ["tiyin.W002"]
    connection.close()


def test_tables_that_are_missing(shop_database: str) -> None:
    with connections[shop_database].cursor() as cursor:
        cursor.execute("ALTER TABLE tiyin_transaction RENAME TO hidden")
    try:
        assert found(check_database(databases=[shop_database])) == ["tiyin.E008"]
    finally:
        with connections[shop_database].cursor() as cursor:
            cursor.execute("ALTER TABLE hidden RENAME TO tiyin_transaction")


def test_postgresql(postgres_alias: str) -> None:
    with override_settings(PAYME={**PAYME, "USING": postgres_alias}):
        assert found(check_database(databases=[postgres_alias])) == []


class FakeCursor:
    def execute(self, *_: object) -> None: ...

    def fetchone(self) -> tuple[str]:
        return ("MyISAM",)


class FakeConnection:
    """A database that is not here; only what the checks ask of it."""

    alias = "default"
    display_name = "Oracle"

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.introspection = self

    def table_names(self) -> list[str]:
        return ["tiyin_transaction"]

    def cursor(self) -> Any:
        return contextlib.nullcontext(FakeCursor())


def test_databases_that_cannot_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "tiyin.merchant.integrations.django.checks"
    monkeypatch.setattr(f"{module}.check_tables", lambda _: None)
    for vendor, words in (("oracle", "Oracle"), ("mysql", "MyISAM")):
        monkeypatch.setattr(f"{module}.connections", {"default": FakeConnection(vendor)})
        messages = check_database(databases=["default"])
        assert found(messages) == ["tiyin.E007"]
        assert words in messages[0].msg


def test_they_are_registered() -> None:
    with override_settings(PAYME={**PAYME, "KEY": ""}), pytest.raises(SystemCheckError, match=r"tiyin\.E003"):
        call_command("check")


@pytest.mark.usefixtures("shop_database")
def test_nothing_to_migrate() -> None:
    """Goal: whatever the shop's language and default key are, the kit's migration is whole."""
    for language in ("ru", "uz", "en"):
        with override_settings(LANGUAGE_CODE=language):
            call_command("makemigrations", "tiyin", check=True, dry_run=True, verbosity=0)
