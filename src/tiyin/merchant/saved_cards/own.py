"""The kit's own keeper of saved cards: in SQLite or PostgreSQL, durable when it answers."""

import asyncio
from typing import Final, Self, TypeGuard

import msgspec
import sqlalchemy as sa

from tiyin.merchant.in_loop import LoopThread
from tiyin.merchant.saved_cards.records import SavedCard
from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.forks import forget_after_fork
from tiyin.storage.open import open_store
from tiyin.storage.schema import INTEGER, TEXT, define, version_column
from tiyin.storage.store import Store
from tiyin.storage.tables import Decision, Table

__all__ = ["BlockingCardKeeper", "OwnCardKeeper", "metadata"]

metadata = sa.MetaData()

_GONE: Final = 0
_ALL_GONE: Final = 1
_FORGET_AT_ONCE: Final = 100


class _Row(msgspec.Struct, frozen=True):
    id: str
    customer: str
    card: str
    number: str
    token: str
    pin: str | None
    tries: int
    wrong: int
    tried_ms: int
    removing: int
    saved_ms: int
    stamp: str
    gone: int | None = None
    version: int = 0

    def __repr__(self) -> str:
        return f"_Row(card={self.card!r})"

    __rich_repr__ = rich_repr


_schema = define(
    "payme_saved_cards",
    metadata,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("customer", TEXT, nullable=False),
    sa.Column("card", TEXT, nullable=False),
    sa.Column("number", TEXT, nullable=False),
    sa.Column("token", TEXT, nullable=False),
    sa.Column("pin", TEXT),
    sa.Column("tries", INTEGER, nullable=False),
    sa.Column("wrong", INTEGER, nullable=False),
    sa.Column("tried_ms", INTEGER, nullable=False),
    sa.Column("removing", INTEGER, nullable=False),
    sa.Column("saved_ms", INTEGER, nullable=False),
    sa.Column("stamp", TEXT, nullable=False),
    sa.Column("gone", INTEGER),
    version_column(),
)
sa.Index("payme_saved_cards_customer", _schema.c.customer, _schema.c.saved_ms)
sa.Index(
    "payme_saved_cards_gone",
    _schema.c.gone,
    sqlite_where=_schema.c.gone.is_not(None),
    postgresql_where=_schema.c.gone.is_not(None),
)
sa.Index(
    "payme_saved_cards_removing",
    _schema.c.saved_ms,
    sqlite_where=_schema.c.removing == sa.text("1"),
    postgresql_where=_schema.c.removing == sa.text("1"),
)

_CARDS = Table(_schema, _Row, forgets_by="gone")

_OF_CUSTOMER = (
    sa.select(_schema)
    .where(_schema.c.customer == sa.bindparam("customer"), _schema.c.gone.is_(None))
    .order_by(_schema.c.saved_ms, _schema.c.id)
    .limit(sa.bindparam("many"))
)
_REMOVING = (
    sa.select(_schema)
    .where(_schema.c.removing == sa.text("1"), _schema.c.gone.is_(None))
    .order_by(_schema.c.saved_ms)
    .limit(sa.bindparam("many"))
)


