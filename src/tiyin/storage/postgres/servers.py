"""The servers that a database's address names: all are asked at once, the one that may be written serves.

After a failover the address names a machine that is gone (a connection to it is swallowed for seconds), one
that still starts, and the new leader. Whoever asks them in turn waits for the first two each time.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

__all__ = ["CONNECT_ERRORS", "Connected", "connect", "each_server", "first_of", "hopeless"]

T = TypeVar("T")

CONNECT_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a connection that is not made may raise."""

# Every commit waits for the disk (and for the standby, where the server has a synchronous one). When the
# server was started tells one server from another, whatever address led to it.
_GREETING = (
    "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
    "WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false), "
    "coalesce(inet_server_addr()::text, '') || ' ' || coalesce(inet_server_port()::text, '') || ' ' || "
    "pg_postmaster_start_time()::text"
)


class Connected(NamedTuple):
    """A connection, and which server it leads to."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    server: str


def each_server(url: str) -> list[str]:
    """Write an address that names several hosts as one address for each.

    Args:
        url: `postgresql://user@a,b:5433/database?...`.

    Returns:
        The addresses; what stands in `?host=` is left to the driver.
    """
    parts = urlsplit(url)
    if "," not in parts.netloc:
        return [url]
    login, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{login}{at}{host}")) for host in hosts.split(",")]


async def connect(url: str, timeout_s: float, settings: Mapping[str, str]) -> Connected:
    """Connect to one server, if it may be written.

    Args:
        url: Its address.
        timeout_s: How long it may take, in seconds.
        settings: The session's settings.

    Raises:
        asyncpg.InternalClientError: If the server is a standby.
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: If there is no connection.
    """
    async with asyncio.timeout(timeout_s):
        connection = await asyncpg.connect(
            url,
            timeout=timeout_s,
            server_settings=dict(settings),
            statement_cache_size=500,
            # Whatever the address asks for: nothing here could be done at a standby.
            target_session_attrs=SessionAttribute.read_write,
        )
        try:
            row = await connection.fetchrow(_GREETING)
        except BaseException:
            connection.terminate()
            raise
    return Connected(connection, "" if row is None else str(row[1]))


async def first_of(
    attempts: Sequence[Coroutine[Any, Any, T]],
    let_go: Callable[[T], None],
    errors: tuple[type[Exception], ...],
) -> T:
    """Run attempts at once, answer what the first good one answers, and end the others.

    Args:
        attempts: At least one.
        let_go: Called with what a later one answers all the same.
        errors: What an attempt may raise.

    Raises:
        Exception: When none is good, what one of them raised: rather one that may pass.
    """
    found: list[T] = []
    failed: list[Exception] = []
    running: list[asyncio.Task[None]] = []

    async def attempt(one: Coroutine[Any, Any, T]) -> None:
        try:
            answer = await one
        except errors as error:
            failed.append(error)
            return
        if found:
            let_go(answer)
            return
        found.append(answer)
        for task in running:
            if task is not asyncio.current_task():
                task.cancel()

    if len(attempts) == 1:
        return await attempts[0]
    try:
        async with asyncio.TaskGroup() as group:
            running += [group.create_task(attempt(one)) for one in attempts]
    except BaseException:
        for answer in found:
            let_go(answer)
        raise
    if found:
        return found[0]
    raise min(failed, key=hopeless)


def hopeless(error: BaseException) -> bool:
    """Tell whether trying again within seconds is vain: a wrong password, no such database."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in {"28", "3D"}
    return isinstance(error, asyncpg.InterfaceError)
