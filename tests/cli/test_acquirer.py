"""`tiyin acquirer`: sentences for what is wrong, and books that a killed process leaves whole."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers_acquirer import SECRET, patient_line
from helpers_emulator import run_tiyin
from tiyin.gateway.acquiring.http import HttpAcquirer
from tiyin.gateway.acquiring.port import Debited, Declined, NotFound, OutcomeUnknown
from tiyin.gateway.cards.safe import CardDetails
from tiyin.runtime.guarded_http import GuardedHttp

CARD = CardDetails("8600495473316478", "0399")
BALANCE_TIYIN = 5_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--card", "8600495473316478"], "--card is written NUMBER=BALANCE"),
        (["--card", "8600=1"], "16 digits"),
        (["--fault", "debit:break"], "--fault cannot be read"),
        (["--database", "mysql://x"], "--database cannot be used"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, arguments: list[str], said: str) -> None:
    database = f"sqlite:///{tmp_path / 'books.db'}"
    if "--database" not in arguments:
        arguments = [*arguments, "--database", database]
    refused = run_tiyin("acquirer", "--port", "0", *arguments, environ={"TIYIN_ACQUIRER_SECRET": SECRET})
    assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    assert "8600495473316478 " not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_secret_is_needed(tmp_path: Path) -> None:
    refused = run_tiyin("acquirer", "--database", f"sqlite:///{tmp_path / 'books.db'}")
    assert (refused.returncode, "TIYIN_ACQUIRER_SECRET" in refused.stderr) == (2, True), refused.stderr


@contextmanager
def process(database: Path, *arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run `tiyin acquirer` until it is killed or the block ends; gives its address."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIYIN_")}
    started = subprocess.Popen(
        [
            *(sys.executable, "-m", "tiyin.cli", "acquirer", "--port", "0"),
            *("--database", f"sqlite:///{database}"),
            *("--card", f"{CARD.number}={BALANCE_TIYIN}", *arguments),
        ],
        env={**kept, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "TIYIN_ACQUIRER_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert started.stdout is not None
        ready = started.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", ready)
        assert found is not None, ready
        yield found.group(), started
    finally:
        started.kill()
        started.communicate()


async def test_a_killed_process_keeps_what_it_told(tmp_path: Path) -> None:
    """Debits without a pause, the process killed among them: the next one knows all that was told."""
    database = tmp_path / "books.db"
    told: dict[str, Debited | Declined | None] = {}
    http = GuardedHttp(allow_private=True)
    try:
        with process(database) as (url, running):
            acquirer = HttpAcquirer(patient_line(http, url))
            enough = asyncio.Event()

            async def one(number: int) -> None:
                key = f"{number:024x}-1"
                told[key] = None
                try:
                    told[key] = await acquirer.debit(key, CARD, 100, "t")
                except OutcomeUnknown:
                    return
                if sum(answer is not None for answer in told.values()) >= 20:
                    enough.set()

            debiting = [asyncio.ensure_future(one(number)) for number in range(200)]
            async with asyncio.timeout(30):
                await enough.wait()
            running.send_signal(signal.SIGKILL)
            await asyncio.gather(*debiting)
        with process(database) as (url, _):
            acquirer = HttpAcquirer(patient_line(http, url))
            debited = 0
            for key, answer in told.items():
                now = await acquirer.status(key)
                if answer is not None:
                    assert now == answer
                elif isinstance(now, NotFound):
                    now = await acquirer.debit(key, CARD, 100, "t")
                debited += isinstance(now, Debited)
            # The card paid all it had, and every further debit was declined: before the kill and after it.
            assert debited * 100 == BALANCE_TIYIN
    finally:
        await http.close()


async def test_faults_can_be_on_from_the_start_and_the_books_outlive_a_stop(tmp_path: Path) -> None:
    database, http = tmp_path / "books.db", GuardedHttp(allow_private=True)
    key = f"{'a' * 24}-1"
    try:
        with process(database, "--fault", "debit:after-drop", "--seed", "7") as (url, running):
            with pytest.raises(OutcomeUnknown):
                await HttpAcquirer(patient_line(http, url)).debit(key, CARD, 100, "t")
            running.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(running.wait, 30) == 0
        with process(database) as (url, _):
            assert await HttpAcquirer(patient_line(http, url)).status(key) == Debited(key)
    finally:
        await http.close()
