"""What the kit keeps in a shop's database. Read it as you like; only the kit writes it."""

from typing import ClassVar

from django.db import models

from tiyin.merchant.integrations.django.words import lazy

__all__ = ["DeskKey", "FiscalDocument", "Transaction"]


class Transaction(models.Model):
    """One of Payme's transactions. Times are milliseconds since 1970, and 0 where there is none.

    ```python
    Transaction.objects.filter(state=Transaction.State.PAID, time_ms__gte=since_ms)
    ```
    """

    class State(models.IntegerChoices):
        """Where a transaction stands. Documentation: merchant-api/data-types."""

        WAITING = 1
        PAID = 2
        CANCELLED = -1
        REFUNDED = -2

    id: "models.CharField[str, str]" = models.CharField(primary_key=True, max_length=64)
    desk: "models.CharField[str, str]" = models.CharField(max_length=64, default="default")
    time_ms: "models.BigIntegerField[int, int]" = models.BigIntegerField()
    amount_tiyin: "models.BigIntegerField[int, int]" = models.BigIntegerField()
    # As it was sent: a column of JSON would put it in another order.
    account: "models.TextField[str, str]" = models.TextField()
    # What this transaction keeps for itself alone: no order is paid twice.
    guard: "models.CharField[str | None, str | None]" = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null is what may stand there often
    number: "models.CharField[str, str]" = models.CharField(max_length=255)
    state: "models.SmallIntegerField[int, int]" = models.SmallIntegerField()
    reason: "models.SmallIntegerField[int | None, int | None]" = models.SmallIntegerField(null=True)
    create_time_ms: "models.BigIntegerField[int, int]" = models.BigIntegerField()
    perform_time_ms: "models.BigIntegerField[int, int]" = models.BigIntegerField(default=0)
    cancel_time_ms: "models.BigIntegerField[int, int]" = models.BigIntegerField(default=0)
    receivers: "models.TextField[str | None, str | None]" = models.TextField(null=True)  # noqa: DJ001 - a transaction without a split has none
    accepted: "models.SmallIntegerField[int, int]" = models.SmallIntegerField(default=0)
    due_ms: "models.BigIntegerField[int | None, int | None]" = models.BigIntegerField(
        null=True, db_index=True
    )

    class Meta:
        """Names and indexes."""

        verbose_name = lazy(ru="транзакция", uz="tranzaksiya", en="transaction")
        verbose_name_plural = lazy(ru="транзакции", uz="tranzaksiyalar", en="transactions")
        indexes: ClassVar = [models.Index(fields=["desk", "time_ms", "id"], name="tiyin_statement")]
        # Not `unique=True`, which on PostgreSQL brings a second index, for LIKE.
        constraints: ClassVar = [models.UniqueConstraint(fields=["guard"], name="tiyin_guard")]

    def __str__(self) -> str:
        return self.id


class FiscalDocument(models.Model):
    """Fiscal data of a receipt that the kit keeps for the shop. Documentation: merchant-api/SetFiscalData.

    Its id is the transaction's, a colon, and ``PERFORM`` or ``CANCEL``.
    """

    id: "models.CharField[str, str]" = models.CharField(primary_key=True, max_length=80)
    data: "models.TextField[str, str]" = models.TextField()
    received_ms: "models.BigIntegerField[int, int]" = models.BigIntegerField()

    class Meta:
        """Names and indexes."""

        verbose_name = lazy(ru="фискальный документ", uz="fiskal hujjat", en="fiscal document")
        verbose_name_plural = lazy(ru="фискальные документы", uz="fiskal hujjatlar", en="fiscal documents")

    def __str__(self) -> str:
        return self.id


class DeskKey(models.Model):
    """What became of a cash desk's key through ChangePassword. Digests only."""

    id: "models.CharField[str, str]" = models.CharField(primary_key=True, max_length=80)
    configured: "models.BinaryField[bytes, bytes]" = models.BinaryField()
    current: "models.BinaryField[bytes, bytes]" = models.BinaryField()
    next: "models.BinaryField[bytes | None, bytes | None]" = models.BinaryField(null=True)

    class Meta:
        """Names and indexes."""

        verbose_name = lazy(ru="ключ кассы", uz="kassa kaliti", en="cash desk's key")
        verbose_name_plural = lazy(ru="ключи кассы", uz="kassa kalitlari", en="cash desks' keys")

    def __str__(self) -> str:
        return self.id
