"""The checks of input: a correct server passes them all, and each fault is found by its own kind."""

import base64
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar, cast

import pytest

from helpers_merchant import KEY, PRICE_TIYIN, Books, QuietShop
from sandbox.zoo.edge import Params, Refused
from sandbox.zoo.merchant import Merchant, Order
from sandbox.zoo.serving import served
from sandbox.zoo.species import Species, opened
from sandbox.zoo.wire import Request, Response
from tiyin.merchant import MerchantApi, payme_app
from tiyin.merchant.stores.own import OwnStore
from tiyin.runtime.ids import SystemIds
from tiyin.sandbox.checks.bad_input import not_existing
from tiyin.sandbox.exchange import Answer, Exchange
from tiyin.sandbox.expect import ACCOUNT_CODES, code_of, expected_codes, result_of, value_of
from tiyin.sandbox.findings import Report, Verdict
from tiyin.sandbox.problems import KINDS, Wrong
from tiyin.sandbox.registry import checks_in
from tiyin.sandbox.runner import run
from tiyin.sandbox.talk import Reply, Talk
from tiyin.sandbox.target import AccountKind, Target

GROUPS = ("envelope", "authorization", "account", "amount", "check")


def told(report: Report) -> list[str]:
    return [
        f"{one.check}: {one.problem.kind.code}: expected {one.problem.expected}, got {one.problem.got}"
        for one in report.primary
        if one.problem is not None
    ]


def primary(report: Report) -> set[str]:
    return {one.problem.kind.code for one in report.primary if one.problem is not None}


@asynccontextmanager
async def kit(url: str, kind: AccountKind) -> AsyncIterator[Target]:
    one_time = kind is AccountKind.ONE_TIME
    api = MerchantApi(Books() if one_time else QuietShop(), OwnStore(url), KEY, allow_change_password=True)
    account: dict[str, str | int] = {"order_id": "1" if one_time else "b1"}
    async with served(payme_app(api)) as port:
        yield Target(
            endpoint=f"http://127.0.0.1:{port}/",
            key=KEY,
            account=account,
            amount_tiyin=PRICE_TIYIN,
            kind=kind,
            change_password=True,
        )


async def look(merchant: type[Merchant], kind: AccountKind = AccountKind.ONE_TIME) -> Report:
    species = Species("one", "", merchant, kind, change_password=True)
    async with opened(species) as (target, _):
        return await run(target, only=GROUPS)


@pytest.mark.parametrize("kind", list(AccountKind))
async def test_the_kit_passes(sqlite_url: str, kind: AccountKind) -> None:
    """Goal: nothing is found, nothing skipped, though there is only one account."""
    async with kit(sqlite_url, kind) as target:
        report = await run(target, only=GROUPS)
    assert told(report) == []
    assert report.count(Verdict.SKIPPED) == 0


@pytest.mark.parametrize("kind", list(AccountKind))
async def test_a_correct_merchant_passes(kind: AccountKind) -> None:
    report = await look(Merchant, kind)
    assert told(report) == []
    assert report.count(Verdict.SKIPPED) == 0


async def test_the_documented_three_are_marked() -> None:
    """Goal: wrong authorization, wrong amount and unknown account belong to the documentation's scenarios."""
    documented = {one.id for one in checks_in(AccountKind.ONE_TIME) if one.documented}
    assert documented >= {
        "authorization.every-method",
        "amount.wrong-at-check",
        "amount.wrong-at-create",
        "account.unknown-at-check",
        "account.unknown-at-create",
    }


class LetsPerformPass(Merchant):
    """PerformTransaction asks for no authorization."""

    async def reply(self, request: Request) -> dict[str, Any]:
        if b'"PerformTransaction"' in request.body:
            right = base64.b64encode(f"Paycom:{self.keys[0]}".encode()).decode()
            request = request._replace(headers={"authorization": f"Basic {right}"})
        return await super().reply(request)


class AnyScheme(Merchant):
    """The scheme of the authorization is not looked at."""

    def credentials(self, header: str | None) -> tuple[str, str]:
        return super().credentials(None if header is None else f"Basic {header.rpartition(' ')[2]}")


