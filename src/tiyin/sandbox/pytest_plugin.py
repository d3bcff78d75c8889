"""The pytest plugin: a shop tests its Merchant API with one test item a check.

```
def test_payme(tiyin_sandbox):
    tiyin_sandbox.check()
```

What is tested is told by options (`--tiyin-endpoint`, `--tiyin-key`, `--tiyin-account` ...), by the same
names in the ini file (`tiyin_endpoint` ...), or by a fixture `tiyin_target` of the shop's own, which returns
a `tiyin.sandbox.target.Target`; its `new_account` may be an ordinary function here. The checks run once for
each target, when the first item asks, in a thread with an event loop of its own; the items look them up.

It is loaded by every pytest run where Tiyin is installed, so it imports nothing of Tiyin until it is used.
"""

import inspect
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tiyin.sandbox.findings import Finding, Report
    from tiyin.sandbox.target import Target

__all__ = ["SandboxCheck", "TiyinSandboxWarning", "tiyin_sandbox", "tiyin_target"]

_FIXTURE = "tiyin_sandbox"
_OPTIONS = (
    ("endpoint", "URL", "The address of the Merchant API."),
    ("key", "KEY", "The sandbox key; else TIYIN_SANDBOX_KEY."),
    ("login", "LOGIN", "The login of the Basic authorization (Paycom)."),
    ("amount", "TIYIN", "The amount that the account takes, in tiyin."),
    ("kind", "KIND", "The kind of account: one-time or accumulating."),
    ("new-account-cmd", "CMD", "Makes a fresh payable account and prints its fields as JSON."),
    ("timeout-ms", "MS", "How long one call may take, in milliseconds."),
    ("lang", "LANG", "The language of what is said: ru, uz or en."),
)
_NOT_INSTALLED = "The sandbox needs more than the merchant kit: pip install 'tiyin[gateway]' ({error})."


class TiyinSandboxWarning(UserWarning):
    """An answer is loose where the documentation is strict; payments still work."""


class SandboxCheck:
    """One check of the sandbox, as a test item sees it.

    Args:
        id: The check's id, such as `create.repeat`.
        target: What is tested.
        config: pytest's configuration, which holds the runs of this session.
    """

    def __init__(self, id: str, target: "Target", config: pytest.Config) -> None:  # noqa: A002 - what it is
        self.id = id
        self._target = target
        self._config = config

    def __repr__(self) -> str:
        return f"SandboxCheck({self.id!r})"

    @property
    def report(self) -> "Report":
        """The whole run; made now if nobody asked before."""
        return _report(self._config, self._target)

    @property
    def findings(self) -> "tuple[Finding, ...]":
        """What the run says of this check."""
        return tuple(one for one in self.report.findings if one.check == self.id)

    def check(self) -> None:
        """End the test as the check ended: it fails or is skipped with the explanation, or warns."""
        __tracebackhide__ = True
        findings = self.findings
        if not findings:
            pytest.skip("it was not made in this run: it is for another kind of account")
        language = _language(self._config)
        for one in findings:
            if one.verdict == "warn":
                warnings.warn(_told(one, language), TiyinSandboxWarning, stacklevel=2)
        failed = [_told(one, language) for one in findings if one.verdict == "fail"]
        if failed:
            pytest.fail("\n\n".join(failed), pytrace=False)
        if all(one.verdict == "skipped" for one in findings):
            reason = findings[0].reason
            pytest.skip("skipped" if reason is None else reason.in_language(language))


class _Run:
    """A run that is made once, or could not be made."""

    def __init__(self, target: "Target") -> None:
        self.target = target
        self.report: Report | None = None
        self.error: BaseException | None = None

    def make(self) -> None:
        """Run all checks in a thread of their own: the test's may have an event loop that runs."""
        thread = threading.Thread(target=self._make, name="tiyin-sandbox")
        thread.start()
        thread.join()

    def _make(self) -> None:
        import asyncio  # noqa: PLC0415 - when it is used

        try:
            from tiyin.sandbox.runner import run  # noqa: PLC0415 - when it is used

            self.report = asyncio.run(run(_with_plain_functions(self.target)))
        except BaseException as error:  # noqa: BLE001 - told by the items in the test's own thread
            self.error = error


