"""Goal: pulling the plug is real, and after it every payment comes to its end with nothing lost.

Method: a run at each step there is, a few at a time, each with processes of its own; then the pages and the
JSON of a real emulator, and its end in the middle of a run.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from helpers_emulator import Browser, emulator_process, get_json, post_json
from tiyin.emulator import plug as plug_module
from tiyin.emulator.plug import Plug, PlugBusy, PlugRun, UnknownStep
from tiyin.emulator.plug_steps import REFUND_STEPS, STEPS, words_of

pytestmark = pytest.mark.kill

AT_A_TIME = 4
# What the dead gateway left: the receipt's state, and whether the card is debited already.
LEFT = {
    "before-commit-0-1": (0, 0),
    "after-commit-0-1": (1, 0),
    "before-create": (1, 0),
    "during-create": (1, 0),
    "after-create": (1, 0),
    "before-commit-1-2": (1, 0),
    "after-commit-1-2": (2, 0),
    "before-debit": (2, 0),
    "after-debit": (2, 500_000),
    "before-commit-2-3": (2, 500_000),
    "after-commit-2-3": (3, 500_000),
    "before-perform": (3, 500_000),
    "during-perform": (3, 500_000),
    "after-perform": (3, 500_000),
    "before-commit-3-4": (3, 500_000),
    "after-commit-3-4": (4, 500_000),
    "before-commit-4-21": (4, 500_000),
    "during-cancel": (21, 500_000),
    "after-reverse": (21, 0),
}
ORDER_LEFT = {
    "during-create": "reserved",
    "during-perform": "paid",
    "before-create": "waiting",
    "during-cancel": "cancelled",
}
OF_EACH_KIND = {
    "before-commit-0-1",
    "during-create",
    "after-commit-1-2",
    "after-debit",
    "during-perform",
    "before-commit-3-4",
    "before-commit-4-21",
    "during-cancel",
}
NOTHING_BEGUN = {"before-commit-0-1", "before-commit-4-21"}
PAID = (4, "paid", 500_000, 500_000, 0, 0, 500_000)
RETURNED = (50, "cancelled", 0, 500_000, 500_000, 0, 0)


@pytest.mark.parametrize(
    "steps",
    [OF_EACH_KIND, pytest.param(set(LEFT) - OF_EACH_KIND, marks=pytest.mark.long)],
    ids=["some", "rest"],
)
async def test_every_step_ends_as_it_began_and_is_verified(steps: set[str], tmp_path: Path) -> None:
    places = asyncio.Semaphore(AT_A_TIME)
    plugs: list[Plug] = []

    async def pull(at: str) -> PlugRun:
        async with places:
            plug = Plug(tmp_path / at)
            plugs.append(plug)
            run = plug.start(at)
            with pytest.raises(PlugBusy):
                plug.start()
            while not run.over:  # noqa: ASYNC110 - a run is only looked at, as its page does
                await asyncio.sleep(0.05)
            return run

    runs = await asyncio.gather(*(pull(at) for at in steps))
    for plug in plugs:
        await plug.stop()
    # Of a refund only those steps that leave something of their own kind.
    assert set(STEPS) - set(REFUND_STEPS) <= set(LEFT) <= set(STEPS)
    for run in runs:
        assert (run.state, run.problem) == ("ended", None), f"{run.at}: {run}"
        assert run.exit_code == -9
        assert run.verified is not None
        assert (run.verified.clean, run.verified.operations) == (True, 1), f"{run.at}: {run.verified}"
        [left] = [line.facts for line in run.lines if line.what == "looked"]
        [end] = [line.facts for line in run.lines if line.what == "ended"]
        assert left is not None
        assert end is not None
        assert (left.receipt, left.debited) == LEFT[run.at], run.at
        assert left.order == ORDER_LEFT.get(run.at, left.order), run.at
        sums = (end.debited, end.taken, end.returned, end.in_flight, end.owed)
        assert (end.receipt, end.order, *sums) == (RETURNED if run.refund else PAID), run.at
        killed = next(number for number, line in enumerate(run.lines) if line.what == "killed")
        passed = [line.step for line in run.lines[:killed] if line.what in {"step", "still"}]
        assert passed[-1] == run.at
        again = any(line.what == "again" for line in run.lines)
        assert again == (run.at in NOTHING_BEGUN)
        assert not (tmp_path / run.at / run.id).exists()


async def test_a_step_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownStep):
        Plug(tmp_path).start("at-teatime")
    assert words_of("before-perform") is not None


async def test_a_run_that_fails_while_it_is_looked_at_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, looks = plug_module._read_order, []  # noqa: SLF001 - its only look outside

    def fails_later(url: str) -> str:
        looks.append(url)
        if len(looks) > 1:
            raise OSError("the shop is gone")
        return read(url)

    monkeypatch.setattr(plug_module, "_read_order", fails_later)
    plug = Plug(tmp_path)
    run = plug.start("after-debit")
    async with asyncio.timeout(60):
        while not run.over:  # noqa: ASYNC110 - a run is only looked at, as its page does
            await asyncio.sleep(0.05)
    assert (run.state, run.problem) == ("failed", "the shop is gone")
    await plug.stop()


def of_the_plug(process: psutil.Process) -> list[psutil.Process]:
    return [one for one in process.children(recursive=True) if "tiyin.emulator.plug_worker" in one.cmdline()]


def test_it_is_pulled_and_followed_over_http(tmp_path: Path) -> None:
    with emulator_process(tmp_path / "data") as (process, told):
        assert process.process is not None
        emulator = psutil.Process(process.process.pid)
        address = f"{told['dev']}/plug"
        assert get_json(address)["steps"] == list(STEPS)
        wrong = post_json(address, {"at": "at-teatime"})
        assert (wrong.status, wrong.json["field"]) == (400, "at")
        assert Browser().ask("GET", f"{address}/nothing", headers={"accept": "*/*"}).status == 404
        begun = post_json(address, {"at": "after-debit"})
        assert (begun.status, begun.json["at"]) == (202, "after-debit")
        busy = post_json(address, {})
        assert (busy.status, busy.json["run"]) == (409, begun.json["id"])
        browser = Browser()
        page = browser.get(f"{address}/{begun.json['id']}?lang=en")
        assert 'http-equiv="refresh"' in page.text
        assert "plug.js" in page.text
        told_run = ended(f"{address}/{begun.json['id']}")
        assert (told_run["state"], told_run["signal"], told_run["verified"]["clean"]) == (
            "ended",
            "SIGKILL",
            True,
        )
        for language, sentence in (
            ("en", "Everything agrees"),
            ("ru", "Всё сходится"),
            ("uz", "Hammasi mos keladi"),
        ):
            page = browser.get(f"{address}/{begun.json['id']}?lang={language}")
            assert sentence in page.text
            assert 'http-equiv="refresh"' not in page.text
        # The emulator's own orders have nothing to do with it.
        assert Browser().ask("GET", f"{told['shop']}/orders/1", headers={"accept": "*/*"}).status == 404
        assert of_the_plug(emulator) == []

        # A form without scripts leads to the run; the emulator's end is the end of its processes too.
        page = browser.submit(browser.get(f"{address}?lang=en"))
        assert "/dev/plug/" in page.url
        children = wait_for_children(emulator)
        process.stop()
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        assert not (process.data / "plug").exists() or not any((process.data / "plug").iterdir())


def test_a_killed_emulator_leaves_no_process_behind(tmp_path: Path) -> None:
    with emulator_process(tmp_path / "data") as (process, told):
        assert process.process is not None
        post_json(f"{told['dev']}/plug", {"at": "after-debit"})
        children = wait_for_children(psutil.Process(process.process.pid))
        process.kill()
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        process.start()
        assert not (process.data / "plug").exists()


def ended(address: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        run: dict[str, Any] = get_json(address)
        if run["over"]:
            return run
        assert time.monotonic() < deadline, run
        time.sleep(0.05)


def wait_for_children(emulator: psutil.Process) -> list[psutil.Process]:
    deadline = time.monotonic() + 20
    while len(found := of_the_plug(emulator)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found