class ReadsFirst(Merchant):
    """Broken JSON is told to anybody."""

    async def reply(self, request: Request) -> dict[str, Any]:
        call = self.parse(request.body)
        if isinstance(call, Exception) and request.method == "POST":
            return self.write_error(None, -32700, None)
        return await super().reply(request)


class NeedsJsonrpc(Merchant):
    """A request without jsonrpc is refused."""

    def read_envelope(self, call: Any) -> tuple[str, Params]:
        method, params = super().read_envelope(call)
        if "jsonrpc" not in call:
            raise Refused(-32600)
        return method, params


class OnlyApplicationJson(Merchant):
    """Another content type is not read."""

    async def answer(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("application/json"):
            return Response(b"Unsupported Media Type", 415)
        return await super().answer(request)


class AnyId(Merchant):
    """An id of any type is taken."""

    def read_envelope(self, call: Any) -> tuple[str, Params]:
        return super().read_envelope({**call, "id": 1} if isinstance(call, dict) else call)


class NeedsNumber(Merchant):
    """A request whose id is no number is refused."""

    def read_envelope(self, call: Any) -> tuple[str, Params]:
        found = super().read_envelope(call)
        if type(call.get("id")) is not int:
            raise Refused(-32600)
        return found


class CutsText(Merchant):
    """An order's number is read up to its first character that is no digit."""

    def find_order(self, account: dict[str, Any]) -> Order:
        text = str(account.get("order_id"))
        digits = text[: next((at for at, letter in enumerate(text) if not letter.isdigit()), len(text))]
        return super().find_order({"order_id": digits})


class OnlyText(Merchant):
    """An order's number must be text."""

    def find_order(self, account: dict[str, Any]) -> Order:
        if not isinstance(account.get("order_id"), str):
            raise self.no_such_order()
        return super().find_order(account)


class OnlyNumbers(Merchant):
    """What is no number throws it."""

    def find_order(self, account: dict[str, Any]) -> Order:
        try:
            int(account.get("order_id", 0))
        except ValueError:
            raise Refused(-32400) from None
        return super().find_order(account)


class NoPoint(Merchant):
    """A whole amount that is written with a point is refused."""

    def read_amount(self, params: Params) -> int:
        if isinstance(params.get("amount"), float):
            raise Refused(-32600)
        return super().read_amount(params)


class CountsIn32Bits(Merchant):
    """An amount is cut to 32 bits."""

    def read_amount(self, params: Params) -> int:
        return super().read_amount(params) & 0xFFFFFFFF


class ChecksOnce(Merchant):
    """An order that was checked is reserved."""

    def allowed(self, order: Order) -> Any:
        order.state = "checked"
        return super().allowed(order)


class WrongCodeForTypes(Merchant):
    """An amount that is no number is a wrong amount."""

    def read_amount(self, params: Params) -> int:
        try:
            return super().read_amount(params)
        except Refused:
            raise self.wrong_amount() from None


class AllowsInWords(Merchant):
    """It allows in words."""

    def allowed(self, order: Order) -> Any:
        del order
        return {"allow": "true"}


class Allows(Merchant):
    answer_more: ClassVar[dict[str, Any]] = {}

    def allowed(self, order: Order) -> Any:
        return {**super().allowed(order), **self.answer_more}


class BadDetail(Allows):
    """The IKPU has too few digits."""

    answer_more: ClassVar[dict[str, Any]] = {
        "detail": {
            "receipt_type": 0,
            "items": [
                {
                    "title": "T",
                    "price": 500_000,
                    "count": 1,
                    "code": "0070200100100000",
                    "package_code": "123456",
                    "vat_percent": 12,
                }
            ],
        }
    }


class BadAdditional(Allows):
    answer_more: ClassVar[dict[str, Any]] = {"additional": "text"}


@pytest.mark.parametrize(
    ("merchant", "expected"),
    [
        (LetsPerformPass, "authorization-wrong-key-accepted"),
        (AnyScheme, "authorization-malformed-accepted"),
        (ReadsFirst, "authorization-late"),
        (NeedsJsonrpc, "jsonrpc-required"),
        (OnlyApplicationJson, "content-type-refused"),
        (AnyId, "id-type-accepted"),
        (NeedsNumber, "id-kind-refused"),
        (CutsText, "account-read-loosely"),
        (OnlyText, "account-type-strict"),
        (OnlyNumbers, "internal-error-on-bad-input"),
        (NoPoint, "amount-float-refused"),
        (CountsIn32Bits, "amount-not-checked-at-check"),
        (ChecksOnce, "check-repeat-differs"),
        (WrongCodeForTypes, "types-code"),
        (AllowsInWords, "allow-missing"),
        (BadDetail, "check-detail"),
        (BadAdditional, "check-additional"),
    ],
)
async def test_a_fault_is_found(merchant: type[Merchant], expected: str) -> None:
    """Goal: the fault's own kind is found, and is primary."""
    report = await look(merchant)
    assert primary(report) == {expected}, told(report)
    assert report.count(Verdict.SKIPPED) == 0


def reply_of(body: dict[str, Any]) -> Reply:
    error = body.get("error")
    return Reply(
        exchange=Exchange(
            method="POST", url="http://shop/", headers=(), body=b"", answer=Answer(200, (), b"{}")
        ),
        body=body,
        result=body.get("result"),
        error=error,
        code=None if error is None else error.get("code"),
    )


def test_what_is_expected_is_returned_or_raised() -> None:
    """Goal: the helpers tell a right answer from a wrong one, and true from 1."""
    kind, accepted = KINDS["amount-code"], KINDS["amount-unit"]
    assert result_of(reply_of({"result": {"allow": True}}), kind) == {"allow": True}
    assert code_of(reply_of({"error": {"code": -31050}}), ACCOUNT_CODES, kind) == -31050
    assert value_of(reply_of({"result": {"state": 1}}), "state", 1, kind) == 1
    wrong: list[tuple[str, Callable[[], object]]] = [
        ("amount-code", lambda: result_of(reply_of({"error": {"code": -31001}}), kind)),
        ("amount-code", lambda: code_of(reply_of({"error": {"code": -31100}}), ACCOUNT_CODES, kind)),
        ("amount-unit", lambda: code_of(reply_of({"result": {}}), ACCOUNT_CODES, kind, accepted=accepted)),
        ("amount-code", lambda: value_of(reply_of({"result": {"allow": 1}}), "allow", True, kind)),
        ("authorization-right-refused", lambda: result_of(reply_of({"error": {"code": -32504}}), kind)),
    ]
    for found, ask in wrong:
        with pytest.raises(Wrong) as raised:
            ask()
        assert raised.value.problem.kind.code == found


def test_codes_are_told_shortly() -> None:
    assert expected_codes(ACCOUNT_CODES) == "error.code -31050..-31099"
    assert expected_codes({*ACCOUNT_CODES, -32600}) == "error.code -31050..-31099 or -32600"
    assert expected_codes((-31001,)) == "error.code -31001"


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (7, None),
        ("7", r"21\d{8}"),
        ("b1", r"[ac-f][02-9]21\d{8}"),
        ("ORD-12", r"[A-Z]{3}-\d\d21\d{8}"),
        ("53327b3fc92af52c0b72b695", r"[0-9a-f]{24}"),
    ],
)
def test_what_does_not_exist_looks_like_what_does(value: str | int, shape: str | None) -> None:
    """Goal: the type is kept, the shape where it leaves enough room, and no character stays."""
    ids = SystemIds()

    class OnlyIds:
        def new_id(self) -> str:
            return ids.new(1_700_000_000_000)

    made = not_existing(cast("Talk", OnlyIds()), {"order_id": value})["order_id"]
    if shape is None:
        assert isinstance(made, int)
        assert 2_100_000_000 <= made < 1 << 31
    else:
        assert re.fullmatch(shape, str(made))
        assert all(one != other or one == "-" for one, other in zip(str(value), str(made), strict=False)) or (
            value == "7"
        )
