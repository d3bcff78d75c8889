"""Goal: a snapshot brings back everything or nothing, whatever is wrong with it and whenever it stops.

Method: a real emulator is saved, changed and restored from outside; snapshots are spoilt in every way; the
swap of files is stopped before each of its operations.
"""

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from helpers_emulator import (
    Browser,
    EmulatorProcess,
    call,
    emulator_process,
    get_json,
    invoke,
    post_json,
    verified_token,
)
from tiyin.emulator import restoring, snapshots
from tiyin.emulator.desks import new_keys
from tiyin.emulator.directory import Directory
from tiyin.emulator.emulator import open_emulator
from tiyin.emulator.snapshots import SnapshotRefused, Snapshots

Told = dict[str, Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmulatorProcess, Told]]:
    with emulator_process(tmp_path_factory.mktemp("snapshots") / "data") as started:
        yield started


def new_order(told: Told, amount_tiyin: int = 500_000) -> str:
    answer = post_json(f"{told['shop']}/orders", {"amount": amount_tiyin})
    assert answer.status == 200, answer.body
    return str(answer.json["order_id"])


def pay(told: Told, order_id: str) -> str:
    desk = told["desks"][0]
    token = verified_token(told, desk)
    made = call(told, desk, "receipts.create", key=True, amount=500_000, account={"order_id": order_id})
    receipt_id = str(made["receipt"]["_id"])
    assert call(told, desk, "receipts.pay", key=True, id=receipt_id, token=token)["receipt"]["state"] == 4
    return receipt_id


def state_of(told: Told, order_id: str) -> str | None:
    answer = Browser().ask("GET", f"{told['shop']}/orders/{order_id}", headers={"accept": "*/*"})
    return None if answer.status == 404 else str(answer.json["state"])


def save(told: Told, name: str) -> Told:
    answer = post_json(f"{told['dev']}/snapshots", {"name": name})
    assert answer.status == 200, answer.body
    kept: Told = answer.json
    return kept


def restore(told: Told, name: str) -> Told:
    answer = post_json(f"{told['dev']}/snapshots/{name}/restore", {})
    return {"status": answer.status, **answer.json}


def test_everything_comes_back(running: tuple[EmulatorProcess, Told]) -> None:
    process, told = running
    paid, open_ = new_order(told), new_order(told)
    receipt_id = pay(told, paid)
    clock = post_json(f"{told['dev']}/clock", {"advance_ms": 3_600_000}).json["offset_ms"]
    messages = get_json(f"{told['dev']}/inbox")["messages"]
    kept = save(told, "paid")
    assert (kept["name"], kept["offset_ms"], kept["problem"]) == ("paid", clock, None)

    pay(told, open_)
    later = new_order(told)
    post_json(f"{told['dev']}/clock", {"advance_ms": 86_400_000})
    assert len(get_json(f"{told['dev']}/inbox")["messages"]) > len(messages)

    assert restore(told, "paid") == {"status": 200, "restored": "paid"}
    assert [state_of(told, one) for one in (paid, open_, later)] == ["paid", "waiting", None]
    assert get_json(f"{told['dev']}/clock")["offset_ms"] == clock
    assert get_json(f"{told['dev']}/inbox")["messages"] == messages
    assert json.loads((process.data / "emulator.json").read_text()) == told
    assert call(told, told["desks"][0], "receipts.check", key=True, id=receipt_id) == {"state": 4}
    pay(told, open_)
    verified = invoke("verify", "--data", str(process.data))
    assert (verified.exit_code, "CLEAN" in verified.stdout) == (0, True), verified.output

    # It is there for another time, also for the process after this one.
    process.stop()
    process.start()
    assert state_of(told, open_) == "paid"
    assert restore(told, "paid")["status"] == 200
    assert state_of(told, open_) == "waiting"
    assert [one["name"] for one in get_json(f"{told['dev']}/snapshots")["snapshots"]] == ["paid"]
    assert Browser().ask("DELETE", f"{told['dev']}/snapshots/paid").status == 200
    assert get_json(f"{told['dev']}/snapshots")["snapshots"] == []
    assert not any(process.data.joinpath("snapshots").iterdir())


