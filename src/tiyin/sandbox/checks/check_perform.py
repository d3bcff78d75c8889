"""CheckPerformTransaction of what can be paid: it allows, repeatably, and changes nothing."""

from collections.abc import Mapping
from typing import Any, Final

from tiyin.protocol.fiscal import detail_warnings, read_detail
from tiyin.protocol.values import FieldError, Text, account_key, read_account
from tiyin.sandbox.checks.bad_input import BY_TRANSPORT, borrowed
from tiyin.sandbox.expect import is_success, result_of
from tiyin.sandbox.problems import Kind, Severity, Wrong, kind
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.talk import Reply, Talk

__all__ = ["ALLOW_MISSING", "CHECKS", "CHECK_REFUSES_GOOD", "allowed"]

CHECKS: Final[list[Check]] = []

_PAGE: Final = "merchant-api/CheckPerformTransaction"
_HOUR_MS: Final = 3_600_000

CHECK_REFUSES_GOOD: Final = kind(
    "check-refuses-good",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="CheckPerformTransaction отклоняет верные счёт и сумму",
        uz="CheckPerformTransaction toʻgʻri hisob va summani rad etadi",
        en="CheckPerformTransaction refuses a good account and amount",
    ),
    why=Text(
        ru="Если оплата возможна, метод возвращает allow: true; после отказа платёж не начнётся.",
        uz="Toʻlov mumkin boʻlsa, usul allow: true qaytaradi; rad etilgandan keyin toʻlov boshlanmaydi.",
        en="Where the payment is possible the method returns allow: true; after a refusal none begins.",
    ),
    mend=Text(
        ru="Сверьте названия полей счёта с кассой, сумму в тийинах, и ожидает ли заказ оплаты.",
        uz="Hisob maydonlari nomini kassa bilan solishtiring, summa tiyinda ekanini va buyurtma toʻlov "
        "kutayotganini tekshiring.",
        en="Compare the account's field names with the cash desk's, the amount in tiyin, and whether the "
        "order is waiting for payment.",
    ),
    explained_by=("check-repeat-differs", "authorization-right-refused", *BY_TRANSPORT),
)
ALLOW_MISSING: Final = kind(
    "allow-missing",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="В результате нет allow: true",
        uz="Natijada allow: true yoʻq",
        en="The result lacks allow: true",
    ),
    why=Text(
        ru="Флаг allow логического типа говорит, что транзакция может быть проведена; без него платёж не "
        "начнётся.",
        uz="Mantiqiy turdagi allow belgisi tranzaksiya oʻtkazilishi mumkinligini bildiradi; usiz toʻlov "
        "boshlanmaydi.",
        en="The boolean flag allow says that the transaction can be made; without it no payment begins.",
    ),
    mend=Text(
        ru='Верните {"allow": true}: значение true, не строку и не число.',
        uz='{"allow": true} qaytaring: satr yoki son emas, true qiymati.',
        en='Return {"allow": true}: the value true, no string and no number.',
    ),
    explained_by=("check-refuses-good", "authorization-right-refused", *BY_TRANSPORT),
)
CHECK_REPEAT: Final = kind(
    "check-repeat-differs",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="Повторный CheckPerformTransaction отвечает иначе",
        uz="Takroriy CheckPerformTransaction boshqacha javob beradi",
        en="A repeated CheckPerformTransaction answers otherwise",
    ),
    why=Text(
        ru="Проверка ничего не занимает: Payme Business спрашивает и при создании чека, и при оплате.",
        uz="Tekshiruv hech narsani band qilmaydi: Payme Business chek yaratilganda ham, toʻlashda ham "
        "soʻraydi.",
        en="A check reserves nothing: Payme Business asks when the receipt is made and again when it is "
        "paid.",
    ),
    mend=Text(
        ru="Не меняйте заказ в CheckPerformTransaction; он занимается в CreateTransaction.",
        uz="CheckPerformTransaction da buyurtmani oʻzgartirmang; u CreateTransaction da band qilinadi.",
        en="Change no order in CheckPerformTransaction; CreateTransaction is what reserves it.",
    ),
    explained_by=("allow-missing", "authorization-right-refused", *BY_TRANSPORT),
)
CHECK_CREATES: Final = kind(
    "check-creates-transaction",
    Severity.FAIL,
    _PAGE,
    title=Text(
        ru="CheckPerformTransaction создал транзакцию",
        uz="CheckPerformTransaction tranzaksiya yaratdi",
        en="CheckPerformTransaction created a transaction",
    ),
    why=Text(
        ru="Метод только проверяет: в выписке появилась транзакция, которой Payme Business не создавал.",
        uz="Usul faqat tekshiradi: koʻchirmada Payme Business yaratmagan tranzaksiya paydo boʻldi.",
        en="The method only checks: the statement shows a transaction that Payme Business never made.",
    ),
    mend=Text(
        ru="Сохраняйте транзакцию в CreateTransaction.",
        uz="Tranzaksiyani CreateTransaction da saqlang.",
        en="Store the transaction in CreateTransaction.",
    ),
)
CHECK_ADDITIONAL: Final = kind(
    "check-additional",
    Severity.WARN,
    _PAGE,
    title=Text(ru="additional не объект", uz="additional obyekt emas", en="additional is not an object"),
    why=Text(
        ru="Дополнительные сведения передаются объектом «поле: значение».",
        uz="Qoʻshimcha maʼlumot «maydon: qiymat» obyekti bilan beriladi.",
        en="Further information is handed over as an object of fields and values.",
    ),
    mend=Text(
        ru="Верните объект или уберите additional.",
        uz="Obyekt qaytaring yoki additional ni olib tashlang.",
        en="Return an object, or leave additional out.",
    ),
)
CHECK_DETAIL: Final = kind(
    "check-detail",
    Severity.WARN,
    _PAGE,
    title=Text(
        ru="По detail чек нельзя фискализировать как есть",
        uz="detail boʻyicha chekni shu holda fiskallashtirib boʻlmaydi",
        en="With this detail the receipt cannot be fiscalized as it is",
    ),
    why=Text(
        ru="Товары уходят в налоговую: у каждого ИКПУ из 17 цифр, код упаковки, ставка НДС, цена и "
        "количество.",
        uz="Tovarlar soliqqa yuboriladi: har birida 17 raqamli IKPU (MXIK), qadoq kodi, QQS stavkasi, narx "
        "va "
        "miqdor boʻladi.",
        en="The goods go to the tax service: each has an IKPU of 17 digits, a package code, a VAT rate, a "
        "price and a count.",
    ),
    mend=Text(
        ru="Исправьте названное поле; сумма товаров должна совпасть с суммой платежа.",
        uz="Koʻrsatilgan maydonni tuzating; tovarlar summasi toʻlov summasiga teng boʻlishi kerak.",
        en="Correct the field that is named; the goods must come to the amount that is paid.",
    ),
)


