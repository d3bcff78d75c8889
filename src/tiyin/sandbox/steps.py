"""The steps of a payment as checks take them: each returns what was told, or raises its problem."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tiyin.protocol.codes import MerchantCode
from tiyin.protocol.merchant_api import Reason
from tiyin.sandbox.checks.kinds_create import CREATE_REFUSED, CREATE_RESULT
from tiyin.sandbox.checks.kinds_perform import (
    CANCEL_REFUSED,
    CANCEL_RESULT,
    CHECK_DIFFERS,
    CHECK_REASON,
    CHECK_REFUSED,
    PERFORM_REFUSED,
    PERFORM_RESULT,
)
from tiyin.sandbox.expect import result_of
from tiyin.sandbox.problems import Kind, Wrong
from tiyin.sandbox.talk import Reply, Talk

__all__ = [
    "CANNOT",
    "Created",
    "cancel",
    "check_answer",
    "create",
    "created",
    "look",
    "perform",
    "repeated",
]

CANNOT: Final = MerchantCode.CANNOT_PERFORM
"""The operation cannot be performed."""

_REASON_FAILED: Final = Reason.EXECUTION_FAILED
_TIME_END: Final = 10**14


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that the merchant's server created.

    Args:
        params: What CreateTransaction was called with.
        result: What it answered.
    """

    params: dict[str, Any]
    result: dict[str, Any]

    @property
    def id(self) -> str:
        """Payme's id."""
        return str(self.params["id"])


async def create(
    talk: Talk,
    account: Mapping[str, str | int],
    *,
    time_ms: int | None = None,
    refused: Kind = CREATE_REFUSED,
) -> Created:
    """Create a transaction that must be accepted.

    Args:
        talk: The check's conversation.
        account: What is paid.
        time_ms: Payme's time of creation; now by default.
        refused: What it is when it is refused.

    Raises:
        Wrong: If it is refused, or answered with something else than is documented.
    """
    params = {
        "id": talk.new_id(),
        "time": talk.now_ms() if time_ms is None else time_ms,
        "amount": talk.target.amount_tiyin,
        "account": dict(account),
    }
    return created(await talk.call("CreateTransaction", params), params, refused=refused)


def created(reply: Reply, params: Mapping[str, Any], *, refused: Kind = CREATE_REFUSED) -> Created:
    """Read the answer of a CreateTransaction that must be accepted.

    Args:
        reply: What was answered.
        params: What it was called with.
        refused: What it is when it is refused.

    Raises:
        Wrong: If it is refused, or answered with something else than is documented.
    """
    result = result_of(reply, refused, expected="result.state 1")
    check_answer(result, CREATE_RESULT, state=1, time="create_time")
    return Created(params=dict(params), result=result)


async def perform(talk: Talk, made: Created, *, refused: Kind = PERFORM_REFUSED) -> dict[str, Any]:
    """Perform a transaction that must be performed; arguments and errors are like those of `create`."""
    reply = await talk.call("PerformTransaction", {"id": made.id})
    result = result_of(reply, refused, expected="result.state 2")
    check_answer(result, PERFORM_RESULT, state=2, time="perform_time")
    return result


async def cancel(
    talk: Talk,
    made: Created,
    *,
    state: int = -1,
    reason: int = _REASON_FAILED,
    refused: Kind = CANCEL_REFUSED,
) -> dict[str, Any]:
    """Cancel a transaction that must be cancelled.

    Args:
        talk: The check's conversation.
        made: The transaction.
        state: What it must become.
        reason: Why it is cancelled.
        refused: What it is when it is refused.

    Raises:
        Wrong: If it is refused, or answered with something else than is documented.
    """
    reply = await talk.call("CancelTransaction", {"id": made.id, "reason": reason})
    result = result_of(reply, refused, expected=f"result.state {state}")
    check_answer(result, CANCEL_RESULT, state=state, time="cancel_time")
    return result


async def look(
    talk: Talk,
    made: Created,
    *,
    state: int,
    performed: Mapping[str, Any] | None = None,
    cancelled: Mapping[str, Any] | None = None,
    reason: int | None = None,
) -> dict[str, Any]:
    """Ask where a transaction stands, and compare it with what was told before.

    Args:
        talk: The check's conversation.
        made: The transaction.
        state: Where it must stand.
        performed: What PerformTransaction answered; None if it never did.
        cancelled: What CancelTransaction answered; None if it never did.
        reason: Why it was cancelled.

    Raises:
        Wrong: If it is not found, or told otherwise.

    Documentation: merchant-api/CheckTransaction
    """
    reply = await talk.call("CheckTransaction", {"id": made.id})
    result = result_of(reply, CHECK_REFUSED, expected=f"result.state {state}")
    told = {
        "state": state,
        "create_time": made.result["create_time"],
        "perform_time": (performed or {}).get("perform_time", 0),
        "cancel_time": (cancelled or {}).get("cancel_time", 0),
        "transaction": made.result["transaction"],
    }
    for name, expected in told.items():
        _compare(name, expected, result.get(name), CHECK_DIFFERS)
    if result.get("reason") != reason:
        raise Wrong(CHECK_REASON, expected=f"reason {reason}", got=f"reason {result.get('reason')!r}")
    return result


def repeated(first: Mapping[str, Any], again: Mapping[str, Any], differs: Kind) -> None:
    """Insist that a repeated call was answered as the first one was, in all that matters.

    Args:
        first: The first result.
        again: The repeated one's.
        differs: What it is when they differ.

    Raises:
        Wrong: If they do.
    """
    for name in ("transaction", "state", "create_time", "perform_time", "cancel_time"):
        if name in first:
            _compare(name, first[name], again.get(name), differs)


def check_answer(result: Mapping[str, Any], wrong: Kind, *, state: int, time: str) -> None:
    """Insist that a result holds its state, its time and the merchant's own number.

    Args:
        result: What was answered.
        wrong: What it is when it does not.
        state: The state it must tell.
        time: The name of the time that it must hold.

    Raises:
        Wrong: If it does not.
    """
    if isinstance(result.get("state"), bool) or result.get("state") != state:
        raise Wrong(wrong, expected=f"state {state}", got=f"state {result.get('state')!r}")
    value = result.get(time)
    if not _is_time(value):
        raise Wrong(wrong, expected=f"{time} in milliseconds", got=f"{time} {value!r}")
    if result.get("transaction") in (None, ""):
        raise Wrong(wrong, expected="transaction", got="no transaction")


def _is_time(value: object) -> bool:
    """Tell a time in milliseconds, also one written with a fraction of zero, from what would be none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value < _TIME_END and value == value // 1


def _compare(name: str, expected: Any, got: Any, wrong: Kind) -> None:
    # A number for a string, and null for 0, are told once, by the checks of envelopes.
    same = str(got) == str(expected) if name == "transaction" else (got or 0) == (expected or 0)
    if not same:
        raise Wrong(wrong, expected=f"{name} {expected!r}", got=f"{name} {got!r}")
