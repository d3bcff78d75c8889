"""What messages say, in three languages: short for SMS, whole for e-mail and Telegram."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from tiyin.gateway.notifications.port import Letter
from tiyin.gateway.notifications.sms_coding import count_parts
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import Language, Text, format_sum

__all__ = ["PURPOSES", "Facts", "Purpose", "code_text", "copy_of", "letter_of", "sms_of", "telegram_of"]

_NAME_MAX: Final = 40
_SMS_NAME_MAX: Final = 30
_SMS_NAME_MIN: Final = 10
_SMS_PARTS: Final = 2

Purpose: TypeAlias = Literal["invoice", "paid", "held", "cancelled", "refunded"]
"""What a message about a receipt is for."""

PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)

# The code stands first: phones show it unopened.
_CODE: Final = Text(
    ru="{code} — код подтверждения карты *{last} для «{name}». Никому его не сообщайте.",
    uz="{code} — «{name}» uchun *{last} kartani tasdiqlash kodi. Uni hech kimga aytmang.",
    en="{code} is the code that confirms card *{last} for {name}. Tell it to nobody.",
)

_SMS: Final[Mapping[Purpose, Text]] = MappingProxyType(
    {
        "invoice": Text(
            ru="{name}: счёт {amount}. Оплатить: {link}",
            uz="{name}: {amount} toʻlov hisobi. Toʻlash: {link}",
            en="{name}: invoice for {amount}. Pay: {link}",
        ),
        "paid": Text(
            ru="{name}: оплачено {amount}. Чек: {link}",
            uz="{name}: {amount} toʻlandi. Chek: {link}",
            en="{name}: {amount} paid. Receipt: {link}",
        ),
        "held": Text(
            ru="{name}: {amount} удержано на карте. Чек: {link}",
            uz="{name}: {amount} kartada ushlab turildi. Chek: {link}",
            en="{name}: {amount} held on the card. Receipt: {link}",
        ),
        "cancelled": Text(
            ru="{name}: платёж {amount} отменён. Чек: {link}",
            uz="{name}: {amount} toʻlov bekor qilindi. Chek: {link}",
            en="{name}: payment of {amount} cancelled. Receipt: {link}",
        ),
        "refunded": Text(
            ru="{name}: {amount} возвращено на карту. Чек: {link}",
            uz="{name}: {amount} kartaga qaytarildi. Chek: {link}",
            en="{name}: {amount} returned to the card. Receipt: {link}",
        ),
    }
)

_TITLES: Final[Mapping[Purpose, Text]] = MappingProxyType(
    {
        "invoice": Text(ru="Счёт на оплату", uz="Toʻlov uchun hisob", en="Invoice"),
        "paid": Text(ru="Платёж выполнен", uz="Toʻlov amalga oshirildi", en="Payment made"),
        "held": Text(
            ru="Сумма удержана на карте", uz="Mablagʻ kartada ushlab turildi", en="Money held on the card"
        ),
        "cancelled": Text(ru="Платёж отменён", uz="Toʻlov bekor qilindi", en="Payment cancelled"),
        "refunded": Text(
            ru="Деньги возвращены на карту", uz="Mablagʻ kartaga qaytarildi", en="Money returned to the card"
        ),
    }
)

_AMOUNT: Final = Text(ru="Сумма", uz="Summa", en="Amount")
_TO: Final = Text(ru="Получатель", uz="Qabul qiluvchi", en="To")
_PAY: Final = Text(ru="Оплатить", uz="Toʻlash", en="Pay")
_SEE: Final = Text(ru="Открыть чек", uz="Chekni ochish", en="Open the receipt")
_COPY: Final = Text(ru="Чек", uz="Chek", en="Receipt")
_ATTACHED: Final = Text(
    ru="Чек приложен к письму файлом PDF.",
    uz="Chek xatga PDF fayl sifatida ilova qilingan.",
    en="The receipt is attached as a PDF file.",
)
_ASKED_FOR: Final = Text(
    ru="Ваш адрес указали на странице чека. Если это были не вы, удалите письмо.",
    uz="Manzilingiz chek sahifasida koʻrsatilgan. Agar bu siz boʻlmasangiz, xatni oʻchiring.",
    en="Your address was given on the receipt's page. If it was not you, delete this letter.",
)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a message about a receipt tells.

    Args:
        name: What payers know the cash desk by.
        amount_tiyin: The receipt's amount.
        link: Its page.
        account: The account's fields as payers read them: titles and values.
    """

    name: str
    amount_tiyin: int
    link: str
    account: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Facts({self.amount_tiyin} tiyin)"

    __rich_repr__ = rich_repr


