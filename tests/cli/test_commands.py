"""The command line from outside: what it prints, its exit codes, and what it says to wrong values."""

import os
import socket
import time
from pathlib import Path

import apsw
import pytest

import tiyin.cli
from helpers_emulator import free_port, invoke, run_tiyin


def test_help_is_quick_and_names_the_commands() -> None:
    best_s = 60.0
    for _ in range(3):
        began = time.monotonic()
        helped = run_tiyin("--help")
        best_s = min(best_s, time.monotonic() - began)
    assert helped.returncode == 0
    for command in ("up", "serve", "verify", "link", "qr", "db", "business", "desk", "vault"):
        assert f" {command} " in helped.stdout
    # The aim is 0.3 s on a quiet machine; this one runs other tests.
    assert best_s < 1.0


def test_the_kit_alone_says_what_the_command_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tiyin.cli, "find_spec", lambda name: None if name == "starlette" else object())
    with pytest.raises(SystemExit) as ended:
        tiyin.cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "starlette is not installed" in said
    assert "pip install 'tiyin[gateway]'" in said


def test_version_is_printed() -> None:
    printed = run_tiyin("--version")
    assert (printed.returncode, printed.stdout.split()[0]) == (0, "tiyin")


def test_tools_without_a_database_say_what_to_set() -> None:
    for command in (["verify"], ["db", "upgrade"], ["desk", "list"], ["business", "create", "--name", "x"]):
        refused = invoke(*command)
        assert (refused.exit_code, "TIYIN_DATABASE_URL" in refused.stderr) == (2, True), refused.stderr
    refused = invoke("verify", "--data", "/nowhere")
    assert (refused.exit_code, "not the directory of an emulator" in refused.stderr) == (2, True)


def test_a_database_is_upgraded_filled_listed_and_verified(tmp_path: Path) -> None:
    vault_keys = invoke("vault", "new-key").stdout.strip()
    environ = {"TIYIN_DATABASE_URL": f"sqlite:///{tmp_path / 'gateway.db'}", "TIYIN_VAULT_KEYS": vault_keys}

    early = invoke("verify", environ=environ)
    assert (early.exit_code, "tiyin db upgrade" in early.stderr) == (2, True)
    assert invoke("db", "upgrade", environ=environ).exit_code == 0
    assert "Nothing to do" in invoke("db", "upgrade", environ=environ).stdout

    business = invoke("business", "create", "--name", "Choyxona", environ=environ)
    business_id = business.stdout.split()[1]
    made = invoke(
        "desk", "create", "--business", business_id, "--name", "Kassa", "--endpoint", "https://shop.example/payme",
        "--account", "order_id=Buyurtma", environ=environ,
    )  # fmt: skip
    assert made.exit_code == 0, made.stderr
    words = made.stdout.split()
    desk_id, key, test_key = words[1], words[3], words[6]
    assert (len(desk_id), len(key), len(test_key)) == (24, 36, 36)

    listed = invoke("desk", "list", environ=environ).stdout
    assert desk_id in listed
    assert key not in listed
    narrow = run_tiyin("desk", "list", environ={**environ, "COLUMNS": "60"}).stdout
    assert desk_id in narrow
    verified = invoke("verify", environ=environ)
    assert (verified.exit_code, "CLEAN" in verified.stdout) == (0, True)
    assert invoke("verify", environ={"TIYIN_DATABASE_URL": environ["TIYIN_DATABASE_URL"]}).exit_code == 0

    for wrong in (
        ["--business", "0" * 24, "--name", "x", "--endpoint", "https://shop.example/payme"],
        ["--business", business_id, "--name", "x", "--kind", "casino"],
        ["--business", business_id, "--name", "x"],
        ["--business", business_id, "--name", "x", "--endpoint", "not an address"],
    ):
        refused = invoke("desk", "create", *wrong, environ=environ)
        assert refused.exit_code == 2, refused.stderr


def test_books_that_do_not_agree_are_exit_code_1(tmp_path: Path) -> None:
    """Method: write an entry that belongs to no receipt."""
    path = tmp_path / "gateway.db"
    environ = {"TIYIN_DATABASE_URL": f"sqlite:///{path}"}
    invoke("db", "upgrade", environ=environ)
    connection = apsw.Connection(str(path))
    kinds = [row[2] for row in connection.execute("PRAGMA table_info(ledger_entries)").fetchall()]
    marks = ", ".join("?" for _ in kinds)
    values = ["a" * 24 if kind == "TEXT" else 5 for kind in kinds]
    connection.execute(f"INSERT INTO ledger_entries VALUES ({marks})", values)  # noqa: S608 - question marks
    connection.close()
    verified = invoke("verify", environ=environ)
    assert (verified.exit_code, "NOT CLEAN" in verified.stdout) == (1, True), (
        verified.stdout + verified.stderr
    )


def test_a_damaged_database_could_not_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_bytes(b"this is not a database" * 1000)
    for command in (["verify"], ["db", "upgrade"]):
        refused = invoke(*command, environ={"TIYIN_DATABASE_URL": f"sqlite:///{tmp_path / 'gateway.db'}"})
        assert refused.exit_code == 2, refused.stderr


def test_up_says_what_is_wrong(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        busy = run_tiyin("up", "--port", str(port), "--data", str(tmp_path / "busy"))
    assert (busy.returncode, f"Port {port} is in use" in busy.stderr) == (2, True)
    assert not (tmp_path / "busy").exists()

    (tmp_path / "thesis.odt").write_text("years of work")
    foreign = run_tiyin("up", "--port", str(free_port()), "--data", str(tmp_path), "--reset")
    assert (foreign.returncode, "left alone" in foreign.stderr) == (2, True)
    assert (tmp_path / "thesis.odt").read_text() == "years of work"

    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file", tmp_path / "file" / "below"):
        refused = run_tiyin("up", "--port", str(free_port()), "--data", str(wrong))
        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False), refused.stderr
    for port_text in ("65536", "-1", "web"):
        assert run_tiyin("up", "--port", port_text, "--data", str(tmp_path / "x")).returncode == 2
    assert run_tiyin("sing").returncode == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_up_needs_a_directory_that_it_may_write(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    refused = run_tiyin("up", "--port", str(free_port()), "--data", str(tmp_path / "closed"))
    assert (refused.returncode, "cannot be written" in refused.stderr) == (2, True)
