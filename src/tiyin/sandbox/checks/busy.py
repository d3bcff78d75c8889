"""An order that is not free is offered to nobody: how that must be refused."""

from collections.abc import Mapping
from typing import Final

from tiyin.protocol.merchant_api import Reason
from tiyin.sandbox.checks.kinds_create import BUSY_ACCEPTED, BUSY_CODE, BUSY_OTHER_CODE
from tiyin.sandbox.expect import ACCOUNT_CODES, code_of, is_success
from tiyin.sandbox.problems import Kind
from tiyin.sandbox.steps import CANNOT
from tiyin.sandbox.talk import Reply, Talk

__all__ = ["judge_busy", "refuse_busy", "refuse_create"]

_REASON_FAILED: Final = Reason.EXECUTION_FAILED


async def refuse_busy(talk: Talk, account: Mapping[str, str | int]) -> None:
    """Offer an order with a waiting transaction to another one, which must be refused.

    Raises:
        Wrong: If it is accepted, or refused with a code for something else.

    Documentation: sandbox
    """
    await refuse_create(talk, account, BUSY_ACCEPTED)


async def refuse_create(talk: Talk, account: Mapping[str, str | int], accepted: Kind) -> None:
    """Create a transaction that must be refused because the order is not free; undo it where it is not.

    Args:
        talk: The check's conversation.
        account: The order.
        accepted: What it is when it is accepted.

    Raises:
        Wrong: If it is accepted, or refused with a code for something else.
    """
    params = {
        "id": talk.new_id(),
        "time": talk.now_ms(),
        "amount": talk.target.amount_tiyin,
        "account": dict(account),
    }
    reply = await talk.call("CreateTransaction", params)
    if is_success(reply):
        await talk.call("CancelTransaction", {"id": params["id"], "reason": _REASON_FAILED})
    judge_busy(talk, reply, accepted)


def judge_busy(talk: Talk, reply: Reply, accepted: Kind) -> None:
    """Judge how a transaction for an order that is not free was refused.

    Args:
        talk: The check's conversation.
        reply: What was answered.
        accepted: What it is when it was accepted.

    Raises:
        Wrong: If it was accepted, or refused with a code for something else.
    """
    code = code_of(reply, {CANNOT, *ACCOUNT_CODES}, BUSY_OTHER_CODE, accepted=accepted)
    # A paid or cancelled order is a matter of the account: either code is right for it.
    if code != CANNOT and accepted is BUSY_ACCEPTED:
        talk.warn(BUSY_CODE, expected=f"error.code {CANNOT}", got=reply.told())
