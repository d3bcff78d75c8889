"""The zoo's list: every wrong merchant by name, with the one kind of problem that a run must find in it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from sandbox.zoo.edge import KEY
from sandbox.zoo.merchant import AMOUNT, Merchant
from sandbox.zoo.wire import Speak, serving, speak_http
from tiyin.sandbox.target import AccountKind, Target

__all__ = ["ZOO", "Species", "opened", "wrong"]

M = TypeVar("M", bound=type[Merchant])


@dataclass(frozen=True)
class Species:
    """A wrong merchant."""

    name: str
    expected: str
    """The code of the one primary kind."""
    merchant: type[Merchant]
    kind: AccountKind = AccountKind.ONE_TIME
    speak: Speak = speak_http
    timeout_ms: int = 10_000
    change_password: bool = False
    only: Sequence[str] = field(default=())
    """What to run, where a whole run would be needlessly long; nothing means all."""


ZOO: Final[list[Species]] = []


def wrong(
    name: str,
    expected: str,
    *,
    kind: AccountKind = AccountKind.ONE_TIME,
    speak: Speak = speak_http,
    timeout_ms: int = 10_000,
    change_password: bool = False,
    only: Sequence[str] = (),
) -> Callable[[M], M]:
    """Put the decorated merchant, whose docstring says its fault, into the zoo."""

    def add(merchant: M) -> M:
        ZOO.append(Species(name, expected, merchant, kind, speak, timeout_ms, change_password, only))
        return merchant

    return add


@asynccontextmanager
async def opened(species: Species) -> AsyncIterator[tuple[Target, Merchant]]:
    """Serve a species, and describe it to the sandbox."""
    merchant = species.merchant(one_time=species.kind is AccountKind.ONE_TIME)

    async def new_account() -> dict[str, str | int]:
        return merchant.new_account()

    async with serving(merchant.answer, species.speak) as port:
        target = Target(
            endpoint=f"http://127.0.0.1:{port}/payme",
            key=KEY,
            account=merchant.new_account(),
            amount_tiyin=AMOUNT,
            kind=species.kind,
            new_account=new_account,
            timeout_ms=species.timeout_ms,
            change_password=species.change_password,
        )
        yield target, merchant
