"""The menu of tests, and which checks of the registry each of its entries runs.

Documentation: sandbox («Неверные данные», «Платежные запросы», the two scenarios)
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from tiyin.protocol.values import Text
from tiyin.sandbox.groups import GROUPS
from tiyin.sandbox.registry import Check
from tiyin.web.words import N_

__all__ = ["ALL", "CREATE", "SCENARIOS", "SECTIONS", "Plan", "Section", "plan_of"]

SCENARIOS: Final = "scenario"
ALL: Final = "all"
CREATE: Final = "create"
"""Where a shop's link leads: the documentation's scenarios begin on the page of this method."""

_TITLES: Final = {
    ALL: Text(ru="Все проверки", uz="Barcha tekshiruvlar", en="All checks"),
    "fiscal": Text.same("SetFiscalData"),
    "password": Text.same("ChangePassword"),
}


class Section(msgspec.Struct, frozen=True):
    """A part of the menu.

    Args:
        title: Its title, to be translated.
        entries: The ids of its entries.
    """

    title: str
    entries: tuple[str, ...]


SECTIONS: Final = (
    Section(N_("Run together"), (SCENARIOS, ALL)),
    Section(N_("Wrong data"), ("authorization", "amount", "account")),
    Section(
        N_("Payment requests"),
        ("check", CREATE, "perform", "cancel", "checktransaction", "statement", "fiscal", "password"),
    ),
    Section(N_("Beyond the scenarios"), ("envelope", "expiry", "concurrency", "lost", "transport")),
)
_ENTRIES: Final = frozenset(entry for section in SECTIONS for entry in section.entries)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run.

    Args:
        id: An entry of the menu, or a single check's id.
        entry: The entry that it belongs to.
        title: What it is called.
        checks: The checks, in their order; what they need runs with them.
        only: Which of them the runner is told, or None for all.
        documented: Whether only the documentation's scenarios are run.
    """

    id: str
    entry: str
    title: Text
    checks: tuple[Check, ...]
    only: frozenset[str] | None
    documented: bool = False


def title_of(entry: str) -> Text:
    """Return the title of an entry.

    Args:
        entry: Its id.
    """
    return _TITLES.get(entry) or GROUPS[entry]


def plan_of(name: str, checks: Sequence[Check]) -> Plan | None:
    """Return what an entry of the menu, or a single check, runs; None where there is no such thing.

    Args:
        name: The entry's id, or the check's.
        checks: All checks for the kind of account.
    """
    if name == ALL:
        return Plan(id=name, entry=name, title=title_of(name), checks=tuple(checks), only=None)
    if name == SCENARIOS:
        documented = tuple(one for one in checks if one.documented)
        return Plan(id=name, entry=name, title=title_of(name), checks=documented, only=None, documented=True)
    if name in _ENTRIES:
        of_group = tuple(one for one in checks if one.group == name)
        return Plan(id=name, entry=name, title=title_of(name), checks=of_group, only=frozenset({name}))
    for one in checks:
        if one.id == name:
            return Plan(
                id=name,
                entry=one.group if one.group in _ENTRIES else ALL,
                title=one.title,
                checks=(one,),
                only=frozenset({name}),
            )
    return None
