"""The kit's side of a shop's hooks: what they are given, may answer, and leave for afterwards."""

from collections.abc import Callable, Coroutine
from typing import Any

from tiyin.merchant.after_commit import Afterwards, collecting
from tiyin.merchant.billing import FiscalNotice
from tiyin.merchant.calling import Calling
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
from tiyin.merchant.rules import Run
from tiyin.merchant.stores.port import Ran
from tiyin.protocol.values import is_clean_text
from tiyin.runtime.logs import get_logger
from tiyin.runtime.patience import within

__all__ = ["Shop", "read_number"]

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
_EFFECTS = {Begun.CREATE: "create", Begun.PERFORM: "perform", Begun.CANCEL: "cancel"}


class Shop:
    """A shop behind the checks that keep its answers within the documentation.

    Args:
        calling: How its hooks are called.
        patience_s: How long a hook without effect (`check`, `may_cancel`, ...) may take, in seconds.
        afterwards: Has done what hooks leave for afterwards.
    """

    def __init__(
        self, calling: Calling, *, patience_s: float, afterwards: Callable[[Afterwards], None]
    ) -> None:
        self._call = calling.call
        self._patience_s = patience_s
        self._afterwards = afterwards
        self.hooks = calling.hooks
        self.cuttable = calling.cuttable
        self.account_fields = calling.account_fields

    async def check(self, account: dict[str, str | int], amount_tiyin: int) -> object:
        """Ask what may be paid. Whatever comes back is judged by `orders.judge_order`."""
        try:
            return await within(self._patience_s, self._call("check", hook_account(account), amount_tiyin))
        except Refused as refusal:
            raise _documented("check", refusal) from refusal.__cause__

    async def run(self, run: Run, row: Row, *, repeated: bool) -> Ran:
        """Run the hook of an effect; see `ShopEffects.run`."""
        name = _EFFECTS[run.effect]
        transaction = view(row, reason=run.reason, repeated=repeated)
        if not getattr(self.hooks, name):
            return _NOTHING
        with collecting() as left:
            try:
                answer = await self._call(name, transaction)
            except Refused as refusal:
                raise _documented(name, refusal) from refusal.__cause__
        if name != "create":
            _nothing(name, answer)
            return Ran(afterwards=tuple(left)) if left else _NOTHING
        return Ran(read_number(answer), tuple(left))

    def committed(self, afterwards: Afterwards) -> None:
        """Have done what a hook left for afterwards."""
        if not afterwards:
            return
        try:
            self._afterwards(afterwards)
        except Exception as error:  # noqa: BLE001 - the payment stands, whatever becomes of this
            get_logger("tiyin.merchant").error(
                "payme_after_commit_dropped", works=len(afterwards), exc_info=error
            )

    async def may_cancel(self, row: Row, reason: int) -> bool:
        """Ask whether a paid transaction can still be undone."""
        try:
            return _yes_or_no("may_cancel", await self._ask("may_cancel", view(row, reason=reason)))
        except AlreadyDelivered:
            return False

    async def fiscal_data(self, notice: FiscalNotice) -> bool:
        """Hand fiscal data over; tells whether the shop knows the receipt."""
        return _yes_or_no("fiscal_data", await self._ask("fiscal_data", notice))

    async def change_password(self, password: str) -> None:
        """Tell the shop its new key."""
        await self._ask("change_password", password)

    async def _ask(self, name: str, given: object) -> object:
        try:
            hook: Coroutine[Any, Any, object] = self._call(name, given)
            return await within(self._patience_s, hook)
        except Refused as refusal:
            raise _documented(name, refusal) from refusal.__cause__


_NOTHING = Ran()


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
            f"the hook create must return the transaction's number or None, not {type(answer).__name__}"
        )
    number = str(answer)
    if not 0 < len(number) <= NUMBER_LENGTH_MAX or not is_clean_text(number):
        raise ValueError(f"a transaction's number has 1 to {NUMBER_LENGTH_MAX} characters and no U+0000")
    return number


def _nothing(name: str, answer: object) -> None:
    if answer is not None:
        # Returning False is how many say no, and here it would take a payment for a yes.
        raise TypeError(f"the hook {name} must return nothing, not {type(answer).__name__}: raise to refuse")


def _yes_or_no(name: str, answer: object) -> bool:
    if not isinstance(answer, bool):
        raise TypeError(f"the hook {name} must return True or False, not {type(answer).__name__}")
    return answer


def _documented(hook: str, refusal: Refused) -> Exception:
    """Let a refusal through if the documentation allows it there."""
    if isinstance(refusal, _MAY_REFUSE[hook]):
        return refusal
    error = TypeError(
        f"the hook {hook} raised {type(refusal).__name__}, which the documentation does not allow there"
    )
    error.__cause__ = refusal
    return error
