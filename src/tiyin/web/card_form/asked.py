"""What an application asks of the card form, read from the form's address.

=============  =======================================================================================
``amount``     tiyin; without ``save=1`` it is needed, and the token pays this amount only
``account[f]`` the account's fields; kept with the token
``save``       ``0`` one payment (default), ``1`` the card is kept, ``ask`` the payer decides
``return``     ``bridge`` (default), ``message`` or ``redirect``: how the result is handed back
``to``         for ``message`` the page's origin, for ``redirect`` the address; both the desk's own
``state``      handed back as it is
``lang``       ru, uz, en
=============  =======================================================================================

Documentation: mobile/connect, subscribe-api/cards.create
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from tiyin.gateway.desks.origins import is_own_address, is_own_origin
from tiyin.gateway.desks.records import Desk
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError, wrong_field
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Account, FieldError, is_clean_text, read_account

__all__ = ["FIELDS", "CardFormAsked", "Return", "Save", "read_asked"]

FIELDS: Final = frozenset({"amount", "account", "save", "return", "to", "state"})
"""What an error about the address may name."""

T = TypeVar("T", bound=StrEnum)

_STATE_MAX: Final = 512
_PAIRS_MAX: Final = 64
_AMOUNT: Final = re.compile(r"[0-9]{1,14}")
_ACCOUNT: Final = re.compile(r"account\[([^\[\]]*)\]")


class Save(StrEnum):
    """Whether the card is kept for later payments."""

    NEVER = "0"
    ALWAYS = "1"
    ASK = "ask"


class Return(StrEnum):
    """How the result is handed back."""

    BRIDGE = "bridge"
    MESSAGE = "message"
    REDIRECT = "redirect"


class CardFormAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What an application asks of the card form.

    Args:
        desk: Whose form it is.
        amount_tiyin: What will be paid, in tiyin; None where a card is only added.
        account: What it will be paid for; may be empty.
        save: Whether the card is kept.
        way: How the result is handed back.
        to: To whom: an origin or an address of the desk's own; empty for a bridge.
        state: Handed back as it is; may be empty.
    """

    desk: Desk
    amount_tiyin: int | None
    account: Account
    save: Save
    way: Return
    to: str
    state: str


def read_asked(desk: Desk | None, pairs: Iterable[tuple[str, str]]) -> CardFormAsked:
    """Read the form's address and judge it by its desk.

    Args:
        desk: Whose form it is; None where no desk has the address's id.
        pairs: Names and values; unknown names are ignored.

    Raises:
        RpcError: -31601 the desk is unknown or blocked; -31610 with the field's name in `data`; -31611,
            -31612 the amount is below or above what the desk takes.
    """
    if desk is None or not desk.active:
        raise RpcError(SubscribeCode.MERCHANT_NOT_FOUND)
    given, account = _read_pairs(pairs)
    save = _choice(Save, "save", given.get("save", Save.NEVER))
    way = _choice(Return, "return", given.get("return", Return.BRIDGE))
    amount_tiyin = _read_amount(desk, given.get("amount"), save)
    to, state = given.get("to", ""), given.get("state", "")
    if not _may_hand_to(desk, way, to):
        raise wrong_field("to")
    if len(state) > _STATE_MAX or not is_clean_text(state):
        raise wrong_field("state")
    try:
        return CardFormAsked(
            desk=desk,
            amount_tiyin=amount_tiyin,
            account=read_account(account),
            save=save,
            way=way,
            to=to,
            state=state,
        )
    except FieldError:
        raise wrong_field("account") from None


def _read_pairs(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Sort names and values into the form's own and the account's; each stands once."""
    given: dict[str, str] = {}
    account: dict[str, str] = {}
    for count, (name, value) in enumerate(pairs):
        if count >= _PAIRS_MAX:
            raise wrong_field("account")
        match = _ACCOUNT.fullmatch(name)
        if match is not None:
            field, into, key = "account", account, match[1]
        elif name in FIELDS:
            field, into, key = name, given, name
        else:
            continue
        if key in into:
            raise wrong_field(field)
        into[key] = value
    return given, account


def _choice(kind: type[T], field: str, text: str) -> T:
    try:
        return kind(text)
    except ValueError:
        raise wrong_field(field) from None


def _read_amount(desk: Desk, text: str | None, save: Save) -> int | None:
    if text is None:
        # A token of one payment is bound to an amount: what a payer saw is what can be taken.
        if save is Save.ALWAYS:
            return None
        raise wrong_field("amount")
    if _AMOUNT.fullmatch(text) is None or not 1 <= int(text) <= AMOUNT_TIYIN_MAX:
        raise wrong_field("amount")
    amount_tiyin = int(text)
    if amount_tiyin < desk.amount_tiyin_min:
        raise RpcError(SubscribeCode.AMOUNT_TOO_SMALL)
    if amount_tiyin > desk.amount_tiyin_max:
        raise RpcError(SubscribeCode.AMOUNT_TOO_LARGE)
    return amount_tiyin


def _may_hand_to(desk: Desk, way: Return, to: str) -> bool:
    if way is Return.BRIDGE:
        return to == ""
    if way is Return.MESSAGE:
        return is_own_origin(to, desk.domains, test=desk.test)
    return is_own_address(to, desk.domains, test=desk.test)
