"""What happens to one batch: read, decide, write in one statement, and find out what became of it."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg

from tiyin.runtime.logs import get_logger
from tiyin.storage.errors import (
    LeaseLost,
    OutcomeUnknown,
    StorageError,
    StorageUnavailable,
    Taken,
    TooContended,
)
from tiyin.storage.postgres.batch_sql import (
    ASK,
    EPOCHS,
    LOCK_WORK,
    Change,
    append_statement,
    batch_statement,
    lock_row,
    read_statement,
    read_values,
)
from tiyin.storage.postgres.connection import (
    RETRY_FIRST_S,
    Link,
    Lost,
    Untouched,
    may_split,
    pause,
    refusal,
)
from tiyin.storage.postgres.items import AppendItem, ChangeItem, Item
from tiyin.storage.tables import Table

__all__ = ["Batches"]

Written = list[tuple[int, int | None]]


class Batches:
    """Writes batches over one connection.

    Args:
        link: The connection.
        patience_s: How long to ask after a commit whose outcome is unknown, in seconds.
        prefix: Begins every id in `commands` that this connection writes.
        numbers: Ends them.
    """

    def __init__(self, link: Link, patience_s: float, prefix: str, numbers: Iterator[int]) -> None:
        self._link = link
        self._patience_s = patience_s
        self._prefix = prefix
        self._numbers = numbers
        self._loop = asyncio.get_running_loop()
        self._log = get_logger("tiyin.storage")

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._link.connected

    async def write(self, table: Table[Any], batch: Sequence[Item]) -> list[Item]:
        """Write a batch, and answer each item that is finished.

        Args:
            table: The table.
            batch: All changes or all appends; each key once.

        Returns:
            The items that have to be decided again.
        """
        again: list[Item] = []
        parts: list[list[Item]] = [list(batch)] if batch else []
        while parts:
            part = parts.pop()
            try:
                again += await self._write_part(table, part)
            except Exception as error:
                if not may_split(error):
                    raise
                again += self._split(table, part, error, parts)
        return again

    def _split(
        self, table: Table[Any], part: list[Item], error: Exception, parts: list[list[Item]]
    ) -> list[Item]:
        """Halve a part that one of its rows spoiled, until that row is alone and hears of it."""
        if len(part) > 1:
            middle = len(part) // 2
            parts += [part[middle:], part[:middle]]
            return []
        item = part[0]
        if isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "")[:2] == "40":
            item.tries += 1
            return [item]
        item.fail(_refusal(error, table, item))
        return []

    async def _write_part(self, table: Table[Any], part: Sequence[Item]) -> list[Item]:
        """Write a part in one statement; only errors that one row may have caused are raised."""
        try:
            await self._link.open(max(item.deadline for item in part))
            if isinstance(part[0], AppendItem):
                return await self._append(table, [item for item in part if isinstance(item, AppendItem)])
            return await self._change(table, [item for item in part if isinstance(item, ChangeItem)])
        except Lost as error:
            if isinstance(error, Untouched):
                await pause(RETRY_FIRST_S)
            return self._patient(part)
        except StorageError as error:
            for item in part:
                item.fail(type(error)(*error.args))
            return []
        except asyncpg.PostgresError as error:
            if may_split(error):
                raise
            for item in part:
                item.fail(_refusal(error, table, item))
            return []

    def _patient(self, part: Sequence[Item]) -> list[Item]:
        """Nothing was written and the connection is gone: those whose time is not over go again."""
        now = self._loop.time()
        for item in part:
            if item.deadline <= now:
                item.fail(StorageUnavailable("PostgreSQL was lost, and did not come back in time"))
        return [item for item in part if item.deadline > now]

    async def _append(self, table: Table[Any], items: Sequence[AppendItem]) -> list[Item]:
        records = [record for item in items for record in item.records]
        command = self._command()
        statement, values = append_statement(table, command, records)
        try:
            await self._link.fetch(statement, *values)
        except Untouched:
            raise
        except Lost:
            if await self._ask(command) is None:
                return list(items)
        for item in items:
            item.answer(None)
        return []

    async def _change(self, table: Table[Any], items: Sequence[ChangeItem], *, end: str = "") -> list[Item]:
        """Read, decide and write; returns the items that have to be decided again.

        Args:
            table: The table.
            items: The changes.
            end: The statement that ends the transaction, if one is open.
        """
        deciding, again = await self._decided(table, items)
        if not deciding:
            return again
        deciding.sort(key=_by_key)
        command = self._command()
        changes = [change for _, change in deciding]
        statement, values = batch_statement(table, command, changes)
        try:
            written: Written | None = [tuple(row) for row in await self._link.fetch(statement, *values)]
            if end:
                await self._link.fetch(end)
        except Untouched:
            raise
        except Lost:
            written = await self._ask_changes(command, changes)
        if written is None:
            return again + [item for item, _ in deciding]
        made = dict(written)
        for n, (item, change) in enumerate(deciding):
            if n in made:
                item.settle(change, made[n])
            else:
                item.lose()
                again.append(item)
        return again

    async def _decided(
        self, table: Table[Any], items: Sequence[ChangeItem]
    ) -> tuple[list[tuple[ChangeItem, Change]], list[Item]]:
        """Read the rows and run the rules.

        Returns:
            What is to be written, and the items that must wait because another of the batch changes the same
            work.
        """
        expected: dict[ChangeItem, Change] = {}
        for item in items:
            change = item.decide_as_expected()
            if change is not None:
                expected[item] = change
        keys = [str(item.key) for item in items if item not in expected]
        rows = await self._link.fetch(read_statement(table), *read_values(table, keys)) if keys else []
        found = {row[table.key_index]: row for row in rows}
        # The statement that writes judges the leases itself. They are looked at only where it was no help:
        # for what it passed over before, and for what is not written at all.
        doubted = {item.lease.key for item in items if item.lease is not None and item.tries}
        epochs = await self._epochs(list(doubted)) if doubted else {}
        deciding: list[tuple[ChangeItem, Change]] = []
        waiting: list[Item] = []
        unwritten: list[tuple[ChangeItem, BaseException | None]] = []
        works: set[str] = set()
        for item in items:
            row: Any = found.get(item.key)
            if item.lease is not None and item.tries and epochs.get(item.lease.key) != item.lease.epoch:
                unwritten.append((item, LeaseLost(item.lease.key)))
                continue
            if item.insert_lost and row is None:
                # The insert met something, and it was not its own key.
                unwritten.append((item, Taken(table.name, str(item.key))))
                continue
            try:
                change = expected.get(item) or item.decide(row)
            except BaseException as error:  # noqa: BLE001  # whatever a rule raises is its caller's alone
                unwritten.append((item, error))
                continue
            if change is None:
                unwritten.append((item, None))
            elif item.work_key is not None and item.work_key in works:
                waiting.append(item)
            else:
                works.update([item.work_key] if item.work_key is not None else [])
                deciding.append((item, change))
        if unwritten:
            await self._answer_unwritten(unwritten)
        return deciding, waiting

    async def _answer_unwritten(self, unwritten: Sequence[tuple[ChangeItem, BaseException | None]]) -> None:
        """Answer what needs no writing, once it is known that no lease was lost.

        Nothing may be answered before the last question: if the connection is lost at it, all is decided
        again.
        """
        leases = [item.lease for item, _ in unwritten if item.lease is not None and not item.tries]
        epochs = await self._epochs([lease.key for lease in leases]) if leases else {}
        lost = {lease.key for lease in leases if epochs.get(lease.key) != lease.epoch}
        for item, error in unwritten:
            if item.lease is not None and item.lease.key in lost:
                item.fail(LeaseLost(item.lease.key))
            elif error is not None:
                item.fail(error)
            else:
                item.settle(None, None)

    async def _ask_changes(self, command: str, changes: Sequence[Change]) -> Written | None:
        """Find out which changes of a lost batch were made; None if it never was nor will be committed."""
        numbers = await self._ask(command)
        if numbers is None:
            return None
        leased = {n: changes[n].schedule for n in numbers if changes[n].schedule is not None}
        if not leased:
            return [(n, None) for n in numbers]
        try:
            keys = [schedule[0] for schedule in leased.values() if schedule is not None]
            epochs = await self._epochs(keys)
        except (Lost, asyncpg.PostgresError):
            # Without its lease a driver leaves the work to whoever claims it: late, but right.
            epochs = {}
        return [(n, epochs.get((leased.get(n) or ("",))[0])) for n in numbers]

    async def _ask(self, command: str) -> list[int] | None:
        """Find out whether a batch whose connection was lost was committed.

        Returns:
            The numbers of the changes that it made; None if it was not committed and never will be.

        Raises:
            OutcomeUnknown: If the database did not come back in time.
        """
        deadline = self._loop.time() + self._patience_s
        while True:
            try:
                await self._link.open(deadline)
                [(done,)] = await self._link.fetch(ASK, command)
            except StorageUnavailable as error:
                raise OutcomeUnknown(
                    "the connection was lost at a commit, and PostgreSQL did not come back"
                ) from error
            except (Lost, asyncpg.PostgresError) as error:
                if self._loop.time() >= deadline:
                    raise OutcomeUnknown(
                        "the connection was lost at a commit, and nobody answers for it"
                    ) from error
                await pause(RETRY_FIRST_S)
            else:
                return None if done is None else list(done)

    async def write_alone(self, table: Table[Any], item: Item) -> None:
        """Change a contended row under its lock: whoever else wants it waits in the server's own queue.

        Args:
            table: The table.
            item: The change; it is answered in any case.
        """
        assert isinstance(item, ChangeItem)  # noqa: S101  # appends contend for nothing; for mypy
        try:
            # Twice, because a row that does not exist cannot be locked: it may appear in between.
            for _ in range(2):
                await self._link.open(item.deadline)
                await self._link.fetch("BEGIN")
                await self._link.fetch(lock_row(table), item.key)
                if item.lease is not None:
                    await self._link.fetch(LOCK_WORK, item.lease.key)
                if not await self._change(table, [item], end="COMMIT"):
                    return
        except Lost:
            item.fail(StorageUnavailable("PostgreSQL was lost while a contended row was waited for"))
        except StorageError as error:
            item.fail(error)
        except (asyncpg.PostgresError, asyncpg.DataError, UnicodeEncodeError, OverflowError) as error:
            item.fail(_refusal(error, table, item))
        else:
            item.fail(TooContended(table.name, str(item.key)))
        finally:
            await self._link.roll_back()

    async def run_aside(self, statement: str, *values: Any) -> None:
        """Run a statement of housekeeping; it may fail, the next one will do its work."""
        try:
            await self._link.open(self._loop.time())
            await self._link.fetch(statement, *values)
        except (StorageUnavailable, Lost, asyncpg.PostgresError) as error:
            self._log.warning("storage_housekeeping_failed", error=type(error).__name__)

    async def _epochs(self, keys: list[str]) -> dict[str, int]:
        return {row[0]: row[1] for row in await self._link.fetch(EPOCHS, keys)}

    def _command(self) -> str:
        return f"{self._prefix}{next(self._numbers):08x}"


def _by_key(decided: tuple[ChangeItem, Change]) -> str:
    return decided[1].key


def _refusal(error: Exception, table: Table[Any], item: Item) -> StorageError:
    return refusal(error, table.name, item.label, [appended.name for appended in table.appends])
