"""``manage.py payme_expire``, ``payme_check`` and ``payme_statement``."""

import io
import json
from argparse import ArgumentTypeError
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from helpers_merchant import TIMEOUT_MS, payme_id
from merchant.django.conftest import SyncPayme
from merchant.django.shop.models import Order
from merchant.django.shop.settings import KEY, PAYME
from tiyin.merchant.integrations.django import api
from tiyin.merchant.integrations.django.management.commands.payme_statement import read_end, read_moment
from tiyin.merchant.integrations.django.models import Transaction
from tiyin.runtime.clock import SystemClock


@pytest.fixture
def payme(shop_database: str) -> Iterator[SyncPayme]:
    del shop_database
    yield SyncPayme(api())
    api().stop_sync()


def run(*arguments: Any, **options: Any) -> str:
    """Run a command, and return what it has printed."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, **options)
    assert KEY not in out.getvalue()
    return out.getvalue()


def test_expiring(payme: SyncPayme) -> None:
    now_ms = SystemClock().now_ms()
    for number in (1, 2, 3):
        assert payme.create(number, number, time=now_ms)["state"] == 1
    long_ago = now_ms - TIMEOUT_MS - 1
    Transaction.objects.filter(id__in=[payme_id(1), payme_id(2)]).update(time_ms=long_ago, due_ms=now_ms - 1)
    assert run("payme_expire", limit=1) == "1 expired\n"
    assert run("payme_expire") == "1 expired\n"
    assert run("payme_expire", desk="default") == "0 expired\n"
    assert list(Transaction.objects.order_by("id").values_list("state", "reason")) == [
        (-1, 4),
        (-1, 4),
        (1, None),
    ]
    assert [order.state for order in Order.objects.filter(pk__lte=3).order_by("pk")] == [
        "waiting",
        "waiting",
        "reserved",
    ]
    with pytest.raises(CommandError, match="there are default"):
        run("payme_expire", desk="nobody")


def test_checking(payme: SyncPayme) -> None:
    del payme
    out = run("payme_check")
    for words in ("merchant.django.shop.payme.Shop", "order_id", "SQLite", "production", "tiyin sandbox run"):
        assert words in out, words
    with override_settings(PAYME={**PAYME, "BILLING": "shop.nowhere"}), pytest.raises(CommandError):
        run("payme_check")
    with override_settings(PAYME={**PAYME, "KEYY": 1}), pytest.raises(CommandError, match="did you mean KEY"):
        run("payme_check")


def test_a_statement(payme: SyncPayme) -> None:
    day_ms = 86_400_000
    first_ms = read_moment("2026-03-01")
    for number, time_ms in enumerate((first_ms - 1, first_ms, first_ms + day_ms - 1, first_ms + day_ms), 1):
        assert payme.create(number, number, time=SystemClock().now_ms())["state"] == 1
        payme.perform(number)
        Transaction.objects.filter(id=payme_id(number)).update(time_ms=time_ms)
    out = run("payme_statement", "--from", "2026-03-01", "--to", "2026-03-01", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["id"] for row in rows] == [payme_id(2), payme_id(3)]
    assert rows[0]["account"] == {"order_id": 2}
    out = run("payme_statement", "--from", "2026-02-28T23:59:59+05:00", "--to", "2026-03-02T00:00")
    assert "2026-03-01 00:00:00" in out
    assert out.endswith("4 transactions, paid UZS 20,000\n")
    assert run("payme_statement", "--from", "2026-03-01", "--to", "2026-03-01", "--desk", "x").startswith(
        "0 "
    )
    with pytest.raises(ArgumentTypeError, match="no date"):
        read_end("yesterday")
