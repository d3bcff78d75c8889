"""`ModelBilling`: what payers type, and the columns that it is looked up in."""

import uuid
from typing import Any, ClassVar

import pytest
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from merchant.django.conftest import World
from merchant.django.shop.models import Customer, GiftOrder, Order
from merchant.django.shop.payme import Shop
from tiyin.merchant.billing import Account
from tiyin.merchant.integrations.django import billing
from tiyin.merchant.integrations.django.billing import field_of
from tiyin.merchant.integrations.django.statements import kept_guard
from tiyin.merchant.refusals import AccountNotFound

TOKEN = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


def shop_by(path: str) -> Shop:
    class ByPath(Shop):
        lookup: ClassVar[str] = path

    return ByPath()


@pytest.fixture
def orders(using: str) -> str:
    customer = Customer.objects.using(using).create(phone="998901234567")
    Order.objects.using(using).filter(pk=1).update(small=7, token=TOKEN, customer=customer)
    return using


@pytest.fixture
def found(orders: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Find an order by one account field, in this thread; None if there is none."""
    monkeypatch.setattr("tiyin.merchant.integrations.django.billing._database", lambda _: orders)

    def find(path: str, typed: str) -> object:
        try:
            return shop_by(path).find(Account({"order_id": typed}), lock=False).pk
        except AccountNotFound as error:
            return None if error.field == error.data == "order_id" else error

    return find


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("pk", "1"),
        ("id", "1"),
        ("number", "N1"),
        ("number__iexact", "n1"),
        ("small", "7"),
        ("token", str(TOKEN)),
        ("token", str(TOKEN).upper()),
        ("customer__phone", "998901234567"),
    ],
)
def test_what_is_found(found: Any, path: str, typed: str) -> None:
    assert found(path, typed) == 1


@pytest.mark.parametrize(
    "typed", ["abc", "01", "+1", " 1", "1 ", "", "-1", "41", "1e1", "1.0", "9" * 30, "١", "1\n", "0x1"]
)
def test_numbers_that_are_none(found: Any, typed: str) -> None:
    assert found("pk", typed) is None


@pytest.mark.parametrize("number", [2**15, -(2**15) - 1, 2**31, 2**63 - 1, -(2**63), 2**63])
@pytest.mark.parametrize("path", ["pk", "small"])
def test_numbers_that_do_not_fit(found: Any, path: str, number: int) -> None:
    """Goal: no database is asked what it would answer with an error."""
    assert found(path, str(number)) is None


@pytest.mark.parametrize("typed", ["", "x" * 21, "x" * 256, "N1\x00", "N41"])
def test_texts_that_are_none(found: Any, typed: str) -> None:
    assert found("number", typed) is None


@pytest.mark.parametrize("typed", ["", "x", TOKEN.hex, f"{{{TOKEN}}}", str(uuid.UUID(int=1))])
def test_uuids_that_are_none(found: Any, typed: str) -> None:
    assert found("token", typed) is None


@given(st.text(max_size=12) | st.integers().map(str) | st.from_regex(r"[-+0]?[0-9]{1,4}", fullmatch=True))
def test_an_order_has_one_spelling(typed: str) -> None:
    """Goal: two texts never name one integer."""
    value = billing._integer(typed, (-(2**63), 2**63 - 1))  # noqa: SLF001 - pure, and the heart of it
    assert value is None or str(value) == typed


def test_paths_that_lead_nowhere() -> None:
    for path in ("nothing", "customer__fax", "number__what", "price", "customer__phone__x"):
        with pytest.raises(TypeError):
            field_of(Order, path)
    assert isinstance(field_of(Order, "customer"), models.AutoField)
    assert isinstance(field_of(GiftOrder, "pk"), models.AutoField)


def test_a_queryset_of_the_shops_own(world: World) -> None:
    world.payme.check_perform("1")

    class Few(Shop):
        def queryset(self) -> "models.QuerySet[Order]":
            return super().queryset().filter(pk__lt=3).select_related("customer")

    world.shop(Few())
    # What is joined may be missing, and is not locked.
    assert world.payme.create(1, 2)["state"] == 1
    assert world.payme.create(2, 3) in range(-31099, -31049)


def test_the_field_that_leads_to_nothing_is_named(orders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiyin.merchant.integrations.django.billing._database", lambda _: orders)

    class Strict(Shop):
        account_fields = ("order_id", "phone", "note")
        lookups: ClassVar = {"order_id": "number", "phone": "customer__phone"}

    def wrong(order_id: str, phone: str) -> str | None:
        try:
            Strict().find(Account({"order_id": order_id, "phone": phone}), lock=False)
        except AccountNotFound as error:
            return error.field
        return None

    assert wrong("N1", "998901234567") is None
    assert wrong("N99", "998901234567") == "order_id"
    assert wrong("N1", "998900000000") == "phone"
    assert wrong("N2", "998901234567") == "phone"


@given(st.text(max_size=300))
def test_a_guard_is_kept_so_that_every_database_tells_it_apart(guard: str) -> None:
    kept = kept_guard(guard)
    assert kept is not None
    assert len(kept) <= 255
    assert kept == kept.lower() == kept.strip()
    assert kept.isascii()
    # A stored one is written again as it stands.
    assert kept_guard(kept) == kept


def test_guards() -> None:
    assert kept_guard(None) is None
    assert kept_guard("shop.order:1") == "shop.order:1"
    assert (
        len({kept_guard(guard) for guard in ("A", "a", "a ", "á", '{"order_id":"A"}', '{"order_id":"a"}')})
        == 6
    )
