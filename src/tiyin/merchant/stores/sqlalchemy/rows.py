"""Shops whose orders are mapped rows: `RowBilling`, and `AsyncRowBilling` for those who await."""

import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Mapper, Session

from tiyin.merchant.billing import Account
from tiyin.merchant.order_billing import AsyncOrderBilling, OrderBilling
from tiyin.merchant.refusals import AccountNotFound
from tiyin.merchant.stores.sqlalchemy.handles import current_async_session, current_session
from tiyin.protocol.values import is_clean_text

__all__ = ["AsyncRowBilling", "RowBilling"]

O = TypeVar("O")  # noqa: E741 - an order

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_LONG = (-(2**63), 2**63 - 1)


class _Rows(Generic[O]):
    """How an order is found and named: the same for both kinds."""

    account_fields: tuple[str, ...]
    model: type[O]
    """The mapped class of an order."""

    column: InstrumentedAttribute[Any] | str | None = None
    """What the payer types into the first account field: an attribute of `model`, such as ``Order.number``.

    By default it is the primary key. Give another one a unique index: each call looks an order up by it.
    """

    columns: ClassVar[Mapping[str, InstrumentedAttribute[Any] | str] | None] = None
    """The same for several account fields, by their names: ``{"order_id": Order.id, "phone": Order.phone}``.

    All of them must fit.
    """

    def orders(self) -> sa.Select[Any]:
        """Return what an order is looked for among; by default all rows of `model`.

        Override it to leave rows out or to load what belongs to an order, which those who await need:

        ```python
        def orders(self):
            return super().orders().where(Order.shop_id == 5).options(selectinload(Order.items))
        ```
        """
        return sa.select(self.model)

    def key_of(self, order: O) -> str:
        """Return the table's name and the order's primary key: one of its transactions may wait.

        Args:
            order: The order.
        """
        mapper = _mapper(self)
        named = ":".join(str(value) for value in mapper.primary_key_from_instance(order))
        return f"{mapper.base_mapper.local_table.description}:{named}"

    def check_settings(self) -> None:
        """Refuse what cannot work, when the api is made.

        Raises:
            TypeError: If orders cannot be found; the text says what to change.
        """
        if getattr(type(self), "find", None) not in {RowBilling.find, AsyncRowBilling.find}:
            _mapper(self)
            return
        for attribute in self._paths().values():
            _kind(attribute.type)

    def _paths(self) -> dict[str, InstrumentedAttribute[Any]]:
        """Return which column each account field is looked up in, the main one first."""
        mapper, name = _mapper(self), type(self).__name__
        fields = tuple(self.account_fields)
        if self.columns is not None:
            if not self.columns or set(self.columns) != set(fields):
                raise TypeError(
                    f"{name}.columns has to name a column for each of its account_fields, {fields!r}: "
                    f"it names {tuple(self.columns)!r}"
                )
            return {field: _attribute(name, mapper, self.columns[field]) for field in fields}
        if len(fields) != 1:
            raise TypeError(
                f"{name} has the account_fields {fields!r}, and column is for one: "
                'write account_fields = ("order_id",), or columns with a column for each, or override find'
            )
        # From the class: asked of the shop itself, the attribute would look for an order's value in it.
        named: object = type(self).column
        if named is None:
            if len(mapper.primary_key) != 1:
                raise TypeError(
                    f"the primary key of {mapper.class_.__name__} has several columns: say which one the "
                    f"payer types, column = {mapper.class_.__name__}.number in {name}, or override find"
                )
            named = mapper.get_property_by_column(mapper.primary_key[0]).key
        return {fields[0]: _attribute(name, mapper, named)}

    def _find(self, session: Session, account: Account, *, lock: bool) -> O:
        any_integer = session.get_bind(self.model).dialect.name == "sqlite"
        wanted = {
            field: attribute == _read(attribute.type, account[field], field, any_integer=any_integer)
            for field, attribute in self._paths().items()
        }
        statement = self.orders().where(*wanted.values())
        if lock:
            # NO KEY: rows that only refer to the order can still be written meanwhile. What the session
            # knows of the row already may be older than the lock.
            statement = statement.with_for_update(of=self.model, key_share=True).execution_options(
                populate_existing=True
            )
        order: O | None = session.execute(statement).scalars().unique().one_or_none()
        if order is None:
            raise AccountNotFound(self._wrong_field(session, wanted))
        return order

    def _wrong_field(self, session: Session, wanted: "dict[str, sa.ColumnElement[bool]]") -> str:
        """Tell which account field is the first that leads to nothing."""
        *before, last = wanted
        statement = self.orders().limit(1)
        for field in before:
            statement = statement.where(wanted[field])
            if session.execute(statement).first() is None:
                return field
        return last


