"""Accounts that do not exist or cannot be read, at CheckPerformTransaction and at CreateTransaction."""

from collections.abc import Mapping
from typing import Any, Final

from tiyin.protocol.values import Text
from tiyin.sandbox.checks.bad_input import (
    BY_TRANSPORT,
    borrowed,
    call_badly,
    cancel_quietly,
    create_params,
    not_existing,
    refused,
)
from tiyin.sandbox.checks.check_perform import allowed
from tiyin.sandbox.expect import ACCOUNT_CODES, is_success
from tiyin.sandbox.problems import Kind, Severity, Wrong, kind
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.talk import Reply, Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_BAD_REQUEST: Final = -32600
_READABLE_OR_NOT: Final = frozenset({*ACCOUNT_CODES, _BAD_REQUEST})
_LONG: Final = 200
_EXACT_DIGITS: Final = 15
"""So many digits every reader of JSON reads exactly."""
_NEEDS: Final = ("authorization.right",)
_BROAD: Final = ("authorization-right-refused", *BY_TRANSPORT)
_WHY: Final = Text(
    ru="Деньги будут приняты за заказ, которого нет: возвращать их придётся вручную.",
    uz="Mavjud boʻlmagan buyurtma uchun pul qabul qilinadi: uni qoʻlda qaytarishga toʻgʻri keladi.",
    en="Money is taken for an order that does not exist, and has to be given back by hand.",
)
_MEND: Final = Text(
    ru="Найдите заказ по полям account; если его нет, верните код от -31050 до -31099.",
    uz="Buyurtmani account maydonlari boʻyicha toping; topilmasa, -31050 dan -31099 gacha kod qaytaring.",
    en="Look the order up by the fields of account; where there is none return a code of -31050 to -31099.",
)

NOT_CHECKED_AT_CHECK: Final = kind(
    "account-not-checked-at-check",
    Severity.FAIL,
    "merchant-api/CheckPerformTransaction",
    title=Text(
        ru="CheckPerformTransaction разрешает несуществующий счёт",
        uz="CheckPerformTransaction mavjud boʻlmagan hisobga ruxsat beradi",
        en="CheckPerformTransaction allows an account that does not exist",
    ),
    why=_WHY,
    mend=_MEND,
    explained_by=_BROAD,
)
NOT_CHECKED_AT_CREATE: Final = kind(
    "account-not-checked-at-create",
    Severity.FAIL,
    "merchant-api/CreateTransaction",
    title=Text(
        ru="CreateTransaction принимает несуществующий счёт",
        uz="CreateTransaction mavjud boʻlmagan hisobni qabul qiladi",
        en="CreateTransaction accepts an account that does not exist",
    ),
    why=_WHY,
    mend=_MEND,
    explained_by=("account-not-checked-at-check", *_BROAD),
)
CODE: Final = kind(
    "account-code",
    Severity.FAIL,
    "merchant-api/errors",
    title=Text(
        ru="Несуществующий счёт отклонён не кодом -31050..-31099",
        uz="Mavjud boʻlmagan hisob -31050..-31099 kodi bilan rad etilmadi",
        en="An account that does not exist is refused with a code outside -31050..-31099",
    ),
    why=Text(
        ru="Только с этими кодами плательщик увидит, какое поле исправить.",
        uz="Toʻlovchi qaysi maydonni tuzatishni faqat shu kodlar bilan koʻradi.",
        en="Only these codes show the payer which field to correct.",
    ),
    mend=_MEND,
    explained_by=("create-refused", "amount-code", *_BROAD),
)
DATA: Final = kind(
    "account-data",
    Severity.WARN,
    "merchant-api/errors",
    title=Text(
        ru="data не называет поле счёта",
        uz="data hisob maydonini koʻrsatmaydi",
        en="data does not name the account's field",
    ),
    why=Text(
        ru="По data Payme Business показывает плательщику, какое поле введено неверно.",
        uz="data boʻyicha Payme Business toʻlovchiga qaysi maydon notoʻgʻri kiritilganini koʻrsatadi.",
        en="By data Payme Business shows the payer which field was typed wrong.",
    ),
    mend=Text(
        ru="Запишите в error.data название поля account строкой.",
        uz="error.data ga account maydoni nomini satr qilib yozing.",
        en="Put the name of the account's field into error.data as a string.",
    ),
    explained_by=("account-code", *_BROAD),
)
READ_LOOSELY: Final = kind(
    "account-read-loosely",
    Severity.FAIL,
    "merchant-api/data-types",
    title=Text(
        ru="Лишние символы в счёте отбрасываются",
        uz="Hisobdagi ortiqcha belgilar tashlab yuboriladi",
        en="What is wrong in an account's value is cut off",
    ),
    why=Text(
        ru="«12abc» принято за «12»: опечатка плательщика оплатит чужой заказ.",
        uz="«12abc» «12» deb qabul qilindi: toʻlovchining xatosi boshqa buyurtmani toʻlaydi.",
        en="`12abc` is taken for `12`: a payer's typing error pays another order.",
    ),
    mend=Text(
        ru="Сравнивайте значение целиком; не приводите строку к числу с отбрасыванием остатка.",
        uz="Qiymatni toʻliq solishtiring; satrni qolganini tashlab songa aylantirmang.",
        en="Compare the value whole; do not turn a string into a number by dropping the rest.",
    ),
    explained_by=("account-not-checked-at-check", *_BROAD),
)
TYPE_STRICT: Final = kind(
    "account-type-strict",
    Severity.WARN,
    "merchant-api/data-types",
    title=Text(
        ru='Счёт 1 и счёт "1" считаются разными',
        uz='1 va "1" hisoblari har xil deb olinadi',
        en='The accounts 1 and "1" are taken for different ones',
    ),
    why=Text(
        ru="Значение поля приходит и строкой, и числом: от страницы оплаты обычно строкой.",
        uz="Maydon qiymati satr ham, son ham boʻlib keladi: toʻlov sahifasidan odatda satr.",
        en="A value comes as a string or as a number; from the payment page mostly as a string.",
    ),
    mend=Text(
        ru="Приводите значение к одному типу до поиска заказа.",
        uz="Buyurtmani qidirishdan oldin qiymatni bitta turga keltiring.",
        en="Bring the value to one type before looking the order up.",
    ),
    explained_by=("check-refuses-good", "allow-missing", *_BROAD),
)


