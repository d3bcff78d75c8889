"""The endpoint inside of Django: what stands around it, and how it gives way."""

import asyncio
import html
import json
import logging
import sys
import threading
import unittest
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import AsyncClient, Client, RequestFactory, TestCase, override_settings
from django.views.debug import ExceptionReporter

from helpers_merchant import NOW_MS, payme_id
from merchant.django.conftest import clean
from merchant.django.shop.models import Order
from merchant.django.shop.payme import Shop
from merchant.django.shop.settings import KEY, PAYME
from tiyin.merchant.integrations.django import api, payme_view
from tiyin.merchant.integrations.django.models import Transaction
from tiyin.protocol.authorization import write_basic
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX
from tiyin.runtime.clock import SystemClock

AUTHORIZATION = {"Authorization": write_basic("Paycom", KEY)}


def body(method: str, **params: Any) -> bytes:
    return json.dumps({"id": 7, "method": method, "params": params}).encode()


def create_body(number: int = 1, order: int = 1) -> bytes:
    return body(
        "CreateTransaction",
        id=payme_id(number),
        time=SystemClock().now_ms(),
        amount=500_000,
        account={"order_id": order},
    )


CHECK = body("CheckPerformTransaction", amount=500_000, account={"order_id": 1})


def send(
    content: bytes, path: str = "/payme", client: Client | None = None, headers: dict[str, str] | None = None
) -> Any:
    """Send as Payme does, and return the decoded answer."""
    response = (client or Client(enforce_csrf_checks=True)).post(
        path, content, content_type="application/json", headers={**AUTHORIZATION, **(headers or {})}
    )
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json; charset=UTF-8"
    return json.loads(response.content)


@pytest.fixture(autouse=True)
def stopped(shop_database: str) -> Any:
    yield shop_database
    api().stop_sync()


def test_it_answers_wherever_it_stands() -> None:
    """Goal: no cookie, no login, no slash of its own stands between Payme and the shop."""
    for path in ("/payme", "/included/", "/desks/default/"):
        assert send(CHECK, path) == {"id": 7, "result": {"allow": True}}
    assert Client().get("/desks/nobody/").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
def test_other_http_methods(method: str) -> None:
    response = Client().generic(
        method, "/payme", CHECK, content_type="application/json", headers=AUTHORIZATION
    )
    assert response.status_code == 200
    assert json.loads(response.content)["error"]["code"] == -32300


def test_head_has_no_body() -> None:
    response = Client().head("/payme", headers=AUTHORIZATION)
    assert (response.status_code, response.content) == (200, b"")


def test_who_may_call() -> None:
    assert send(CHECK, headers={"Authorization": write_basic("Paycom", "another")})["error"]["code"] == -32504
    with override_settings(PAYME={**PAYME, "ADDRESSES": "payme"}):
        assert send(CHECK)["error"]["code"] == -32504
    with override_settings(PAYME={**PAYME, "ADDRESSES": "payme", "TRUSTED_PROXIES": ["127.0.0.1"]}):
        assert send(CHECK, headers={"X-Forwarded-For": "185.234.113.7"})["result"] == {"allow": True}
        assert send(CHECK, headers={"X-Forwarded-For": "185.234.113.70"})["error"]["code"] == -32504
    assert send(CHECK)["result"] == {"allow": True}


def test_several_desks() -> None:
    """Goal: what is shared is said once, and each desk has its own key."""
    other = "the second desk's own key"
    desks = {"BILLING": PAYME["BILLING"], "DESKS": {"default": {"KEY": KEY}, "second": {"KEY": other}}}
    with override_settings(PAYME=desks):
        assert send(CHECK)["result"] == {"allow": True}
        assert send(CHECK, "/desks/second/")["error"]["code"] == -32504
        second = {"Authorization": write_basic("Paycom", other)}
        assert send(create_body(), "/desks/second/", headers=second)["result"]["state"] == 1
        assert send(create_body(2))["error"]["code"] == -31008
        assert Transaction.objects.get().desk == "second"
        api("second").stop_sync()


def test_settings_that_cannot_work_are_told() -> None:
    with (
        override_settings(PAYME={**PAYME, "BILING": 1}),
        pytest.raises(ImproperlyConfigured, match="BILLING"),
    ):
        Client().get("/payme")
    with (
        override_settings(PAYME={**PAYME, "KEY": ""}),
        pytest.raises(ImproperlyConfigured, match="needs that key"),
    ):
        Client().get("/payme")


def test_a_report_of_an_error_holds_no_key() -> None:
    """Goal: what Django mails to the shop's people when its settings are wrong does not give the key away."""
    request = RequestFactory().post("/payme", CHECK, content_type="application/json", headers=AUTHORIZATION)
    with override_settings(PAYME={**PAYME, "BILING": 1}):
        try:
            payme_view(request)
        except ImproperlyConfigured:
            report = ExceptionReporter(request, *sys.exc_info())
        for text in (report.get_traceback_html(), report.get_traceback_text()):
            assert "BILING" in text
            assert html.escape(KEY) not in text
            assert AUTHORIZATION["Authorization"].split()[1] not in text