def test_both_databases_are_of_one_moment(running: tuple[EmulatorProcess, Told]) -> None:
    """Payments run while the snapshot is made; what comes back agrees with itself."""
    process, told = running
    orders = [new_order(told) for _ in range(8)]
    ended = threading.Event()

    def keep_paying() -> None:
        for order_id in orders:
            try:
                pay(told, order_id)
            except (AssertionError, OSError, ValueError):
                continue  # the emulator was away for the moment of the snapshot
        ended.set()

    payer = threading.Thread(target=keep_paying)
    payer.start()
    while state_of(told, orders[1]) not in {"paid", "reserved"}:
        assert not ended.is_set()
    save(told, "busy")
    payer.join()
    assert restore(told, "busy")["status"] == 200
    for order_id in orders:
        if state_of(told, order_id) == "waiting":
            pay(told, order_id)
    verified = invoke("verify", "--data", str(process.data))
    assert (verified.exit_code, "CLEAN" in verified.stdout) == (0, True), verified.output
    assert {state_of(told, one) for one in orders} == {"paid"}


def spoil_byte(kept: Path, folder: Path) -> None:
    del kept
    with (folder / "shop.db").open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)
        file.seek(5000)
        file.write(bytes([byte[0] ^ 1]))


def remove_file(kept: Path, folder: Path) -> None:
    del kept
    (folder / "inbox.jsonl").unlink()


def cut_off(kept: Path, folder: Path) -> None:
    del folder
    kept.write_bytes(kept.read_bytes()[:-40])


def changed(**fields: Any) -> Callable[[Path, Path], None]:
    def change(kept: Path, folder: Path) -> None:
        del folder
        kept.write_text(json.dumps({**json.loads(kept.read_text()), **fields}))

    return change


def lead_elsewhere(kept: Path, folder: Path) -> None:
    del kept
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)


SPOILT = {
    "a byte of a database": (spoil_byte, "damaged"),
    "a missing file": (remove_file, "damaged"),
    "a cut off description": (cut_off, "damaged"),
    "another revision": (changed(revision="0002"), "other-release"),
    "another format": (changed(format="tiyin-snapshot-9"), "other-release"),
    "another shop": (changed(shop_schema="0"), "other-release"),
    "other keys": (changed(keys="0" * 64), "other-emulator"),
    "another business": (changed(business_id="0" * 24), "other-emulator"),
    "a folder outside": (changed(folder="../../outside"), "damaged"),
    "another name": (changed(name="other"), "damaged"),
    "a symbolic link": (lead_elsewhere, "damaged"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_does_not_fit_is_refused_whole(running: tuple[EmulatorProcess, Told], name: str) -> None:
    process, told = running
    spoil, problem = SPOILT[name]
    save(told, "spoilt")
    order_id = new_order(told)
    kept = process.data / "snapshots" / "snapshot-spoilt.json"
    spoil(kept, process.data / "snapshots" / json.loads(kept.read_text())["folder"])
    refused = restore(told, "spoilt")
    assert (refused["status"], refused["problem"]) == (409, problem), refused
    assert "Nothing was changed" in refused["error"]
    assert state_of(told, order_id) == "waiting"
    assert Browser().ask("DELETE", f"{told['dev']}/snapshots/spoilt").status == 200
    shutil.rmtree(process.data / "snapshots")


def test_another_emulators_snapshot_is_refused(running: tuple[EmulatorProcess, Told], tmp_path: Path) -> None:
    process, told = running
    save(told, "mine")
    other = tmp_path / "other"
    with Directory(other) as directory:
        directory.write_keys(new_keys())
    shutil.copytree(process.data / "snapshots", other / "snapshots")
    refused = invoke("snapshot", "restore", "mine", "--data", str(other))
    assert (refused.exit_code, "another emulator's" in refused.stderr) == (2, True), refused.output
    assert not (other / "gateway.db").exists()


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "A", "a b", "-a", "a" * 41, "ё", "a\n", "a\x00"])
def test_a_name_is_no_path(running: tuple[EmulatorProcess, Told], name: str) -> None:
    process, told = running
    before = sorted(process.data.rglob("snapshot-*.json"))
    answer = post_json(f"{told['dev']}/snapshots", {"name": name})
    assert (answer.status, answer.json["field"]) == (400, "name")
    assert sorted(process.data.rglob("snapshot-*.json")) == before


