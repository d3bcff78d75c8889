"""The acquirer of test cards: the documentation's table behind the acquirer's port, with its own books.

Documentation: subscribe-api/overview ("Тестовые карты").
"""

import asyncio
from typing import Final

import sqlalchemy as sa

from tiyin.gateway.acquiring.books import DEBITED, DECLINED, OPERATIONS, REVERSED, Operation, debit, reverse
from tiyin.gateway.acquiring.port import (
    CardNumber,
    DebitAnswer,
    Debited,
    Declined,
    NotFound,
    OutcomeUnknown,
    Reversed,
    StatusAnswer,
)
from tiyin.gateway.acquiring.test_cards import UNLIMITED_TIYIN, TestCard, TestCards
from tiyin.protocol.errors import SubscribeCode
from tiyin.protocol.values import mask_card_number
from tiyin.runtime.clock import Clock
from tiyin.storage import StorageError, Store

__all__ = ["TestAcquirer"]

_TIMEOUT_MS: Final = 15_000
_DECLINED: Final = int(SubscribeCode.CARD_DECLINED)
_REVERSED_BEFORE: Final = int(SubscribeCode.DEBIT_FAILED)


class TestAcquirer:
    """Debits test cards and nothing else.

    Args:
        store: Where its books are kept.
        clock: Dates operations, and waits as long as a card's row says.
        cards: The table of test cards.
    """

    __test__ = False  # Not a test case, whatever pytest makes of the name.

    def __init__(self, store: Store, clock: Clock, cards: TestCards) -> None:
        self._store = store
        self._clock = clock
        self._cards = cards
        # One debit at a time may look at what cards hold and write what it takes from one.
        self._balances = asyncio.Lock()

    @property
    def timeout_ms(self) -> int:
        """The longest that one call takes, milliseconds."""
        return _TIMEOUT_MS

    async def debit(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> DebitAnswer:
        """Take money from a test card, at most once for a key; see `Acquirer.debit`.

        Raises:
            OutcomeUnknown: When the books could not be written.
        """
        row = self._cards.find(card.number)
        if row is not None and row.debit_delay_ms:
            await self._clock.sleep(row.debit_delay_ms / 1000)
        try:
            if row is not None and row.balance_tiyin < UNLIMITED_TIYIN:
                async with self._balances:
                    held_tiyin = row.balance_tiyin - await self.taken_tiyin(row.number)
                    return await self._write(key, card, row, amount_tiyin, terminal, held_tiyin)
            return await self._write(key, card, row, amount_tiyin, terminal, UNLIMITED_TIYIN)
        except StorageError as error:
            raise OutcomeUnknown("the test acquirer's books could not be written") from error

    async def _write(
        self,
        key: str,
        card: CardNumber,
        row: TestCard | None,
        amount_tiyin: int,
        terminal: str,
        held_tiyin: int,
    ) -> DebitAnswer:
        code = _refusal(card, row, amount_tiyin, held_tiyin)
        asked = Operation(
            key,
            mask_card_number(card.number),
            terminal,
            amount_tiyin,
            DECLINED if code else DEBITED,
            code,
            self._clock.now_ms(),
        )
        operation = await self._store.change(OPERATIONS, key, lambda stored: debit(stored, asked))
        answer = _answer(operation)
        if isinstance(answer, Reversed):
            return Declined(_REVERSED_BEFORE, "reversed before")
        return answer

    async def status(self, key: str) -> StatusAnswer:
        """Say what became of an operation; see `Acquirer.status`.

        Raises:
            OutcomeUnknown: When the books could not be read.
        """
        try:
            operation = await self._store.get(OPERATIONS, key)
        except StorageError as error:
            raise OutcomeUnknown("the test acquirer's books could not be read") from error
        return NotFound() if operation is None else _answer(operation)

    async def reverse(self, key: str) -> Reversed:
        """Give back what an operation took, and leave a tombstone; see `Acquirer.reverse`.

        Raises:
            OutcomeUnknown: When the books could not be written.
        """
        now_ms = self._clock.now_ms()
        try:
            await self._store.change(OPERATIONS, key, lambda stored: reverse(stored, key, now_ms))
        except StorageError as error:
            raise OutcomeUnknown("the test acquirer's books could not be written") from error
        return Reversed()

    async def taken_tiyin(self, number: str) -> int:
        """Sum up what a card was debited and not given back: a test card's balance is derived from it.

        Args:
            number: 16 digits.

        Raises:
            StorageError: When the books could not be read.
        """
        columns = OPERATIONS.schema.c
        statement = sa.select(
            sa.cast(sa.func.coalesce(sa.func.sum(columns.amount_tiyin), 0), sa.BigInteger)
        ).where(columns.card == mask_card_number(number), columns.state == DEBITED)
        rows = await self._store.query(statement)
        return int(rows[0][0])


def _refusal(card: CardNumber, row: TestCard | None, amount_tiyin: int, held_tiyin: int) -> int:
    """Give the code that a debit is declined with, or 0."""
    if row is None or row.expire != card.expire:
        return _DECLINED
    if row.debit_refusal is not None:
        return row.debit_refusal
    return _DECLINED if amount_tiyin > held_tiyin else 0


def _answer(operation: Operation) -> Debited | Declined | Reversed:
    match operation.state:
        case "debited":
            return Debited(operation.id)
        case "declined":
            return Declined(operation.code, "test card")
        case _:
            assert operation.state == REVERSED  # noqa: S101 - an invariant of the books, not a check of input
            return Reversed()