def allowed(reply: Reply, refusing: Kind = CHECK_REFUSES_GOOD) -> dict[str, Any]:
    """Return the result of a CheckPerformTransaction that must allow the payment.

    Args:
        reply: What was answered.
        refusing: What it is when the payment is refused.

    Raises:
        Wrong: If it does not.
    """
    result = result_of(reply, refusing, expected="result.allow true")
    if result.get("allow") is False:
        raise Wrong(refusing, expected="result.allow true", got=reply.told())
    if result.get("allow") is not True:
        raise Wrong(ALLOW_MISSING, expected="result.allow true", got=reply.told())
    return result


@check(
    CHECKS,
    "check.good",
    _PAGE,
    Text(
        ru="Верные счёт и сумма: allow: true",
        uz="Toʻgʻri hisob va summa: allow: true",
        en="A good account and amount: allow: true",
    ),
    documented=True,
)
async def good(talk: Talk) -> None:
    """Goal: what can be paid is allowed."""
    async with borrowed(talk) as account:
        params = {"amount": talk.target.amount_tiyin, "account": account}
        allowed(await talk.call("CheckPerformTransaction", params))


@check(
    CHECKS,
    "check.repeat",
    _PAGE,
    Text(
        ru="Проверка повторяется без последствий",
        uz="Tekshiruv oqibatsiz takrorlanadi",
        en="A check can be repeated without effect",
    ),
)
async def repeat(talk: Talk) -> None:
    """Goal: asking reserves nothing."""
    async with borrowed(talk) as account:
        params = {"amount": talk.target.amount_tiyin, "account": account}
        reply = await talk.call("CheckPerformTransaction", params)
        if not is_success(reply) and talk.target.new_account is not None:
            # It may have been asked about before; of a fresh one that is sure not to be so.
            params["account"] = await talk.account()
            reply = await talk.call("CheckPerformTransaction", params)
        allowed(reply)
        for _ in range(2):
            allowed(await talk.call("CheckPerformTransaction", params), CHECK_REPEAT)


