"""The pytest plugin in a pytest of its own, as a shop runs it; the run itself is made by hand."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytest_plugins = ["pytester"]

MADE_BY_HAND = """
import asyncio
import helpers_reports as made
import tiyin.sandbox.registry as registry, tiyin.sandbox.runner as runner
from tiyin.protocol.values import Text
from tiyin.sandbox.registry import Check

RUNS = []
IDS = list(dict.fromkeys(one.check for one in made.sample().findings))

async def body(talk): ...

async def run(target, **rest):
    RUNS.append(target)
    if target.new_account is not None:
        assert dict(await target.new_account()) == {"order_id": "2"}
    return made.sample()

registry.checks_in = lambda kind: tuple(
    Check(id=id, title=Text.same(id), page="x", body=body) for id in [*IDS, "create.other-kind"]
)
runner.run = run
"""
TEST = """
def test_payme(tiyin_sandbox):
    tiyin_sandbox.check()
"""
GIVEN = ("--tiyin-endpoint=http://127.0.0.1:1/payme", "--tiyin-account=order_id=1", "--tiyin-amount=500000")


@pytest.fixture
def shop(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'tests'}:{ROOT / 'src'}")
    monkeypatch.setenv("TIYIN_SANDBOX_KEY", "the-key-of-the-sandbox")
    pytester.makeconftest(MADE_BY_HAND)
    pytester.makepyfile(TEST)
    return pytester


def run(shop: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return shop.runpytest_subprocess("-p", "tiyin.sandbox.pytest_plugin", "-rs", "-v", *arguments)


def test_each_check_is_an_item_with_its_explanation(shop: pytest.Pytester) -> None:
    ended = run(shop, *GIVEN)
    ended.assert_outcomes(passed=4, failed=2, skipped=3, warnings=3)
    told = ended.stdout.str()
    assert "test_payme[create.repeat] FAILED" in told
    assert "result.create_time 1399114284512" in told
    assert "Look the transaction up by its id" in told
    assert '"method": "CreateTransaction"' in told
    assert "no such method" in told
    assert "caused by: create.repeat" in told
    assert "the-key-of-the-sandbox" not in told


def test_the_run_is_made_once_and_by_the_shops_own_target(shop: pytest.Pytester) -> None:
    shop.makeconftest(
        MADE_BY_HAND
        + """
import pytest
from tiyin.sandbox.target import Target

@pytest.fixture(scope="session")
def tiyin_target():
    return Target(endpoint="http://shop/", key="key-of-the-shop", account={"order_id": "1"}, amount_tiyin=5,
                  new_account=lambda: {"order_id": "2"})

def pytest_sessionfinish():
    print("RUNS", len(RUNS), RUNS[0].endpoint)
"""
    )
    ended = run(shop, "-s")
    ended.assert_outcomes(passed=4, failed=2, skipped=3, warnings=3)
    assert "RUNS 1 http://shop/" in ended.stdout.str()


def test_what_is_missing_is_named(shop: pytest.Pytester) -> None:
    ended = run(shop, "-k", "create.good", "--tiyin-endpoint=ftp://x")
    ended.assert_outcomes(errors=1)
    ended.stdout.fnmatch_lines(["*--tiyin-endpoint must be*tiyin_target*"])


def test_the_ini_file_configures_it(shop: pytest.Pytester) -> None:
    shop.makeini(
        "[pytest]\ntiyin_endpoint = http://127.0.0.1:1/\ntiyin_account = order_id=1\n"
        "tiyin_amount = 5\ntiyin_lang = uz\n"
    )
    ended = run(shop, "-k", "create.repeat")
    ended.assert_outcomes(failed=1)
    assert "Takroriy chaqiruv" in ended.stdout.str()


def test_the_kit_alone_hears_what_to_install(shop: pytest.Pytester) -> None:
    shop.makeconftest(
        MADE_BY_HAND
        + "\nasync def gone(target):\n    raise ModuleNotFoundError('pyreqwest')\nrunner.run = gone\n"
    )
    ended = run(shop, "-k", "create.good", *GIVEN)
    ended.assert_outcomes(failed=1)
    assert "pip install 'tiyin[gateway]'" in ended.stdout.str()


def test_loading_it_imports_nothing_heavy() -> None:
    asked = (
        "import sys, pytest; before = set(sys.modules); import tiyin.sandbox.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    new = {
        name for name in ended.stdout.split() if name.startswith(("tiyin", "msgspec", "asyncio", "jinja2"))
    }
    assert new <= {"tiyin", "tiyin.sandbox", "tiyin.sandbox.pytest_plugin"}


def test_pytest_finds_it_by_itself() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"]["tiyin-sandbox"] == "tiyin.sandbox.pytest_plugin"