class OwnCardKeeper:
    """Saved cards in a database of the kit's own, for `AsyncSavedCards`; any number of processes share it.

    ```python
    async with OwnCardKeeper("postgresql://shop@localhost/shop") as keeper:
        cards = AsyncSavedCards(keeper, client)
    ```

    Args:
        database: ``sqlite:///cards.db`` or ``postgresql://...``, where the table is created if missing; or a
            store that is open already, which then stays open.
    """

    def __init__(self, database: str | Store) -> None:
        self._database = database
        self._opened: Store | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Open the database and create what is missing."""
        async with self._starting:
            if self._opened is None:
                given = self._database
                store = await open_store(given) if isinstance(given, str) else given
                await store.create_tables(metadata)
                self._opened = store

    async def stop(self) -> None:
        """Close the database if this keeper opened it."""
        store, self._opened = self._opened, None
        if store is not None and isinstance(self._database, str):
            await store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def get(self, customer: str, card: str) -> SavedCard | None:
        """Return a card, or None."""
        row = await self._store.get(_CARDS, _id(customer, card))
        return _card(row) if _is_card(row) else None

    async def add(self, record: SavedCard) -> bool:
        """Store a new card; False if the customer has one of that name."""
        row = _row(record)
        return await self._store.change(
            _CARDS,
            row.id,
            lambda stored: Decision(False) if _is_card(stored) else Decision(True, row),
        )

    async def replace(self, old: SavedCard, new: SavedCard) -> bool:
        """Store `new` in the place of `old`, unless something else stands there by now."""
        return await self._put(old.stamp, _row(new))

    async def delete(self, old: SavedCard) -> bool:
        """Delete a card, unless something else stands there by now."""
        # Emptied by comparing, which a deletion cannot do, and then deleted.
        emptied = msgspec.structs.replace(_row(old), number="", token="", pin=None, stamp="", gone=_GONE)
        deleted = await self._put(old.stamp, emptied)
        await self._store.forget(_CARDS, _ALL_GONE, _FORGET_AT_ONCE)
        return deleted

    async def of_customer(self, customer: str, limit: int) -> list[SavedCard]:
        """Return a customer's cards, the oldest first."""
        values = {"customer": customer, "many": limit}
        return [_card(row) for row in await self._store.query(_OF_CUSTOMER, _CARDS, values)]

    async def removing(self, limit: int) -> list[SavedCard]:
        """Return cards that are being removed, the oldest first."""
        return [_card(row) for row in await self._store.query(_REMOVING, _CARDS, {"many": limit})]

    async def _put(self, stamp: str, row: _Row) -> bool:
        def rule(stored: _Row | None) -> Decision[bool]:
            if _is_card(stored) and stored.stamp == stamp:
                return Decision(True, row)
            return Decision(False)

        return await self._store.change(_CARDS, row.id, rule)

    @property
    def _store(self) -> Store:
        if self._opened is None:
            raise RuntimeError("the keeper is not open: await start() first, or use `async with`")
        return self._opened


class BlockingCardKeeper:
    """The same database for `SavedCards`, in shops that do not await.

    ```python
    keeper = BlockingCardKeeper("sqlite:///cards.db")
    cards = SavedCards(keeper, client)
    ```

    Args:
        database: As for `OwnCardKeeper`, by its address. It is opened by the first call.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._keeper = OwnCardKeeper(database)
        self._loop = LoopThread()
        forget_after_fork(self)

    def forget_parent(self) -> None:
        """Begin anew in a child process: what a server opened before it forked is the server's."""
        self._keeper = OwnCardKeeper(self._database)

    def stop(self) -> None:
        """Close the database; a later call opens it again."""
        self._loop.run(self._keeper.stop())
        self._loop.stop()
        self._keeper = OwnCardKeeper(self._database)  # the one before belongs to the loop that has ended

    def get(self, customer: str, card: str) -> SavedCard | None:
        """Return a card, or None."""
        return self._loop.run(self._after_start().get(customer, card))

    def add(self, record: SavedCard) -> bool:
        """Store a new card; False if the customer has one of that name."""
        return self._loop.run(self._after_start().add(record))

    def replace(self, old: SavedCard, new: SavedCard) -> bool:
        """Store `new` in the place of `old`, unless something else stands there by now."""
        return self._loop.run(self._after_start().replace(old, new))

    def delete(self, old: SavedCard) -> bool:
        """Delete a card, unless something else stands there by now."""
        return self._loop.run(self._after_start().delete(old))

    def of_customer(self, customer: str, limit: int) -> list[SavedCard]:
        """Return a customer's cards, the oldest first."""
        return self._loop.run(self._after_start().of_customer(customer, limit))

    def removing(self, limit: int) -> list[SavedCard]:
        """Return cards that are being removed, the oldest first."""
        return self._loop.run(self._after_start().removing(limit))

    def _after_start(self) -> OwnCardKeeper:
        self._loop.run(self._keeper.start())
        return self._keeper


def _id(customer: str, card: str) -> str:
    # Encoded, so that no two pairs of names are one key.
    return msgspec.json.encode((customer, card)).decode()


def _is_card(row: _Row | None) -> TypeGuard[_Row]:
    return row is not None and row.gone is None


def _row(record: SavedCard) -> _Row:
    values = msgspec.structs.asdict(record) | {"removing": int(record.removing)}
    return _Row(id=_id(record.customer, record.card), **values)


def _card(row: _Row) -> SavedCard:
    values = msgspec.structs.asdict(row)
    for name in ("id", "gone", "version"):
        del values[name]
    return SavedCard(**(values | {"removing": bool(row.removing)}))
