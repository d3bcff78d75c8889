"""The envelope: what is judged before a method, in which order, and what every answer looks like."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from helpers_merchant import KEY, NOW_MS, Books, Payme, QuietShop, payme_id
from tiyin.merchant.access import PAYME_ADDRESSES, AddressList, Keys
from tiyin.merchant.api import Call, MerchantApi
from tiyin.merchant.billing import Account, Order
from tiyin.merchant.stores.own import OwnStore
from tiyin.protocol.authorization import write_basic
from tiyin.protocol.merchant_api import METHODS, Receiver
from tiyin.runtime.clock import ManualClock

NEW_KEY = "another:key%of36characters?1234567890"
FISCAL = {
    "receipt_id": 121,
    "status_code": 0,
    "message": "accepted",
    "terminal_id": "EP000000000025",
    "fiscal_sign": "800031554082",
    "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=121&c=20220706221021&s=800031554082",
    "date": "20220706221021",
}


def open_api(url: str, shop: QuietShop | None = None, key: str | Keys = KEY, **options: Any) -> MerchantApi:
    clock = ManualClock(NOW_MS)
    store = OwnStore(url, clock=clock, patience_s=0.3)
    return MerchantApi(shop or Books(), store, key, clock=clock, patience_s=0.3, **options)


@pytest.fixture
async def api(sqlite_url: str) -> AsyncIterator[MerchantApi]:
    async with open_api(sqlite_url, allow_change_password=True) as opened:
        yield opened


def body(method: Any = "CheckTransaction", params: Any = None, **envelope: Any) -> bytes:
    return json.dumps({"method": method, "params": {} if params is None else params, **envelope}).encode()


async def test_the_order_of_the_checks(api: MerchantApi) -> None:
    """Goal: each broken thing hides those that are judged later. Method: mend one at a time."""
    payme = Payme(api)
    bad = '{"id": 7, "method": "NoSuchMethod", "params": []}'
    for method in ("GET", "PUT", "HEAD"):
        assert (await payme.send(b"{", method=method, authorization=None))["error"]["code"] == -32300
    assert (await payme.send(b"{", authorization=None))["error"]["code"] == -32504
    assert (await payme.send(b"{"))["error"]["code"] == -32700
    assert (await payme.send(bad.encode()))["error"]["code"] == -32600
    unknown = await payme.send(body("NoSuchMethod", id=7))
    assert (unknown["error"]["code"], unknown["error"]["data"], unknown["id"]) == (-32601, "NoSuchMethod", 7)
    assert (await payme.send(body("CreateTransaction", {"id": 5}, id=7)))["error"]["code"] == -32600
    assert (await payme.send(body(params={"id": payme_id(1)})))["error"]["code"] == -31003


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Bearer " + KEY,
        write_basic("Paycom", "wrong"),
        write_basic("paycom", KEY),
        write_basic("Paycom", ""),
        write_basic("Paycom", KEY + "x"),
        "Basic UGF5Y29tOlV6Y2FyZDpzb21lUmFuZG9tU3RyaW5nMTU0NTM0MzU0MzU0NQ==",
    ],
)
async def test_wrong_authorization_of_every_method(api: MerchantApi, header: str | None) -> None:
    for method in METHODS:
        reply = await Payme(api).send(body(method, id=42), authorization=header)
        assert reply["error"]["code"] == -32504
        assert set(reply["error"]["message"]) == {"ru", "uz", "en"}
        assert reply["id"] == 42


@pytest.mark.parametrize("request_id", [1, "text", None])
async def test_ids_are_echoed(api: MerchantApi, request_id: Any) -> None:
    params = {"id": payme_id(1)}
    assert (await Payme(api).send(body(params=params, id=request_id)))["id"] == request_id
    assert (await Payme(api).send(body(params=params)))["id"] is None


@pytest.mark.parametrize("request_id", [True, 1.5, [1], {"a": 1}])
async def test_other_ids_are_refused(api: MerchantApi, request_id: Any) -> None:
    reply = await Payme(api).send(body(params={"id": payme_id(1)}, id=request_id))
    assert (reply["error"]["code"], reply["id"]) == (-32600, None)


@pytest.mark.parametrize(
    "broken",
    [
        b"[]",
        b'[{"method":"CheckTransaction"}]',
        b"1",
        b'"x"',
        b"null",
        b'{"method":5}',
        b'{"params":{}}',
        b'{"method":"CheckTransaction","params":[]}',
        b"{" + b" " * 300_000 + b"}",
        b'{"method":"CheckTransaction","params":' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}",
    ],
)
async def test_broken_envelopes(api: MerchantApi, broken: bytes) -> None:
    assert (await Payme(api).send(broken))["error"]["code"] == -32600


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff\xfe", b'{"method":"x"}}', b"no json"])
async def test_broken_json(api: MerchantApi, broken: bytes) -> None:
    assert (await Payme(api).send(broken))["error"]["code"] == -32700


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", True),
        ("amount", "500000"),
        ("amount", 500000.5),
        ("amount", None),
        ("account", []),
        ("account", {"order_id": [1]}),
        ("account", {"order_id": "\x00"}),
        ("time", "now"),
        ("time", -1),
        ("id", "short"),
        ("id", 5),
    ],
)
async def test_parameters_of_a_wrong_type(api: MerchantApi, name: str, value: Any) -> None:
    params = {"id": payme_id(1), "time": NOW_MS, "amount": 500_000, "account": {"order_id": "1"}, name: value}
    assert (await Payme(api).send(body("CreateTransaction", params)))["error"]["code"] == -32600
    assert await Payme(api).check(1) == -31003


async def test_a_missing_account_field_is_named(api: MerchantApi) -> None:
    """The shop simply looks the field up: the kit turns its absence into the documented answer."""
    reply = await Payme(api).send(body("CheckPerformTransaction", {"amount": 5, "account": {"phone": "1"}}))
    assert (reply["error"]["code"], reply["error"]["data"]) == (-31050, "order_id")


async def test_declared_account_fields_are_compared(sqlite_url: str) -> None:
    class Strict(QuietShop):
        account_fields = ("order_id", "phone")

    async with open_api(sqlite_url, Strict()) as api:
        for account, field in (
            ({"order_id": "1"}, "phone"),
            ({"phone": "1", "order_id": ""}, "order_id"),
            ({"order_id": "1", "phone": "2", "note": "x"}, "note"),
        ):
            reply = await Payme(api).send(
                body("CheckPerformTransaction", {"amount": 500_000, "account": account})
            )
            assert -31099 <= reply["error"]["code"] <= -31050
            assert reply["error"]["data"] == field


async def test_addresses(sqlite_url: str) -> None:
    addresses = AddressList(PAYME_ADDRESSES, trusted_proxies=["10.0.0.0/8", "::1"])
    async with open_api(sqlite_url, addresses=addresses) as api:
        for address, forwarded, may in (
            ("185.234.113.15", None, True),
            ("::ffff:185.234.113.1", None, True),
            ("185.234.113.16", None, False),
            ("8.8.8.8", "185.234.113.1", False),  # only own proxies are believed
            ("10.0.0.1", "185.234.113.1", True),
            ("10.0.0.1", "185.234.113.1, 8.8.8.8", False),  # what the caller wrote himself comes first
            ("10.0.0.1", "8.8.8.8, 185.234.113.1, 10.2.3.4", True),
            ("10.0.0.1", "nonsense", False),
            ("10.0.0.1", None, False),
            (None, "185.234.113.1", False),
        ):
            reply = await Payme(api).send(
                body(params={"id": payme_id(1)}, id=3), address=address, forwarded=forwarded
            )
            assert reply["error"]["code"] == (-31003 if may else -32504), (address, forwarded)
            assert reply["id"] == 3


@pytest.mark.parametrize(
    ("mode", "opens"),
    [("production", {"live"}), ("test", {"sandbox"}), ("either", {"live", "sandbox"})],
)
async def test_the_key_follows_the_mode(sqlite_url: str, mode: Any, opens: set[str]) -> None:
    async with open_api(sqlite_url, key=Keys(production="live", test="sandbox", mode=mode)) as api:
        for key in ("live", "sandbox", ""):
            code = await Payme(api, key).check(1)
            assert (code == -31003) is (key in opens)


def test_settings_that_cannot_work() -> None:
    with pytest.raises(ValueError, match="needs that key"):
        Keys(production="x", mode="test")
    with pytest.raises(ValueError, match="needs that key"):
        Keys(production="")
    with pytest.raises(ValueError, match="mode"):
        Keys(production="x", mode="live")  # type: ignore[arg-type]  # the mistake itself
    assert "live" not in repr(Keys(production="live"))
    with pytest.raises(ValueError, match="does not appear"):
        AddressList(["no address"])


async def test_change_password(sqlite_url: str) -> None:
    """Goal: the old key is good until the new one is used, across restarts, and in another process too."""
    shop = Books()
    async with (
        open_api(sqlite_url, shop, allow_change_password=True) as api,
        open_api(sqlite_url, shop, allow_change_password=True) as other,
    ):
        old, new = Payme(api), Payme(api, NEW_KEY)
        assert await new.check(1) == -32504
        assert await old.call("ChangePassword", password=NEW_KEY) == {"success": True}
        assert await old.call("ChangePassword", password=NEW_KEY) == {"success": True}
        assert shop.passwords == [NEW_KEY, NEW_KEY]
        assert await old.check(1) == -31003
        assert await Payme(other, NEW_KEY).check(1) == -31003
        assert await Payme(other).check(1) == -32504
    async with open_api(sqlite_url, shop, allow_change_password=True) as api:
        assert await Payme(api).check(1) == -32504
        assert await Payme(api, NEW_KEY).check(1) == -31003
    # Once the settings have another key, what was stored is void.
    third = "a third key that the cabinet showed"
    async with open_api(sqlite_url, shop, key=third, allow_change_password=True) as api:
        assert await Payme(api, NEW_KEY).check(1) == -32504
        assert await Payme(api, third).check(1) == -31003
    async with open_api(sqlite_url, shop, key=NEW_KEY, allow_change_password=True) as api:
        assert await Payme(api, NEW_KEY).check(1) == -31003
        assert await Payme(api, NEW_KEY).call("ChangePassword", password=KEY) == {"success": True}
        assert await Payme(api).check(1) == -31003
        assert await Payme(api, NEW_KEY).check(1) == -32504


async def test_change_password_is_served_only_where_allowed(sqlite_url: str) -> None:
    async with open_api(sqlite_url) as api:
        assert await Payme(api).call("ChangePassword", password=NEW_KEY) == -32601


def bytes_of(sqlite_url: str) -> bytes:
    return Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()


async def test_no_key_in_the_database(sqlite_url: str) -> None:
    async with open_api(sqlite_url, allow_change_password=True) as api:
        await Payme(api).call("ChangePassword", password=NEW_KEY)
        await Payme(api, NEW_KEY).check(1)
    stored = bytes_of(sqlite_url)
    assert b"payme_keys" in stored
    assert NEW_KEY.encode() not in stored
    assert KEY.encode() not in stored


async def test_fiscal_data(sqlite_url: str) -> None:
    shop, clock = Books(), ManualClock(NOW_MS)
    store = OwnStore(sqlite_url, clock=clock)
    async with MerchantApi(shop, store, KEY, clock=clock) as api:
        payme = Payme(api)
        call = {"id": payme_id(1), "type": "PERFORM", "fiscal_data": FISCAL}
        unknown = await payme.send(body("SetFiscalData", call))
        assert unknown["error"]["code"] == -32001
        assert isinstance(unknown["error"]["message"], str)
        await payme.create(1)
        cancel = {**call, "type": "CANCEL", "fiscal_data": {**FISCAL, "receipt_id": "123"}}
        for params in (call, cancel, cancel):
            assert await payme.call("SetFiscalData", **params) == {"success": True}
        for kind, receipt in (("PERFORM", 121), ("CANCEL", 123)):
            kept = await store.fiscal(f"{payme_id(1)}:{kind}")
            assert kept is not None
            assert json.loads(kept.data) == {**FISCAL, "receipt_id": receipt}
        assert [notice.transaction is not None for notice in shop.notices] == [False, True, True, True]
        shop.knows_receipts = True
        assert await payme.call("SetFiscalData", **{**call, "id": "any receipt"}) == {"success": True}


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("type", "REFUND", "type"),
        ("id", 5, "id"),
        ("fiscal_data", None, "fiscal_data"),
        ("fiscal_data", {**FISCAL, "receipt_id": "x"}, "fiscal_data.receipt_id"),
    ],
)
async def test_bad_fiscal_data_names_the_parameter(
    api: MerchantApi, name: str, value: Any, field: str
) -> None:
    call = {"id": payme_id(1), "type": "PERFORM", "fiscal_data": FISCAL, name: value}
    reply = await Payme(api).send(body("SetFiscalData", call))
    assert (reply["error"]["code"], reply["error"]["data"]) == (-32602, field)
    assert field in reply["error"]["message"]
    assert isinstance(reply["error"]["message"], str)


async def test_receivers_additional_and_detail(sqlite_url: str) -> None:
    parts = [Receiver(payme_id(7), 200_000), Receiver(payme_id(8), 300_000)]
    sample: dict[str, Any] = {
        "receipt_type": 0,
        "shipping": {"title": "Доставка до ттз-4 28/23", "price": 500000},
        "items": [
            {
                "discount": 10000,
                "title": "Помидоры",
                "price": 505000,
                "count": 2,
                "code": "00702001001000001",
                "units": 241092,
                "vat_percent": 15,
                "package_code": "123456",
            }
        ],
    }

    class Split(QuietShop):
        receivers = parts

        async def check(self, account: Account, amount_tiyin: int) -> Order:
            del account, amount_tiyin
            return Order(
                amount_tiyin=500_000,
                receivers=self.receivers,
                additional={"balance": 5},
                detail=sample,
            )

    shop = Split()
    async with open_api(sqlite_url, shop) as api:
        payme = Payme(api)
        assert await payme.check_perform() == {"allow": True, "additional": {"balance": 5}, "detail": sample}
        expected = [{"id": payme_id(7), "amount": 200_000}, {"id": payme_id(8), "amount": 300_000}]
        created = await payme.create(1)
        assert created["receivers"] == expected
        assert await payme.create(1) == created
        assert (await payme.statement())[0]["receivers"] == expected
        shop.receivers = parts[:1]
        assert (
            await payme.create(2, order="2") == -32400
        )  # a split that does not add up is the shop's mistake
        del sample["items"][0]["code"]
        shop.receivers = parts
        assert await payme.check_perform(order="3") == -32400


async def test_a_long_statement_comes_in_pieces(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiyin.merchant.methods.STATEMENT_PAGE", 3)
    async with open_api(sqlite_url, QuietShop()) as api:
        payme = Payme(api)
        assert await payme.statement() == []
        for count in range(1, 8):
            await payme.create(count, order=str(count), time=NOW_MS - count % 2)
            rows = await payme.statement()
            assert len(rows) == count
            assert rows == sorted(rows, key=lambda row: (row["time"], row["id"]))
        request = body("GetStatement", {"from": 0, "to": NOW_MS}, id='[]"x"')
        reply = await api.handle(Call("POST", request, write_basic("Paycom", KEY)))
        assert reply.more is not None
        pieces = [reply.body] + [piece async for piece in reply.more]
        assert json.loads(b"".join(pieces))["id"] == '[]"x"'
        assert len(pieces) == 4


async def test_unforeseen_errors_are_logged_and_never_told(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(QuietShop):
        async def check(self, account: Account, amount_tiyin: int) -> Order:
            del account, amount_tiyin
            raise RuntimeError("password=hunter2")

    async with open_api(sqlite_url, Broken()) as api:
        reply = await Payme(api).send(
            body("CheckPerformTransaction", {"amount": 5, "account": {"a": "b"}}, id=77)
        )
    assert reply["error"]["code"] == -32400
    assert "hunter2" not in json.dumps(reply)
    logged = caplog.text
    assert logged.count("payme_call_failed") == 1
    assert "77" in logged
    assert "RuntimeError" in logged
