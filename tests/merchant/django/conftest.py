"""Django in the tests' own process: one shop, once on each database."""

import asyncio
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

_environ = {name: os.environ.get(name) for name in ("DJANGO_SETTINGS_MODULE", "TZ")}
os.environ["DJANGO_SETTINGS_MODULE"] = "merchant.django.shop.settings"

import django  # noqa: E402 - it reads where its settings are
from django.core.management import call_command  # noqa: E402 - the same
from django.db import connections  # noqa: E402 - the same
from django.db.utils import load_backend  # noqa: E402 - the same

django.setup()
# Neither other tests nor the processes that they start are to know of it.
for _name, _value in _environ.items():
    os.environ.pop(_name, None)
    if _value is not None:
        os.environ[_name] = _value
time.tzset()

from helpers_merchant import NOW_MS, PRICE_TIYIN, payme_id  # noqa: E402 - models need Django to have started
from helpers_storage import PostgresServer  # noqa: E402 - models need Django to have started
from merchant.django.shop.models import Counted, Effect, GiftOrder, Order  # noqa: E402 - models need Django to have started
from merchant.django.shop.payme import Shop  # noqa: E402 - models need Django to have started
from merchant.django.shop.settings import KEY, database  # noqa: E402 - models need Django to have started
from tiyin.merchant.api import Call, MerchantApi  # noqa: E402 - models need Django to have started
from tiyin.merchant.integrations.django.models import DeskKey, FiscalDocument, Transaction  # noqa: E402 - models need Django to have started
from tiyin.merchant.integrations.django.store import DjangoStore  # noqa: E402 - models need Django to have started
from tiyin.protocol.authorization import write_basic  # noqa: E402 - models need Django to have started
from tiyin.runtime.clock import ManualClock  # noqa: E402 - models need Django to have started

T = TypeVar("T")

DATABASES = ("default", "postgres")
ORDERS = 40


class SyncPayme:
    """Calls an api as Payme does, without HTTP and without awaiting."""

    def __init__(self, api: MerchantApi, key: str = KEY) -> None:
        self._api = api
        self._numbers = itertools.count(1)
        self._authorization = write_basic("Paycom", key)

    def call(self, method: str, **params: Any) -> Any:
        body = json.dumps({"id": next(self._numbers), "method": method, "params": params}).encode()
        reply = self._api.handle_sync(Call("POST", body, self._authorization))
        answer = json.loads(reply.body + b"".join(reply.more or ()))
        return answer["result"] if "result" in answer else answer["error"]["code"]

    def check_perform(self, order: str | int = "1", amount: int = PRICE_TIYIN) -> Any:
        return self.call("CheckPerformTransaction", amount=amount, account={"order_id": order})

    def create(self, number: int, order: str | int = "1", time: int = NOW_MS) -> Any:
        return self.call(
            "CreateTransaction",
            id=payme_id(number),
            time=time,
            amount=PRICE_TIYIN,
            account={"order_id": order},
        )

    def perform(self, number: int) -> Any:
        return self.call("PerformTransaction", id=payme_id(number))

    def cancel(self, number: int, reason: int = 3) -> Any:
        return self.call("CancelTransaction", id=payme_id(number), reason=reason)

    def check(self, number: int) -> Any:
        return self.call("CheckTransaction", id=payme_id(number))

    def statement(self, from_ms: int = 0, to_ms: int = 2 * NOW_MS) -> Any:
        return self.call("GetStatement", **{"from": from_ms, "to": to_ms})["transactions"]


class World:
    """A shop, its api, and Payme, over one database."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.clock = ManualClock(NOW_MS)
        self.open()

    def open(self, patience_s: float = 15.0, **options: Any) -> None:
        """Make another api over the same database."""
        self.store = DjangoStore(self.using, clock=self.clock, patience_s=patience_s)
        self.api = MerchantApi(Shop(), self.store, KEY, clock=self.clock, patience_s=patience_s, **options)
        self.payme = SyncPayme(self.api)

    def shop(self, shop: Shop) -> None:
        """Serve another shop."""
        self.api.stop_sync()
        self.api = MerchantApi(shop, self.store, KEY, clock=self.clock)
        self.payme = SyncPayme(self.api)

    def reopen(self, patience_s: float = 15.0, **options: Any) -> None:
        """Do it with other settings."""
        self.api.stop_sync()
        self.open(patience_s, **options)

    def mails(self) -> list[str]:
        """What was done after commits, once all of it is done."""
        self.api.stop_sync()
        return Shop.mails

    def order(self, number: int = 1) -> str:
        """How an order stands."""
        return Order.objects.using(self.using).get(pk=number).state

    def effects(self) -> list[str]:
        """What hooks have done for good."""
        return list(Effect.objects.using(self.using).order_by("id").values_list("name", flat=True))

    def everything(self) -> Any:
        """All that a hook or the kit may have written."""
        rows = list(Transaction.objects.using(self.using).order_by("id").values())
        return rows, self.effects(), [self.order(number) for number in (1, 2, 3)]

    def at_once(self, *works: Callable[[], T]) -> list[T]:
        """Do several things at the same time."""
        together = threading.Barrier(len(works))

        def one(work: Callable[[], T]) -> T:
            together.wait(30)
            return work()

        with ThreadPoolExecutor(len(works)) as threads:
            return list(threads.map(one, works))


@pytest.fixture(scope="session")
def postgres_alias(postgres_server: PostgresServer) -> Iterator[str]:
    """A database of the session's own, known to Django."""
    asyncio.run(postgres_server.create_database("django"))
    connections.settings["postgres"] = {
        **connections.settings["default"],
        "OPTIONS": {},
        **database(postgres_server.url("django")),
    }
    call_command("migrate", run_syncdb=True, verbosity=0, database="postgres", skip_checks=True)
    yield "postgres"
    connections["postgres"].close()


@pytest.fixture(scope="session")
def sqlite_alias() -> Iterator[str]:
    """The settings' own database, with its tables."""
    assert load_backend("django.db.backends.sqlite3")
    call_command("migrate", run_syncdb=True, verbosity=0, skip_checks=True)
    yield "default"
    connections["default"].close()


def clean(using: str) -> None:
    """Leave orders 1 to 40, and nothing else."""
    for model in (Transaction, FiscalDocument, DeskKey, Effect, GiftOrder, Order, Counted):
        model._default_manager.using(using).all().delete()  # noqa: SLF001 - documented
    Order.objects.using(using).bulk_create(
        Order(pk=number, number=f"N{number}") for number in range(1, ORDERS + 1)
    )
    Counted.objects.using(using).create(pk=1)
    Shop.before, Shop.delivered = None, False
    Shop.mails.clear()


@pytest.fixture(params=DATABASES)
def using(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each database, clean."""
    alias: str = request.getfixturevalue("sqlite_alias" if request.param == "default" else "postgres_alias")
    clean(alias)
    yield alias
    Shop.before = None
    connections[alias].close()


@pytest.fixture
def shop_database(sqlite_alias: str) -> Iterator[str]:
    """The settings' own database, clean."""
    clean(sqlite_alias)
    yield sqlite_alias
    connections[sqlite_alias].close()


@pytest.fixture
def world(using: str) -> Iterator[World]:
    made = World(using)
    yield made
    made.api.stop_sync()
