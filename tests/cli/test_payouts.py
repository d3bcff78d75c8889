"""`tiyin days` and `tiyin payouts`: what they print, for people and programs, and how they end."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import typer
from typer.testing import CliRunner

from gateway.ledger.test_closing import ONE, Book
from helpers_acquirer import SECRET, apart
from tiyin.cli import days as days_module
from tiyin.cli.commands_ledger import days, payouts
from tiyin.gateway.acquiring.books import DEBITED, OPERATIONS, Operation
from tiyin.gateway.cards.safe import CardDetails
from tiyin.gateway.ledger import Share
from tiyin.gateway.ledger.calendar import DAY_MS, day_of
from tiyin.gateway.metadata import metadata
from tiyin.runtime.clock import ManualClock, SystemClock
from tiyin.storage import Decision, open_store

T = TypeVar("T")
YESTERDAY = (day_of(SystemClock().now_ms()) - timedelta(days=2)).isoformat()

app = typer.Typer()
app.add_typer(days, name="days")
app.add_typer(payouts, name="payouts")


class Place:
    """A gateway's database and the commands on it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fill(self, work: Callable[[Book], Awaitable[T]]) -> T:
        async def run() -> T:
            store = await open_store(self.url)
            try:
                await store.create_tables(metadata)
                book = Book(store)
                book.clock.now = SystemClock().now_ms()
                book.clock.tomorrow(-2)
                return await work(book)
            finally:
                await store.close()

        return asyncio.run(run())

    def run(self, *words: str, **environ: str) -> tuple[int, str]:
        environ = {"TIYIN_DATABASE_URL": self.url, "COLUMNS": "140", **environ}
        ended = CliRunner().invoke(app, list(words), env=environ)
        return ended.exit_code, ended.output

    def json(self, *words: str) -> Any:
        code, said = self.run(*words, "--json")
        assert code == 0, said
        return json.loads(said)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    # The migration is tested elsewhere; here the tables are made as they are declared.
    async def current(url: str) -> None:
        assert url.startswith("sqlite:")

    monkeypatch.setattr("tiyin.gateway.migrations.require_current", current)
    return Place(f"sqlite:///{tmp_path / 'gateway.db'}")


def test_days_are_closed_listed_and_shown(place: Place) -> None:
    async def nothing(_book: Book) -> None:
        pass

    place.fill(nothing)
    assert "Nothing to do" in place.run("days", "close")[1]
    assert "No day is closed" in place.run("days", "list")[1]
    place.fill(lambda book: book.pay(Share(ONE, 500_000, 7_500)))
    assert place.run("days", "close", "--until", "soon")[0] == 2
    assert "Nothing to do" in place.run("days", "close", "--until", "2020-01-01")[1]
    code, said = place.run("days", "close")
    assert (code, YESTERDAY in said, "4,925" in said) == (0, True, True)
    assert "Nothing to do" in place.run("days", "close")[1]
    assert place.json("days", "list")[-1]["payouts_tiyin"] == 492_500
    code, said = place.run("days", "show", YESTERDAY)
    assert (code, ONE in said, "75" in said) == (0, True, True)
    assert place.json("days", "show", YESTERDAY)[0]["gross_tiyin"] == 500_000
    assert place.run("days", "show", "2020-01-01")[0] == 2


