"""What the shop keeps: orders, and Payme's transactions for them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

__all__ = ["Order", "PaymeTransaction"]


class Order(models.Model):
    """Something that is sold once."""

    class State(models.IntegerChoices):
        """Where an order stands."""

        OPEN = 0
        RESERVED = 1
        PAID = 2
        CANCELLED = 3

    amount_tiyin: models.BigIntegerField[int, int] = models.BigIntegerField()
    state: models.SmallIntegerField[int, int] = models.SmallIntegerField(
        choices=State.choices, default=State.OPEN
    )

    def __str__(self) -> str:
        return f"order {self.pk}"


class PaymeTransaction(models.Model):
    """A transaction of Payme's; times are milliseconds, 0 where there is none."""

    class State(models.IntegerChoices):
        """Where a transaction stands."""

        WAITING = 1
        PAID = 2
        CANCELLED = -1
        REFUNDED = -2

    payme_id: models.CharField[str, str] = models.CharField(max_length=64, unique=True)
    # Its index is the constraint's; cancelled ones are few.
    order: models.ForeignKey[Order, Order] = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="transactions", db_index=False
    )
    order_id: int
    account: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField()
    amount_tiyin: models.BigIntegerField[int, int] = models.BigIntegerField()
    state: models.SmallIntegerField[int, int] = models.SmallIntegerField(
        choices=State.choices, default=State.WAITING
    )
    reason: models.SmallIntegerField[int | None, int | None] = models.SmallIntegerField(null=True)
    time_ms: models.BigIntegerField[int, int] = models.BigIntegerField(db_index=True)
    create_time_ms: models.BigIntegerField[int, int] = models.BigIntegerField()
    perform_time_ms: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    cancel_time_ms: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)

    class Meta:
        """One living transaction an order."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(state__in=(1, 2)), name="one_living_transaction"
            )
        ]

    def __str__(self) -> str:
        return f"transaction {self.payme_id}"
