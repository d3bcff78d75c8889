"""CreateTransaction: what must be accepted, what must be refused, and what a repeat is answered."""

from typing import Final

from tiyin.protocol.codes import MerchantCode
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.bad_input import not_existing
from tiyin.sandbox.checks.busy import refuse_busy, refuse_create
from tiyin.sandbox.checks.kinds_create import (
    ACCUMULATING_REFUSED,
    BUSY_ACCEPTED,
    CANCELLED_BLOCKED,
    CHECK_NOT_FREE_CODE,
    CREATE_AFTER_FINAL,
    CREATE_KNOWN_CODE,
    CREATE_OTHER_PARAMS,
    CREATE_REPEAT_DIFFERS,
    CREATE_REPEAT_REFUSED,
    PAID_ACCEPTED,
)
from tiyin.sandbox.expect import ACCOUNT_CODES, code_of, expected_codes, is_success
from tiyin.sandbox.problems import Kind, Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import CANNOT, cancel, create, created, look, perform, repeated
from tiyin.sandbox.talk import Reply, Talk
from tiyin.sandbox.target import AccountKind

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_PAGE: Final = "merchant-api/CreateTransaction"
_ONE_TIME: Final = frozenset({AccountKind.ONE_TIME})
_ACCUMULATING: Final = frozenset({AccountKind.ACCUMULATING})
_A_SECOND_S: Final = 1.1
_WRONG_AMOUNT: Final = MerchantCode.WRONG_AMOUNT


@check(
    CHECKS,
    "create.good",
    _PAGE,
    Text(ru="Транзакция создаётся", uz="Tranzaksiya yaratiladi", en="A transaction is created"),
    needs=("check.good",),
    fresh=1,
    documented=True,
)
async def good(talk: Talk) -> None:
    """Goal: what can be paid is reserved, with create_time, transaction and state 1."""
    made = await create(talk, await talk.account())
    await talk.call("CancelTransaction", {"id": made.id, "reason": 3})


