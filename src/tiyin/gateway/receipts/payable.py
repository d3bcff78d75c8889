"""Whether something can be paid now: the desk's own bounds, then the merchant's word.

Documentation: merchant-api/CheckPerformTransaction.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tiyin.gateway.desks.records import Desk
from tiyin.gateway.merchant_calls.answers import Answered
from tiyin.gateway.merchant_calls.calls import MerchantCalls, Target
from tiyin.gateway.receipts.refusals import error_for
from tiyin.protocol.errors import RpcError, SubscribeCode, wrong_field

__all__ = ["Payable", "ask_billing", "check_bounds"]


class Payable(msgspec.Struct, frozen=True):
    """The merchant's word that a payment is possible.

    Attributes:
        additional: What the payer may be shown beside the order, or None.
        detail: The details of what is sold, or None.
    """

    additional: dict[str, Any] | None = None
    detail: dict[str, Any] | None = None


def check_bounds(desk: Desk, amount_tiyin: int, account: Mapping[str, str | int]) -> None:
    """Refuse what the desk itself does not take.

    Args:
        desk: The cash desk.
        amount_tiyin: The amount.
        account: The account as given.

    Raises:
        RpcError: -31601 (the desk takes no payments now), -31611, -31612 (amount), -31610 with data = the
        field's
            name (an account field is missing; a merchant's server, where there is one, says so itself).
    """
    if not desk.active:
        raise RpcError(SubscribeCode.MERCHANT_NOT_FOUND)
    if amount_tiyin < desk.amount_tiyin_min:
        raise RpcError(SubscribeCode.AMOUNT_TOO_SMALL, data="amount")
    if amount_tiyin > desk.amount_tiyin_max:
        raise RpcError(SubscribeCode.AMOUNT_TOO_LARGE, data="amount")
    if desk.endpoint is None:
        for field in desk.account_fields:
            if account.get(field.name) in {None, ""}:
                raise wrong_field(field.name)


async def ask_billing(
    calls: MerchantCalls, desk: Desk, amount_tiyin: int, account: Mapping[str, Any] | msgspec.Raw
) -> Payable:
    """Ask the merchant's billing, where the desk has one.

    Raises:
        RpcError: -31610, -31622, -31623; see `tiyin.gateway.receipts.refusals`.
    """
    if desk.endpoint is None:
        return Payable()
    outcome = await calls.check_perform(Target(desk.id, desk.endpoint), amount_tiyin, account)
    if isinstance(outcome, Answered):
        return Payable(outcome.result.additional, outcome.result.detail)
    raise error_for(outcome)
