"""What is put to the test: a merchant's server, its key, and an order that can be paid."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

import msgspec

from tiyin.protocol.hidden import rich_repr

__all__ = ["AccountKind", "NewAccount", "Target"]

AccountFields = Mapping[str, str | int]
NewAccount = Callable[[], Awaitable[AccountFields]]
"""Makes a fresh payable account and returns its fields; raises `tiyin.sandbox.problems.CannotRun`."""


class AccountKind(StrEnum):
    """How often an account takes money. Documentation: sandbox."""

    ONE_TIME = "one-time"
    ACCUMULATING = "accumulating"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant's server, and what a run may use.

    Args:
        endpoint: The absolute http or https address of its Merchant API.
        key: The key for the sandbox (TEST_KEY).
        account: The fields of an account that can be paid now.
        amount_tiyin: The amount that this account accepts, in tiyin.
        login: The login of the Basic authorization.
        kind: How often the account takes money.
        new_account: Makes further payable accounts for the same amount; checks that need a fresh one are
            skipped without it.
        allow_private: Whether loopback and private addresses and plain HTTP may be called.
        timeout_ms: How long one call may take, in milliseconds.
        change_password: Whether ChangePassword may be called (the key is put back afterwards).
    """

    endpoint: str
    key: str
    account: dict[str, str | int]
    amount_tiyin: int
    login: str = "Paycom"
    kind: AccountKind = AccountKind.ONE_TIME
    new_account: NewAccount | None = None
    allow_private: bool = True
    timeout_ms: int = 10_000
    change_password: bool = False

    def __repr__(self) -> str:
        return f"Target(endpoint={self.endpoint!r}, account={self.account!r}, key hidden)"

    __rich_repr__ = rich_repr
