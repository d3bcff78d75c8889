"""Who knows cards, asked over the same line as the acquirer that debits them."""

from typing import Final

from tiyin.gateway.acquiring.http import AcquirerLine
from tiyin.gateway.acquiring.port import OutcomeUnknown
from tiyin.gateway.acquiring.test_cards import TEST_CARDS
from tiyin.gateway.acquiring.wire import CardAnswer, CardAsked, PhoneAnswer
from tiyin.gateway.cards.issuer import CardPhone
from tiyin.gateway.cards.numbers import scheme_of
from tiyin.protocol.errors import RpcError, SubscribeCode

__all__ = ["HttpIssuer"]

_REFUSALS: Final[frozenset[int]] = frozenset(
    {
        SubscribeCode.PROCESSING_CENTRE_UNAVAILABLE,
        SubscribeCode.CARD_WRONG,
        SubscribeCode.SMS_NOT_CONNECTED,
        SubscribeCode.CARD_TYPE_UNSUPPORTED,
    }
)


_ASKED_ABOUT: Final = frozenset(card.number for card in TEST_CARDS if scheme_of(card.number) is None)
"""Documented test numbers of no known scheme: a test acquirer refuses them in the documentation's words."""


class HttpIssuer:
    """The processing centre's knowledge of cards; see `Issuer` for what each method does.

    Args:
        line: The way to it.
    """

    def __init__(self, line: AcquirerLine) -> None:
        self._line = line

    def is_test_card(self, number: str) -> bool:
        """Tell the few documented numbers that are asked about although their scheme is unknown.

        No other number passes without a known scheme and a right check digit, and these pass no further than
        to `check`.
        """
        return number in _ASKED_ABOUT

    async def check(self, number: str, expire: str) -> None:
        """Refuse a card that does not exist or cannot pay; see `Issuer.check`.

        Raises:
            RpcError: -31300, or -31002 when the centre did not answer; -31900 for a number of no known
                scheme, whatever the centre makes of it.
        """
        try:
            answer = await self._line.ask("/card", CardAsked(number, expire), CardAnswer)
        except OutcomeUnknown:
            raise RpcError(SubscribeCode.PROCESSING_CENTRE_UNAVAILABLE) from None
        _refuse(answer.refusal)
        if number in _ASKED_ABOUT:
            raise RpcError(SubscribeCode.CARD_TYPE_UNSUPPORTED)

    async def phone_of(self, number: str, expire: str) -> CardPhone:
        """Say where the card's codes go; see `Issuer.phone_of`.

        Raises:
            RpcError: -31301, -31300, or -31002 when the centre did not answer.
        """
        try:
            answer = await self._line.ask("/phone", CardAsked(number, expire), PhoneAnswer)
        except OutcomeUnknown:
            raise RpcError(SubscribeCode.PROCESSING_CENTRE_UNAVAILABLE) from None
        _refuse(answer.refusal)
        return CardPhone(answer.phone, answer.code)


def _refuse(refusal: int) -> None:
    """Raise a refusal; one that is none of the documentation's for cards is told as a wrong card."""
    if refusal:
        raise RpcError(SubscribeCode(refusal) if refusal in _REFUSALS else SubscribeCode.CARD_WRONG)
