"""Sources from files: a statement and receipts as JSON, orders as CSV or JSON.

JSON is the answer of the method as it came, its result, or the bare list; a file that ends with `.jsonl` has
one row a line, and is read without standing in memory as a whole. Whatever cannot be understood is refused
with the row's place: a row left out would be a difference that is none.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from tiyin.merchant.reconcile.order_rows import BadValue, read_order
from tiyin.merchant.reconcile.order_tables import table_rows
from tiyin.merchant.reconcile.rows import ReceiptRow, ShopOrder
from tiyin.protocol.merchant_api import StatementTransaction, TransactionState
from tiyin.protocol.receipt import TRANSACTION_ROW_NAME
from tiyin.protocol.values import (
    AMOUNT_TIYIN_MAX,
    FieldError,
    read_account,
    read_timestamp,
    read_whole_number,
)

__all__ = ["BadFile", "read_orders", "read_receipts", "read_statement"]

T = TypeVar("T")

_LINE_MAX: Final = 1 << 20
_NESTED_MAX: Final = 3
_BOM: Final = b"\xef\xbb\xbf"
_STATES: Final = frozenset(TransactionState)


class BadFile(ValueError):
    """A file, or a row of it, that cannot be understood; the text says which and why, without the value."""


def read_statement(path: Path) -> Iterator[StatementTransaction]:
    """Read what GetStatement answered.

    ```python
    transactions = read_statement(Path("statement.json"))
    ```

    Args:
        path: A `.json` file, or `.jsonl` with a transaction a line.

    Raises:
        BadFile: At the first row that cannot be understood.

    Documentation: merchant-api/GetStatement
    """
    return _rows(path, "transactions", _transaction)


def read_receipts(path: Path) -> Iterator[ReceiptRow]:
    """Read what receipts.get_all answered; the numbers of cards are not taken in.

    ```python
    receipts = read_receipts(Path("receipts.json"))
    ```

    Args:
        path: A `.json` file, or `.jsonl` with a receipt a line.

    Raises:
        BadFile: At the first row that cannot be understood.

    Documentation: subscribe-api/receipts.get_all
    """
    return _rows(path, "receipts", _receipt)


def read_orders(path: Path) -> Iterator[ShopOrder]:
    """Read the shop's orders: a table, or JSON with the same names.

    ```python
    orders = read_orders(Path("orders.csv"))
    ```

    Args:
        path: A `.csv`, `.tsv` or `.txt` file with a line of names first; or `.json`, or `.jsonl`.

    Raises:
        BadFile: At the first row that cannot be understood.
    """
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        return _rows(path, "orders", read_order)
    return _table(path)


def _table(path: Path) -> Iterator[ShopOrder]:
    place = "the file"
    try:
        for line, row in table_rows(path):
            place = f"line {line}"
            yield read_order(row)
    except BadValue as error:
        raise BadFile(f"{path.name}: {error.place or place}: {error}") from None
    except OSError as error:
        raise BadFile(f"{path.name} cannot be read ({error.strerror or type(error).__name__})") from None


def _rows(path: Path, name: str, read: Callable[[Mapping[str, Any]], T]) -> Iterator[T]:
    lined = path.suffix.lower() in (".jsonl", ".ndjson")
    try:
        for number, row in _lines(path) if lined else _listed(path, name):
            place = f"{'line' if lined else 'row'} {number}"
            if not isinstance(row, Mapping):
                raise BadFile(f"{path.name}: {place}: is no object")
            try:
                yield read(row)
            except FieldError as error:
                raise BadFile(f"{path.name}: {place}: {error}") from None
            except BadValue as error:
                raise BadFile(f"{path.name}: {place}: {error}") from None
    except OSError as error:
        raise BadFile(f"{path.name} cannot be read ({error.strerror or type(error).__name__})") from None


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LINE_MAX + 1):
            number += 1
            if len(line) > _LINE_MAX:
                raise BadFile(f"{path.name}: line {number}: is longer than {_LINE_MAX} bytes")
            if line.strip():
                yield number, _decode(path, line.removeprefix(_BOM), f": line {number}")


def _listed(path: Path, name: str) -> Iterator[tuple[int, Any]]:
    rows = _list_in(path, name)
    # Each row is decoded when its turn comes, and let go of then: the file stands in memory once, as bytes.
    rows.reverse()
    for number in range(1, len(rows) + 1):
        yield number, _decode(path, rows.pop(), f": row {number}")


def _list_in(path: Path, name: str) -> list[msgspec.Raw]:
    """Find the list: the file itself, or under `result`, under its name, or both."""
    value: bytes | msgspec.Raw = path.read_bytes().removeprefix(_BOM).strip()
    for _ in range(_NESTED_MAX):
        first = bytes(memoryview(value)[:1])
        if first == b"[":
            listed: list[msgspec.Raw] = _decode(path, value, "", list[msgspec.Raw])
            return listed
        if first != b"{":
            _decode(path, value, "")
            break
        fields: dict[str, msgspec.Raw] = _decode(path, value, "", dict[str, msgspec.Raw])
        inner = fields.get("result", fields.get(name))
        if "error" in fields and (inner is None or bytes(memoryview(inner)[:4]) == b"null"):
            raise BadFile(f"{path.name} is the answer of a call that failed: there are no {name} in it")
        if inner is None:
            break
        value = inner
    raise BadFile(f"{path.name} holds no list of {name}: neither a bare one nor one under `{name}`")


def _decode(path: Path, data: bytes | msgspec.Raw, place: str, kind: Any = Any) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFile(f"{path.name}{place} is no JSON ({error})") from None


def _transaction(row: Mapping[str, Any]) -> StatementTransaction:
    state = _whole(row, "state")
    if state not in _STATES:
        raise FieldError("state", "must be 1, 2, -1 or -2")
    account = row.get("account")
    return StatementTransaction(
        id=_id(row, "id"),
        time=_time(row, "time"),
        amount=_amount(row, "amount"),
        account=_named("account", lambda: read_account({} if account is None else account)),
        create_time=_time(row, "create_time"),
        perform_time=_time(row, "perform_time"),
        cancel_time=_time(row, "cancel_time"),
        transaction=str(row.get("transaction", "")),
        state=state,
        reason=None,
    )


def _receipt(row: Mapping[str, Any]) -> ReceiptRow:
    desk = row.get("merchant")
    # A list that says nothing of goods does not say that there are none.
    fiscal = bool(row["detail"]) if "detail" in row else None
    return ReceiptRow(
        id=_id(row, "_id" if "_id" in row else "id"),
        state=_whole(row, "state"),
        amount_tiyin=_amount(row, "amount"),
        commission_tiyin=_amount(row, "commission", default=0),
        create_time_ms=_time(row, "create_time"),
        pay_time_ms=_time(row, "pay_time"),
        cancel_time_ms=_time(row, "cancel_time"),
        account=_named("account", lambda: read_account(_account(row.get("account")))),
        desk_id=str(desk.get("_id", "")) if isinstance(desk, Mapping) else "",
        fiscal=fiscal,
    )


def _account(rows: Any) -> Any:
    """Return an account by its names; it is a list of rows, the last of them Payme's own number."""
    if not isinstance(rows, list):
        return {} if rows is None else rows
    return {
        str(row.get("name")): row.get("value")
        for row in rows
        if isinstance(row, Mapping) and (row.get("main") is True or row.get("name") != TRANSACTION_ROW_NAME)
    }


def _id(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    if isinstance(value, str) and value:
        return value
    raise FieldError(field, "must be a text")


def _whole(row: Mapping[str, Any], field: str) -> int:
    return _named(field, lambda: read_whole_number(row.get(field)))


def _amount(row: Mapping[str, Any], field: str, *, default: int | None = None) -> int:
    if default is not None and row.get(field) is None:
        return default
    amount_tiyin = _whole(row, field)
    if not 0 <= amount_tiyin <= AMOUNT_TIYIN_MAX:
        raise FieldError(field, f"must be from 0 to {AMOUNT_TIYIN_MAX} tiyin")
    return amount_tiyin


def _time(row: Mapping[str, Any], field: str) -> int:
    """Read a time; servers write one that is not set as 0, as null, or not at all."""
    value = row.get(field)
    return 0 if value is None else _named(field, lambda: read_timestamp(value))


def _named(field: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except FieldError as error:
        raise FieldError(f"{field}.{error.field}" if error.field else field, error.problem) from None
    except ValueError as error:
        raise FieldError(field, str(error)) from None
