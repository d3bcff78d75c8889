"""`tiyin sandbox`: exit codes, what it prints, the files it writes, and what it says to wrong values."""
# ruff: noqa: S314 - our own files

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import tiyin.cli.sandbox as command
from helpers_emulator import free_port, invoke, run_tiyin
from helpers_reports import finding, kind_of, report, sample
from tiyin.protocol.values import Text
from tiyin.sandbox.findings import Report, Verdict
from tiyin.sandbox.new_account import account_from_command
from tiyin.sandbox.problems import CannotRun, Problem, Severity
from tiyin.sandbox.registry import Check
from tiyin.sandbox.runner import CheckEnded, CheckStarted
from tiyin.sandbox.target import Target

KEY = "a-key-of-the-sandbox"
GIVEN = {
    "--endpoint": "http://127.0.0.1:1/payme",
    "--key": KEY,
    "--account": "order_id=1",
    "--amount": "500000",
}


def arguments(**changed: str | None) -> list[str]:
    whole: dict[str, str | None] = {**GIVEN, **{f"--{name}": value for name, value in changed.items()}}
    return [part for name, value in whole.items() if value is not None for part in (name, value)]


class Runs:
    """Stands for the runner: answers a run made by hand, and remembers what it was asked."""

    def __init__(self, answer: Report | CannotRun) -> None:
        self.answer = answer
        self.asked: list[tuple[Target, dict[str, Any]]] = []

    async def __call__(self, target: Target, *, on_event: Any, **rest: Any) -> Report:
        self.asked.append((target, rest))
        if isinstance(self.answer, CannotRun):
            raise self.answer
        for number, one in enumerate(self.answer.findings, 1):
            check = Check(id=one.check, title=one.title, page=one.page, body=_nothing)
            on_event(CheckStarted(check, number, len(self.answer.findings)))
            on_event(CheckEnded((one,), number, len(self.answer.findings)))
        return self.answer


async def _nothing(talk: Any) -> None:
    """Stands for a check's body."""


def use(monkeypatch: pytest.MonkeyPatch, answer: Report | CannotRun) -> Runs:
    runs = Runs(answer)
    monkeypatch.setattr(command, "run_checks", runs)
    return runs


def test_a_failed_run_prints_causes_first_and_writes_its_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs = use(monkeypatch, sample())
    files = {name: str(tmp_path / f"r.{name}") for name in ("junit", "json", "html")}
    ended = invoke("sandbox", "run", *arguments(**files), "--only", "create,perform.repeat", "--documented")
    assert ended.exit_code == 1, ended.stderr
    told = ended.stdout
    assert "3/9  FAIL  create.repeat" in told
    problem = told.index("Look the transaction up by its id")
    assert told.index("result.create_time 1399114284512") < problem < told.index("Caused by this: 2")
    assert "failed: 2, warning: 3, passed: 2, skipped: 2" in told
    assert "There are errors. Mend the first one" in told
    assert KEY not in told
    assert json.loads((tmp_path / "r.json").read_text())["passed"] is False
    assert ET.parse(tmp_path / "r.junit").getroot().attrib["failures"] == "2"
    assert "create.repeat" in (tmp_path / "r.html").read_text()
    target, rest = runs.asked[0]
    assert (target.account, target.amount_tiyin, target.key) == ({"order_id": "1"}, 500_000, KEY)
    assert rest == {"only": {"create", "perform.repeat"}, "documented_only": True}


