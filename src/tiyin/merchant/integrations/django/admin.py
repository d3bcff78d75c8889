"""Payments in Django's admin: looked at, searched, and never changed by hand."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django.contrib import admin
from django.db import models  # noqa: TC002 - Django itself may ask for the hints
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.timezone import localtime

from tiyin.merchant.integrations.django.models import FiscalDocument, Transaction
from tiyin.merchant.integrations.django.words import REASONS, STATES, language, lazy, told
from tiyin.merchant.sums import sums_text
from tiyin.protocol.values import Text
from tiyin.runtime.clock import SystemClock

__all__ = ["FiscalDocumentAdmin", "TransactionAdmin"]

if TYPE_CHECKING:
    _TransactionAdmin: TypeAlias = admin.ModelAdmin[Transaction]
    _FiscalAdmin: TypeAlias = admin.ModelAdmin[FiscalDocument]
else:
    _TransactionAdmin = _FiscalAdmin = admin.ModelAdmin

_DAY_MS = 86_400_000
_NOTHING = "–"
_PERIODS = {
    "1": Text(ru="За сутки", uz="Bir sutkada", en="Past 24 hours"),
    "7": Text(ru="За 7 дней", uz="7 kunda", en="Past 7 days"),
    "31": Text(ru="За 31 день", uz="31 kunda", en="Past 31 days"),
}
_CANCELLED_AT = lazy(ru="отменена", uz="bekor qilingan", en="cancelled")


class _ReadOnly:
    """What a person may do with money in the admin: look."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: transactions come from Payme."""
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: Payme would not know of it."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse: Payme asks for old transactions too."""
        del request, obj
        return False


def _titled(extra: dict[str, Any] | None, title: str) -> dict[str, Any]:
    """Name a list by what is in it: Django's own title does not decline its words."""
    return {"title": capfirst(title), **(extra or {})}


