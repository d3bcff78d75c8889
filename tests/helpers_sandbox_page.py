"""The sandbox's page over a gateway that is not there, with runs whose ends the tests write themselves."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from helpers_browser import Served, serve
from helpers_checkout import DESK, FakeGateway
from tiyin.gateway.desks.records import Desk, DeskKeys
from tiyin.gateway.metadata import metadata
from tiyin.protocol.values import Text
from tiyin.runtime.clock import Clock, ManualClock
from tiyin.sandbox.exchange import Answer, Exchange
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.problems import CannotRun, Kind, Problem, Severity
from tiyin.sandbox.registry import Check
from tiyin.sandbox.target import AccountKind, Target
from tiyin.storage import open_store
from tiyin.web.sandbox.services import OnEvent
from tiyin.web.sandbox.site import Sandbox
from tiyin.web.site import SiteSettings, checkout_site

__all__ = ["CHECKS", "KEY", "TEST_KEY", "FakeRunner", "SandboxSite", "finding_of", "sandbox_site"]

KEY = "production?key&of%the@desk=123456789"
TEST_KEY = "test?key&of%the@desk=0123456789abcdef"


async def _nothing(_: Any) -> None:
    """Be a check's body."""


def _check(id_: str, title: str, *, documented: bool = False) -> Check:
    return Check(
        id=id_, title=Text.same(title), page="merchant-api/methods", body=_nothing, documented=documented
    )


CHECKS = (
    _check("scenario.create", "Created and cancelled", documented=True),
    _check("scenario.perform", "Performed and cancelled", documented=True),
    _check("authorization.none", "Without authorization"),
    _check("authorization.wrong", "With a wrong key"),
    _check("create.repeat", "Created twice"),
    _check("statement.order", "In the order of time"),
)

_KIND = Kind(
    code="create-repeat-differs",
    severity=Severity.FAIL,
    page="merchant-api/CreateTransaction",
    title=Text(ru="Повтор отличается", uz="Takror farq qiladi", en="The repeated answer differs"),
    why=Text.same("why-text"),
    mend=Text.same("mend-text"),
)


def finding_of(check: Check, verdict: Verdict = Verdict.PASS, got: str = "create_time 2") -> Finding:
    """Return a finding with one exchange; a failed one has a problem."""
    problem = Problem(_KIND, "create_time 1", got) if verdict is Verdict.FAIL else None
    exchange = Exchange(
        method="POST",
        url="https://shop.example.uz/payme",
        headers=(("Authorization", "Basic [hidden]"), ("Content-Type", "application/json")),
        body=b'{"jsonrpc":"2.0","id":7,"method":"CreateTransaction","params":{}}',
        answer=Answer(200, (("content-type", "text/html"),), b'{"result":"<script>alert(1)</script>"}'),
        took_ms=12.0,
        connection=1,
    )
    return Finding(
        check=check.id,
        group=check.group,
        title=check.title,
        page=check.page,
        verdict=verdict,
        problem=problem,
        exchanges=(exchange,),
        took_ms=15.0,
    )


class _Started(msgspec.Struct):
    check: Check
    number: int
    of: int


class _Ended(msgspec.Struct):
    findings: tuple[Finding, ...]
    number: int
    of: int


