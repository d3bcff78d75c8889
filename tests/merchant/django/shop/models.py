"""Orders, and what hooks did for them."""

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from django.db.models import BigIntegerField, CharField


class Customer(models.Model):
    phone: "CharField[str, str]" = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.phone


class Order(models.Model):
    number: "CharField[str, str]" = models.CharField(max_length=20, unique=True)
    total_tiyin: "BigIntegerField[int, int]" = models.BigIntegerField(default=500_000)
    state: "CharField[str, str]" = models.CharField(max_length=16, default="waiting")
    small: "models.SmallIntegerField[int | None, int | None]" = models.SmallIntegerField(null=True)
    token: "models.UUIDField[object, object]" = models.UUIDField(null=True)
    price: "models.DecimalField[object, object]" = models.DecimalField(
        max_digits=9, decimal_places=2, default=1
    )
    customer: "models.ForeignKey[Customer | None, Customer | None]" = models.ForeignKey(
        Customer, models.PROTECT, null=True
    )

    def __str__(self) -> str:
        return self.number


class GiftOrder(Order):
    """An order with a table of its own beside its parent's."""

    wrapping: "CharField[str, str]" = models.CharField(max_length=20, default="paper")


class Effect(models.Model):
    """What hooks did, a row each: only the kit keeps a second one out. Its order is looked for at COMMIT."""

    name: "CharField[str, str]" = models.CharField(max_length=20)
    transaction_id: "CharField[str, str]" = models.CharField(max_length=64)
    order: "models.ForeignKey[Order, Order]" = models.ForeignKey(Order, models.CASCADE)

    def __str__(self) -> str:
        return self.name


class Counted(models.Model):
    """One row that hooks count up, and others too."""

    times: "BigIntegerField[int, int]" = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.times)