@check(
    CHECKS,
    "check.changes-nothing",
    _PAGE,
    Text(
        ru="Проверка не создаёт транзакций",
        uz="Tekshiruv tranzaksiya yaratmaydi",
        en="A check creates no transaction",
    ),
)
async def changes_nothing(talk: Talk) -> None:
    """Goal: the statement shows nothing for an account that was only checked."""
    async with borrowed(talk) as account:
        before = await _transactions_of(talk, account)
        params = {"amount": talk.target.amount_tiyin, "account": account}
        allowed(await talk.call("CheckPerformTransaction", params))
        after = await _transactions_of(talk, account)
    if len(after) > len(before) and talk.target.kind == "one-time":
        more = len(after) - len(before)
        raise Wrong(CHECK_CREATES, expected="the same transactions", got=f"{more} more in GetStatement")


@check(
    CHECKS,
    "check.additional",
    _PAGE,
    Text(
        ru="additional и detail, если они есть",
        uz="additional va detail, agar boʻlsa",
        en="additional and detail, where they are given",
    ),
)
async def additional(talk: Talk) -> None:
    """Goal: what is added to the answer can be read and fiscalized."""
    async with borrowed(talk) as account:
        params = {"amount": talk.target.amount_tiyin, "account": account}
        result = allowed(await talk.call("CheckPerformTransaction", params))
    if not isinstance(result.get("additional", {}), dict | None):
        talk.warn(
            CHECK_ADDITIONAL, expected="result.additional an object", got=_of_type(result["additional"])
        )
    if result.get("detail") is None:
        return
    try:
        detail = read_detail(result["detail"])
    except FieldError as error:
        talk.warn(CHECK_DETAIL, expected="result.detail as documented", got=str(error))
        return
    for words in detail_warnings(detail, talk.target.amount_tiyin):
        talk.warn(CHECK_DETAIL, expected="result.detail as documented", got=words)


async def _transactions_of(talk: Talk, account: Mapping[str, str | int]) -> list[Any]:
    """List an account's transactions of the last hour; nothing where there is no statement."""
    now = talk.now_ms()
    reply = await talk.call("GetStatement", {"from": now - _HOUR_MS, "to": now + _HOUR_MS})
    rows = reply.result.get("transactions") if is_success(reply) and reply.result is not None else None
    if not isinstance(rows, list):
        return []
    key = account_key(account)
    return [row for row in rows if isinstance(row, dict) and _key_of(row.get("account")) == key]


def _key_of(account: object) -> str:
    """Return the key of what a server calls an account; nothing where it is none."""
    try:
        return account_key(read_account(account))
    except FieldError:
        return ""


def _of_type(value: object) -> str:
    return f"of type {type(value).__name__}"