class FakeRunner:
    """Passes every check but those in `failing`; waits at `held` where that is closed."""

    def __init__(self) -> None:
        self.targets: list[Target] = []
        self.asked: list[tuple[Collection[str] | None, bool]] = []
        self.accounts: list[Any] = []
        self.failing: set[str] = set()
        self.held: asyncio.Event | None = None
        self.refuses = ""
        self.breaks = False
        self.take = 0
        self.ended = 0

    async def __call__(
        self,
        target: Target,
        *,
        only: Collection[str] | None = None,
        documented_only: bool = False,
        clock: Clock | None = None,
        on_event: OnEvent | None = None,
        time_max_s: float = 180.0,
    ) -> Report:
        """Pretend to run."""
        assert clock is not None
        assert time_max_s <= 180
        self.targets.append(target)
        self.asked.append((only, documented_only))
        try:
            return await self._run(target, only, documented_only, on_event)
        finally:
            self.ended += 1

    async def _run(
        self,
        target: Target,
        only: Collection[str] | None,
        documented_only: bool,
        on_event: OnEvent | None,
    ) -> Report:
        assert on_event is not None
        for _ in range(self.take):
            assert target.new_account is not None
            self.accounts.append(dict(await target.new_account()))
        if self.refuses:
            raise CannotRun(self.refuses)
        checks = [
            one
            for one in CHECKS
            if (only is None or one.id in only or one.group in only)
            and (one.documented or not documented_only)
        ]
        findings = []
        for number, one in enumerate(checks, 1):
            on_event(_Started(one, number, len(checks)))
            if self.held is not None and number == len(checks):
                await self.held.wait()
            if self.breaks:
                raise RuntimeError(target.key)
            failed = Verdict.FAIL if one.id in self.failing else Verdict.PASS
            findings.append(finding_of(one, failed))
            on_event(_Ended((findings[-1],), number, len(checks)))
        return Report(
            endpoint=target.endpoint,
            kind=target.kind.value,
            started_ms=1_700_000_000_000,
            took_ms=99.0,
            findings=tuple(findings),
        )


class _Desks:
    """The cash desks of the gateway that is not there."""

    def __init__(self) -> None:
        self.desk: Desk = DESK
        self.test_key = TEST_KEY

    async def find(self, desk_id: str) -> Desk | None:
        """Give the one desk."""
        return self.desk if desk_id == self.desk.id else None

    async def find_by_alias(self, alias: str) -> Desk | None:
        """Give the one desk."""
        return self.desk if alias == self.desk.alias else None

    async def keys_of(self, desk_id: str) -> DeskKeys:
        """Give its keys."""
        assert desk_id == self.desk.id
        return DeskKeys(KEY, self.test_key)


class _Gateway:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.desks = _Desks()


class SandboxSite:
    """The served pages, and what a test turns on them."""

    def __init__(self, served: Served, runner: FakeRunner, gateway: _Gateway, sandbox: Sandbox) -> None:
        self.url = served.url
        self.run = served.run
        self.runner = runner
        self.gateway = gateway
        self.sandbox = sandbox
        self.made: list[int] = []

    def hold(self) -> None:
        """Let the next runs wait before their last check."""

        async def made() -> asyncio.Event:
            return asyncio.Event()

        self.runner.held = self.run(made())

    def release(self) -> None:
        """Let them go on."""

        async def set_() -> None:
            assert self.runner.held is not None
            self.runner.held.set()

        self.run(set_())


@contextmanager
def sandbox_site(folder: Path, *, makes_orders: bool = False) -> Iterator[SandboxSite]:
    """Serve the site with a sandbox in it.

    Args:
        folder: Where the store's file stands.
        makes_orders: Whether there is a shop that makes orders for the desk.
    """
    runner, gateway = FakeRunner(), _Gateway()
    held: list[Sandbox] = []
    made: list[int] = []

    async def new_account(amount_tiyin: int) -> dict[str, str | int]:
        made.append(amount_tiyin)
        return {"order_id": f"made-{len(made)}", "phone": "998901234567"}

    def checks(kind: AccountKind) -> tuple[Check, ...]:
        return CHECKS if kind is AccountKind.ONE_TIME else CHECKS[2:]

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Any]:
        store = await open_store(f"sqlite:///{folder / 'site.db'}")
        try:
            await store.create_tables(metadata)
            sandbox = Sandbox(
                gateway,
                encrypted=False,
                allow_private=False,
                new_accounts={DESK.id: new_account} if makes_orders else None,
                runner=runner,
                checks=checks,
            )
            held.append(sandbox)
            yield checkout_site(FakeGateway(store), SiteSettings(public_url=url), sandbox)
            await sandbox.close()
        finally:
            await store.close()

    with serve(opened) as served:
        site = SandboxSite(served, runner, gateway, held[0])
        site.made = made
        yield site
