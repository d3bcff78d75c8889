"""Lost answers: the connection is cut once the request is sent, and the same call is made again."""

from typing import Final

from tiyin.protocol.values import Text
from tiyin.sandbox.checks.kinds_races import LOST_CANCEL, LOST_CREATE, LOST_PERFORM
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import Created, cancel, create, created, look, perform, repeated
from tiyin.sandbox.talk import Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_PAGE: Final = "merchant-api/interaction"
_A_MOMENT_S: Final = 0.25
"""Until a server has noticed that its caller is gone: then repeats meet whatever it did about that."""


@check(
    CHECKS,
    "lost.create",
    _PAGE,
    Text(
        ru="Ответ CreateTransaction потерян, запрос повторён",
        uz="CreateTransaction javobi yoʻqoldi, soʻrov takrorlandi",
        en="CreateTransaction's answer is lost, and the call repeated",
    ),
    needs=("create.good",),
    fresh=1,
)
async def lost_create(talk: Talk) -> None:
    """Goal: the repeat is answered, whether the first one was carried out or not; and so is the next."""
    params = {
        "id": talk.new_id(),
        "time": talk.now_ms(),
        "amount": talk.target.amount_tiyin,
        "account": await talk.account(),
    }
    await talk.call("CreateTransaction", params, cut=True)
    await talk.sleep(_A_MOMENT_S)
    made = await _created(talk, params)
    repeated(made.result, (await _created(talk, params)).result, LOST_CREATE)
    await look(talk, made, state=1)
    await cancel(talk, made)


@check(
    CHECKS,
    "lost.perform",
    _PAGE,
    Text(
        ru="Ответ PerformTransaction потерян, запрос повторён",
        uz="PerformTransaction javobi yoʻqoldi, soʻrov takrorlandi",
        en="PerformTransaction's answer is lost, and the call repeated",
    ),
    needs=("create.good", "perform.good"),
    fresh=1,
)
async def lost_perform(talk: Talk) -> None:
    """Goal: the repeat says that it is performed, with one time ever after."""
    made = await create(talk, await talk.account())
    await talk.call("PerformTransaction", {"id": made.id}, cut=True)
    await talk.sleep(_A_MOMENT_S)
    performed = await perform(talk, made, refused=LOST_PERFORM)
    repeated(performed, await perform(talk, made, refused=LOST_PERFORM), LOST_PERFORM)
    await look(talk, made, state=2, performed=performed)


@check(
    CHECKS,
    "lost.cancel",
    _PAGE,
    Text(
        ru="Ответ CancelTransaction потерян, запрос повторён",
        uz="CancelTransaction javobi yoʻqoldi, soʻrov takrorlandi",
        en="CancelTransaction's answer is lost, and the call repeated",
    ),
    needs=("create.good",),
    fresh=1,
)
async def lost_cancel(talk: Talk) -> None:
    """Goal: the repeat says that it is cancelled, with one time ever after."""
    made = await create(talk, await talk.account())
    await talk.call("CancelTransaction", {"id": made.id, "reason": 3}, cut=True)
    await talk.sleep(_A_MOMENT_S)
    cancelled = await cancel(talk, made, refused=LOST_CANCEL)
    repeated(cancelled, await cancel(talk, made, refused=LOST_CANCEL), LOST_CANCEL)
    await look(talk, made, state=-1, cancelled=cancelled, reason=3)


async def _created(talk: Talk, params: dict[str, object]) -> Created:
    return created(await talk.call("CreateTransaction", params), params, refused=LOST_CREATE)