def test_the_page_keeps_restores_and_deletes(running: tuple[EmulatorProcess, Told]) -> None:
    _, told = running
    browser = Browser()
    page = browser.get(f"{told['dev']}/snapshots?lang=en")
    page = browser.submit(page, name="by-hand")
    assert "Kept: by-hand" in page.text
    headers = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"}
    for act, said in (("restore", "Everything is as it was: by-hand"), ("delete", "Deleted: by-hand")):
        answer = browser.ask("POST", f"{told['dev']}/snapshots/by-hand/{act}?lang=en", headers=headers)
        assert answer.status == 303
        assert said in browser.get(answer.location).text
    answer = browser.ask("POST", f"{told['dev']}/snapshots/by-hand/restore?lang=ru", headers=headers)
    assert (answer.status, "Такого снимка нет" in answer.text) == (404, True)


def test_another_sites_page_changes_nothing(running: tuple[EmulatorProcess, Told]) -> None:
    _, told = running
    for method, path in (("POST", "snapshots"), ("DELETE", "snapshots/x"), ("POST", "plug")):
        answer = Browser().ask(
            method, f"{told['dev']}/{path}", b'{"name": "x"}', headers={"origin": "https://evil.example"}
        )
        assert answer.status == 403


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[tuple[Directory, Snapshots]]:
    """A directory with a state that is no more than it must be."""
    with Directory(tmp_path / "data") as opened:
        keys = new_keys()
        opened.write_keys(keys)
        write_state(opened.path, "old")
        yield opened, Snapshots(opened, keys)


def write_state(path: Path, content: str) -> None:
    for name in ("gateway.db", "shop.db"):
        (path / name).unlink(missing_ok=True)
        connection = apsw.Connection(str(path / name))
        connection.execute("CREATE TABLE said (what TEXT)")
        connection.execute("INSERT INTO said VALUES (?)", (content,))
        connection.close()
    (path / "inbox.jsonl").write_text(content)
    (path / "clock.json").write_text(json.dumps({"offset_ms": 1 if content == "old" else 2}))


def read_state(path: Path) -> set[str]:
    said = set()
    for name in ("gateway.db", "shop.db"):
        connection = apsw.Connection(str(path / name))
        said |= {str(what) for (what,) in connection.execute("SELECT what FROM said")}
        connection.close()
    offset_ms = json.loads((path / "clock.json").read_text())["offset_ms"]
    return said | {(path / "inbox.jsonl").read_text(), "old" if offset_ms == 1 else "new"}


class PowerCut(BaseException):
    pass