def _look_at_data(talk: Talk, reply: Reply, account: Mapping[str, Any]) -> None:
    data = (reply.error or {}).get("data")
    if isinstance(data, str) and data in account:
        return
    names = " or ".join(account)
    told = "no error.data" if data is None else f"error.data {data!r}"
    talk.warn(DATA, expected=f"error.data {names}", got=told)


async def _ask(
    talk: Talk, values: Mapping[str, Mapping[str, Any]], wrong: Kind = NOT_CHECKED_AT_CHECK
) -> None:
    """Ask to check accounts that cannot be paid: what is wrong -> the account."""
    for what, account in values.items():
        params = {"amount": talk.target.amount_tiyin, "account": account}
        await call_badly(
            talk, "CheckPerformTransaction", params, _READABLE_OR_NOT, CODE, what=what, accepted=wrong
        )


@check(
    CHECKS,
    "account.unknown-at-check",
    "sandbox",
    Text(
        ru="Несуществующий счёт в CheckPerformTransaction: -31050..-31099",
        uz="CheckPerformTransaction da mavjud boʻlmagan hisob: -31050..-31099",
        en="An account that does not exist at CheckPerformTransaction: -31050..-31099",
    ),
    needs=_NEEDS,
    documented=True,
)
async def unknown_at_check(talk: Talk) -> None:
    """Goal: what does not exist is not allowed, and the wrong field is named."""
    account = not_existing(talk, talk.target.account)
    params = {"amount": talk.target.amount_tiyin, "account": account}
    reply = await talk.call("CheckPerformTransaction", params)
    refused(reply, ACCOUNT_CODES, CODE, accepted=NOT_CHECKED_AT_CHECK)
    _look_at_data(talk, reply, account)