class StateFilter(admin.SimpleListFilter):
    """By where transactions stand."""

    title = lazy(ru="состояние", uz="holat", en="state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        """Return the states of transactions that Payme knows."""
        del request, model_admin
        return [(str(state), told(STATES[state])) for state in (1, 2, -1, -2)]

    def queryset(
        self, request: HttpRequest, queryset: "models.QuerySet[Transaction]"
    ) -> "models.QuerySet[Transaction]":
        """Leave only those."""
        del request
        known = {str(state) for state in STATES}
        return queryset.filter(state=self.value()) if self.value() in known else queryset


class PeriodFilter(admin.SimpleListFilter):
    """By when transactions came."""

    title = lazy(ru="дата", uz="sana", en="date")
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        """Return some periods."""
        del request, model_admin
        return [(days, told(text)) for days, text in _PERIODS.items()]

    def queryset(
        self, request: HttpRequest, queryset: "models.QuerySet[Transaction]"
    ) -> "models.QuerySet[Transaction]":
        """Leave only those since then."""
        del request
        days = self.value()
        if days not in _PERIODS:
            return queryset
        return queryset.filter(time_ms__gte=SystemClock().now_ms() - int(days) * _DAY_MS)


@admin.register(Transaction)
class TransactionAdmin(_ReadOnly, _TransactionAdmin):
    """Transactions, newest first. Searched by id, number, and what the payer typed."""

    # What a person looks for stands first, also where a phone shows two columns.
    list_display = ("shown_account", "shown_amount", "shown_state", "shown_time", "id")
    list_filter = (StateFilter, PeriodFilter, "desk")
    search_fields = ("=id", "=number", "account")
    search_help_text = lazy(
        ru="Идентификатор, номер или то, что ввёл плательщик",
        uz="Identifikator, raqam yoki toʻlovchi kiritgan maʼlumot",
        en="Id, number, or what the payer typed",
    )
    ordering = ("-time_ms", "-id")
    list_per_page = 50
    fields = (
        "id",
        "desk",
        "number",
        "shown_account",
        "shown_amount",
        "shown_state",
        "shown_reason",
        "shown_time",
        "shown_created",
        "shown_performed",
        "shown_cancelled",
        "receivers",
        "shown_fiscal",
    )
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list."""
        title = str(Transaction._meta.verbose_name_plural)  # noqa: SLF001 - documented
        return super().changelist_view(request, _titled(extra_context, title))

    def get_queryset(self, request: HttpRequest) -> "models.QuerySet[Transaction]":
        """Leave out what the shop refused to create: to Payme it does not exist."""
        return super().get_queryset(request).filter(accepted=1)

    @admin.display(description=lazy(ru="счёт", uz="hisob", en="account"), ordering="account")
    def shown_account(self, row: Transaction) -> str:
        """Return what the payer typed, field by field."""
        return ", ".join(f"{name}: {value}" for name, value in json.loads(row.account).items())

    @admin.display(description=lazy(ru="сумма", uz="summa", en="amount"), ordering="amount_tiyin")
    def shown_amount(self, row: Transaction) -> str:
        """Return the amount in sums."""
        return sums_text(row.amount_tiyin, language())

    @admin.display(description=lazy(ru="состояние", uz="holat", en="state"), ordering="state")
    def shown_state(self, row: Transaction) -> str:
        """Return the state in words."""
        return told(STATES[row.state])

    @admin.display(description=lazy(ru="причина отмены", uz="bekor qilish sababi", en="why cancelled"))
    def shown_reason(self, row: Transaction) -> str:
        """Return why it was cancelled, in words."""
        if row.reason is None:
            return _NOTHING
        return f"{row.reason}: {told(REASONS[row.reason])}" if row.reason in REASONS else str(row.reason)

    @admin.display(
        description=lazy(ru="время Payme", uz="Payme vaqti", en="Payme's time"), ordering="time_ms"
    )
    def shown_time(self, row: Transaction) -> str:
        """Return when Payme made it."""
        return _moment(row.time_ms)

    @admin.display(description=lazy(ru="создана", uz="yaratilgan", en="created"))
    def shown_created(self, row: Transaction) -> str:
        """Return when the shop took it in."""
        return _moment(row.create_time_ms)

    @admin.display(description=lazy(ru="оплачена", uz="toʻlangan", en="paid"))
    def shown_performed(self, row: Transaction) -> str:
        """Return when it was paid."""
        return _moment(row.perform_time_ms)

    @admin.display(description=_CANCELLED_AT)
    def shown_cancelled(self, row: Transaction) -> str:
        """Return when it was cancelled."""
        return _moment(row.cancel_time_ms)

    @admin.display(description=lazy(ru="фискальные чеки", uz="fiskal cheklar", en="fiscal receipts"))
    def shown_fiscal(self, row: Transaction) -> str:
        """Return links to its fiscal receipts."""
        ids = [f"{row.id}:{kind}" for kind in ("PERFORM", "CANCEL")]
        # In the row's own database.
        documents = FiscalDocument.objects.using(row._state.db).filter(id__in=ids).order_by("-id")  # noqa: SLF001 - documented
        return format_html_join(", ", "{}", ((_link(document),) for document in documents))


@admin.register(FiscalDocument)
class FiscalDocumentAdmin(_ReadOnly, _FiscalAdmin):
    """Fiscal documents that the kit keeps, newest first."""

    list_display = ("id", "shown_link", "shown_received")
    search_fields = ("id",)
    ordering = ("-received_ms",)
    fields = ("id", "shown_link", "shown_received", "data")
    readonly_fields: ClassVar = fields

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list."""
        title = str(FiscalDocument._meta.verbose_name_plural)  # noqa: SLF001 - documented
        return super().changelist_view(request, _titled(extra_context, title))

    @admin.display(description=lazy(ru="чек", uz="chek", en="receipt"))
    def shown_link(self, row: FiscalDocument) -> str:
        """Return a link to the tax office's receipt."""
        return _link(row)

    @admin.display(description=lazy(ru="получен", uz="olingan", en="received"), ordering="received_ms")
    def shown_received(self, row: FiscalDocument) -> str:
        """Return when it came last."""
        return _moment(row.received_ms)


def _link(document: FiscalDocument) -> str:
    data = json.loads(document.data)
    url = str(data.get("qr_code_url") or "")
    name = f"{document.id.rpartition(':')[2]} {data.get('receipt_id', '')}".strip()
    # Whoever has the key chose this address: no other scheme may stand in a page of the shop's own.
    if not url.startswith(("https://", "http://")):
        return name
    return format_html('<a href="{}" rel="noreferrer noopener" target="_blank">{}</a>', url, name)


def _moment(time_ms: int) -> str:
    """Write a moment as a person reads it, in Django's time zone."""
    if not time_ms:
        return _NOTHING
    return date_format(localtime(datetime.fromtimestamp(time_ms / 1000, UTC)), "d.m.Y H:i:s")
