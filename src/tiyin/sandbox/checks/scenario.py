"""The two scenarios of the documentation's sandbox page, exactly, double sends included."""

from typing import Final

from tiyin.protocol.codes import MerchantCode
from tiyin.protocol.merchant_api import Reason
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.busy import refuse_busy
from tiyin.sandbox.checks.check_perform import allowed
from tiyin.sandbox.checks.kinds_create import (
    ACCUMULATING_REFUSED,
    CREATE_REPEAT_DIFFERS,
    CREATE_REPEAT_REFUSED,
)
from tiyin.sandbox.checks.kinds_perform import (
    CANCEL_REFUSED,
    CANCEL_REPEAT_DIFFERS,
    CANCEL_REPEAT_REFUSED,
    CANCEL_RESULT,
    PERFORM_REPEAT_DIFFERS,
    PERFORM_REPEAT_REFUSED,
)
from tiyin.sandbox.expect import is_refused_with, result_of
from tiyin.sandbox.problems import Skip, Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import Created, cancel, check_answer, create, created, look, perform, repeated
from tiyin.sandbox.talk import Talk
from tiyin.sandbox.target import AccountKind

__all__ = ["CHECKS", "cancelled_after_perform"]

CHECKS: Final[list[Check]] = []

_PAGE: Final = "sandbox"
_REASON_REFUND: Final = Reason.REFUND
_DELIVERED: Final = MerchantCode.CANNOT_CANCEL

NOT_CANCELLABLE: Final = Text(
    ru="Мерчант не отменяет выполненные заказы (-31007): документация это разрешает",
    uz="Merchant bajarilgan buyurtmalarni bekor qilmaydi (-31007): hujjat bunga ruxsat beradi",
    en="The merchant does not cancel what was delivered (-31007), as the documentation allows",
)


@check(
    CHECKS,
    "scenario.cancel-created",
    _PAGE,
    Text(
        ru="Создание и отмена неподтверждённой транзакции",
        uz="Tasdiqlanmagan tranzaksiyani yaratish va bekor qilish",
        en="A transaction is created, and cancelled before it is confirmed",
    ),
    needs=("check.good", "create.good"),
    fresh=1,
    documented=True,
)
async def cancel_created(talk: Talk) -> None:
    """Goal: the documentation's first scenario; the wrong data of it are checks of their own."""
    made = await _created_twice(talk)
    cancelled = await cancel(talk, made)
    again = await cancel(talk, made, refused=CANCEL_REPEAT_REFUSED)
    repeated(cancelled, again, CANCEL_REPEAT_DIFFERS)
    await look(talk, made, state=-1, cancelled=cancelled, reason=3)


@check(
    CHECKS,
    "scenario.cancel-performed",
    _PAGE,
    Text(
        ru="Создание, подтверждение и отмена подтверждённой транзакции",
        uz="Tranzaksiyani yaratish, tasdiqlash va tasdiqlanganini bekor qilish",
        en="A transaction is created, confirmed, and cancelled afterwards",
    ),
    needs=("check.good", "create.good", "perform.good"),
    fresh=1,
    documented=True,
)
async def cancel_performed(talk: Talk) -> None:
    """Goal: the documentation's second scenario."""
    made = await _created_twice(talk)
    performed = await perform(talk, made)
    again = await perform(talk, made, refused=PERFORM_REPEAT_REFUSED)
    repeated(performed, again, PERFORM_REPEAT_DIFFERS)
    await look(talk, made, state=2, performed=performed)
    cancelled = await cancelled_after_perform(talk, made)
    again = await cancel(talk, made, state=-2, reason=_REASON_REFUND, refused=CANCEL_REPEAT_REFUSED)
    repeated(cancelled, again, CANCEL_REPEAT_DIFFERS)
    await look(talk, made, state=-2, performed=performed, cancelled=cancelled, reason=_REASON_REFUND)


async def cancelled_after_perform(talk: Talk, made: Created) -> dict[str, object]:
    """Cancel what was performed.

    Args:
        talk: The check's conversation.
        made: The transaction.

    Raises:
        Skip: If the merchant says that it was delivered.
        Wrong: If it is refused otherwise, or answered with something else than is documented.
    """
    reply = await talk.call("CancelTransaction", {"id": made.id, "reason": _REASON_REFUND})
    if is_refused_with(reply, {_DELIVERED}):
        raise Skip(NOT_CANCELLABLE)
    result = result_of(reply, CANCEL_REFUSED, expected="result.state -2")
    check_answer(result, CANCEL_RESULT, state=-2, time="cancel_time")
    return result


async def _created_twice(talk: Talk) -> Created:
    """CheckPerform, Create, Create again, CheckTransaction, and another transaction for the same account."""
    account = await talk.account()
    params = {"amount": talk.target.amount_tiyin, "account": account}
    allowed(await talk.call("CheckPerformTransaction", params))
    made = await create(talk, account)
    again = created(
        await talk.call("CreateTransaction", made.params), made.params, refused=CREATE_REPEAT_REFUSED
    )
    repeated(made.result, again.result, CREATE_REPEAT_DIFFERS)
    await look(talk, made, state=1)
    if talk.target.kind is AccountKind.ACCUMULATING:
        try:
            other = await create(talk, account, refused=ACCUMULATING_REFUSED)
        except Wrong:
            # A balance that one transaction holds must not be held for the checks that follow.
            await cancel(talk, made)
            raise
        await cancel(talk, other)
    else:
        await refuse_busy(talk, account)
    return made
