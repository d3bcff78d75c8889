# mypy: disable-error-code="var-annotated"
"""What the shop sells."""

from django.db import models


class Order(models.Model):
    """An order. Its price is in sums, as people think of it."""

    class State(models.TextChoices):
        """What became of it."""

        WAITING = "waiting"
        PAID = "paid"
        CANCELLED = "cancelled"

    total = models.DecimalField(max_digits=14, decimal_places=2)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)

    def __str__(self) -> str:
        return f"order {self.pk}"
