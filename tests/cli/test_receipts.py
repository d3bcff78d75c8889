"""`tiyin receipts` over a database in which one receipt waits for a person."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from helpers_receipts import World, paid_with
from tiyin.cli.commands import app


async def _paused(url: str) -> str:
    world = await World.open(url)
    receipt = await paid_with(world, await world.create())
    world.shop.refusals["CancelTransaction"] = -31003
    await world.receipts.cancel(world.desk, receipt.id)
    await world.idle()
    await world.close()
    return receipt.id


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    async def current(url: str) -> None:
        assert url.startswith("sqlite:")

    monkeypatch.setattr("tiyin.gateway.migrations.require_current", current)
    return f"sqlite:///{tmp_path / 'gateway.db'}"


def run(url: str, *words: str) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["receipts", *words], env={"TIYIN_DATABASE_URL": url, "COLUMNS": "160"})
    return ended.exit_code, ended.output


def test_a_person_sees_and_decides(url: str) -> None:
    receipt_id = asyncio.run(_paused(url))
    assert receipt_id in run(url, "paused")[1]
    listed = json.loads(run(url, "paused", "--json")[1])
    assert [story["receipt"]["state_from"] for story in listed] == [21]
    assert "payer" not in listed[0]["receipt"]
    code, said = run(url, "show", receipt_id)
    assert code == 0
    assert said.index("booked: taken") < said.index("booked: earned")
    by = ("--who", "Operator", "--why", "asked by the payer")
    assert run(url, "cancel", receipt_id, *by, "--override")[0] == 0
    shown = run(url, "show", receipt_id)[1]
    assert "a person: override" in shown
    assert "asked by the payer" in shown
    assert "No receipt waits" in run(url, "paused")[1]
    code, said = run(url, "resume", receipt_id, *by)
    assert code == 2


def test_what_is_wrong_is_told(url: str) -> None:
    receipt_id = asyncio.run(_paused(url))
    assert run(url, "show", "0" * 24)[0] == 2
    assert run(url, "resume", receipt_id, "--who", " ", "--why", "x")[0] == 2
    assert run(url, "resume", receipt_id)[0] == 2
