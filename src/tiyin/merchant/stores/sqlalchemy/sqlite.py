"""`prepare_sqlite`: an engine over a SQLite file, as a shop that takes payments wants it."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["prepare_sqlite"]


def prepare_sqlite(engine: sa.Engine | AsyncEngine, *, busy_s: float = 5.0) -> None:
    """Have an engine's SQLite connections durable and patient: WAL, ``synchronous=FULL``, a busy timeout.

    With WAL readers and a writer do not stand in each other's way; with FULL a payment that was confirmed
    is there after the power failed. Call it once, before the first connection:

    ```python
    engine = create_engine("sqlite:///shop.db")
    prepare_sqlite(engine)
    ```

    The store begins its own transactions with ``BEGIN IMMEDIATE``; the shop's others stay as they are.

    Args:
        engine: The shop's engine, of either kind.
        busy_s: How long a writer waits for another one, in seconds.

    Raises:
        ValueError: If it is not an engine over SQLite.
    """
    plain = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
    if plain.dialect.name != "sqlite":
        raise ValueError(f"prepare_sqlite is for SQLite, and this engine is for {plain.dialect.name}")

    def prepare(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        try:
            # First of all: switching to WAL may itself have to wait for others.
            cursor.execute(f"PRAGMA busy_timeout={int(busy_s * 1000)}")
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
        finally:
            cursor.close()

    sa.event.listen(plain, "connect", prepare)
