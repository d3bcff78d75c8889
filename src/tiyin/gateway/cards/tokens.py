"""Tokens: what stands for a card outside of the gateway. Pure rules; `service` stores what they decide.

A token is ``<24 hexadecimal characters>_<43 letters and digits>``. The first part is chance, too, and names
the row; the whole is known to the database only as a hash. It belongs to one cash desk.

A token without `save` pays once::

    live ──reserve(receipt, attempt)──> live, reserved ──spend(receipt)──> spent
             ^                              │
             └───release(receipt, attempt)──┘

Of two receipts that reserve at the same time one wins. What is spent stays as a tombstone, and so a repeat of
the same payment is recognised, and no other payment is possible. `remove` ends a token in any state.

A reservation is for one attempt to pay one receipt, and an attempt begins once. So a reservation that was
released, because its attempt came to nothing, can never be paid with any more, however late a second call of
the same payment comes.

Documentation: subscribe-api/cards.create, subscribe-api/cards.remove, subscribe-api/receipts.pay
"""

import hashlib
import hmac
import re
from typing import Final

import msgspec

from tiyin.gateway.cards.records import LIVE, REMOVED, SPENT, TokenRow
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.values import Text
from tiyin.storage.tables import Decision

__all__ = [
    "PayingCard",
    "TokenReserved",
    "add_token",
    "check_opens",
    "hash_token",
    "release_token",
    "remove_token",
    "reserve_token",
    "spend_token",
    "token_id_of",
    "verify_token",
]

_TOKEN: Final = re.compile(r"([0-9a-f]{24})_[A-Za-z0-9]{22,128}")

_OTHER_AMOUNT: Final = Text(
    ru="Этот токен карты выпущен для другой суммы. Добавьте карту ещё раз.",
    uz="Bu karta tokeni boshqa summa uchun berilgan. Kartani qayta qoʻshing.",
    en="This card token was made for another amount. Add the card again.",
)
_UNVERIFIED: Final = Text(
    ru="Карта не подтверждена кодом из СМС. Подтвердите её и повторите оплату.",
    uz="Karta SMS-kod bilan tasdiqlanmagan. Uni tasdiqlang va toʻlovni takrorlang.",
    en="The card is not confirmed by its SMS code. Confirm it, then pay again.",
)


class TokenReserved(RpcError):
    """A one-time token is reserved for another receipt: -31400, unless that one's attempt is over by now.

    Args:
        row: The token.
    """

    def __init__(self, row: TokenRow) -> None:
        super().__init__(SubscribeCode.CARD_NOT_FOUND)
        self.token_id = row.id
        self.receipt_id = row.receipt_id or ""
        self.attempt = row.attempt


class PayingCard(msgspec.Struct, frozen=True):
    """A card that pays a receipt.

    Args:
        card_id: The card; equal for the same card through any token.
        number: Its masked number.
        expire: Month and year, ``0399``.
        token_id: The token, for `Cards.release` and `Cards.spend`.
        one_time: Whether the token has to be released or spent at all.
    """

    card_id: str
    number: str
    expire: str
    token_id: str
    one_time: bool


def token_id_of(token: str) -> str:
    """Give the id of a token's row.

    Raises:
        RpcError: -32500 if it does not look like a token of this gateway.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise RpcError(SubscribeCode.TOKEN_MALFORMED)
    return match[1]


def hash_token(token: str) -> str:
    """Hash a token for storing; its chance needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_opens(row: TokenRow | None, token: str, desk_id: str) -> TokenRow:
    """Answer the row if this token is its own and belongs to the desk, whatever its state.

    Raises:
        RpcError: -31400, the same for an unknown, a foreign and a wrong token.
    """
    if row is None or row.desk_id != desk_id or not hmac.compare_digest(row.secret_hash, hash_token(token)):
        raise RpcError(SubscribeCode.CARD_NOT_FOUND)
    return row


def add_token(stored: TokenRow | None, row: TokenRow) -> Decision[TokenRow]:
    """Store a new token; where it was stored already, by the same call made twice, it stays as it is."""
    return Decision(row, row) if stored is None else Decision(stored)


def reserve_token(row: TokenRow, receipt_id: str, amount_tiyin: int, *, attempt: int) -> Decision[PayingCard]:
    """Decide whether a token may pay a receipt; for a one-time token, reserve it.

    Args:
        row: The token, after `check_opens`.
        receipt_id: The receipt; the same one may reserve again, also what it has spent.
        amount_tiyin: The receipt's amount.
        attempt: Which attempt to pay the receipt it is for.

    Raises:
        TokenReserved: -31400 if it is reserved for another receipt.
        RpcError: -31400 if it is removed, not verified, or spent on another receipt; -31610 with data
            `amount` if it was made for another amount.
    """
    if row.state == REMOVED:
        raise RpcError(SubscribeCode.CARD_NOT_FOUND)
    if not row.verified:
        raise RpcError(SubscribeCode.CARD_NOT_FOUND, _UNVERIFIED)
    if row.amount_tiyin is not None and row.amount_tiyin != amount_tiyin:
        raise RpcError(SubscribeCode.WRONG_FIELD, _OTHER_AMOUNT, data="amount")
    card = PayingCard(row.card_id, row.number, row.expire, row.id, one_time=not row.save)
    if row.save:
        return Decision(card)
    if row.receipt_id not in {None, receipt_id}:
        raise TokenReserved(row) if row.state == LIVE else RpcError(SubscribeCode.CARD_NOT_FOUND)
    # An older attempt than the one it stands for is over, and will not begin; a newer one takes its place.
    if row.receipt_id == receipt_id and (row.state == SPENT or attempt <= row.attempt):
        return Decision(card)
    return Decision(card, msgspec.structs.replace(row, receipt_id=receipt_id, attempt=attempt))


def release_token(row: TokenRow | None, receipt_id: str, attempt: int) -> Decision[None]:
    """Let go of a one-time token whose attempt came to nothing; what another one reserved is left alone."""
    if row is None or row.state != LIVE or (row.receipt_id, row.attempt) != (receipt_id, attempt):
        return Decision(None)
    return Decision(None, msgspec.structs.replace(row, receipt_id=None, attempt=0))


def spend_token(row: TokenRow | None, receipt_id: str) -> Decision[None]:
    """Turn a one-time token into its tombstone once its payment took money; a repeat changes nothing."""
    if row is None or row.save or row.state != LIVE or row.receipt_id != receipt_id:
        return Decision(None)
    return Decision(None, msgspec.structs.replace(row, state=SPENT))


def verify_token(row: TokenRow) -> Decision[TokenRow]:
    """Note that the right code was given.

    Raises:
        RpcError: -31400 if the token was removed meanwhile.
    """
    if row.state != LIVE:
        raise RpcError(SubscribeCode.CARD_NOT_FOUND)
    if row.verified:
        return Decision(row)
    verified = msgspec.structs.replace(row, verified=1)
    return Decision(verified, verified)


def remove_token(row: TokenRow) -> Decision[None]:
    """End a token; a payment that runs with it goes on.

    Raises:
        RpcError: -31400 if it was removed or spent already.
    """
    if row.state != LIVE:
        raise RpcError(SubscribeCode.CARD_NOT_FOUND)
    return Decision(None, msgspec.structs.replace(row, state=REMOVED, account=None, customer=None))
