"""What the sandbox's page needs of the rest of the house, and nothing more of it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

from tiyin.gateway.desks.records import Desk, DeskKeys
from tiyin.runtime.clock import Clock
from tiyin.sandbox.findings import Report
from tiyin.sandbox.registry import Check
from tiyin.sandbox.target import AccountKind, Target

__all__ = ["Checks", "NewAccounts", "OnEvent", "Runner", "SandboxDesks", "SandboxGateway"]

OnEvent = Callable[[object], None]
"""Told `CheckStarted` and `CheckEnded` of `tiyin.sandbox.runner`."""

Checks = Callable[[AccountKind], tuple[Check, ...]]
"""The checks for a kind of account; `tiyin.sandbox.registry.checks_in`."""

NewAccounts = Mapping[str, Callable[[int], Awaitable[Mapping[str, str | int]]]]
"""By a desk's id, what makes a new payable account for an amount in tiyin: the demo shop's own orders."""


class Runner(Protocol):
    """Makes a run; `tiyin.sandbox.runner.run`."""

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
        """Run checks; raises `tiyin.sandbox.problems.CannotRun` where that makes no sense."""
        ...


class SandboxDesks(Protocol):
    """The cash desks."""

    async def find(self, desk_id: str) -> Desk | None:
        """Give the cash desk with this id, or None."""
        ...

    async def find_by_alias(self, alias: str) -> Desk | None:
        """Give the cash desk with this alias, or None."""
        ...

    async def keys_of(self, desk_id: str) -> DeskKeys:
        """Give a desk's keys; raises LookupError where there is no such desk."""
        ...


class SandboxGateway(Protocol):
    """The gateway, as the sandbox's page sees it."""

    @property
    def clock(self) -> Clock:
        """The product's time."""
        ...

    @property
    def desks(self) -> SandboxDesks:
        """The cash desks."""
        ...