class RowBilling(_Rows[O], OrderBilling[O]):
    """A shop whose orders are rows of its own database, over a `SqlAlchemyStore`.

    Hooks get the order, locked, and `self.session`; what they change is committed with the outcome, or not
    at all. They never commit, and leave mail and HTTP to `after_commit`.

    ```python
    class Shop(RowBilling[Order]):
        model = Order
        account_fields = ("order_id",)

        def check(self, order: Order, amount_tiyin: int) -> payme.Order:
            return payme.Order(amount_tiyin=order.total_tiyin, state=order.payme_state)

        def perform(self, order: Order, transaction: Transaction) -> None:
            order.paid = True
            self.session.add(Payment(order_id=order.id, transaction_id=transaction.id))
    ```

    What the payer typed is read as the column's type: what it cannot be (``abc`` or ``01`` for an integer) is
    `AccountNotFound`. Override `find` for whatever one column cannot say.
    """

    @property
    def session(self) -> Session:
        """The session of the open database transaction."""
        return current_session()

    def find(self, account: Account, *, lock: bool) -> O:
        """Find the order that an account names; see `OrderBilling.find`.

        Args:
            account: What the payer typed.
            lock: Whether to hold the row until the database transaction ends.

        Raises:
            AccountNotFound: If there is none.
        """
        return self._find(self.session, account, lock=lock)


class AsyncRowBilling(_Rows[O], AsyncOrderBilling[O]):
    """`RowBilling` for those who await, over an `AsyncSqlAlchemyStore`; `self.session` is an `AsyncSession`.

    ```python
    class Shop(AsyncRowBilling[Order]):
        model = Order
        account_fields = ("order_id",)

        async def check(self, order: Order, amount_tiyin: int) -> payme.Order:
            return payme.Order(amount_tiyin=order.total_tiyin)

        async def perform(self, order: Order, transaction: Transaction) -> None:
            order.paid = True
    ```
    """

    @property
    def session(self) -> AsyncSession:
        """The session of the open database transaction."""
        return current_async_session()

    async def find(self, account: Account, *, lock: bool) -> O:
        """Find the order that an account names; see `OrderBilling.find`.

        Args:
            account: What the payer typed.
            lock: Whether to hold the row until the database transaction ends.

        Raises:
            AccountNotFound: If there is none.
        """
        return await self.session.run_sync(self._find, account, lock=lock)


def _mapper(billing: _Rows[O]) -> "Mapper[O]":
    model = getattr(billing, "model", None)
    mapper = None if model is None else sa.inspect(model, raiseerr=False)
    if not isinstance(mapper, Mapper):
        raise TypeError(
            f"{type(billing).__name__} must say what its orders are: model = Order, a class that is mapped"
        )
    return mapper


def _attribute(name: str, mapper: "Mapper[Any]", named: object) -> InstrumentedAttribute[Any]:
    order = mapper.class_.__name__
    if isinstance(named, str):
        if named not in mapper.column_attrs:
            raise TypeError(f"{name} finds orders by {named!r}, which {order} has not")
        named = getattr(mapper.class_, named)
    if not isinstance(named, InstrumentedAttribute):
        raise TypeError(f"{name} finds orders by an attribute of {order} or its name, not {named!r}")
    return named


def _kind(column_type: "sa.types.TypeEngine[Any]") -> type:
    """Return what values of a column are, if it is something that a payer types.

    Raises:
        TypeError: If it is not.
    """
    if isinstance(column_type, sa.types.TypeDecorator):
        column_type = column_type.impl_instance
    try:
        kind: type = column_type.python_type
    except NotImplementedError:
        kind = object
    if kind not in (int, str, uuid.UUID):
        raise TypeError(f"a payer types a text, a whole number or a UUID, not {column_type!r}: override find")
    return kind


def _read(
    column_type: "sa.types.TypeEngine[Any]", typed: str, field: str, *, any_integer: bool
) -> str | int | uuid.UUID:
    """Read what a payer typed as a column's type.

    Args:
        column_type: The column's type.
        typed: What he typed.
        field: The account's field that he typed it in.
        any_integer: Whether the database keeps 64 bits in whatever is called an integer.

    Raises:
        AccountNotFound: If it cannot be a value of that column.
    """
    kind = _kind(column_type)
    value: str | int | uuid.UUID | None
    if kind is int:
        value = _integer(typed, _LONG if any_integer else _bounds(column_type))
    elif kind is uuid.UUID:
        value = _uuid(typed)
    else:
        value = typed if typed and is_clean_text(typed) else None
    if value is None:
        raise AccountNotFound(field)
    return value


def _bounds(column_type: "sa.types.TypeEngine[Any]") -> tuple[int, int]:
    if isinstance(column_type, sa.types.TypeDecorator):
        column_type = column_type.impl_instance
    if isinstance(column_type, sa.SmallInteger):
        return -(2**15), 2**15 - 1
    if isinstance(column_type, sa.BigInteger):
        return _LONG
    return -(2**31), 2**31 - 1


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
