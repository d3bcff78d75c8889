"""Payments in Django's admin, as a person sees them."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from helpers_merchant import payme_id
from merchant.django.conftest import SyncPayme
from tiyin.merchant.integrations.django import api
from tiyin.merchant.integrations.django.models import FiscalDocument, Transaction
from tiyin.runtime.clock import SystemClock

LIST = "/admin/tiyin/transaction/"
DOCUMENTS = "/admin/tiyin/fiscaldocument/"
TAX = "https://ofd.soliq.uz/epi?t=EP000000000025&r=1&c=20220101"


@pytest.fixture
def payme(shop_database: str) -> Iterator[SyncPayme]:
    """Three transactions: one waits, one is paid and has its receipt, one was cancelled."""
    del shop_database
    calling = SyncPayme(api())
    now_ms = SystemClock().now_ms()
    for number in (1, 2, 3):
        calling.create(number, number, time=now_ms)
    calling.perform(2)
    calling.cancel(3, 5)
    data = {"receipt_id": 121, "qr_code_url": TAX}
    calling.call("SetFiscalData", id=payme_id(2), type="PERFORM", fiscal_data=data)
    yield calling
    api().stop_sync()
    User.objects.all().delete()


@pytest.fixture
def admin(payme: SyncPayme) -> Client:
    del payme
    client = Client()
    client.force_login(User.objects.create_superuser("boss", password="not used"))
    return client


def page(client: Client, path: str, language: str = "en") -> str:
    response = client.get(path, headers={"Accept-Language": language})
    assert response.status_code == 200, path
    return response.content.decode()


def ids(html: str) -> list[str]:
    return re.findall(r"/transaction/([0-9a-f]{24})/", html)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["UZS 5,000", "waiting", "paid", "cancelled", "order_id: 2", "Past 7 days"]),
        ("ru", ["5 000 сум", "ожидает оплаты", "оплачена", "отменена", "Сумма", "Транзакции"]),
        ("uz", ["5 000 soʻm", "toʻlov kutilmoqda", "toʻlangan", "bekor qilingan", "Summa", "Tranzaksiyalar"]),
    ],
)
def test_the_list(admin: Client, language: str, words: list[str]) -> None:
    html = page(admin, LIST, language)
    assert ids(html) == [payme_id(3), payme_id(2), payme_id(1)]
    for word in words:
        assert word in html.replace("\xa0", " "), word


def test_searching_and_filtering(admin: Client) -> None:
    assert ids(page(admin, f"{LIST}?q={payme_id(2)}")) == [payme_id(2)]
    assert ids(page(admin, f"{LIST}?q=order_id%22%3A3")) == [payme_id(3)]
    assert ids(page(admin, f"{LIST}?state=2")) == [payme_id(2)]
    assert ids(page(admin, f"{LIST}?state=-1")) == [payme_id(3)]
    assert len(ids(page(admin, f"{LIST}?state=nonsense&days=nonsense"))) == 3
    assert len(ids(page(admin, f"{LIST}?days=1"))) == 3
    Transaction.objects.filter(id=payme_id(1)).update(time_ms=SystemClock().now_ms() - 8 * 86_400_000)
    assert len(ids(page(admin, f"{LIST}?days=7"))) == 2
    assert len(ids(page(admin, f"{LIST}?days=31"))) == 3


def test_one_transaction_and_its_receipt(admin: Client) -> None:
    html = page(admin, f"{LIST}{payme_id(2)}/change/", "ru")
    assert "5 000 сум" in html.replace("\xa0", " ")
    assert TAX.replace("&", "&amp;") in html
    assert "PERFORM 121" in html
    assert '<input type="text"' not in html
    cancelled = page(admin, f"{LIST}{payme_id(3)}/change/", "uz")
    assert "5: pul qaytarildi" in cancelled
    documents = page(admin, DOCUMENTS)
    assert TAX.replace("&", "&amp;") in documents
    assert page(admin, f"{DOCUMENTS}{payme_id(2)}_3APERFORM/change/")


def test_an_address_that_is_none_is_no_link(admin: Client) -> None:
    """Goal: what came from outside runs nothing in the shop's own pages."""
    FiscalDocument.objects.create(
        id=f"{payme_id(1)}:PERFORM",
        data='{"receipt_id":"<b>1</b>","qr_code_url":"javascript:alert(1)"}',
        received_ms=1,
    )
    html = page(admin, DOCUMENTS)
    assert "javascript:" not in html
    assert "<b>1</b>" not in html
    assert "&lt;b&gt;1" in html


def test_nothing_can_be_changed(admin: Client) -> None:
    """Goal: not even by a superuser, and not by posting what no page offers."""
    before = list(Transaction.objects.values())
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(f"{LIST}{payme_id(1)}/change/", {"state": "2"}).status_code == 403
    assert admin.post(f"{LIST}{payme_id(1)}/delete/", {"post": "yes"}).status_code == 403
    admin.post(LIST, {"action": "delete_selected", "_selected_action": [payme_id(1)], "post": "yes"})
    assert list(Transaction.objects.values()) == before
    assert "delete_selected" not in page(admin, LIST)


def test_keys_are_not_there_at_all(admin: Client) -> None:
    assert admin.get("/admin/tiyin/deskkey/").status_code == 404
