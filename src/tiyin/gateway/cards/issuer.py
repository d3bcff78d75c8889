"""Who knows cards: whether one exists, and which phone its codes go to.

Documentation: subscribe-api/overview (Тестовые карты)
"""

from typing import Final, Protocol

import msgspec

from tiyin.gateway.acquiring.test_cards import TEST_CODE, TestCard, TestCards
from tiyin.gateway.notifications.port import mask_phone
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.hidden import rich_repr

__all__ = ["CardPhone", "Issuer", "TestIssuer"]


class CardPhone(msgspec.Struct, frozen=True):
    """Where a card's codes go.

    Args:
        number: The phone, digits with the country's code.
        code: The code that is always sent to this card, as all test cards have it; None means a fresh one.
    """

    number: str
    code: str | None = None

    def __repr__(self) -> str:
        return f"CardPhone({mask_phone(self.number)})"

    __rich_repr__ = rich_repr


class Issuer(Protocol):
    """The processing centre's knowledge of cards."""

    def is_test_card(self, number: str) -> bool:
        """Tell whether a number passes whatever its scheme and check digit: a test card that is on."""
        ...

    async def check(self, number: str, expire: str) -> None:
        """Refuse a card that does not exist or cannot pay; cards.create asks before it stores anything.

        Args:
            number: 16 digits.
            expire: Month and year, ``0399``.

        Raises:
            RpcError: -31300 (no such card, wrong expiry, expired, blocked), -31002 (the centre is
                unavailable).
        """
        ...

    async def phone_of(self, number: str, expire: str) -> CardPhone:
        """Say where the card's codes go; asked for every code, so that a changed phone counts at once.

        Raises:
            RpcError: -31301 (SMS informing is not connected), -31300, -31002.
        """
        ...


_UNKNOWN: Final = TestCard(number="", create_refusal=SubscribeCode.CARD_WRONG)


class TestIssuer:
    """Knows the test cards and no others: a real card typed here by mistake is refused and not stored.

    Args:
        cards: The table; an emulator's user adds to it.
    """

    __test__ = False  # Not a test case, whatever pytest makes of the name.

    def __init__(self, cards: TestCards) -> None:
        self._cards = cards

    def is_test_card(self, number: str) -> bool:
        """Tell whether the number is in the table."""
        return self._cards.find(number) is not None

    async def check(self, number: str, expire: str) -> None:
        """Answer the outcome that the table has for cards.create."""
        card = self._find(number, expire)
        if card.create_refusal is not None:
            raise RpcError(SubscribeCode(card.create_refusal))

    async def phone_of(self, number: str, expire: str) -> CardPhone:
        """Answer the outcome that the table has for cards.get_verify_code."""
        card = self._find(number, expire)
        if card.code_refusal is not None:
            raise RpcError(SubscribeCode(card.code_refusal))
        return CardPhone(card.phone, TEST_CODE)

    def _find(self, number: str, expire: str) -> TestCard:
        card = self._cards.find(number)
        return _UNKNOWN if card is None or card.expire != expire else card