def test_bodies() -> None:
    """Goal: too much of it, too little, and one that somebody has read already."""
    huge = b'{"id":7,"method":"' + b"a" * BODY_BYTES_MAX + b'"}'
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000):
        assert send(huge)["error"]["code"] in {-32600, -32700}
    assert send(b"")["error"]["code"] == -32700
    request = RequestFactory().post("/payme", CHECK, content_type="application/json", headers=AUTHORIZATION)
    assert request.body == CHECK
    answer: Any = payme_view(request)
    assert json.loads(answer.content)["result"] == {"allow": True}


def test_atomic_requests_are_not_for_it(shop_database: str) -> None:
    """Goal: the kit's own transaction is the one that counts, and its own threads do the work."""
    threads: list[str] = []
    Shop.before = lambda *_: threads.append(threading.current_thread().name)
    settings = connections[shop_database].settings_dict
    settings["ATOMIC_REQUESTS"] = True
    try:
        assert send(create_body())["result"]["state"] == 1
    finally:
        settings["ATOMIC_REQUESTS"] = False
    assert threads[0].startswith("payme")


def many_transactions(number: int) -> None:
    Transaction.objects.bulk_create(
        Transaction(
            id=payme_id(n),
            time_ms=NOW_MS + n,
            amount_tiyin=500_000,
            account='{"order_id":1}',
            number=str(n),
            state=2,
            create_time_ms=NOW_MS,
            accepted=1,
        )
        for n in range(number)
    )


STATEMENT = body("GetStatement", **{"from": 0, "to": 2 * NOW_MS})


def test_a_long_statement() -> None:
    many_transactions(2500)
    response: Any = Client().post("/payme", STATEMENT, content_type="application/json", headers=AUTHORIZATION)
    found = json.loads(b"".join(response.streaming_content))["result"]["transactions"]
    assert [row["id"] for row in found] == [payme_id(n) for n in range(2500)]


def test_a_long_statement_under_asgi() -> None:
    many_transactions(2500)

    async def ask() -> bytes:
        response: Any = await AsyncClient().post(
            "/payme", STATEMENT, content_type="application/json", headers=AUTHORIZATION
        )
        return b"".join([piece async for piece in response.streaming_content])

    found = json.loads(asyncio.run(ask()))["result"]["transactions"]
    assert len(found) == 2500


def test_asgi() -> None:
    async def ask() -> Any:
        response = await AsyncClient().post(
            "/payme", CHECK, content_type="application/json", headers=AUTHORIZATION
        )
        return json.loads(response.content)

    assert asyncio.run(ask())["result"] == {"allow": True}


class InATestCase(TestCase):
    """A shop's own tests: everything happens in the test's thread and transaction, and is undone."""

    # Pytest would begin the class before the database is there.
    __test__ = False

    def test_a_payment(self) -> None:
        threads: list[str] = []
        Shop.before = lambda *_: threads.append(threading.current_thread().name)
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            assert send(create_body(), client=self.client)["result"]["state"] == 1
            assert Shop.mails == []
        assert Shop.mails == ["create 01"]
        assert len(callbacks) == 1
        assert Order.objects.get(pk=1).state == "reserved"
        assert threads == [threading.current_thread().name]

    def test_a_payment_that_is_not_committed(self) -> None:
        assert send(create_body(), client=self.client)["result"]["state"] == 1
        assert Shop.mails == []

    def test_a_hook_that_fails(self) -> None:
        Shop.before = lambda *_: 1 / 0
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            assert send(create_body(), client=self.client)["error"]["code"] == -32400
        assert callbacks == []
        assert not Transaction.objects.exists()
        assert Order.objects.get(pk=1).state == "waiting"

    async def test_async(self) -> None:
        response = await self.async_client.post(
            "/payme", create_body(), content_type="application/json", headers=AUTHORIZATION
        )
        assert json.loads(response.content)["result"]["state"] == 1


@pytest.mark.parametrize("name", [name for name in dir(InATestCase) if name.startswith("test_")])
def test_in_a_shops_own_tests(name: str, shop_database: str) -> None:
    clean(shop_database)
    result = unittest.TestResult()
    unittest.TestSuite([InATestCase(name)]).run(result)
    assert result.testsRun == 1
    assert not result.errors + result.failures, (result.errors + result.failures)[0][1]
    assert not Transaction.objects.exists()
    assert Order.objects.get(pk=1).state == "waiting"


def test_a_missing_table_is_told(shop_database: str, caplog: pytest.LogCaptureFixture) -> None:
    """Goal: Payme gets -32400, and the log says what to run."""
    with connections[shop_database].cursor() as cursor:
        cursor.execute("ALTER TABLE tiyin_transaction RENAME TO hidden")
    try:
        with caplog.at_level(logging.ERROR):
            assert send(CHECK)["error"]["code"] == -32400
        assert "manage.py migrate tiyin" in caplog.text
        assert KEY not in caplog.text
    finally:
        with connections[shop_database].cursor() as cursor:
            cursor.execute("ALTER TABLE hidden RENAME TO tiyin_transaction")
    assert send(CHECK)["result"] == {"allow": True}