async def test_a_restore_that_stops_anywhere_leaves_one_state(
    directory: tuple[Directory, Snapshots], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, kept = directory
    await kept.save("old", 1)
    seen: list[set[str]] = []
    for at in range(1, 100):
        write_state(opened.path, "new")
        (opened.path / "gateway.db-wal").write_bytes(b"the log of another state")
        await kept.stage("old")
        done = 0

        def step(at: int = at) -> None:
            nonlocal done
            done += 1
            if done == at:
                raise PowerCut

        with monkeypatch.context() as patched:
            for name in ("replace", "rename", "unlink", "rmdir"):
                original = getattr(Path, name)

                def stepped(self: Path, *args: Any, original: Any = original, **kwargs: Any) -> Any:
                    step()
                    return original(self, *args, **kwargs)

                patched.setattr(Path, name, stepped)
            try:
                restoring.decide(opened.path)
                cut = False
            except PowerCut:
                cut = True
        restoring.finish(opened.path)
        restored = not (opened.path / "gateway.db-wal").exists()
        (opened.path / "gateway.db-wal").unlink(missing_ok=True)
        state = read_state(opened.path)
        assert len(state) == 1, f"stopped before operation {at}: a mix of {state}"
        assert restored == (state == {"old"})
        seen.append(state)
        if not cut:
            break
    assert seen[0] == {"new"}
    assert seen[-1] == {"old"}
    assert len(seen) > 8
    assert not list(opened.path.glob(".restoring*"))


async def test_the_next_start_finishes_what_was_decided(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Directory(data) as opened:
        keys = new_keys()
        opened.write_keys(keys)
        write_state(data, "old")
        kept = Snapshots(opened, keys)
        await kept.save("old", 1)
        write_state(data, "new")
        await kept.stage("old")
        (data / ".restoring.new").rename(data / ".restoring")
    with Directory(data):
        assert read_state(data) == {"old"}
    assert not list(data.glob(".restoring*"))


async def test_the_clock_is_not_turned_in_the_middle_of_a_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Directory(tmp_path / "data") as directory:
        keys = new_keys()
        directory.write_keys(keys)
        async with open_emulator(directory, keys, "http://127.0.0.1:1") as emulator:
            await emulator.save_snapshot("early")
            await emulator.advance(5_000)
            swap, turned = emulator.snapshots.swap, []

            async def slow_swap() -> None:
                turned.append(asyncio.ensure_future(emulator.advance(60_000)))
                await asyncio.wait(turned, timeout=0.2)
                await swap()

            monkeypatch.setattr(emulator.snapshots, "swap", slow_swap)
            await emulator.restore_snapshot("early")
            await turned[0]
            assert emulator.offset_ms == directory.read_clock_ms() == 60_000


async def test_there_are_only_so_many_and_so_large(
    directory: tuple[Directory, Snapshots], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, kept = directory
    for number in range(snapshots.COUNT_MAX):
        await kept.save(f"s{number}", number)
    with pytest.raises(SnapshotRefused) as refused:
        await kept.save("more", 1)
    assert refused.value.problem == "many"
    await kept.save("s3", 99)
    assert (kept.all()[0].name, len(kept.all())) == ("s3", snapshots.COUNT_MAX)
    kept.delete("s4")
    monkeypatch.setattr(snapshots, "BYTES_MAX", 1000)
    with pytest.raises(SnapshotRefused) as refused:
        await kept.save("large", 1)
    assert refused.value.problem == "large"
    with pytest.raises(SnapshotRefused) as refused:
        kept.delete("s4")
    assert refused.value.problem == "missing"


def test_the_command_line_works_with_and_without_a_running_emulator(tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = EmulatorProcess(data)
    try:
        told = process.start()
        assert invoke("snapshot", "save", "empty", "--data", str(data)).exit_code == 0
        order_id = new_order(told)
        assert invoke("snapshot", "save", "one", "--dev", told["dev"]).exit_code == 0
        process.stop()
        assert invoke("snapshot", "restore", "empty", "--data", str(data)).exit_code == 0
        assert invoke("snapshot", "save", "again", "--data", str(data)).exit_code == 0
        told = process.start()
        assert state_of(told, order_id) is None
        assert invoke("snapshot", "restore", "one", "--data", str(data)).exit_code == 0
        assert state_of(told, order_id) == "waiting"
        # The emulator's own address is good as well, as it is for the other commands.
        listed = invoke("snapshot", "list", "--dev", told["gateway"]).stdout
        assert all(name in listed for name in ("empty", "one", "again"))
        assert invoke("snapshot", "delete", "one", "--data", str(data)).exit_code == 0
        missing = invoke("snapshot", "restore", "one", "--data", str(data))
        assert (missing.exit_code, "no snapshot" in missing.stderr) == (2, True)
    finally:
        process.kill()
    nowhere = invoke("snapshot", "list", "--data", str(tmp_path / "nowhere"))
    assert (nowhere.exit_code, "not the directory of an emulator" in nowhere.stderr) == (2, True)
