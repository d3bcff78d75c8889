"""Runs the queries that the gateway describes with SQLAlchemy Core over rows in memory.

It understands what the gateway asks and refuses anything else loudly: a query that it would misread proves
nothing. `test_store.py` compares it with a real database.
"""
# how a statement is put together is told nowhere else

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import elements, functions, operators, selectable

__all__ = ["holds", "run_query"]

Row = Mapping[str, Any]
Values = Mapping[str, Any]


class NotUnderstood(NotImplementedError):
    """The simulation's store does not know this part of a query."""


def _like(text: Any, pattern: Any) -> bool:
    if pattern.count("%") == 1 and pattern.endswith("%") and "_" not in pattern:
        return bool(text.startswith(pattern[:-1]))
    raise NotUnderstood(f"LIKE {pattern!r}")


_COMPARISONS: dict[Any, Callable[[Any, Any], Any]] = {
    operators.eq: operator.eq,
    operators.ne: operator.ne,
    operators.lt: operator.lt,
    operators.le: operator.le,
    operators.gt: operator.gt,
    operators.ge: operator.ge,
    operators.add: operator.add,
    operators.sub: operator.sub,
    operators.mul: operator.mul,
    operators.concat_op: operator.add,
    operators.like_op: _like,
    operators.startswith_op: lambda text, start: text.startswith(start),
}


class _Joined(dict[str, Any]):
    """A row of two tables, its columns named with their tables."""


def value_of(part: Any, row: Row, values: Values) -> Any:
    """Work out an expression for one row; None is SQL's null."""
    if isinstance(part, elements.BindParameter):
        if part.key in values:
            return values[part.key]
        return part.effective_value
    if isinstance(part, elements.ColumnClause) and not part.is_literal:
        if isinstance(row, _Joined):
            return row[f"{getattr(part.table, 'name', None)}.{part.name}"]
        return row[part.name]
    if isinstance(part, elements.ColumnClause):
        return int(part.name)
    if isinstance(part, elements.Grouping | elements.Label | elements.Cast):
        return value_of(getattr(part, "element", None) or part.clause, row, values)
    if isinstance(part, elements.Null):
        return None
    if isinstance(part, elements.True_ | elements.False_):
        return isinstance(part, elements.True_)
    if isinstance(part, elements.BooleanClauseList | elements.ExpressionClauseList):
        return _boolean(part, row, values)
    if isinstance(part, elements.BinaryExpression):
        return _binary(part, row, values)
    if isinstance(part, elements.Tuple | elements.ClauseList):
        return tuple(value_of(each, row, values) for each in part.clauses)
    if isinstance(part, elements.UnaryExpression) and part.operator is operators.inv:
        inner = value_of(part.element, row, values)
        return None if inner is None else not inner
    if isinstance(part, elements.TextClause):
        return _text(part.text, row)
    if isinstance(part, functions.FunctionElement) and part.name == "substr":
        text, start, *length = (value_of(each, row, values) for each in part.clauses)
        return text[start - 1 : start - 1 + length[0]] if length else text[start - 1 :]
    raise NotUnderstood(f"{type(part).__name__}: {part}")


def _text(text: str, row: Row) -> bool:
    name, sign, literal = text.partition(" = ")
    if sign and name in row:
        return bool(str(row[name]) == literal.strip("'"))
    raise NotUnderstood(text)


def _boolean(part: Any, row: Row, values: Values) -> Any:
    inner = [value_of(each, row, values) for each in part.clauses]
    if part.operator is operators.and_:
        return (
            False
            if any(each is not None and not each for each in inner)
            else (None if None in inner else True)
        )
    if part.operator is operators.or_:
        return True if any(inner) else (None if None in inner else False)
    raise NotUnderstood(str(part))


def _binary(part: Any, row: Row, values: Values) -> Any:
    left = value_of(part.left, row, values)
    if part.operator is operators.between_op:
        low, high = (value_of(each, row, values) for each in part.right.clauses)
        return None if None in {left, low, high} else low <= left <= high
    if part.operator in {operators.is_, operators.is_not}:
        same = (
            left is None
            if isinstance(part.right, elements.Null)
            else left == value_of(part.right, row, values)
        )
        return same if part.operator is operators.is_ else not same
    right = value_of(part.right, row, values)
    if part.operator in {operators.in_op, operators.not_in_op}:
        if left is None:
            return None
        return (left in right) is (part.operator is operators.in_op)
    if left is None or right is None:
        return None
    compare = _COMPARISONS.get(part.operator)
    if compare is None:
        raise NotUnderstood(f"{part.operator}: {part}")
    return compare(left, right)


