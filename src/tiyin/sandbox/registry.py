"""The checks by name, in the order in which they run."""

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Final

import msgspec

from tiyin.protocol.values import Text
from tiyin.sandbox.target import AccountKind

if TYPE_CHECKING:
    from tiyin.sandbox.talk import Talk

__all__ = ["BOTH", "Check", "CheckBody", "check", "checks_in"]

CheckBody = Callable[["Talk"], Awaitable[None]]
BOTH: Final = frozenset(AccountKind)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check.

    Args:
        id: Its lasting name: `group.words-joined`, such as `create.repeat`.
        title: What it checks, in one line.
        page: The page of the documentation that it comes from.
        body: Makes it; raises `Wrong` or `Skip`, and returns when all is well.
        kinds: For which kinds of account it is made.
        needs: Checks that must have ended without a fail; else this one is skipped, caused by them.
        fresh: How many payable accounts of its own it needs, beyond the target's first.
        documented: Whether it belongs to the two scenarios of the documentation's sandbox page.
        waits: Whether it waits for whole seconds: it then runs beside the others.
        alone: Whether nothing may run beside it, because it changes what every call depends on.
    """

    id: str
    title: Text
    page: str
    body: CheckBody
    kinds: Collection[AccountKind] = BOTH
    needs: tuple[str, ...] = ()
    fresh: int = 0
    documented: bool = False
    waits: bool = False
    alone: bool = False

    @property
    def group(self) -> str:
        """The group it stands in: the part of its id before the dot."""
        return self.id.partition(".")[0]


def check(  # noqa: PLR0913 - a check's fields, all by name
    into: list[Check],
    id: str,  # noqa: A002 - what it is
    page: str,
    title: Text,
    *,
    kinds: Collection[AccountKind] = BOTH,
    needs: tuple[str, ...] = (),
    fresh: int = 0,
    documented: bool = False,
    waits: bool = False,
    alone: bool = False,
) -> Callable[[CheckBody], CheckBody]:
    """Add the decorated coroutine function to a module's list; arguments are those of `Check`."""

    def add(body: CheckBody) -> CheckBody:
        into.append(
            Check(
                id=id,
                title=title,
                page=page,
                body=body,
                kinds=kinds,
                needs=needs,
                fresh=fresh,
                documented=documented,
                waits=waits,
                alone=alone,
            )
        )
        return body

    return add


def checks_in(kind: AccountKind) -> tuple[Check, ...]:
    """Return all checks for a kind of account, in the order in which they run.

    Args:
        kind: The kind of account.
    """
    from tiyin.sandbox.checks import ALL  # noqa: PLC0415 - the checks themselves import this module

    return tuple(one for one in ALL if kind in one.kinds)
