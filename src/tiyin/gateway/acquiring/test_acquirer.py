"""The acquirer of test cards: the documentation's table behind the acquirer's port, with its own books.

Documentation: subscribe-api/overview ("Тестовые карты"), subscribe-api/holds.
"""

import asyncio
from datetime import date
from typing import Final

from tiyin.gateway.acquiring import books
from tiyin.gateway.acquiring.books import DEBITED, DECLINED, HELD, OPERATIONS, Operation
from tiyin.gateway.acquiring.day_file import day_file
from tiyin.gateway.acquiring.port import (
    CaptureAnswer,
    CardNumber,
    DayLine,
    DebitAnswer,
    Debited,
    Declined,
    Held,
    HoldAnswer,
    NotFound,
    OutcomeUnknown,
    Reversed,
    StatusAnswer,
)
from tiyin.gateway.acquiring.taken import taken_tiyin
from tiyin.gateway.acquiring.test_cards import UNLIMITED_TIYIN, TestCard, TestCards
from tiyin.protocol.errors import SubscribeCode
from tiyin.protocol.values import mask_card_number
from tiyin.runtime.clock import Clock
from tiyin.storage import Rule, StorageError, Store
from tiyin.storage.tables import Expecting

__all__ = ["TestAcquirer"]

_TIMEOUT_MS: Final = 15_000
_DECLINED: Final = int(SubscribeCode.CARD_DECLINED)
_NEVER: Final = int(SubscribeCode.DEBIT_FAILED)
"""What is answered for a key under which nothing can be taken any more."""


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
        # One at a time may look at what cards hold and write what it takes from one.
        self._balances = asyncio.Lock()

    @property
    def timeout_ms(self) -> int:
        """The longest that one call takes, milliseconds."""
        return _TIMEOUT_MS

    async def debit(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> DebitAnswer:
        """Take money from a test card, at most once for a key; see `Acquirer.debit`.

        Raises:
            OutcomeUnknown: When the books could not be written, or the key is a hold's.
        """
        operation = await self._take(DEBITED, key, card, amount_tiyin, terminal)
        match _answer(operation):
            case Held():
                raise OutcomeUnknown("the key of a hold was used for a debit")
            case Reversed():
                return Declined(_NEVER, "reversed before")
            case answer:
                return answer

    async def hold(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> HoldAnswer:
        """Set money aside on a test card, at most once for a key; see `Acquirer.hold`.

        A repeat that comes after the capture is answered as the hold was.

        Raises:
            OutcomeUnknown: When the books could not be written.
        """
        operation = await self._take(HELD, key, card, amount_tiyin, terminal)
        match _answer(operation):
            case Debited(reference):
                return Held(reference)
            case Reversed():
                return Declined(_NEVER, "reversed before")
            case answer:
                return answer

    async def _take(
        self, wanted: str, key: str, card: CardNumber, amount_tiyin: int, terminal: str
    ) -> Operation:
        """Decide and write what is asked of a card: that it is debited, or held."""
        row = self._cards.find(card.number)
        if row is not None and row.debit_delay_ms:
            await self._clock.sleep(row.debit_delay_ms / 1000)
        if row is None or row.balance_tiyin >= UNLIMITED_TIYIN:
            return await self._write(wanted, key, card, row, amount_tiyin, terminal, UNLIMITED_TIYIN)
        async with self._balances:
            try:
                left_tiyin = row.balance_tiyin - await self.taken_tiyin(row.number)
            except StorageError as error:
                raise OutcomeUnknown("the test acquirer's books could not be read") from error
            return await self._write(wanted, key, card, row, amount_tiyin, terminal, left_tiyin)

    async def _write(
        self,
        wanted: str,
        key: str,
        card: CardNumber,
        row: TestCard | None,
        amount_tiyin: int,
        terminal: str,
        left_tiyin: int,
    ) -> Operation:
        code = _refusal(wanted, card, row, amount_tiyin, left_tiyin)
        asked = Operation(
            key,
            mask_card_number(card.number),
            terminal,
            amount_tiyin,
            DECLINED if code else wanted,
            code,
            self._clock.now_ms(),
        )
        rule = books.debit if wanted == DEBITED else books.hold
        # A key is new, as a rule: expecting that saves a read.
        first: Expecting[Operation, Operation] = Expecting(lambda stored: rule(stored, asked), None)
        return await self._change(key, first)

    async def capture(self, key: str) -> CaptureAnswer:
        """Take what is held under a key; see `Acquirer.capture`.

        Raises:
            OutcomeUnknown: When the books could not be written.
        """
        # A hold that ends meanwhile must not be spent by another and captured too.
        async with self._balances:
            now_ms = self._clock.now_ms()
            operation = await self._change(key, lambda stored: books.capture(stored, key, now_ms, _NEVER))
        answer = _answer(operation)
        assert not isinstance(answer, Held)  # noqa: S101 - an invariant of the books, not a check of input
        return answer

    async def status(self, key: str) -> StatusAnswer:
        """Say what became of an operation; see `Acquirer.status`.

        Raises:
            OutcomeUnknown: When the books could not be read, or the end of a hold not be written.
        """
        try:
            operation = await self._store.get(OPERATIONS, key)
        except StorageError as error:
            raise OutcomeUnknown("the test acquirer's books could not be read") from error
        if operation is None:
            return NotFound()
        now_ms = self._clock.now_ms()
        if books.is_expired(operation, now_ms):
            found = operation
            operation = await self._change(key, lambda stored: books.expire(stored or found, now_ms))
        return _answer(operation)

    async def reverse(self, key: str) -> Reversed:
        """Give back what an operation took or holds, and leave a tombstone; see `Acquirer.reverse`.

        Raises:
            OutcomeUnknown: When the books could not be written.
        """
        now_ms = self._clock.now_ms()
        await self._change(key, lambda stored: books.reverse(stored, key, now_ms))
        return Reversed()

    async def day_lines(self, day: date, after: str, limit: int) -> list[DayLine]:
        """Give a part of a day's file; see `DayFiles.day_lines`.

        Raises:
            OutcomeUnknown: When the books could not be read.
        """
        try:
            return await day_file(self._store, day, after, limit)
        except StorageError as error:
            raise OutcomeUnknown("the test acquirer's books could not be read") from error

    async def taken_tiyin(self, number: str) -> int:
        """Sum up what a card was debited and not given back, and what is held on it.

        A test card's balance is derived from it.

        Args:
            number: 16 digits.

        Raises:
            StorageError: When the books could not be read.
        """
        return await taken_tiyin(self._store, mask_card_number(number), self._clock.now_ms())

    async def _change(self, key: str, rule: Rule[Operation, Operation]) -> Operation:
        try:
            return await self._store.change(OPERATIONS, key, rule)
        except StorageError as error:
            raise OutcomeUnknown("the test acquirer's books could not be written") from error


def _refusal(wanted: str, card: CardNumber, row: TestCard | None, amount_tiyin: int, left_tiyin: int) -> int:
    """Give the code that a debit or hold is declined with, or 0."""
    if row is None or row.expire != card.expire:
        return _DECLINED
    if wanted == HELD and row.hold_refusal is not None:
        return row.hold_refusal
    if row.debit_refusal is not None:
        return row.debit_refusal
    return _DECLINED if amount_tiyin > left_tiyin else 0


def _answer(operation: Operation) -> Held | Debited | Declined | Reversed:
    match operation.state:
        case "held":
            return Held(operation.id)
        case "debited":
            return Debited(operation.id)
        case "declined":
            return Declined(operation.code, "test card")
        case _:
            assert operation.state == books.REVERSED  # noqa: S101 - an invariant of the books
            return Reversed()
