"""Wrong amounts, at CheckPerformTransaction and at CreateTransaction."""

from collections.abc import Mapping
from typing import Any, Final

from tiyin.protocol.codes import MerchantCode
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.bad_input import BY_TRANSPORT, borrowed, call_badly, create_params
from tiyin.sandbox.checks.check_perform import allowed
from tiyin.sandbox.expect import is_success
from tiyin.sandbox.problems import Kind, Severity, kind
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.talk import Talk
from tiyin.sandbox.target import AccountKind

__all__ = ["CHECKS", "WRONG_AMOUNT"]

CHECKS: Final[list[Check]] = []
WRONG_AMOUNT: Final = MerchantCode.WRONG_AMOUNT

_CODES: Final = (WRONG_AMOUNT,)
_BAD_REQUEST: Final = -32600
_TIYIN_IN_SUM: Final = 100
_WRAP_32: Final = 1 << 32
_HUGE: Final = (1 << 53) - 1
_ONE_TIME: Final = frozenset({AccountKind.ONE_TIME})
_NEEDS: Final = ("authorization.right",)
_WHY: Final = Text(
    ru="С карты спишется одна сумма, а заказ будет считаться оплаченным на другую.",
    uz="Kartadan bir summa yechiladi, buyurtma esa boshqa summaga toʻlangan hisoblanadi.",
    en="One amount is taken from the card while the order counts as paid for another.",
)
_MEND: Final = Text(
    ru="Сравните amount (в тийинах) с суммой заказа; если не равны, верните -31001.",
    uz="amount (tiyinda) ni buyurtma summasi bilan solishtiring; teng boʻlmasa, -31001 qaytaring.",
    en="Compare amount (in tiyin) with the order's; return -31001 where they differ.",
)
_BROAD: Final = ("authorization-right-refused", *BY_TRANSPORT)

NOT_CHECKED_AT_CHECK: Final = kind(
    "amount-not-checked-at-check",
    Severity.FAIL,
    "merchant-api/CheckPerformTransaction",
    title=Text(
        ru="CheckPerformTransaction разрешает неверную сумму",
        uz="CheckPerformTransaction notoʻgʻri summaga ruxsat beradi",
        en="CheckPerformTransaction allows a wrong amount",
    ),
    why=_WHY,
    mend=_MEND,
    explained_by=_BROAD,
)
NOT_CHECKED_AT_CREATE: Final = kind(
    "amount-not-checked-at-create",
    Severity.FAIL,
    "merchant-api/CreateTransaction",
    title=Text(
        ru="CreateTransaction принимает неверную сумму",
        uz="CreateTransaction notoʻgʻri summani qabul qiladi",
        en="CreateTransaction accepts a wrong amount",
    ),
    why=_WHY,
    mend=_MEND,
    explained_by=("amount-not-checked-at-check", *_BROAD),
)
CODE: Final = kind(
    "amount-code",
    Severity.FAIL,
    "merchant-api/errors",
    title=Text(
        ru="Неверная сумма отклонена не кодом -31001",
        uz="Notoʻgʻri summa -31001 kodi bilan rad etilmadi",
        en="A wrong amount is refused with a code other than -31001",
    ),
    why=Text(
        ru="По коду плательщику говорят, что исправить; песочница Payme Business ждёт -31001.",
        uz="Kod boʻyicha toʻlovchiga nimani tuzatish aytiladi; Payme Business sinov muhiti -31001 kutadi.",
        en="The code tells the payer what to correct; the sandbox of Payme Business waits for -31001.",
    ),
    mend=_MEND,
    explained_by=("create-refused", "check-refuses-good", *_BROAD),
)
UNIT: Final = kind(
    "amount-unit",
    Severity.FAIL,
    "merchant-api/data-types",
    title=Text(
        ru="Перепутаны тийины и сумы",
        uz="Tiyin va soʻm adashtirilgan",
        en="Tiyin and sums are mixed up",
    ),
    why=Text(
        ru="Принята сумма в сто раз меньше или больше: заказ оплатят сотой частью цены.",
        uz="Yuz baravar kam yoki koʻp summa qabul qilindi: buyurtma narxning yuzdan biriga toʻlanadi.",
        en="An amount a hundred times too small or too large is taken: the order goes for a hundredth.",
    ),
    mend=Text(
        ru="amount всегда в тийинах: умножьте сумму заказа на 100 и сравните.",
        uz="amount doim tiyinda: buyurtma summasini 100 ga koʻpaytirib solishtiring.",
        en="amount is always in tiyin: multiply the order's price in sums by 100 and compare.",
    ),
    explained_by=("amount-not-checked-at-check", "amount-not-checked-at-create", *_BROAD),
)
FLOAT: Final = kind(
    "amount-float-refused",
    Severity.WARN,
    "merchant-api/data-types",
    title=Text(
        ru="Целая сумма, записанная с .0, отклонена",
        uz=".0 bilan yozilgan butun summa rad etildi",
        en="A whole amount written with .0 is refused",
    ),
    why=Text(
        ru="500000.0 и 500000 одно и то же число JSON; так сумму пишут некоторые клиенты.",
        uz="500000.0 va 500000 JSON da bir xil son; baʼzi mijozlar summani shunday yozadi.",
        en="500000.0 and 500000 are one number in JSON, and some clients write amounts so.",
    ),
    mend=Text(
        ru="Читайте число без дробной части как целое.",
        uz="Kasr qismi yoʻq sonni butun son sifatida oʻqing.",
        en="Read a number without a fraction as an integer.",
    ),
    explained_by=("check-refuses-good", "allow-missing", *_BROAD),
)


