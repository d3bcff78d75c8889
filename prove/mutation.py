"""Mutation testing of pure rules: each small change of a rule must be noticed by a test of that rule.

The rules are copied aside and changed one place at a time (mutmut); their tests run against each change. At
least 90% must be noticed, and whatever is not stands in `survivors.toml` with the reason why no test can, or
need, notice it.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOMS", "Room", "mutate"]

ROOT = Path(__file__).parent.parent
KILLED_MIN = 0.9
_NOTICED = {"killed", "timeout", "segfault", "caught by type check"}
_RESULT = re.compile(r"^\s*(?P<mutant>\S+): (?P<status>.+?)\s*$")


@dataclass(frozen=True)
class Room:
    """Rules and the tests that guard them.

    Args:
        modules: The files with the rules.
        tests: The tests, which need neither database nor network.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]


ROOMS = {
    "merchant": Room(
        modules=(
            "src/tiyin/merchant/rules.py",
            "src/tiyin/merchant/orders.py",
            "src/tiyin/merchant/records.py",
            "src/tiyin/merchant/answers.py",
        ),
        tests=(
            "tests/merchant/test_rules.py",
            "tests/merchant/test_orders.py",
            "tests/merchant/test_answers.py",
        ),
    ),
    "sums": Room(
        modules=("src/tiyin/merchant/sums.py",),
        tests=("tests/merchant/test_sums.py",),
    ),
    "pins": Room(
        modules=("src/tiyin/merchant/saved_cards/rules.py", "src/tiyin/merchant/saved_cards/pins.py"),
        tests=("tests/merchant/test_saved_cards_rules.py",),
    ),
    "receipts": Room(
        modules=tuple(
            f"src/tiyin/gateway/receipts/{name}.py"
            for name in (
                "states",
                "moves",
                "outcomes",
                "at_billing",
                "at_acquirer",
                "holds",
                "cancelling",
                "people",
                "shares",
                "repeating",
                "fiscal_work",
            )
        ),
        tests=tuple(
            f"tests/gateway/receipts/test_{name}.py"
            for name in (
                "moves",
                "cancel_moves",
                "hold_moves",
                "rules_billing",
                "rules_acquirer",
                "rules_holds",
                "rules_cancel",
                "rules_asked",
                "rules_bounds",
            )
        ),
    ),
    "ledger": Room(
        modules=("src/tiyin/gateway/ledger/entries.py", "src/tiyin/gateway/receipts/agreement.py"),
        tests=tuple(
            f"tests/gateway/ledger/test_{name}.py"
            for name in ("agreement", "ledger", "rules_agreement", "rules_entries")
        ),
    ),
    "reconcile": Room(
        modules=tuple(f"src/tiyin/merchant/reconcile/{name}.py" for name in ("judging", "result", "totals")),
        tests=("tests/merchant/test_reconcile_rules.py", "tests/merchant/test_reconcile.py"),
    ),
}


def mutate(name: str, room: Room) -> bool:
    """Mutate a room's rules, and print what came of it.

    Args:
        name: The room.
        room: Its rules and tests.

    Returns:
        Whether enough was noticed, and the rest is explained.
    """
    with tempfile.TemporaryDirectory(prefix="tiyin-mutation-") as folder:
        copy = Path(folder)
        _copy(copy, room)
        _mutmut(copy, "run", output=copy / "run.txt")
        results = _results(_mutmut(copy, "results", "--all", "true"))
        survivors = [mutant for mutant, status in results.items() if status not in _NOTICED]
        changes = [_change(mutant, _mutmut(copy, "show", mutant)) for mutant in survivors]
        if not results:
            print((copy / "run.txt").read_text(errors="replace")[-2000:])
    explained = _explained()
    unexplained = [change for change in changes if change not in explained]
    killed = len(results) - len(survivors)
    share = killed / len(results) if results else 0.0
    print(
        f"mutation  {name:<10} {len(results):>5} changes  {killed:>5} noticed  {share:.1%}"
        f"  (at least {KILLED_MIN:.0%})  {len(survivors)} not, {len(unexplained)} of them unexplained",
        flush=True,
    )
    for function, minus, plus in unexplained:
        print(f"  {function}\n    - {minus}\n    + {plus}")
    return share >= KILLED_MIN and not unexplained


def _copy(copy: Path, room: Room) -> None:
    for folder in ("src", "tests", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    settings = (ROOT / "pyproject.toml").read_text()
    (copy / "README.md").touch()
    (copy / "pyproject.toml").write_text(
        f"{settings}\n[tool.mutmut]\nsource_paths = {list(room.modules)!r}\n"
        f"pytest_add_cli_args_test_selection = {list(room.tests)!r}\n"
        # Properties are tried with the same examples each time, so that the same changes are noticed.
        f'pytest_add_cli_args = ["-p", "no:xdist", "--hypothesis-profile=ci"]\n'
        'also_copy = ["src", "tests", "docs"]\n'
    )


def _mutmut(copy: Path, *arguments: str, output: Path | None = None) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    if output is not None:
        with output.open("wb") as file:
            subprocess.run(command, cwd=copy, stdout=file, stderr=file, check=False)
        return ""
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False).stdout


def _results(text: str) -> dict[str, str]:
    return {match["mutant"]: match["status"] for line in text.splitlines() if (match := _RESULT.match(line))}


def _change(mutant: str, shown: str) -> tuple[str, str, str]:
    """Say a change in a way that stays the same when lines elsewhere change: the function, before, after."""
    function = re.sub(r"(?:x_|xǁ\w+ǁ)?(\w+)__mutmut_\d+$", r"\1", mutant.replace(".x_", "."))
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    minus = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    plus = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return function, minus, plus


def _explained() -> set[tuple[str, str, str]]:
    path = Path(__file__).parent / "survivors.toml"
    survivors = tomllib.loads(path.read_text()).get("survivor", [])
    return {(one["function"], one["minus"], one["plus"]) for one in survivors if one["why"]}
