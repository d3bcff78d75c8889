"""Two PostgreSQL servers that replicate synchronously, and what happens to them: deaths, promotions, rewinds.

The cluster does what an agent such as Patroni does in its synchronous mode: a leader acknowledges nothing
that its standby has not written too, the standby of a leader that is gone leads alone, and the old leader
comes back as its synchronous standby.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import time

import asyncpg
import psutil

from helpers_storage import PostgresServer

__all__ = ["Cluster", "Member"]

SYNCED_S = 30.0


class Member(PostgresServer):
    """One server of the cluster; the first one makes its data, the other copies it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def address(self, program: str) -> str:
        """The server's address as PostgreSQL's own programs take it."""
        return f"host=127.0.0.1 port={self.port} user=postgres application_name={program} dbname=postgres"

    def allow_replication(self) -> None:
        """Write the settings that both members have; they travel with the data."""
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.write("wal_level = replica\nwal_log_hints = on\nhot_standby = on\n")
            conf.write("wal_keep_size = '512MB'\nwal_retrieve_retry_interval = '100ms'\n")
            conf.write("wal_sender_timeout = '3s'\nwal_receiver_timeout = '3s'\n")

    def copy_of(self, leader: "Member") -> None:
        """Become a standby of a running leader, from nothing."""
        shutil.rmtree(self._data)
        self._run(["pg_basebackup", "-D", str(self._data), "-d", leader.address("copy"), "-c", "fast", "-N"])
        self._follow(leader)

    def rewind(self, leader: "Member") -> None:
        """Go back to where the new leader's history parts from this one's, and become its standby.

        What this server had written and the other did not get is given up: none of it was acknowledged.
        """
        self._run(["pg_rewind", "-D", str(self._data), "--source-server", leader.address("rewind"), "-N"])
        self._follow(leader)

    def _follow(self, leader: "Member") -> None:
        signs = self._data / "standby.signal", self._data / "postgresql.auto.conf"
        for sign, text in zip(
            signs, ("", f"primary_conninfo = '{leader.address(self.name)}'\n"), strict=True
        ):
            sign.write_text(text)
            if self._account:
                os.chown(sign, self._account["user"], self._account["group"])

    def log(self) -> str:
        """The end of what the server wrote."""
        return (self._folder / "log").read_text()[-4000:]

    def stop_running(self) -> None:
        """Freeze every process of the server: connections stay, nothing is answered, as without a network."""
        for process in self._processes():
            process.send_signal(signal.SIGSTOP)

    def go_on_running(self) -> None:
        """Let a frozen server go on."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    def _processes(self) -> list[psutil.Process]:
        assert self._process is not None
        postmaster = psutil.Process(self._process.pid)
        return [postmaster, *postmaster.children(recursive=True)]


class Cluster:
    """A leader and its synchronous standby.

    Attributes:
        leader: Who may be written.
        standby: Who follows it.
    """

    def __init__(self) -> None:
        self.leader = Member("alpha")
        self.standby = Member("beta")
        self.members = (self.leader, self.standby)

    def url(self, database: str = "postgres") -> str:
        """The address of a database, which names both members in an order that never changes."""
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return f"postgresql://postgres@{hosts}/{database}?target_session_attrs=read-write"

    async def start(self) -> None:
        """Start both, the second as a copy of the first."""
        self.leader.allow_replication()
        await asyncio.to_thread(self.leader.start)
        await asyncio.to_thread(self.standby.copy_of, self.leader)
        await asyncio.to_thread(self.standby.start)
        await self.require_standby()

    async def require_standby(self) -> None:
        """Let the leader acknowledge nothing any more that its standby does not have."""
        connection = await asyncpg.connect(self.leader.url())
        try:
            await connection.execute(
                f"ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 ({self.standby.name})'"
            )
            await connection.execute("SELECT pg_reload_conf()")
            deadline = time.monotonic() + SYNCED_S
            while await connection.fetchval("SELECT sync_state FROM pg_stat_replication") != "sync":
                assert time.monotonic() < deadline, f"the standby does not follow:\n{self.standby.log()}"
                await asyncio.sleep(0.02)
        finally:
            await connection.close()

    async def fail_over(self, *, frozen: bool = False) -> float:
        """Lose the leader without a warning and promote the standby.

        Args:
            frozen: Whether the leader only falls silent; it is killed when the other leads already.

        Returns:
            How long there was no leader, in seconds.
        """
        old, new = self.leader, self.standby
        began = time.monotonic()
        await asyncio.to_thread(old.stop_running if frozen else old.kill)
        connection = await asyncpg.connect(new.url())
        try:
            assert await connection.fetchval("SELECT pg_promote(true, 60)"), "it was not promoted"
        finally:
            await connection.close()
        self.leader, self.standby = new, old
        return time.monotonic() - began

    async def take_back(self, *, frozen: bool = False) -> None:
        """Make the old leader the new one's synchronous standby.

        Args:
            frozen: Whether it was frozen: it wakes, believes to lead, and is stopped.
        """
        if frozen:
            await asyncio.to_thread(self.standby.go_on_running)
            await asyncio.to_thread(self.standby.kill)
        await self.leader.execute("CHECKPOINT")  # The programs read the new history from the file it writes.
        await asyncio.to_thread(self.standby.rewind, self.leader)
        await asyncio.to_thread(self.standby.start)
        await self.require_standby()

    def remove(self) -> None:
        """End both and delete their data."""
        for member in self.members:
            with contextlib.suppress(psutil.NoSuchProcess, AssertionError):
                member.go_on_running()
            member.remove()