@check(
    CHECKS,
    "account.unknown-at-create",
    "sandbox",
    Text(
        ru="Несуществующий счёт в CreateTransaction: -31050..-31099",
        uz="CreateTransaction da mavjud boʻlmagan hisob: -31050..-31099",
        en="An account that does not exist at CreateTransaction: -31050..-31099",
    ),
    needs=_NEEDS,
    documented=True,
)
async def unknown_at_create(talk: Talk) -> None:
    """Goal: no transaction is created for what does not exist, and the wrong field is named."""
    account = not_existing(talk, talk.target.account)
    params = create_params(talk, account, talk.target.amount_tiyin)
    reply = await talk.call("CreateTransaction", params)
    if is_success(reply):
        await cancel_quietly(talk, params["id"])
    refused(reply, ACCOUNT_CODES, CODE, accepted=NOT_CHECKED_AT_CREATE)
    _look_at_data(talk, reply, account)


@check(
    CHECKS,
    "account.fields",
    "merchant-api/errors",
    Text(
        ru="Поле счёта не передано или названо иначе",
        uz="Hisob maydoni berilmagan yoki boshqacha nomlangan",
        en="A field of the account is missing or has another name",
    ),
    needs=_NEEDS,
)
async def fields(talk: Talk) -> None:
    """Goal: an account without its fields is refused."""
    account = not_existing(talk, talk.target.account)
    renamed = {f"{name}_x": value for name, value in account.items()}
    await _ask(talk, {"empty account": {}, "other field names": renamed})


@check(
    CHECKS,
    "account.odd-values",
    "merchant-api/data-types",
    Text(
        ru="Необычные значения счёта отклоняются без сбоя",
        uz="Gʻayrioddiy hisob qiymatlari nosozliksiz rad etiladi",
        en="Odd values of an account are refused without a breakdown",
    ),
    needs=_NEEDS,
)
async def odd_values(talk: Talk) -> None:
    """Goal: whatever a payer types, the answer is about the account and not about the server."""
    odd: dict[str, str | int] = {
        "empty text": "",
        "letters of other scripts": "Буюртма-№-ʻ-訂單-🍉",
        "a very long text": "9" * _LONG,
        "a number beyond 64 bits": "99999999999999999999",
        "a large integer": (1 << 63) - 1,
        "a negative integer": -1,
        "a quote": "no-such' OR '1'='1",
        "markup": "<script>no such</script>",
    }
    names = list(talk.target.account)
    await _ask(talk, {what: dict.fromkeys(names, value) for what, value in odd.items()})


@check(
    CHECKS,
    "account.read-whole",
    "merchant-api/data-types",
    Text(
        ru="Значение счёта сравнивается целиком",
        uz="Hisob qiymati toʻliq solishtiriladi",
        en="An account's value is compared whole",
    ),
    needs=_NEEDS,
)
async def read_whole(talk: Talk) -> None:
    """Goal: what follows a right value makes it another one."""
    async with borrowed(talk) as account:
        # What follows letters may be another account that exists.
        if not all(str(value).isdecimal() for value in account.values()):
            return
        longer = {name: f"{value}abc" for name, value in account.items()}
        quoted = {name: f"{value}' -- " for name, value in account.items()}
        await _ask(talk, {"letters after the value": longer, "a quote after it": quoted}, READ_LOOSELY)


@check(
    CHECKS,
    "account.number-or-text",
    "merchant-api/data-types",
    Text(
        ru='Счёт 1 и счёт "1" один и тот же',
        uz='1 va "1" bitta hisob',
        en='The accounts 1 and "1" are one',
    ),
    needs=_NEEDS,
)
async def number_or_text(talk: Talk) -> None:
    """Goal: a number may come as text, and text that is a number as a number."""
    async with borrowed(talk) as account:
        amount = talk.target.amount_tiyin
        allowed(await talk.call("CheckPerformTransaction", {"amount": amount, "account": account}))
        other = {name: _of_other_type(value) for name, value in account.items()}
        if other == account:
            return
        try:
            reply = await talk.call("CheckPerformTransaction", {"amount": amount, "account": other})
        except Wrong as wrong:
            talk.warn(TYPE_STRICT, expected="result.allow true", got=wrong.problem.got)
            return
    if not is_success(reply):
        talk.warn(TYPE_STRICT, expected="result.allow true", got=reply.told())


def _of_other_type(value: str | int) -> str | int:
    if isinstance(value, int):
        return str(value)
    short = value.isascii() and value.isdecimal() and len(value) <= _EXACT_DIGITS
    return int(value) if short and str(int(value)) == value else value
