"""What the kinds of databases need: also those, and ways of using them, that are not here to be asked."""

import contextlib
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from tiyin.merchant.integrations.django.databases import (
    ConnectionLostError,
    WriteLockAtBegin,
    bound_lock_waits,
    can_repeat,
)
from tiyin.merchant.integrations.django.statements import Statements


class FakeConnection:
    """As much of a connection as is asked for; it writes down what it is told."""

    def __init__(self, vendor: str, **options: Any) -> None:
        self.vendor = vendor
        self.settings_dict = {"OPTIONS": options}
        self.connection: object = object()
        self.told: list[tuple[str, Any]] = []
        self.ops = self.features = self
        self.has_select_for_update = True

    def ensure_connection(self) -> None: ...

    def cursor(self) -> Any:
        return contextlib.nullcontext(self)

    def execute(self, statement: str, values: Any = None) -> None:
        self.told.append((statement, values))

    def quote_name(self, name: str) -> str:
        return f"`{name}`"


def told(vendor: str, **options: Any) -> list[tuple[str, Any]]:
    """What a connection is told about locks in three transactions, the last one on another connection."""
    connection: Any = FakeConnection(vendor, **options)
    for turn in range(3):
        if turn == 2:
            connection.connection = object()
        bound_lock_waits(connection, 2.5, begun=False)
        bound_lock_waits(connection, 2.5, begun=True)
    answer: list[tuple[str, Any]] = connection.told
    return answer


def test_how_long_a_lock_is_waited_for() -> None:
    """Goal: a connection is told once; one of a pool in each transaction, and for that one alone."""
    postgres = "SELECT set_config('lock_timeout', %s, %s)"
    assert told("postgresql") == [(postgres, ("2500ms", False))] * 2
    assert told("postgresql", pool=True) == [(postgres, ("2500ms", True))] * 3
    assert told("mysql") == [("SET SESSION innodb_lock_wait_timeout = %s", (2,))] * 2
    assert told("sqlite") == []


def test_a_bound_of_the_shops_own_stays() -> None:
    assert told("postgresql", options="-c lock_timeout=1s") == []
    assert told("mysql", init_command="SET innodb_lock_wait_timeout=3") == []


class WithState(Exception):
    def __init__(self, name: str, value: object) -> None:
        super().__init__()
        setattr(self, name, value)


@pytest.mark.parametrize(
    ("error", "repeated"),
    [
        (WithState("sqlstate", "40001"), True),
        (WithState("pgcode", "40P01"), True),
        (WithState("sqlstate", "23505"), False),
        (WithState("sqlstate", "55P03"), False),
        (WithState("sqlite_errorcode", 5), True),
        (WithState("sqlite_errorcode", 517), True),
        (WithState("sqlite_errorcode", 6), True),
        (WithState("sqlite_errorcode", 13), False),
        (OperationalError(1213, "Deadlock found"), True),
        (OperationalError(1205, "Lock wait timeout exceeded"), True),
        (OperationalError(1045, "Access denied"), False),
        (OperationalError(), False),
        (IntegrityError(1213), False),
        (ConnectionLostError(), True),
        (ValueError(), False),
    ],
)
def test_what_is_tried_again(error: Exception, repeated: bool) -> None:
    assert can_repeat(error) is repeated


def test_mysql_inserts_unless_it_is_there() -> None:
    connection: Any = FakeConnection("mysql")
    statements: Any = Statements(connection, "default")
    assert statements._insert.startswith("INSERT IGNORE INTO `tiyin_transaction` (`id`, ")  # noqa: SLF001 - there is no MySQL here
    assert "CONFLICT" not in statements._insert  # noqa: SLF001 - the same
    assert statements._locked.endswith(" FOR UPDATE")  # noqa: SLF001 - the same


def test_other_databases_begin_as_they_do() -> None:
    connection: Any = FakeConnection("postgresql")
    with WriteLockAtBegin(connection):
        assert not hasattr(connection, "transaction_mode")
