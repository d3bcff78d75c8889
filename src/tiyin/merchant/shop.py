"""The kit's side of a shop's hooks: which there are, how they are called, what they may answer."""

from typing import Any

from tiyin.merchant.billing import Billing, FiscalNotice
from tiyin.merchant.records import Begun, Row, hook_account, view
from tiyin.merchant.refusals import (
    AccountNotFound,
    AlreadyDelivered,
    CannotPerform,
    OrderUnavailable,
    Refused,
    SystemDown,
    WrongAmount,
)
from tiyin.merchant.rules import Hooks, Run
from tiyin.protocol.values import is_clean_text
from tiyin.runtime.patience import within

__all__ = ["Shop", "hooks_of", "read_number"]

NUMBER_LENGTH_MAX = 255

# What the documentation lets each method answer. Anything else that a hook raises is a mistake in the shop:
# -32400.
_MAY_REFUSE: dict[str, tuple[type[Refused], ...]] = {
    "check": (AccountNotFound, OrderUnavailable, WrongAmount, SystemDown),
    "create": (CannotPerform, AccountNotFound, OrderUnavailable, WrongAmount, SystemDown),
    "perform": (CannotPerform, AccountNotFound, OrderUnavailable, SystemDown),
    "cancel": (AlreadyDelivered, SystemDown),
    "may_cancel": (AlreadyDelivered, SystemDown),
    "fiscal_data": (SystemDown,),
    "change_password": (SystemDown,),
}


class Shop:
    """A `Billing` behind the checks that keep its answers within the documentation.

    Args:
        billing: The shop.
        patience_s: How long a hook without effect (`check`, `may_cancel`, ...) may take, in seconds.
    """

    def __init__(self, billing: Billing, *, patience_s: float = 15.0) -> None:
        self._billing = billing
        self._patience_s = patience_s
        self.hooks = hooks_of(billing)
        self.account_fields = tuple(billing.account_fields)

    async def check(self, account: dict[str, str | int], amount_tiyin: int) -> object:
        """Ask what may be paid. Whatever comes back is judged by `orders.judge_order`."""
        try:
            return await within(self._patience_s, self._billing.check(hook_account(account), amount_tiyin))
        except Refused as refusal:
            raise _documented("check", refusal) from refusal.__cause__

    async def run(self, run: Run, row: Row, *, repeated: bool) -> str | None:
        """Run the hook of an effect; see `ShopEffects.run`."""
        transaction = view(row, reason=run.reason, repeated=repeated)
        name = "cancel"
        try:
            if run.effect == Begun.CREATE:
                name = "create"
                return read_number(await self._billing.create(transaction))
            if run.effect == Begun.PERFORM:
                name = "perform"
                return _nothing(name, await self._billing.perform(transaction))  # type: ignore[func-returns-value]  # a shop may break its promise
            return _nothing(name, await self._billing.cancel(transaction))  # type: ignore[func-returns-value]  # the same
        except Refused as refusal:
            raise _documented(name, refusal) from refusal.__cause__

    async def may_cancel(self, row: Row, reason: int) -> bool:
        """Ask whether a paid transaction can still be undone."""
        try:
            answer: object = await within(
                self._patience_s, self._billing.may_cancel(view(row, reason=reason))
            )
        except AlreadyDelivered:
            return False
        except Refused as refusal:
            raise _documented("may_cancel", refusal) from refusal.__cause__
        if not isinstance(answer, bool):
            raise TypeError(f"Billing.may_cancel must return True or False, not {type(answer).__name__}")
        return answer

    async def fiscal_data(self, notice: FiscalNotice) -> bool:
        """Hand fiscal data over; tells whether the shop knows the receipt."""
        try:
            answer: object = await within(self._patience_s, self._billing.fiscal_data(notice))
        except Refused as refusal:
            raise _documented("fiscal_data", refusal) from refusal.__cause__
        if not isinstance(answer, bool):
            raise TypeError(f"Billing.fiscal_data must return True or False, not {type(answer).__name__}")
        return answer

    async def change_password(self, password: str) -> None:
        """Tell the shop its new key."""
        try:
            await within(self._patience_s, self._billing.change_password(password))
        except Refused as refusal:
            raise _documented("change_password", refusal) from refusal.__cause__


def hooks_of(billing: Billing) -> Hooks:
    """Tell which effects a shop does anything for: those whose hooks it has overridden."""

    def overridden(name: str) -> bool:
        return getattr(type(billing), name) is not getattr(Billing, name)

    return Hooks(
        create=overridden("create"),
        perform=overridden("perform"),
        may_cancel=overridden("may_cancel"),
        cancel=overridden("cancel"),
    )


def read_number(answer: object) -> str | None:
    """Read what `Billing.create` returned.

    Args:
        answer: A text, an integer or None.

    Returns:
        The shop's own number as text, or None.

    Raises:
        TypeError: If it is anything else.
        ValueError: If it is empty, too long, or cannot be stored.
    """
    if answer is None:
        return None
    if isinstance(answer, bool) or not isinstance(answer, str | int):
        raise TypeError(
            f"Billing.create must return the transaction's number or None, not {type(answer).__name__}"
        )
    number = str(answer)
    if not 0 < len(number) <= NUMBER_LENGTH_MAX or not is_clean_text(number):
        raise ValueError(f"a transaction's number has 1 to {NUMBER_LENGTH_MAX} characters and no U+0000")
    return number


def _nothing(name: str, answer: Any) -> None:
    if answer is not None:
        # Returning False is how many say no, and here it would take a payment for a yes.
        raise TypeError(f"Billing.{name} must return nothing, not {type(answer).__name__}: raise to refuse")


def _documented(hook: str, refusal: Refused) -> Exception:
    """Let a refusal through if the documentation allows it there."""
    if isinstance(refusal, _MAY_REFUSE[hook]):
        return refusal
    error = TypeError(
        f"Billing.{hook} raised {type(refusal).__name__}, which the documentation does not allow there"
    )
    error.__cause__ = refusal
    return error
