"""SQLAlchemy Core compiled to text and values; storage alone executes it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from tiyin.storage.tables import AnySelect

__all__ = ["Compiler", "plain_row"]

STATEMENTS_MAX = 500


class Compiler:
    """Compiles statements for one dialect; a statement that is kept and used again is compiled once.

    Args:
        dialect: A dialect with positional parameters.
    """

    def __init__(self, dialect: Dialect) -> None:
        # Statements are told apart by identity; the bound keeps those that are built for one call from
        # piling up.
        self._compiled = lru_cache(maxsize=STATEMENTS_MAX)(lambda statement: _compiled(statement, dialect))

    def compile(self, statement: AnySelect, values: Mapping[str, Any] | None = None) -> tuple[str, list[Any]]:
        """Turn a query into text and the values to bind, in order.

        Args:
            statement: The query.
            values: Values of its named parameters; all others are bound already.

        Returns:
            The text and its values.
        """
        state = self._compiled(statement).construct_expanded_state(values)
        bound = state.parameters
        processors = state.processors
        order: Sequence[str] = state.positiontup or ()
        return state.statement, [
            processors[name](bound[name]) if name in processors else bound[name] for name in order
        ]


def _compiled(statement: AnySelect, dialect: Dialect) -> SQLCompiler:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101  # a Select compiles to nothing else; mypy needs to be told
    return compiled


def plain_row(row: Sequence[Any]) -> tuple[Any, ...]:
    """Make a row the same on both databases: PostgreSQL adds up integers to decimals, SQLite to integers.

    Args:
        row: A row as the driver gave it.

    Returns:
        The row as a tuple, integral decimals as integers.
    """
    return tuple(
        int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value
        for value in row
    )
