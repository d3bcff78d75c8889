"""SetFiscalData: kept for the payment and for the cancel, repeatably. The method is not obligatory."""

from typing import Any, Final

from tiyin.protocol.values import Text
from tiyin.sandbox.checks.kinds_races import FISCAL_REFUSED, FISCAL_UNKNOWN
from tiyin.sandbox.expect import is_success
from tiyin.sandbox.problems import Skip, Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import cancel, create
from tiyin.sandbox.talk import Reply, Talk

__all__ = ["CHECKS", "NOT_IMPLEMENTED"]

CHECKS: Final[list[Check]] = []

_PAGE: Final = "merchant-api/SetFiscalData"
_METHOD_NOT_FOUND: Final = -32601
_INVALID_PARAMS: Final = -32602
_NO_RECEIPT: Final = -32001
NOT_IMPLEMENTED: Final = Text(
    ru="Метод не реализован (-32601): документация этого не требует",
    uz="Usul amalga oshirilmagan (-32601): hujjat buni talab qilmaydi",
    en="The method is not implemented (-32601), and the documentation does not demand it",
)


@check(
    CHECKS,
    "fiscal.kept",
    _PAGE,
    Text(
        ru="Фискальные чеки оплаты и отмены приняты, повтор тоже",
        uz="Toʻlov va bekor qilish fiskal cheklari qabul qilinadi, takror ham",
        en="Fiscal receipts of payment and cancel are accepted, repeats too",
    ),
    needs=("create.good",),
    fresh=1,
)
async def kept(talk: Talk) -> None:
    """Goal: both receipts of one transaction, and a repeat of each, are success."""
    made = await create(talk, await talk.account())
    for type_, number in (("PERFORM", 121), ("CANCEL", 123)):
        for _ in range(2):
            reply = await talk.call("SetFiscalData", _params(made.id, type_, number))
            _look_whether_there(reply)
            if not is_success(reply) or (reply.result or {}).get("success") is not True:
                raise Wrong(FISCAL_REFUSED, expected=f"success true ({type_})", got=reply.told())
    await cancel(talk, made)


@check(
    CHECKS,
    "fiscal.bad",
    _PAGE,
    Text(
        ru="Неизвестный чек: -32001; неверный параметр: -32602",
        uz="Nomaʼlum chek: -32001; notoʻgʻri parametr: -32602",
        en="An unknown receipt: -32001; a wrong parameter: -32602",
    ),
)
async def bad(talk: Talk) -> None:
    """Goal: errors have the codes of this method's own. A shop may keep data of receipts it does not know."""
    reply = await talk.call("SetFiscalData", _params(talk.new_id(), "PERFORM", 121))
    _look_whether_there(reply)
    if not is_success(reply) and reply.code != _NO_RECEIPT:
        talk.warn(FISCAL_UNKNOWN, expected=f"error.code {_NO_RECEIPT}", got=reply.told())
    reply = await talk.call("SetFiscalData", _params(talk.new_id(), "REFUND", 121))
    if reply.code not in (_INVALID_PARAMS, _NO_RECEIPT):
        talk.warn(FISCAL_UNKNOWN, expected=f"error.code {_INVALID_PARAMS} (type)", got=reply.told())


def _look_whether_there(reply: Reply) -> None:
    if reply.code == _METHOD_NOT_FOUND:
        raise Skip(NOT_IMPLEMENTED)


def _params(transaction: str, type_: str, number: int) -> dict[str, Any]:
    return {
        "id": transaction,
        "type": type_,
        "fiscal_data": {
            "receipt_id": number,
            "status_code": 0,
            "message": "accepted",
            "terminal_id": "EP000000000025",
            "fiscal_sign": "800031554082",
            "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=121&c=20220706221021&s=800031554082",
            "date": "20220706221021",
        },
    }
