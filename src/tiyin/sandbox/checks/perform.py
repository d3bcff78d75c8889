"""PerformTransaction: once, whatever is asked how often."""

from typing import Final

from tiyin.protocol.codes import MerchantCode
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.kinds_perform import (
    PERFORM_AFTER_CANCEL,
    PERFORM_REPEAT_DIFFERS,
    PERFORM_REPEAT_REFUSED,
    UNKNOWN_CODE,
)
from tiyin.sandbox.checks.scenario import cancelled_after_perform
from tiyin.sandbox.expect import code_of
from tiyin.sandbox.problems import Skip
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import CANNOT, cancel, create, look, perform, repeated
from tiyin.sandbox.talk import Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_PAGE: Final = "merchant-api/PerformTransaction"
_NOT_FOUND: Final = MerchantCode.TRANSACTION_NOT_FOUND
_A_SECOND_S: Final = 1.1
_LEFT_TO_SCENARIO: Final = Text(
    ru="Счёт один: на нём это проверяет второй сценарий",
    uz="Hisob bitta: buni unda ikkinchi ssenariy tekshiradi",
    en="There is one account only: the second scenario looks at this with it",
)


@check(
    CHECKS,
    "perform.good",
    _PAGE,
    Text(ru="Транзакция проводится", uz="Tranzaksiya oʻtkaziladi", en="A transaction is performed"),
    needs=("create.good",),
    fresh=1,
    documented=True,
)
async def good(talk: Talk) -> None:
    """Goal: what waits is performed, with perform_time, transaction and state 2."""
    if talk.scarce:
        raise Skip(_LEFT_TO_SCENARIO)
    made = await create(talk, await talk.account())
    performed = await perform(talk, made)
    await look(talk, made, state=2, performed=performed)


@check(
    CHECKS,
    "perform.repeat",
    _PAGE,
    Text(
        ru="Повтор через секунду отвечен так же",
        uz="Bir soniyadan keyingi takrorga xuddi shunday javob",
        en="A repeat a second later is answered the same",
    ),
    needs=("perform.good",),
    fresh=1,
    waits=True,
)
async def repeat(talk: Talk) -> None:
    """Goal: perform_time is when it was performed; also by a clock of whole seconds."""
    made = await create(talk, await talk.account())
    performed = await perform(talk, made)
    await talk.sleep(_A_SECOND_S)
    again = await perform(talk, made, refused=PERFORM_REPEAT_REFUSED)
    repeated(performed, again, PERFORM_REPEAT_DIFFERS)
    await look(talk, made, state=2, performed=performed)


@check(
    CHECKS,
    "perform.unknown",
    _PAGE,
    Text(
        ru="Неизвестная транзакция: -31003",
        uz="Nomaʼlum tranzaksiya: -31003",
        en="An unknown transaction: -31003",
    ),
)
async def unknown(talk: Talk) -> None:
    """Goal: what was never created is not performed."""
    code_of(await talk.call("PerformTransaction", {"id": talk.new_id()}), {_NOT_FOUND}, UNKNOWN_CODE)


@check(
    CHECKS,
    "perform.after-cancel",
    _PAGE,
    Text(
        ru="Отменённая транзакция не проводится: -31008",
        uz="Bekor qilingan tranzaksiya oʻtkazilmaydi: -31008",
        en="A cancelled transaction does not perform: -31008",
    ),
    needs=("create.good",),
    fresh=1,
)
async def after_cancel(talk: Talk) -> None:
    """Goal: -1 is final."""
    made = await create(talk, await talk.account())
    cancelled = await cancel(talk, made)
    code_of(await talk.call("PerformTransaction", {"id": made.id}), {CANNOT}, PERFORM_AFTER_CANCEL)
    await look(talk, made, state=-1, cancelled=cancelled, reason=3)


@check(
    CHECKS,
    "perform.after-refund",
    _PAGE,
    Text(
        ru="Возвращённая транзакция не проводится: -31008",
        uz="Puli qaytarilgan tranzaksiya oʻtkazilmaydi: -31008",
        en="A refunded transaction does not perform: -31008",
    ),
    needs=("perform.good",),
    fresh=1,
)
async def after_refund(talk: Talk) -> None:
    """Goal: -2 is final."""
    made = await create(talk, await talk.account())
    await perform(talk, made)
    await cancelled_after_perform(talk, made)
    code_of(await talk.call("PerformTransaction", {"id": made.id}), {CANNOT}, PERFORM_AFTER_CANCEL)
