"""`ModelBilling`: a shop whose orders are rows of a Django model."""

import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connections, models, router
from django.db.models.constants import LOOKUP_SEP

from tiyin.merchant.billing import Account
from tiyin.merchant.order_billing import OrderBilling
from tiyin.merchant.refusals import AccountNotFound
from tiyin.merchant.stores.unit import UNIT
from tiyin.protocol.values import is_clean_text

__all__ = ["ModelBilling", "field_of"]

M = TypeVar("M", bound=models.Model)

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
_LONG: Final = (-(2**63), 2**63 - 1)
_NEVER_TYPED: Final = (
    models.BooleanField,
    models.DateField,
    models.DecimalField,
    models.DurationField,
    models.FloatField,
    models.JSONField,
    models.TimeField,
    models.BinaryField,
    models.FileField,
)


class ModelBilling(OrderBilling[M]):
    """A shop whose orders are rows of a Django model.

    Only `model`, `account_fields` and `check` must be written. A hook gets the order's row, locked; what it
    writes is committed together with the transaction, or not at all. Mail and HTTP belong in `after_commit`.

    ```python
    class Shop(ModelBilling[Order]):
        model = Order
        account_fields = ("order_id",)

        def check(self, order: Order, amount_tiyin: int) -> payme.Order:
            return payme.Order(amount_tiyin=tiyin_from_sums(order.total))

        def perform(self, order: Order, transaction: Transaction) -> None:
            order.status = "paid"
            order.save(update_fields=["status"])
    ```

    The order is found by its primary key. ``lookup = "number"`` takes another column (give it a unique
    constraint). Several fields: ``lookups = {"order_id": "pk", "phone": "customer__phone"}``. What a column
    cannot hold (``abc`` or ``01`` for an integer) is `AccountNotFound`, as is a row that is not there.
    """

    model: type[M]
    """The model of an order."""

    lookup: ClassVar[str] = "pk"
    """What the payer types into the first account field: a column, or a path to one as in ``filter()``."""

    lookups: ClassVar[Mapping[str, str] | None] = None
    """The same for several account fields, by their names; fields that are not named here find nothing."""

    def queryset(self) -> "models.QuerySet[M]":
        """Return what an order is looked for among; by default all rows of `model`.

        Override it to leave rows out or to load what belongs to an order:

        ```python
        def queryset(self):
            return super().queryset().filter(shop=5).select_related("customer")
        ```
        """
        return self.model._default_manager.all()  # noqa: SLF001 - Django's name for it

    def find(self, account: Account, *, lock: bool) -> M:
        """Find the order that an account names; see `OrderBilling.find`.

        Args:
            account: What the payer typed.
            lock: Whether to hold the row until the database transaction ends.

        Raises:
            AccountNotFound: If there is none; it names the field that leads to nothing.
        """
        using = _database(self.model)
        wanted = {
            field: (path, _read(field_of(self.model, path), account[field], field, using))
            for field, path in self.paths().items()
        }
        rows = self.queryset().using(using)
        found = rows.filter(**dict(wanted.values()))
        if lock:
            found = _locking(found, self.model, using)
        try:
            return found.get()
        except self.model.DoesNotExist:
            raise AccountNotFound(_wrong_field(rows, wanted)) from None

    def key_of(self, order: M) -> str:
        """Return the model's name and the order's primary key: one of its transactions may wait.

        Args:
            order: The order.
        """
        return f"{order._meta.label_lower}:{order.pk}"  # noqa: SLF001 - the documented name

    def paths(self) -> dict[str, str]:
        """Return which column each account field is looked up in.

        Raises:
            TypeError: If the account has no field that finds an order.
        """
        name = type(self).__name__
        if not self.account_fields:
            raise TypeError(
                f"{name} finds orders by the first of its account_fields, and has none: "
                'write account_fields = ("order_id",)'
            )
        if self.lookups is None:
            return {self.account_fields[0]: self.lookup}
        foreign = set(self.lookups) - set(self.account_fields)
        if foreign or not self.lookups:
            raise TypeError(
                f"{name}.lookups names {', '.join(sorted(foreign)) or 'no field'}, and account_fields are "
                f"{', '.join(self.account_fields)}"
            )
        return {field: self.lookups[field] for field in self.account_fields if field in self.lookups}


