"""CheckTransaction: what was told before, and nothing else."""

from typing import Final

from tiyin.protocol.codes import MerchantCode
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.kinds_perform import UNKNOWN_CODE
from tiyin.sandbox.expect import code_of
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import cancel, create, look
from tiyin.sandbox.talk import Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_PAGE: Final = "merchant-api/CheckTransaction"
_NOT_FOUND: Final = MerchantCode.TRANSACTION_NOT_FOUND


@check(
    CHECKS,
    "checktransaction.created",
    _PAGE,
    Text(
        ru="Созданная транзакция: state 1, незаданные времена 0",
        uz="Yaratilgan tranzaksiya: state 1, belgilanmagan vaqtlar 0",
        en="A created transaction: state 1, times that are not set 0",
    ),
    needs=("create.good",),
    fresh=1,
    documented=True,
)
async def waiting(talk: Talk) -> None:
    """Goal: asking twice says the same, and changes nothing."""
    made = await create(talk, await talk.account())
    for _ in range(2):
        await look(talk, made, state=1)
    await cancel(talk, made)


@check(
    CHECKS,
    "checktransaction.unknown",
    _PAGE,
    Text(
        ru="Неизвестная транзакция: -31003",
        uz="Nomaʼlum tranzaksiya: -31003",
        en="An unknown transaction: -31003",
    ),
)
async def unknown(talk: Talk) -> None:
    """Goal: what was never created is not there."""
    code_of(await talk.call("CheckTransaction", {"id": talk.new_id()}), {_NOT_FOUND}, UNKNOWN_CODE)
