"""CancelTransaction: from 1 to -1, from 2 to -2, and the same answer ever after."""

from typing import Final

from tiyin.protocol.codes import MerchantCode
from tiyin.protocol.merchant_api import Reason
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.kinds_perform import CANCEL_REPEAT_DIFFERS, CANCEL_REPEAT_REFUSED, UNKNOWN_CODE
from tiyin.sandbox.checks.scenario import cancelled_after_perform
from tiyin.sandbox.expect import code_of
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import cancel, create, look, perform, repeated
from tiyin.sandbox.talk import Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_PAGE: Final = "merchant-api/CancelTransaction"
_NOT_FOUND: Final = MerchantCode.TRANSACTION_NOT_FOUND
_REASON_REFUND: Final = Reason.REFUND
_REASONS: Final = tuple(Reason)
_A_SECOND_S: Final = 1.1


@check(
    CHECKS,
    "cancel.created",
    _PAGE,
    Text(
        ru="Ждущая транзакция отменяется: state -1",
        uz="Kutayotgan tranzaksiya bekor qilinadi: state -1",
        en="A waiting transaction is cancelled: state -1",
    ),
    needs=("create.good",),
    fresh=1,
    documented=True,
)
async def waiting(talk: Talk) -> None:
    """Goal: what waits can always be cancelled."""
    made = await create(talk, await talk.account())
    cancelled = await cancel(talk, made)
    await look(talk, made, state=-1, cancelled=cancelled, reason=3)


@check(
    CHECKS,
    "cancel.performed",
    _PAGE,
    Text(
        ru="Проведённая транзакция отменяется: state -2",
        uz="Oʻtkazilgan tranzaksiya bekor qilinadi: state -2",
        en="A performed transaction is cancelled: state -2",
    ),
    needs=("create.good", "perform.good"),
    fresh=1,
)
async def performed(talk: Talk) -> None:
    """Goal: a refund leaves -2, with both times kept."""
    made = await create(talk, await talk.account())
    told = await perform(talk, made)
    cancelled = await cancelled_after_perform(talk, made)
    await look(talk, made, state=-2, performed=told, cancelled=cancelled, reason=_REASON_REFUND)


@check(
    CHECKS,
    "cancel.repeat",
    _PAGE,
    Text(
        ru="Повтор через секунду отвечен так же",
        uz="Bir soniyadan keyingi takrorga xuddi shunday javob",
        en="A repeat a second later is answered the same",
    ),
    needs=("create.good",),
    fresh=1,
    waits=True,
)
async def repeat(talk: Talk) -> None:
    """Goal: cancel_time is when it was cancelled; also by a clock of whole seconds."""
    made = await create(talk, await talk.account())
    cancelled = await cancel(talk, made)
    await talk.sleep(_A_SECOND_S)
    again = await cancel(talk, made, refused=CANCEL_REPEAT_REFUSED)
    repeated(cancelled, again, CANCEL_REPEAT_DIFFERS)
    await look(talk, made, state=-1, cancelled=cancelled, reason=3)


@check(
    CHECKS,
    "cancel.reasons",
    "merchant-api/data-types",
    Text(
        ru="Причина отмены сохраняется: 1-5 и 10",
        uz="Bekor qilish sababi saqlanadi: 1-5 va 10",
        en="The reason of a cancel is kept: 1-5 and 10",
    ),
    needs=("create.good", "create.after-cancel"),
    fresh=1,
)
async def reasons(talk: Talk) -> None:
    """Goal: each documented reason is told again as it came."""
    account = await talk.account()
    for reason in _REASONS:
        made = await create(talk, account)
        cancelled = await cancel(talk, made, reason=reason)
        await look(talk, made, state=-1, cancelled=cancelled, reason=reason)


@check(
    CHECKS,
    "cancel.unknown",
    _PAGE,
    Text(
        ru="Неизвестная транзакция: -31003",
        uz="Nomaʼlum tranzaksiya: -31003",
        en="An unknown transaction: -31003",
    ),
)
async def unknown(talk: Talk) -> None:
    """Goal: what was never created is not cancelled."""
    params = {"id": talk.new_id(), "reason": 3}
    code_of(await talk.call("CancelTransaction", params), {_NOT_FOUND}, UNKNOWN_CODE)