def field_of(model: type[models.Model], path: str) -> "models.Field[Any, Any]":
    """Return the column that a path leads to.

    Args:
        model: The model where the path begins.
        path: As in ``filter()``, with or without a lookup such as ``__iexact`` at its end.

    Raises:
        TypeError: If it leads nowhere, or to what nobody types.
    """
    field: Any = None
    at: type[models.Model] | None = model
    for step in path.split(LOOKUP_SEP):
        found = None if at is None else _field(at, step)
        if found is None:
            if field is None or field.get_lookup(step) is None:
                raise TypeError(f"{path!r} leads nowhere: there is no {step!r}")
            break
        field = found
        at = field.related_model if field.is_relation else None
    while getattr(field, "target_field", None) is not None:
        field = field.target_field
    if not isinstance(field, models.Field) or isinstance(field, _NEVER_TYPED):
        raise TypeError(
            f"a payer types a text, a whole number or a UUID, and {path!r} is a {type(field).__name__}: "
            "override find"
        )
    return field


def _field(model: type[models.Model], name: str) -> Any:
    try:
        return model._meta.pk if name == "pk" else model._meta.get_field(name)  # noqa: SLF001 - documented
    except FieldDoesNotExist:
        return None


def _database(model: type[models.Model]) -> str:
    """Return the database that the running call is in: a copy for reading may be behind it."""
    unit = UNIT.get()
    alias: str | None = None if unit is None else getattr(unit.session, "using", None)
    return router.db_for_write(model) if alias is None else alias


def _locking(rows: "models.QuerySet[M]", model: type[M], using: str) -> "models.QuerySet[M]":
    features = connections[using].features
    # Only the order's own tables: what is joined to it may be missing, and is nobody's to lock.
    of = ("self", *_parents(model)) if features.has_select_for_update_of else ()
    # NO KEY: rows that only refer to the order can still be written meanwhile.
    return rows.select_for_update(of=of, no_key=features.has_select_for_no_key_update)


def _parents(model: type[models.Model], prefix: str = "") -> list[str]:
    found: list[str] = []
    for parent, link in model._meta.parents.items():  # noqa: SLF001 - documented
        if link is not None:
            found += [f"{prefix}{link.name}", *_parents(parent, f"{prefix}{link.name}{LOOKUP_SEP}")]
    return found


def _wrong_field(rows: "models.QuerySet[M]", wanted: Mapping[str, tuple[str, Any]]) -> str:
    """Tell which field leads to nothing, given that all of them together do."""
    fields = list(wanted)
    for many in range(1, len(fields)):
        if not rows.filter(**dict(wanted[field] for field in fields[:many])).exists():
            return fields[many - 1]
    return fields[-1]


def _read(column: "models.Field[Any, Any]", typed: str, field: str, using: str) -> Any:
    """Read what a payer typed as a column's value.

    Raises:
        AccountNotFound: If it cannot be a value of that column.
    """
    value: Any
    if isinstance(column, models.IntegerField):
        value = _integer(typed, _bounds(column, using))
    elif isinstance(column, models.UUIDField):
        value = _uuid(typed)
    elif not typed or not is_clean_text(typed) or len(typed) > (column.max_length or len(typed)):
        value = None
    else:
        try:
            value = column.to_python(typed)
        except (ValidationError, ValueError, TypeError, OverflowError):
            value = None
    if value is None:
        raise AccountNotFound(field)
    return value


def _bounds(column: "models.Field[Any, Any]", using: str) -> tuple[int, int]:
    operations: Any = connections[using].ops
    try:
        low, high = operations.integer_field_range(column.get_internal_type())
    except KeyError:
        # A column of the shop's own making.
        return _LONG
    # SQLite keeps 64 bits in whatever is called an integer.
    return (_LONG[0] if low is None else low, _LONG[1] if high is None else high)


def _integer(typed: str, bounds: tuple[int, int]) -> int | None:
    """Read a whole number in its one spelling: with two, one order would be two accounts."""
    if _INTEGER.fullmatch(typed) is None:
        return None
    value = int(typed)
    return value if bounds[0] <= value <= bounds[1] else None


def _uuid(typed: str) -> uuid.UUID | None:
    try:
        value = uuid.UUID(typed)
    except ValueError:
        return None
    return value if str(value) == typed.lower() else None
