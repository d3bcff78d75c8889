"""What a payer's receipt says: the one place from which the page, the PDF and the e-mail take it. Pure.

Whoever has a receipt's address may read it, so it holds what a payer needs and no more: the card is masked,
so are phone numbers among the account's fields, and the payer's own data is left out.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

from tiyin.gateway.desks.records import Desk
from tiyin.gateway.fiscal.receipts import OfReceipt
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.states import CANCELLED, HELD, PAID
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import Language, read_text
from tiyin.web.checkout.phones import hide_phone
from tiyin.web.payer_receipt.fiscal import FiscalView, fiscal_views
from tiyin.web.payer_receipt.goods import Goods, read_goods
from tiyin.web.words import N_, format_when, translations

__all__ = ["Kind", "ReceiptFacts", "kind_of", "receipt_facts"]

Kind: TypeAlias = Literal["paid", "held", "refunded"]
"""What happened with the money."""

_HEADLINES: Final[Mapping[Kind, str]] = {
    "paid": N_("Paid"),
    "held": N_("The money is held"),
    "refunded": N_("Refunded"),
}
_TEXT_MAX: Final = 300
_ROWS_MAX: Final = 30


class ReceiptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A payer's receipt.

    Args:
        kind: What happened with the money.
        headline: The same in words.
        receipt_id: The receipt's id, to be quoted to support.
        number: «Номер чека».
        merchant: The shop's name.
        organization: Its legal entity; empty where it is the same.
        address: Its postal address; may be empty.
        amount_tiyin: The amount, in tiyin.
        description: The shop's own sentence about it; may be empty.
        account: The account's fields, as names and values.
        rows: Card and moments, as names and values.
        goods: What was bought, where the shop told it.
        fiscal: The fiscal receipts that there are or will be.
        moment_ms: When what the receipt tells last happened, milliseconds since 1970.
    """

    kind: Kind
    headline: str
    receipt_id: str
    number: int
    merchant: str
    organization: str
    address: str
    amount_tiyin: int
    description: str
    account: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str], ...]
    goods: Goods | None
    fiscal: tuple[FiscalView, ...]
    moment_ms: int

    def __repr__(self) -> str:
        return f"ReceiptFacts({self.receipt_id}, {self.kind})"

    __rich_repr__ = rich_repr


def kind_of(receipt: Receipt) -> Kind | None:
    """Tell what a receipt says of the money; None where there is nothing to keep a receipt of.

    Args:
        receipt: The receipt, in any state.
    """
    if receipt.state == PAID:
        return "paid"
    if receipt.state == HELD:
        return "held"
    return "refunded" if receipt.state == CANCELLED and receipt.pay_time_ms else None


def receipt_facts(
    desk: Desk, receipt: Receipt, fiscal: OfReceipt, now_ms: int, language: Language
) -> ReceiptFacts | None:
    """Return what a payer's receipt says.

    Args:
        desk: Whose receipt it is.
        receipt: The receipt.
        fiscal: What is stored of its fiscal receipts.
        now_ms: The present moment, milliseconds.
        language: The payer's language.

    Returns:
        The facts; None where there is nothing to keep a receipt of.
    """
    kind = kind_of(receipt)
    if kind is None:
        return None
    say = translations(language).gettext
    rows = [(say(N_("Card")), receipt.card_mask)] if receipt.card_mask else []
    moments = [
        (N_("Held on, Tashkent time"), receipt.held_ms if kind == "held" else 0),
        (N_("Paid on, Tashkent time"), receipt.pay_time_ms),
        (N_("Given back on, Tashkent time"), receipt.cancel_time_ms if kind == "refunded" else 0),
    ]
    rows += [(say(name), format_when(at_ms, language)) for name, at_ms in moments if at_ms]
    description = read_text(_decode(receipt.description))
    return ReceiptFacts(
        kind=kind,
        headline=say(_HEADLINES[kind]),
        receipt_id=receipt.id,
        number=receipt.number,
        merchant=_one_line(desk.name),
        organization="" if desk.organization == desk.name else _one_line(desk.organization),
        address=_one_line(desk.address),
        amount_tiyin=receipt.amount_tiyin,
        description="" if description is None else _one_line(description.in_language(language)),
        account=_account(desk, receipt, language),
        rows=tuple(rows),
        goods=read_goods(_decode(receipt.detail), language),
        fiscal=fiscal_views(receipt, fiscal, now_ms, language),
        moment_ms=max((at_ms for _, at_ms in moments), default=0) or receipt.created_ms,
    )


def _account(desk: Desk, receipt: Receipt, language: Language) -> tuple[tuple[str, str], ...]:
    account = _decode(receipt.account)
    if not isinstance(account, Mapping):
        return ()
    titles = {field.name: field.title.in_language(language) for field in desk.account_fields}
    rows = []
    for name, value in account.items():
        title = titles.get(name) or name
        rows.append((_one_line(title), hide_phone(_one_line(value), name, title)))
    return tuple(rows[:_ROWS_MAX])


def _decode(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _one_line(value: object) -> str:
    line = " ".join(str(value).split())
    return line if len(line) <= _TEXT_MAX else line[: _TEXT_MAX - 1] + "…"
