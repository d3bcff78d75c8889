"""The checks, by what they look at, in the order in which they run.

The documentation's two scenarios come first: they need the least. Checks that look at every answer of a run
(`tiyin.sandbox.envelopes`) stand in their groups, and are told when the run is over.
"""

from typing import Final

from tiyin.sandbox import envelopes
from tiyin.sandbox.checks import (
    account,
    amount,
    authorization,
    cancel,
    check_perform,
    check_transaction,
    concurrency,
    create,
    envelope,
    expiry,
    fiscal,
    lost,
    password,
    perform,
    scenario,
    statement,
    transport,
)
from tiyin.sandbox.registry import Check

__all__ = ["ALL"]


def _passive(group: str) -> tuple[Check, ...]:
    return tuple(look for look in envelopes.CHECKS if look.group == group)


ALL: Final[tuple[Check, ...]] = (
    *scenario.CHECKS,
    *envelope.CHECKS,
    *_passive("envelope"),
    *authorization.CHECKS,
    *account.CHECKS,
    *amount.CHECKS,
    *check_perform.CHECKS,
    *create.CHECKS,
    *perform.CHECKS,
    *cancel.CHECKS,
    *check_transaction.CHECKS,
    *statement.CHECKS,
    *expiry.CHECKS,
    *concurrency.CHECKS,
    *lost.CHECKS,
    *fiscal.CHECKS,
    *password.CHECKS,
    *transport.CHECKS,
    *_passive("transport"),
)