_RUNS = pytest.StashKey[list[_Run]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini file's names."""
    group = parser.getgroup("tiyin", "Tiyin: the sandbox for a Merchant API")
    for name, metavar, text in _OPTIONS:
        group.addoption(f"--tiyin-{name}", metavar=metavar, default=None, help=text)
        parser.addini(f"tiyin_{name.replace('-', '_')}", text)
    text = "FIELD=VALUE of an account that can be paid; may be repeated."
    group.addoption("--tiyin-account", metavar="FIELD=VALUE", action="append", default=None, help=text)
    parser.addini("tiyin_account", text, type="args")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item a check of a test that takes `tiyin_sandbox`."""
    if _FIXTURE not in metafunc.fixturenames:
        return
    from tiyin.sandbox.registry import checks_in  # noqa: PLC0415 - when it is used
    from tiyin.sandbox.target import AccountKind  # noqa: PLC0415 - when it is used

    kind = _option(metafunc.config, "kind")
    kinds = [one for one in AccountKind if kind in {None, one.value}] or list(AccountKind)
    ids = list(dict.fromkeys(check.id for one in kinds for check in checks_in(one)))
    metafunc.parametrize(_FIXTURE, ids, ids=ids, indirect=True)


@pytest.fixture(scope="session")
def tiyin_target(pytestconfig: pytest.Config) -> "Target":
    """What the sandbox tests: as the options say; a shop may define a fixture of this name instead."""
    from tiyin.sandbox.options import read_target  # noqa: PLC0415 - when it is used
    from tiyin.sandbox.problems import CannotRun  # noqa: PLC0415 - when it is used

    try:
        return read_target(
            endpoint=_option(pytestconfig, "endpoint"),
            key=_option(pytestconfig, "key"),
            account=pytestconfig.getoption("--tiyin-account") or pytestconfig.getini("tiyin_account"),
            amount=_option(pytestconfig, "amount"),
            login=_option(pytestconfig, "login") or "Paycom",
            kind=_option(pytestconfig, "kind") or "one-time",
            new_account_cmd=_option(pytestconfig, "new-account-cmd"),
            timeout_ms=_option(pytestconfig, "timeout-ms") or 10_000,
            prefix="--tiyin-",
        )
    except CannotRun as reason:
        pytest.fail(f"{reason} Or define a fixture tiyin_target that returns a Target.", pytrace=False)


@pytest.fixture
def tiyin_sandbox(
    request: pytest.FixtureRequest, tiyin_target: "Target", pytestconfig: pytest.Config
) -> SandboxCheck:
    """One check of the sandbox; a test that takes it becomes one item a check."""
    return SandboxCheck(request.param, tiyin_target, pytestconfig)


def _option(config: pytest.Config, name: str) -> str | None:
    given: str | None = config.getoption(f"--tiyin-{name}")
    return given or config.getini(f"tiyin_{name.replace('-', '_')}") or None


def _language(config: pytest.Config) -> Any:
    from tiyin.protocol.values import read_language  # noqa: PLC0415 - when it is used

    return read_language(_option(config, "lang") or "en")


def _report(config: pytest.Config, target: "Target") -> "Report":
    __tracebackhide__ = True
    runs = config.stash.setdefault(_RUNS, [])
    run = next((one for one in runs if one.target is target or one.target == target), None)
    if run is None:
        run = _Run(target)
        runs.append(run)
        run.make()
    if run.report is not None:
        return run.report
    if isinstance(run.error, ModuleNotFoundError):
        pytest.fail(_NOT_INSTALLED.format(error=run.error), pytrace=False)
    from tiyin.sandbox.problems import CannotRun  # noqa: PLC0415 - when it is used

    if isinstance(run.error, CannotRun):
        pytest.fail(str(run.error), pytrace=False)
    raise RuntimeError("the sandbox could not run") from run.error


def _with_plain_functions(target: "Target") -> "Target":
    """Let `new_account` be an ordinary function: it runs in a thread, where it may use a database."""
    made_by: Any = target.new_account
    if made_by is None or inspect.iscoroutinefunction(made_by):
        return target
    import asyncio  # noqa: PLC0415 - when it is used

    import msgspec  # noqa: PLC0415 - when it is used

    async def make() -> Any:
        made = await asyncio.to_thread(made_by)
        return await made if inspect.isawaitable(made) else made

    return msgspec.structs.replace(target, new_account=make)


def _told(finding: "Finding", language: Any) -> str:
    from tiyin.sandbox.reports.showing import explanation, transcript  # noqa: PLC0415 - when it is used

    title = finding.title if finding.problem is None else finding.problem.kind.title
    lines = [title.in_language(language)]
    lines += [f"  {name}: {value}" for name, value in explanation(finding, language)]
    if finding.verdict == "fail" and finding.exchanges:
        lines += ["", transcript(finding.exchanges, language)]
    return "\n".join(lines)