def test_warnings_are_allowed_and_the_key_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loose = Problem(kind_of("time-null", Severity.WARN), "0", "null")
    runs = use(monkeypatch, report(finding("a.b"), finding("c.d", Verdict.WARN, problem=loose)))
    ended = invoke("sandbox", "run", *arguments(key=None, lang="uz"), environ={"TIYIN_SANDBOX_KEY": KEY})
    assert ended.exit_code == 0, ended.stderr
    assert "Oʻtdi, ogohlantirishlar bor." in ended.stdout
    assert runs.asked[0][0].key == KEY
    use(monkeypatch, report(finding("a.b")))
    assert "All is well." in invoke("sandbox", "run", *arguments()).stdout


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"endpoint": None}, "--endpoint"),
        ({"endpoint": "shop.example/payme"}, "--endpoint"),
        ({"endpoint": "http://[::1/"}, "--endpoint"),
        ({"endpoint": f"http://Paycom:{KEY}@shop.example/"}, "--endpoint"),
        ({"key": None}, "--key"),
        ({"key": ""}, "--key"),
        ({"account": None}, "--account"),
        ({"account": "197"}, "FIELD=VALUE"),
        ({"amount": None}, "--amount"),
        ({"amount": "0"}, "--amount"),
        ({"amount": "1.5"}, "--amount"),
        ({"amount": "99999999999999999999"}, "--amount"),
        ({"login": "Pay:com"}, "--login"),
        ({"kind": "casino"}, "--kind"),
        ({"lang": "fr"}, "--lang"),
        ({"timeout-ms": "5"}, "--timeout-ms"),
        ({"new-account-cmd": " "}, "--new-account-cmd"),
        ({"html": "/nowhere/at/all.html"}, "--html /nowhere/at/all.html cannot be written"),
    ],
)
def test_wrong_values_are_named_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str | None], said: str
) -> None:
    runs = use(monkeypatch, sample())
    refused = invoke("sandbox", "run", *arguments(**changed))
    assert (refused.exit_code, runs.asked) == (2, []), refused.stdout
    assert said in refused.stderr
    assert KEY not in refused.stderr


def test_a_run_that_cannot_be_made_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, CannotRun("There is no check called sing."))
    refused = invoke("sandbox", "run", *arguments(json=str(tmp_path / "r.json")))
    assert (refused.exit_code, refused.stderr.strip()) == (2, "There is no check called sing.")
    assert not (tmp_path / "r.json").exists()


def test_checks_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(id="create.repeat", title=Text(ru="р", uz="u", en="A repeat"), page="x", body=_nothing)
    monkeypatch.setattr(command, "checks_in", lambda _: (check,))
    for listed in (invoke("sandbox", "list"), invoke("sandbox", "run", "--list")):
        assert listed.exit_code == 0
        assert "create.repeat  A repeat" in listed.stdout
    assert invoke("sandbox", "list", "--kind", "casino").exit_code == 2


def test_a_server_that_is_down_is_a_finding_and_no_traceback(tmp_path: Path) -> None:
    """The whole of it as its own process, with the real runner."""
    down = f"http://127.0.0.1:{free_port()}/payme"
    ended = run_tiyin("sandbox", "run", *arguments(endpoint=down, json=str(tmp_path / "r.json")))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "endpoint-unreachable" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    told = json.loads((tmp_path / "r.json").read_text())
    primary = [one["problem"]["code"] for one in told["findings"] if one["primary"]]
    assert set(primary) == {"endpoint-unreachable"}


def python(code: str) -> str:
    return f'"{sys.executable}" -c "{code}"'


@pytest.mark.parametrize(
    ("shell", "said"),
    [
        (python("import sys; sys.exit('no database')"), "exit code 1: no database"),
        ("exit 3", "exit code 3: it said nothing"),
        ("echo hello", "it printed: hello"),
        ("true", "it printed: nothing"),
        ("echo '[1]'", "order_id"),
        ("""echo '{"order_id": true}'""", "order_id"),
        ("""echo '{"id": 1}'""", "order_id"),
        ("yes", "printed more than"),
        ("sleep 60 & sleep 60", "did not end within"),
    ],
)
def test_a_command_that_makes_no_account_says_why(shell: str, said: str) -> None:
    make = account_from_command(shell, ("order_id",), wait_s=1.0 if "sleep" in shell else 30.0)

    async def made() -> None:
        await make()

    with pytest.raises(CannotRun, match="--new-account-cmd") as refused:
        asyncio.run(made())
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "account"),
    [(["order_id"], {"order_id": 7}), (["order_id", "shop"], {"order_id": 7, "shop": "1"})],
)
def test_a_command_makes_accounts(fields: Sequence[str], account: dict[str, str | int]) -> None:
    make = account_from_command("""echo '{"order_id": 7, "shop": "1", "pay_url": "x"}'""", fields)

    async def made() -> Any:
        return await make()

    assert asyncio.run(made()) == account