@check(
    CHECKS,
    "create.repeat",
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
    """Goal: create_time is when it was created, not when it was asked; also by a clock of whole seconds."""
    made = await create(talk, await talk.account())
    await talk.sleep(_A_SECOND_S)
    reply = await talk.call("CreateTransaction", made.params)
    again = created(reply, made.params, refused=CREATE_REPEAT_REFUSED)
    repeated(made.result, again.result, CREATE_REPEAT_DIFFERS)
    await look(talk, made, state=1)
    await cancel(talk, made)


@check(
    CHECKS,
    "create.other-params",
    _PAGE,
    Text(
        ru="Тот же id с другой суммой, временем или счётом: -31008",
        uz="Oʻsha id boshqa summa, vaqt yoki hisob bilan: -31008",
        en="The same id with another amount, time or account: -31008",
    ),
    needs=("create.good",),
    fresh=1,
)
async def other_params(talk: Talk) -> None:
    """Goal: one id stands for one payment, whatever else is sent with it."""
    account = await talk.account()
    made = await create(talk, account)
    if talk.scarce or talk.target.kind is AccountKind.ACCUMULATING:
        other = not_existing(talk, account)
    else:
        other = await talk.account()
    for name, value, loosely in (
        ("amount", talk.target.amount_tiyin + 100, {_WRONG_AMOUNT}),
        ("time", made.params["time"] + 1, set()),
        ("account", other, set(ACCOUNT_CODES)),
    ):
        reply = await talk.call("CreateTransaction", {**made.params, name: value})
        if is_success(reply):
            raise Wrong(CREATE_OTHER_PARAMS, expected=f"error.code {CANNOT} ({name})", got=reply.told())
        if reply.code != CANNOT and reply.code not in loosely:
            talk.warn(CREATE_KNOWN_CODE, expected=f"error.code {CANNOT} ({name})", got=reply.told())
    await look(talk, made, state=1)
    await cancel(talk, made)


@check(
    CHECKS,
    "create.busy",
    "sandbox",
    Text(
        ru="Заказ, который ждёт оплаты, занят: -31008",
        uz="Toʻlov kutayotgan buyurtma band: -31008",
        en="An order that waits for payment is busy: -31008",
    ),
    kinds=_ONE_TIME,
    needs=("create.good",),
    fresh=1,
)
async def busy(talk: Talk) -> None:
    """Goal: nobody else can create or check an order while a transaction waits; that one stays."""
    account = await talk.account()
    made = await create(talk, account)
    await refuse_busy(talk, account)
    _refused_check(
        await talk.call("CheckPerformTransaction", {"amount": talk.target.amount_tiyin, "account": account}),
        BUSY_ACCEPTED,
    )
    await look(talk, made, state=1)
    await cancel(talk, made)


@check(
    CHECKS,
    "create.accumulating",
    "sandbox",
    Text(
        ru="Накопительный счёт принимает несколько транзакций сразу",
        uz="Jamgʻariladigan hisob bir nechta tranzaksiyani birdan qabul qiladi",
        en="An accumulating account takes several transactions at a time",
    ),
    kinds=_ACCUMULATING,
    needs=("create.good",),
)
async def accumulating(talk: Talk) -> None:
    """Goal: a balance is never busy."""
    account = await talk.account()
    first = await create(talk, account)
    second = await create(talk, account, refused=ACCUMULATING_REFUSED)
    if first.result["transaction"] == second.result["transaction"]:
        raise Wrong(
            CREATE_OTHER_PARAMS,
            expected="another transaction for another id",
            got=f"transaction {second.result['transaction']!r} twice",
        )
    await cancel(talk, second)
    await look(talk, first, state=1)
    await cancel(talk, first)


@check(
    CHECKS,
    "create.after-cancel",
    "merchant-api/CancelTransaction",
    Text(
        ru="Отменённый заказ можно оплатить снова",
        uz="Bekor qilingan buyurtmani qayta toʻlash mumkin",
        en="A cancelled order can be paid again",
    ),
    needs=("create.good",),
    fresh=1,
)
async def after_cancel(talk: Talk) -> None:
    """Goal: -1 frees the order; the cancelled transaction itself stays cancelled."""
    account = await talk.account()
    made = await create(talk, account)
    cancelled = await cancel(talk, made)
    reply = await talk.call("CreateTransaction", made.params)
    _refused_again(talk, reply)
    again = await create(talk, account, refused=CANCELLED_BLOCKED)
    await look(talk, made, state=-1, cancelled=cancelled, reason=3)
    await cancel(talk, again)


@check(
    CHECKS,
    "create.after-perform",
    _PAGE,
    Text(
        ru="Проведённую транзакцию нельзя создать снова",
        uz="Oʻtkazilgan tranzaksiyani qayta yaratib boʻlmaydi",
        en="A performed transaction cannot be created again",
    ),
    needs=("create.good", "perform.good"),
    fresh=1,
)
async def after_perform(talk: Talk) -> None:
    """Goal: the id of a performed transaction is answered -31008."""
    made = await create(talk, await talk.account())
    performed = await perform(talk, made)
    _refused_again(talk, await talk.call("CreateTransaction", made.params))
    await look(talk, made, state=2, performed=performed)


@check(
    CHECKS,
    "create.paid",
    _PAGE,
    Text(
        ru="Оплаченный заказ нельзя оплатить ещё раз",
        uz="Toʻlangan buyurtmani yana toʻlab boʻlmaydi",
        en="A paid order cannot be paid once more",
    ),
    kinds=_ONE_TIME,
    needs=("create.good", "perform.good"),
    fresh=1,
)
async def paid(talk: Talk) -> None:
    """Goal: neither a check nor a create takes money for what is paid."""
    account = await talk.account()
    await perform(talk, await create(talk, account))
    _refused_check(
        await talk.call("CheckPerformTransaction", {"amount": talk.target.amount_tiyin, "account": account}),
        PAID_ACCEPTED,
    )
    await refuse_create(talk, account, PAID_ACCEPTED)


def _refused_check(reply: Reply, accepted: Kind) -> None:
    """Insist that CheckPerformTransaction refused an order that is not free."""
    if is_success(reply):
        if (reply.result or {}).get("allow") is not False:
            raise Wrong(accepted, expected=f"{expected_codes(ACCOUNT_CODES)}", got=reply.told())
        return
    # -31008 refuses it too, though the documentation has it for the other methods.
    code_of(reply, {CANNOT, *ACCOUNT_CODES}, CHECK_NOT_FREE_CODE)


def _refused_again(talk: Talk, reply: Reply) -> None:
    """Insist that the id of a transaction in its last state was refused."""
    if is_success(reply):
        raise Wrong(CREATE_AFTER_FINAL, expected=f"error.code {CANNOT}", got=reply.told())
    if reply.code != CANNOT:
        talk.warn(CREATE_KNOWN_CODE, expected=f"error.code {CANNOT}", got=reply.told())
