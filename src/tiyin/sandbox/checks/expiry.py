"""Twelve hours: what is older is not created, and what becomes older is cancelled.

The wire cannot wait for twelve hours. So a transaction is created with a `time` that leaves it two seconds.
"""

from typing import Final

from tiyin.protocol.merchant_api import Reason
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.kinds_perform import CHECK_REFUSED
from tiyin.sandbox.checks.kinds_time import (
    EXPIRED_ACCEPTED,
    EXPIRED_PERFORMS,
    EXPIRY_BLOCKS,
    EXPIRY_STATE,
    FUTURE_ACCEPTED,
)
from tiyin.sandbox.expect import code_of, is_success, result_of
from tiyin.sandbox.problems import Skip, Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import CANNOT, Created, cancel, create, created
from tiyin.sandbox.talk import Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_HOURS_12_MS: Final = 43_200_000
_HOUR_MS: Final = 3_600_000
_TWO_DAYS_MS: Final = 2 * 86_400_000
_LEFT_MS: Final = 2_000
_PAST_MS: Final = 300
_REASON_EXPIRED: Final = Reason.TIMEOUT
_NOT_SEEN: Final = Text(
    ru="Сервер не принял транзакцию, которой оставалось две секунды: 12 часов так не проверить",
    uz="Server ikki soniyasi qolgan tranzaksiyani qabul qilmadi: 12 soatni bunday tekshirib boʻlmaydi",
    en="The server refused a transaction with two seconds left, so the 12 hours could not be looked at",
)


@check(
    CHECKS,
    "expiry.old-create",
    "merchant-api/CreateTransaction",
    Text(
        ru="Транзакция старше 12 часов не создаётся: -31008",
        uz="12 soatdan eski tranzaksiya yaratilmaydi: -31008",
        en="A transaction older than 12 hours is not created: -31008",
    ),
    needs=("create.good",),
    fresh=1,
)
async def old_create(talk: Talk) -> None:
    """Goal: what is over already is refused, and holds no order."""
    account = await talk.account()
    params = {
        "id": talk.new_id(),
        "time": talk.now_ms() - _HOURS_12_MS - _HOUR_MS,
        "amount": talk.target.amount_tiyin,
        "account": account,
    }
    reply = await talk.call("CreateTransaction", params)
    if is_success(reply):
        await talk.call("CancelTransaction", {"id": params["id"], "reason": _REASON_EXPIRED})
    code_of(reply, {CANNOT}, EXPIRED_ACCEPTED)
    await cancel(talk, await create(talk, account, refused=EXPIRY_BLOCKS))


@check(
    CHECKS,
    "expiry.future",
    "merchant-api/CreateTransaction",
    Text(
        ru="Транзакция на двое суток вперёд не создаётся",
        uz="Ikki sutka keyingi tranzaksiya yaratilmaydi",
        en="A transaction two days ahead is not created",
    ),
    needs=("create.good",),
    fresh=1,
)
async def future(talk: Talk) -> None:
    """Goal: a time that cannot be is noticed."""
    account = await talk.account()
    params = {
        "id": talk.new_id(),
        "time": talk.now_ms() + _TWO_DAYS_MS,
        "amount": talk.target.amount_tiyin,
        "account": account,
    }
    reply = await talk.call("CreateTransaction", params)
    if is_success(reply):
        talk.warn(FUTURE_ACCEPTED, expected=f"error.code {CANNOT}", got=reply.told())
        await talk.call("CancelTransaction", {"id": params["id"], "reason": 3})


@check(
    CHECKS,
    "expiry.perform",
    "merchant-api/PerformTransaction",
    Text(
        ru="Через 12 часов транзакция не проводится, а отменяется: -1, причина 4",
        uz="12 soatdan keyin tranzaksiya oʻtkazilmaydi, bekor qilinadi: -1, sabab 4",
        en="After 12 hours a transaction is not performed but cancelled: -1, reason 4",
    ),
    needs=("create.good",),
    fresh=1,
    waits=True,
)
async def performs_no_more(talk: Talk) -> None:
    """Method: two seconds are left; after them it is performed, looked at, and the order paid again."""
    account = await talk.account()
    made = await _nearly_over(talk, account)
    reply = await talk.call("PerformTransaction", {"id": made.id})
    code_of(reply, {CANNOT}, EXPIRED_PERFORMS)
    await _look_expired(talk, made)
    await cancel(talk, await create(talk, account, refused=EXPIRY_BLOCKS))
    talk.give_back(account)


@check(
    CHECKS,
    "expiry.repeat",
    "merchant-api/CreateTransaction",
    Text(
        ru="Повтор CreateTransaction после 12 часов: -31008",
        uz="12 soatdan keyingi takroriy CreateTransaction: -31008",
        en="A CreateTransaction repeated after 12 hours: -31008",
    ),
    needs=("create.good",),
    fresh=1,
    waits=True,
)
async def repeats_no_more(talk: Talk) -> None:
    """Goal: the repeat notices the expiry too."""
    made = await _nearly_over(talk, await talk.account())
    code_of(await talk.call("CreateTransaction", made.params), {CANNOT}, EXPIRED_ACCEPTED)
    await _look_expired(talk, made)


async def _nearly_over(talk: Talk, account: dict[str, str | int]) -> Created:
    """Create a transaction with two seconds left, and let them pass."""
    time_ms = talk.now_ms() - _HOURS_12_MS + _LEFT_MS
    params = {
        "id": talk.new_id(),
        "time": time_ms,
        "amount": talk.target.amount_tiyin,
        "account": account,
    }
    reply = await talk.call("CreateTransaction", params)
    if not is_success(reply):
        raise Skip(_NOT_SEEN)
    made = created(reply, params)
    over_ms = time_ms + _HOURS_12_MS + _PAST_MS
    await talk.sleep(max(over_ms - talk.now_ms(), 0) / 1000)
    return made


async def _look_expired(talk: Talk, made: Created) -> None:
    reply = await talk.call("CheckTransaction", {"id": made.id})
    result = result_of(reply, CHECK_REFUSED, expected="result.state -1")
    if result.get("state") != -1 or result.get("reason") != _REASON_EXPIRED or not result.get("cancel_time"):
        told = {name: result.get(name) for name in ("state", "reason", "cancel_time")}
        raise Wrong(EXPIRY_STATE, expected="state -1, reason 4, a cancel_time", got=str(told))