def code_text(language: Language, *, code: str, last: str, name: str) -> str:
    """Write the SMS that carries a code.

    Args:
        language: The payer's.
        code: Six digits.
        last: The card's last four digits.
        name: What the payer knows the cash desk by; cut at 40 characters.

    Documentation: subscribe-api/cards.get_verify_code
    """
    # The name is filled in as a value: braces in it mean nothing.
    return _CODE.in_language(language).format(code=code, last=last, name=name[:_NAME_MAX])


def sms_of(purpose: Purpose, language: Language, facts: Facts) -> str:
    """Write the SMS about a receipt: who, how much, and the link, in two parts at most.

    Args:
        purpose: What it is for.
        language: The payer's.
        facts: The receipt's; the name is cut at 30 characters, or sooner where that saves a part, but never
            amount or link.

    Documentation: subscribe-api/receipts.send
    """
    form = _SMS[purpose].in_language(language)
    name, amount = _one_line(facts.name), format_sum(facts.amount_tiyin, language)
    for length in range(_SMS_NAME_MAX, _SMS_NAME_MIN, -1):
        text = form.format(name=name[:length].rstrip(), amount=amount, link=facts.link)
        if count_parts(text) <= _SMS_PARTS:
            return text
    return form.format(name=name[:_SMS_NAME_MIN].rstrip(), amount=amount, link=facts.link)


def letter_of(purpose: Purpose, language: Language, facts: Facts, receiver: str) -> Letter:
    """Write the e-mail about a receipt, plain and as HTML.

    Args:
        purpose: What it is for.
        language: The payer's.
        facts: The receipt's.
        receiver: One address.
    """
    title = _TITLES[purpose].in_language(language)
    subject = f"{title}: {_one_line(facts.name)[:_NAME_MAX]}, {format_sum(facts.amount_tiyin, language)}"
    link_text = (_PAY if purpose == "invoice" else _SEE).in_language(language)
    return _letter(language, facts, receiver, subject=subject, title=title, link_text=link_text)


def copy_of(purpose: Purpose, language: Language, facts: Facts, receiver: str) -> Letter:
    """Write the e-mail that brings a payer his own copy of a receipt as a file, plain and as HTML.

    Args:
        purpose: What happened with the money: "paid", "held" or "refunded".
        language: The payer's.
        facts: The receipt's; the link leads to the receipt's own page.
        receiver: One address.
    """
    called = _COPY.in_language(language)
    subject = f"{called}: {_one_line(facts.name)[:_NAME_MAX]}, {format_sum(facts.amount_tiyin, language)}"
    return _letter(
        language,
        facts,
        receiver,
        subject=subject,
        title=_TITLES[purpose].in_language(language),
        link_text=_SEE.in_language(language),
        said=_ATTACHED.in_language(language),
        why=_ASKED_FOR.in_language(language),
    )


def _letter(
    language: Language,
    facts: Facts,
    receiver: str,
    *,
    subject: str,
    title: str,
    link_text: str,
    said: str = "",
    why: str = "",
) -> Letter:
    rows = _rows(language, facts)
    texts = [title, "", *(f"{name}: {value}" for name, value in rows), "", facts.link, ""]
    plain = "\n".join(texts + [line for text in (said, why) if text for line in (text, "")])
    sentences = f"<p>{escape(said)}</p>" if said else ""
    foot = f'<p style="color:#555;font-size:13px">{escape(why)}</p>' if why else ""
    cells = "".join(
        f'<tr><td style="padding:4px 16px 4px 0;color:#555">{escape(name)}</td>'
        f'<td style="padding:4px 0">{escape(value)}</td></tr>'
        for name, value in rows
    )
    html = (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'</head><body style="font-family:sans-serif"><h1 style="font-size:20px">{escape(title)}</h1>'
        f'<table role="presentation">{cells}</table>'
        f'{sentences}<p><a href="{escape(facts.link)}">{escape(link_text)}</a></p>{foot}</body></html>'
    )
    return Letter(receiver, subject, plain, html)


def telegram_of(purpose: Purpose, language: Language, facts: Facts) -> str:
    """Write the Telegram message about a receipt, in Telegram's HTML.

    Args:
        purpose: What it is for.
        language: The payer's.
        facts: The receipt's.
    """
    link_text = (_PAY if purpose == "invoice" else _SEE).in_language(language)
    rows = "\n".join(f"{escape(name)}: {escape(value)}" for name, value in _rows(language, facts))
    title = escape(_TITLES[purpose].in_language(language))
    return f'<b>{title}</b>\n{rows}\n<a href="{escape(facts.link)}">{escape(link_text)}</a>'


def _rows(language: Language, facts: Facts) -> list[tuple[str, str]]:
    return [
        (_TO.in_language(language), _one_line(facts.name)),
        (_AMOUNT.in_language(language), format_sum(facts.amount_tiyin, language)),
        *((_one_line(title), _one_line(value)) for title, value in facts.account),
    ]


def _one_line(text: str) -> str:
    """Keep a value of somebody else's on its line: in headers and tables a break would begin another."""
    return " ".join(text.split())