def _wrong_amounts(talk: Talk) -> dict[int, str]:
    """Amounts that the account does not accept, and what is wrong with each."""
    if talk.target.kind is AccountKind.ACCUMULATING:
        # Its bounds are unknown: only what no account accepts is surely wrong.
        return {0: "zero", -1: "negative"}
    right = talk.target.amount_tiyin
    return {
        right + 1: "one tiyin more",
        right - 1: "one tiyin less",
        0: "zero",
        -right: "negative",
        right + _WRAP_32: "2^32 more",
    }


async def _ask(talk: Talk, method: str, amounts: Mapping[int, str], kinds: tuple[Kind, Kind]) -> None:
    accepted, wrong = kinds
    async with borrowed(talk) as account:
        for amount, what in amounts.items():
            params: dict[str, Any] = {"amount": amount, "account": account}
            if method == "CreateTransaction":
                params = create_params(talk, account, amount)
            codes = (*_CODES, _BAD_REQUEST) if amount >= _HUGE else _CODES
            await call_badly(talk, method, params, codes, wrong, what=what, accepted=accepted)


@check(
    CHECKS,
    "amount.wrong-at-check",
    "sandbox",
    Text(
        ru="Неверная сумма в CheckPerformTransaction: -31001",
        uz="CheckPerformTransaction da notoʻgʻri summa: -31001",
        en="A wrong amount at CheckPerformTransaction: -31001",
    ),
    needs=_NEEDS,
    documented=True,
)
async def wrong_at_check(talk: Talk) -> None:
    """Goal: what is not the order's amount is not allowed."""
    await _ask(talk, "CheckPerformTransaction", _wrong_amounts(talk), (NOT_CHECKED_AT_CHECK, CODE))


@check(
    CHECKS,
    "amount.wrong-at-create",
    "sandbox",
    Text(
        ru="Неверная сумма в CreateTransaction: -31001",
        uz="CreateTransaction da notoʻgʻri summa: -31001",
        en="A wrong amount at CreateTransaction: -31001",
    ),
    needs=_NEEDS,
    documented=True,
)
async def wrong_at_create(talk: Talk) -> None:
    """Goal: no transaction is created for another amount."""
    await _ask(talk, "CreateTransaction", _wrong_amounts(talk), (NOT_CHECKED_AT_CREATE, CODE))


@check(
    CHECKS,
    "amount.huge",
    "merchant-api/errors",
    Text(
        ru="Огромная сумма отклоняется",
        uz="Juda katta summa rad etiladi",
        en="A huge amount is refused",
    ),
    needs=_NEEDS,
)
async def huge(talk: Talk) -> None:
    """Goal: a number beyond all bounds breaks nothing."""
    amounts = {_HUGE: "2^53 - 1", (1 << 63): "2^63"}
    await _ask(talk, "CheckPerformTransaction", amounts, (NOT_CHECKED_AT_CHECK, CODE))


@check(
    CHECKS,
    "amount.unit",
    "merchant-api/data-types",
    Text(
        ru="Сумма считается в тийинах",
        uz="Summa tiyinda hisoblanadi",
        en="The amount counts in tiyin",
    ),
    kinds=_ONE_TIME,
    needs=_NEEDS,
)
async def unit(talk: Talk) -> None:
    """Goal: the price in sums is not taken for the price in tiyin, nor the other way round."""
    right = talk.target.amount_tiyin
    amounts = {right * _TIYIN_IN_SUM: "a hundred times more"}
    if right >= _TIYIN_IN_SUM:
        amounts[right // _TIYIN_IN_SUM] = "a hundred times less"
    await _ask(talk, "CheckPerformTransaction", amounts, (UNIT, CODE))
    await _ask(talk, "CreateTransaction", amounts, (UNIT, CODE))


@check(
    CHECKS,
    "amount.written-with-point",
    "merchant-api/data-types",
    Text(
        ru="Сумма 500000.0 читается как 500000",
        uz="500000.0 summasi 500000 deb oʻqiladi",
        en="The amount 500000.0 is read as 500000",
    ),
    needs=_NEEDS,
)
async def written_with_point(talk: Talk) -> None:
    """Goal: a whole number is whole however it is written."""
    async with borrowed(talk) as account:
        amount = talk.target.amount_tiyin
        allowed(await talk.call("CheckPerformTransaction", {"amount": amount, "account": account}))
        reply = await talk.call("CheckPerformTransaction", {"amount": float(amount), "account": account})
    if not is_success(reply):
        talk.warn(FLOAT, expected="result.allow true (amount with .0)", got=reply.told())
