"""The documented test cards, as data: what each of them does when it is entered, verified and debited.

An emulator's user adds cards and outcomes by adding rows of the same shape. The numbers are public: they
stand in the documentation. Two of them belong to no payment system of the country; they pass only where test
cards are on.

Documentation: subscribe-api/overview ("Тестовые карты"), mobile/test-cards.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import mask_card_number

__all__ = ["TEST_CARDS", "TEST_CODE", "UNLIMITED_TIYIN", "TestCard", "TestCards"]

TEST_CODE: Final = "666666"
"""The SMS code of every test card."""

UNLIMITED_TIYIN: Final = 10**15
"""A balance that no payment exhausts: nobody adds up what such a card has paid."""

_DELAY_MS: Final = 10_000


class TestCard(msgspec.Struct, frozen=True, kw_only=True):
    """What one test card does.

    Attributes:
        number: 16 digits.
        expire: Month and year, "0399".
        phone: Where the processing centre sends the code, digits with the country's code.
        balance_tiyin: What the card has before the first debit.
        create_refusal: The error code that cards.create answers, or None.
        code_refusal: The error code that cards.get_verify_code answers, or None.
        debit_refusal: The error code that a debit is declined with, or None when it succeeds.
        hold_refusal: The error code that a hold is declined with; None means as a debit.
        debit_delay_ms: How long the processing centre thinks before it answers a debit or hold, milliseconds.
    """

    __test__ = False  # Not a test case, whatever pytest makes of the name.

    number: str
    expire: str = "0399"
    phone: str = "998901234567"
    balance_tiyin: int = UNLIMITED_TIYIN
    create_refusal: int | None = None
    code_refusal: int | None = None
    debit_refusal: int | None = None
    hold_refusal: int | None = None
    debit_delay_ms: int = 0

    def __repr__(self) -> str:
        return f"TestCard({mask_card_number(self.number)})"

    __rich_repr__ = rich_repr


TEST_CARDS: Final[tuple[TestCard, ...]] = (
    TestCard(number="8600060921090842", code_refusal=-31301),
    TestCard(number="3333336415804657", create_refusal=-31300),
    TestCard(number="4444445987459073", create_refusal=-31300),
    TestCard(number="8600143417770323", debit_refusal=-31640),
    TestCard(number="8600134301849596", debit_refusal=-31620, debit_delay_ms=_DELAY_MS),
    TestCard(number="8600495473316478"),
    TestCard(number="8600069195406311"),
)
"""The documentation's table, in its order."""


class TestCards:
    """Finds test cards by number; an emulator adds its own.

    Args:
        cards: The cards to start with; a later card with the same number replaces an earlier one.
    """

    __test__ = False

    def __init__(self, cards: Iterable[TestCard] = TEST_CARDS) -> None:
        self._by_number = {card.number: card for card in cards}

    def find(self, number: str) -> TestCard | None:
        """Give the test card with this number (16 digits), or None."""
        return self._by_number.get(number)

    def put(self, card: TestCard) -> None:
        """Add a card, or replace the one with the same number."""
        self._by_number[card.number] = card

    def __iter__(self) -> Iterator[TestCard]:
        return iter(tuple(self._by_number.values()))
