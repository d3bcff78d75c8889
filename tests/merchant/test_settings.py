"""Wrong settings fail when the api is made, with a sentence that says what to change; a shop's own words."""

import re
from typing import Any

import pytest

from helpers_merchant import KEY, Payme, QuietShop
from tiyin.merchant import Billing, MerchantApi, Order
from tiyin.merchant.access import Keys
from tiyin.merchant.billing import Account
from tiyin.merchant.order_billing import AsyncOrderBilling, OrderBilling
from tiyin.merchant.refusals import AccountNotFound
from tiyin.merchant.settings import read_messages
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.sync_billing import SyncBilling
from tiyin.protocol.values import Text

STORE = "sqlite:///payme.db"


class Plain(SyncBilling):
    def check(self, account: Account, amount_tiyin: int) -> Order:
        del account, amount_tiyin
        return Order(amount_tiyin=500_000)


class Awaits(SyncBilling):
    async def check(self, account: Account, amount_tiyin: int) -> Order:  # type: ignore[override]
        raise NotImplementedError


class ByOrder(OrderBilling[str]):
    def check(self, order: str, amount_tiyin: int) -> Order:
        raise NotImplementedError


class AwaitsByOrder(AsyncOrderBilling[str]):
    async def check(self, order: str, amount_tiyin: int) -> Order:
        raise NotImplementedError


class Fields(Plain):
    def __init__(self, fields: Any) -> None:
        self.account_fields = fields


class Blocking(OwnStore):
    """As a store over Django's ORM is."""

    blocking = True  # type: ignore[misc]
    detached = False  # type: ignore[misc]


class Awaiting(OwnStore):
    """As a store over an AsyncSession is."""

    detached = False  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"billing": QuietShop}, "give a shop, not its class: QuietShop()"),
        ({"billing": object()}, "a shop is derived from Billing"),
        ({"billing": Billing()}, "must say what may be paid: write its hook check"),
        ({"billing": SyncBilling()}, "must say what may be paid: write its hook check"),
        ({"billing": Awaits()}, "Awaits.check is 'async def', and SyncBilling's hooks are plain functions"),
        ({"billing": Fields("order_id")}, 'write ("order_id",) with its comma'),
        ({"billing": Fields(["order_id", 5])}, "is a tuple of the cash desk's field names"),
        ({"billing": Fields(["order_id", ""])}, "is a tuple of the cash desk's field names"),
        ({"billing": Fields({"order_id"})}, "is a tuple of the cash desk's field names"),
        ({"billing": Fields(("a", "a"))}, "names a field twice"),
        ({"billing": ByOrder()}, "give a store in the shop's own database, or derive it from Billing"),
        ({"billing": AwaitsByOrder()}, "give a store in the shop's own database"),
        ({"billing": QuietShop(), "store": Blocking(STORE)}, "derive it from SyncBilling"),
        ({"billing": AwaitsByOrder(), "store": Blocking(STORE)}, "derive it from OrderBilling"),
        ({"billing": Plain(), "store": Awaiting(STORE)}, "derive it from Billing"),
        ({"billing": ByOrder(), "store": Awaiting(STORE)}, "derive it from AsyncOrderBilling"),
        ({"store": "mysql://root:secret@host/name"}, "sqlite:///payme.db or postgresql://"),
        ({"store": OwnStore}, "give a store, not its class: OwnStore(...)"),
        ({"key": ""}, "a shop needs that key: it is empty"),
        ({"login": ""}, "a word without a colon"),
        ({"login": "Pay:com"}, "a word without a colon"),
        ({"patience_s": 0}, "more than 0, not 0"),
        ({"patience_s": float("nan")}, "more than 0, not nan"),
        ({"sweep_every_s": -1}, "a number of seconds above 0, not -1"),
        ({"messages": {-1: {}}}, "-1 is no code that a shop answers"),
        ({"messages": {-31050: {"ru": "Нет"}}}, "the message of -31050 needs its three languages"),
        ({"messages": {-31050: None}}, "needs its three languages"),
        ({"messages": {-31050: {"ru": "Нет", "uz": "", "en": "No"}}}, "in uz is no text"),
        ({"messages": {-31050: {"ru": " ", "uz": "Yoʻq", "en": "No"}}}, "in ru is no text"),
        ({"messages": {-31050: {"ru": "Нет", "uz": "Yoʻq", "en": 5}}}, "in en is no text"),
        ({"messages": {-31050: {"ru": "Нет", "uz": "Yoʻq", "en": "N\0"}}}, "in en is no text"),
        ({"messages": {-31050: Text(ru="", uz="Yoʻq", en="No")}}, "in ru is no text"),
        ({"messages": {-31050: {"ru": "Нет", "uz": "Yoʻq", "en": "N" * 1025}}}, "has more than 1024"),
    ],
)
def test_what_cannot_work_is_refused(arguments: dict[str, Any], sentence: str) -> None:
    """Goal: a developer reads what to change, and no secret of his stands in the text."""
    with pytest.raises((TypeError, ValueError), match=re.escape(sentence)) as refusal:
        MerchantApi(**{"billing": QuietShop(), "store": STORE, "key": KEY, **arguments})
    assert "secret" not in str(refusal.value)
    assert KEY not in str(refusal.value)


@pytest.mark.parametrize(
    ("billing", "store"),
    [
        (QuietShop(), STORE),
        (Plain(), STORE),
        (Fields(["order_id"]), "postgresql://me@here/there"),
        (Plain(), Blocking(STORE)),
        (ByOrder(), Blocking(STORE)),
        (QuietShop(), Awaiting(STORE)),
        (AwaitsByOrder(), Awaiting(STORE)),
    ],
)
def test_what_can_work(billing: Any, store: Any) -> None:
    MerchantApi(billing, store, Keys(test="t", mode="test"))


def test_words_of_the_shop_s_own_are_read() -> None:
    words = Text(ru="Нет", uz="Yoʻq", en="No")
    assert read_messages(None) == {}
    assert read_messages({-31050: words, -31001: {"ru": "Нет", "uz": "Yoʻq", "en": "No"}}) == {
        -31050: words,
        -31001: words,
    }


class Words(QuietShop):
    """Has words of its own for one order."""

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        if account["order_id"] == "777":
            raise AccountNotFound("order_id", Text(ru="Семь", uz="Yetti", en="Seven"))
        return await super().check(account, amount_tiyin)


async def test_words_of_the_shop_s_own_are_told(tmp_path: Any) -> None:
    """Goal: settings replace the kit's words, a hook's words go before them, other codes keep theirs."""
    words = {"ru": "Такого нет", "uz": "Bunday yoʻq", "en": "There is none"}
    api = MerchantApi(Words(), f"sqlite:///{tmp_path}/payme.db", KEY, messages={-31050: words})
    async with api:
        payme = Payme(api)

        async def told(order: str, amount: int = 500_000) -> Any:
            body = (
                '{"method":"CheckPerformTransaction","params":'
                f'{{"amount":{amount},"account":{{"order_id":"{order}"}}}}}}'
            )
            return (await payme.send(body.encode()))["error"]

        assert (await told("none"))["message"] == words
        assert (await told("none"))["data"] == "order_id"
        assert (await told("777"))["message"]["en"] == "Seven"
        wrong = await told("1", 5)
        assert (wrong["code"], set(wrong["message"])) == (-31001, {"ru", "uz", "en"})
        assert wrong["message"] != words
