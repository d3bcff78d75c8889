"""Deleting what is too old to be needed, on both databases."""

import msgspec
import pytest
import sqlalchemy as sa

from helpers_accounts import ACCOUNTS
from tiyin.storage import Store
from tiyin.storage.schema import INTEGER, TEXT, define
from tiyin.storage.tables import Table


class Note(msgspec.Struct, frozen=True):
    id: str
    at_ms: int


METADATA = sa.MetaData()
NOTES = Table(
    define(
        "notes",
        METADATA,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("at_ms", INTEGER, nullable=False),
    ),
    Note,
    forgets_by="at_ms",
)


async def test_the_oldest_are_forgotten_first_and_piece_by_piece(store: Store) -> None:
    await store.create_tables(METADATA)
    await store.append(NOTES, [Note(f"n{at}", at) for at in (5, 1, 4, 2, 3)])

    async def left() -> list[int]:
        rows = await store.query(sa.select(NOTES.schema.c.at_ms).order_by(NOTES.schema.c.at_ms).limit(10))
        return [row[0] for row in rows]

    assert await store.forget(NOTES, 4, 2) == 2
    assert await left() == [3, 4, 5]
    assert await store.forget(NOTES, 4, 2) == 1
    assert await store.forget(NOTES, 4, 2) == 0
    assert await left() == [4, 5]


async def test_a_table_that_does_not_say_so_forgets_nothing(store: Store) -> None:
    with pytest.raises(ValueError, match="forgets nothing"):
        await store.forget(ACCOUNTS, 10**15, 10)


def test_a_column_to_forget_by_must_exist() -> None:
    with pytest.raises(ValueError, match="no column"):
        Table(NOTES.schema, Note, forgets_by="age")
