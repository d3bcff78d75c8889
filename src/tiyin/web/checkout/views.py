"""What is being paid, as the templates show it.

Everything here came from outside: a link that anyone may write, a shop's answers. It is read tolerantly and
shown as text; what cannot be shown is left out, since the money never depends on it.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.values import Account, Language, Text, read_text
from tiyin.web.checkout.phones import hide_phone

__all__ = ["GoodsView", "ItemView", "OrderView", "order_view"]

_ITEMS_MAX: Final = 200
_ROWS_MAX: Final = 30
_TEXT_MAX: Final = 300


class ItemView(msgspec.Struct, frozen=True):
    """One line of the goods.

    Args:
        title: What it is.
        count: How many, as text; empty where it says nothing.
        sum_tiyin: What the line costs before discounts, in tiyin.
        price_tiyin: What one costs, in tiyin.
    """

    title: str
    count: str
    sum_tiyin: int
    price_tiyin: int


class GoodsView(msgspec.Struct, frozen=True):
    """What is bought.

    Args:
        items: The lines.
        shipping: Title and price of the delivery, or None.
        discount_tiyin: All discounts together, in tiyin.
        hidden: How many lines are not shown because there are too many.
    """

    items: tuple[ItemView, ...]
    shipping: ItemView | None
    discount_tiyin: int
    hidden: int


class OrderView(msgspec.Struct, frozen=True):
    """What is being paid and to whom.

    Args:
        merchant: The shop's name.
        organization: Its legal entity; empty where it is the same.
        amount_tiyin: The amount, in tiyin.
        description: The shop's own sentence about it; may be empty.
        rows: The account's fields and what the merchant added, as names and values.
        goods: What is bought, where the shop told it.
    """

    merchant: str
    organization: str
    amount_tiyin: int
    description: str
    rows: tuple[tuple[str, str], ...]
    goods: GoodsView | None


def order_view(
    desk: Desk,
    language: Language,
    *,
    amount_tiyin: int,
    account: Account,
    description: Text | str | None = None,
    detail: Any = None,
    additional: Any = None,
    for_anybody: bool = False,
) -> OrderView:
    """Return what a page shows of an order.

    Args:
        desk: Whose order it is.
        language: The page's language.
        amount_tiyin: The amount, in tiyin.
        account: The account.
        description: The shop's sentence.
        detail: The goods: an object as on the wire, or a struct of `protocol.fiscal`.
        additional: What the merchant added at the check: names and values.
        for_anybody: Whether the page opens for anybody who has its link, with nothing left to pay: phone
            numbers are hidden then.
    """
    titles = {field.name: field.title.in_language(language) for field in desk.account_fields}
    rows = []
    for name, value in account.items():
        title, text = titles.get(name, name), _short(value)
        rows.append((title, hide_phone(text, name, title) if for_anybody else text))
    if isinstance(additional, Mapping):
        rows += [(_short(name), _short(value)) for name, value in additional.items() if _is_plain(value)]
    said = description.in_language(language) if isinstance(description, Text) else description
    return OrderView(
        merchant=desk.name,
        organization="" if desk.organization == desk.name else desk.organization,
        amount_tiyin=amount_tiyin,
        description=_short(said or ""),
        rows=tuple(rows[:_ROWS_MAX]),
        goods=_goods(detail, language),
    )


def _goods(detail: Any, language: Language) -> GoodsView | None:
    plain = msgspec.to_builtins(detail) if isinstance(detail, msgspec.Struct) else detail
    if not isinstance(plain, Mapping):
        return None
    items = plain.get("items")
    lines = [line for item in (items if isinstance(items, list) else []) if (line := _item(item, language))]
    shipping = _item(plain.get("shipping"), language)
    discounts = [_tiyin(plain.get("discount"))]
    if isinstance(items, list):
        discounts += [_tiyin(item.get("discount")) for item in items if isinstance(item, Mapping)]
    if not lines and shipping is None:
        return None
    return GoodsView(
        items=tuple(lines[:_ITEMS_MAX]),
        shipping=shipping,
        discount_tiyin=sum(discounts),
        hidden=max(0, len(lines) - _ITEMS_MAX),
    )


def _item(item: Any, language: Language) -> ItemView | None:
    if not isinstance(item, Mapping):
        return None
    title = read_text(item.get("title"))
    price_tiyin = _tiyin(item.get("price"))
    if title is None or price_tiyin <= 0:
        return None
    count = item.get("count", 1)
    if type(count) not in {int, float} or not 0 < count < 10**9:
        count = 1
    return ItemView(
        title=_short(title.in_language(language)),
        count=f"{count:g}".replace(".", "." if language == "en" else ","),
        sum_tiyin=round(price_tiyin * count),
        price_tiyin=price_tiyin,
    )


def _tiyin(value: Any) -> int:
    """Return an amount, also where it is the `price` of an object; 0 for anything else."""
    if isinstance(value, Mapping):
        value = value.get("price")
    if type(value) in {int, float} and 0 < value <= 10**13:
        return int(value)
    return 0


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"