def holds(parts: Iterable[Any], row: Row, values: Values) -> bool:
    """Tell whether all conditions are true for a row."""
    return all(value_of(part, row, values) for part in parts)


class _Down:
    """Turns an order round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: "_Down") -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and bool(other.value == self.value)

    __hash__ = None  # type: ignore[assignment]


def _order(part: Any, row: Row, values: Values) -> Any:
    if isinstance(part, elements.UnaryExpression) and part.modifier in {operators.desc_op, operators.asc_op}:
        value = value_of(part.element, row, values)
        return _Down(value) if part.modifier is operators.desc_op else value
    return value_of(part, row, values)


def _aggregate(part: Any, rows: list[Row], values: Values) -> Any:
    part = part.element if isinstance(part, elements.Label) else part
    if not isinstance(part, functions.FunctionElement):
        raise NotUnderstood(f"{part} beside a function over all rows")
    inner = list(part.clauses)
    if part.name == "coalesce":
        first = _aggregate(inner[0], rows, values)
        return value_of(inner[1], {}, values) if first is None else first
    if part.name == "count":
        return len(rows)
    found = [value for row in rows if (value := value_of(inner[0], row, values)) is not None]
    if not found:
        return None
    if part.name in {"sum", "min", "max"}:
        return {"sum": sum, "min": min, "max": max}[part.name](found)  # type: ignore[operator]
    raise NotUnderstood(str(part))


_AGGREGATES = frozenset({"count", "sum", "min", "max"})


def _is_aggregate(part: Any) -> bool:
    part = part.element if isinstance(part, elements.Label) else part
    if not isinstance(part, functions.FunctionElement):
        return False
    return part.name in _AGGREGATES or any(_is_aggregate(each) for each in part.clauses)


def _rows_from(source: Any, rows_of: Callable[[str], Iterable[Row]], values: Values) -> Iterable[Row]:
    """Give the rows of a table, or the pairs of rows that two tables are joined by."""
    if isinstance(source, selectable.TableClause):
        return rows_of(source.name)
    sides = (source.left, source.right) if isinstance(source, selectable.Join) else ()
    named = all(isinstance(side, selectable.TableClause) for side in sides)
    if not sides or not named or source.isouter or source.full:
        raise NotUnderstood(str(source))
    names: list[str] = [getattr(side, "name", "") for side in sides]
    left, right = ([(name, row) for row in rows_of(name)] for name in names)
    pairs = (
        _Joined({f"{name}.{key}": value for name, row in (one, other) for key, value in row.items()})
        for one in left
        for other in right
    )
    return [pair for pair in pairs if holds([source.onclause], pair, values)]


def run_query(
    statement: Any, rows_of: Callable[[str], Iterable[Row]], values: Values | None = None
) -> list[tuple[Any, ...]]:
    """Run a query.

    Args:
        statement: The query, over one table, or over two that are joined.
        rows_of: Gives the rows of a table by its name.
        values: Values of named parameters.

    Raises:
        NotUnderstood: If the query holds anything that is not known here.
    """
    if not isinstance(statement, sa.Select) or statement._group_by_clauses or statement._having_criteria:
        raise NotUnderstood(str(statement))
    values = values or {}
    tables = statement.get_final_froms()
    if len(tables) != 1:
        raise NotUnderstood(str(statement))
    where = statement._where_criteria
    rows = [row for row in _rows_from(tables[0], rows_of, values) if holds(where, row, values)]
    columns = [
        column
        for raw in statement._raw_columns
        for column in (raw.columns if isinstance(raw, selectable.TableClause) else [raw])
    ]
    if any(_is_aggregate(column) for column in columns):
        return [tuple(_aggregate(column, rows, values) for column in columns)]
    if statement._order_by_clauses:
        ordering = statement._order_by_clauses
        rows.sort(key=lambda row: tuple(_order(part, row, values) for part in ordering))
    answers = [tuple(value_of(column, row, values) for column in columns) for row in rows]
    if statement._distinct:
        answers = list(dict.fromkeys(answers))
    skipped = 0 if statement._offset_clause is None else value_of(statement._offset_clause, {}, values)
    limit = statement._limit_clause
    end = None if limit is None else skipped + value_of(limit, {}, values)
    return answers[skipped:end]