def test_a_payout_is_listed_shown_paid_and_returned(place: Place) -> None:
    place.fill(lambda book: book.pay(Share(ONE, 500_000, 7_500)))
    assert "No payouts" in place.run("payouts", "list")[1]
    place.run("days", "close")
    [due] = place.json("payouts", "list", "--state", "due")
    payout = due["id"]
    assert payout == f"{YESTERDAY}-{ONE}"
    code, said = place.run("payouts", "list", "--day", YESTERDAY, "--desk", ONE)
    assert (code, payout in said, "1 payouts, UZS 4,925" in said) == (0, True, True)
    assert place.run("payouts", "list", "--state", "lost")[0] == 2
    code, said = place.run("payouts", "show", payout)
    assert (code, "gross         UZS 5,000" in said) == (0, True)
    assert place.json("payouts", "show", payout)["report"]["commission_tiyin"] == 7_500
    assert place.run("payouts", "show", "nothing")[0] == 2
    code, said = place.run("payouts", "returned", payout, "--who", "Aziza", "--why", "closed")
    assert (code, "not paid yet" in said) == (2, True)
    paid = ("payouts", "paid", payout, "--who", "Aziza", "--reference")
    assert place.run(*paid, "MT-1")[0] == 0
    assert place.run(*paid, "MT-1")[0] == 0
    code, said = place.run(*paid, "MT-2")
    assert (code, "paid already" in said) == (2, True)
    code, said = place.run("payouts", "returned", payout, "--who", "Botir", "--why", "closed")
    assert (code, "returned" in said, "Botir" in said) == (0, True, True)


def test_the_acquirers_file_is_compared(place: Place) -> None:
    receipt = place.fill(lambda book: book.pay(Share(ONE, 500_000, 7_500)))
    code, said = place.run("days", "reconcile", YESTERDAY)
    assert (code, "missing-there" in said, "DIFFERS: 1 findings" in said) == (1, True, True)

    async def book_it(book: Book) -> None:
        operation = Operation(
            f"{receipt.id}-1", "c", "t", 500_000, DEBITED, 0, receipt.pay_time_ms,
            debited_ms=receipt.pay_time_ms, debited_day=(receipt.pay_time_ms + 5 * 3600_000) // DAY_MS,
        )  # fmt: skip
        await book.store.change(OPERATIONS, operation.id, lambda _: Decision(None, operation))

    place.fill(book_it)
    code, said = place.run("days", "reconcile", YESTERDAY)
    assert (code, "AGREES" in said) == (0, True), said
    assert place.json("days", "reconcile", YESTERDAY)["day"]["lines"] == 1
    today = day_of(SystemClock().now_ms()).isoformat()
    code, said = place.run("days", "reconcile", today)
    assert (code, "not over yet" in said) == (2, True)


async def test_the_file_of_an_acquirer_apart_is_compared(place: Place, tmp_path: Path) -> None:
    """What stands in the gateway's own database is nobody's then; the acquirer's process is asked."""
    receipt = await asyncio.to_thread(place.fill, lambda book: book.pay(Share(ONE, 500_000, 7_500)))
    clock = ManualClock(receipt.pay_time_ms)
    async with apart(f"sqlite:///{tmp_path / 'acquirer.db'}", clock=clock) as far:
        environ = {"TIYIN_ACQUIRER_URL": far.url, "TIYIN_ACQUIRER_SECRET": SECRET}

        async def reconcile() -> tuple[int, str]:
            return await asyncio.to_thread(lambda: place.run("days", "reconcile", YESTERDAY, **environ))

        code, said = await reconcile()
        assert (code, "missing-there" in said) == (1, True), said
        card = CardDetails("8600495473316478", "0399")
        await far.inside.debit(f"{receipt.id}-1", card, 500_000, "t")
        code, said = await reconcile()
        assert (code, "AGREES" in said) == (0, True), said
        await far.inside.debit(f"{'f' * 24}-1", card, 1, "t")
        code, said = await reconcile()
        assert (code, "missing-here" in said) == (1, True), said
    code, said = await reconcile()
    assert (code, "cannot be had now" in said) == (2, True), said
    del environ["TIYIN_ACQUIRER_SECRET"]
    code, said = await reconcile()
    assert (code, "set together, or neither" in said) == (2, True), said


def test_without_a_database_it_is_said_what_to_set() -> None:
    ended = CliRunner().invoke(app, ["days", "list"], env={"TIYIN_DATABASE_URL": None})
    assert (ended.exit_code, "TIYIN_DATABASE_URL" in ended.output) == (2, True)
    assert days_module.parse_day("2026-11-24", "x").day == 24
