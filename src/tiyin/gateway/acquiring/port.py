"""The acquirer as a port: who takes money from cards and gives it back.

    OutcomeUnknown    the acquirer may or may not have done it: ask `status` by the same key

Every operation has a key of its own, chosen before the first call and stored with the intent. The same key
twice is the same operation once. A reversal leaves a tombstone under its key, so that a debit which arrives
late is refused.

    hold ──capture──> debited ──reverse──> reversed
     └───────────────reverse──────────────────^

Documentation: subscribe-api/holds.
"""

from datetime import date
from typing import Protocol

import msgspec

__all__ = [
    "Acquirer",
    "CaptureAnswer",
    "CardNumber",
    "DayFiles",
    "DayLine",
    "DebitAnswer",
    "Debited",
    "Declined",
    "Held",
    "HoldAnswer",
    "NotFound",
    "OutcomeUnknown",
    "Reversed",
    "StatusAnswer",
]


class CardNumber(Protocol):
    """What an acquirer needs of a card; whoever holds one keeps it out of logs and reprs."""

    @property
    def number(self) -> str:
        """16 digits."""
        ...

    @property
    def expire(self) -> str:
        """Month and year, "0399"."""
        ...


class Debited(msgspec.Struct, frozen=True):
    """The money left the card.

    Attributes:
        reference: The acquirer's own name of the operation.
    """

    reference: str


class Declined(msgspec.Struct, frozen=True):
    """Nothing left the card, and nothing will under this key.

    Attributes:
        code: The error code that receipts.pay answers: -31630, -31640, -31620 ...
        reason: A word for the log.
    """

    code: int
    reason: str = ""


class Held(msgspec.Struct, frozen=True):
    """The money is set aside on the card: nobody else can spend it, and nobody has it yet.

    Attributes:
        reference: The acquirer's own name of the operation.
    """

    reference: str


class Reversed(msgspec.Struct, frozen=True):
    """Whatever the operation had taken is back, and nothing can be taken under its key again."""


class NotFound(msgspec.Struct, frozen=True):
    """No operation with this key has arrived yet; one that is still on its way may."""


DebitAnswer = Debited | Declined
HoldAnswer = Held | Declined
CaptureAnswer = Debited | Declined | Reversed
StatusAnswer = Held | Debited | Declined | Reversed | NotFound


class OutcomeUnknown(Exception):
    """No answer that can be trusted came back: the operation may have happened or not."""


class Acquirer(Protocol):
    """Who debits cards. Every method may raise `OutcomeUnknown`."""

    @property
    def timeout_ms(self) -> int:
        """The longest that one call may take before it raises `OutcomeUnknown`, milliseconds."""
        ...

    async def debit(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> DebitAnswer:
        """Take money from a card, at most once for a key.

        Args:
            key: The operation's own key.
            card: Which card.
            amount_tiyin: How much; greater than zero.
            terminal: For which terminal of the acquirer (the cash desk's).

        Returns:
            `Debited`, or `Declined`. A key that was reversed before is declined.

        Raises:
            OutcomeUnknown: When it cannot be said whether the money was taken.
        """
        ...

    async def hold(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> HoldAnswer:
        """Set money aside on a card, at most once for a key.

        Args:
            key: The operation's own key.
            card: Which card.
            amount_tiyin: How much; greater than zero.
            terminal: For which terminal of the acquirer (the cash desk's).

        Returns:
            `Held`, or `Declined`. A key that was reversed before is declined.

        Raises:
            OutcomeUnknown: When it cannot be said whether the money is held.
        """
        ...

    async def capture(self, key: str) -> CaptureAnswer:
        """Take the money that is held under a key; a repeat answers the same.

        Returns:
            `Debited`; `Reversed` when the hold was given back or has ended by itself; `Declined` when nothing
            is held under the key.

        Raises:
            OutcomeUnknown: When it cannot be said whether the money was taken.
        """
        ...

    async def status(self, key: str) -> StatusAnswer:
        """Say what became of the operation with this key.

        Raises:
            OutcomeUnknown: When the acquirer did not answer.
        """
        ...

    async def reverse(self, key: str) -> Reversed:
        """Give back what the operation took or holds, if anything, and forbid its key from now on.

        Raises:
            OutcomeUnknown: When it cannot be said whether the money went back.
        """
        ...


class DayLine(msgspec.Struct, frozen=True):
    """One line of the acquirer's day file: money that moved.

    Attributes:
        key: The operation's key.
        kind: "debit" or "reversal".
        amount_tiyin: How much; greater than zero.
        at_ms: When it moved, milliseconds since 1970.
        terminal: The terminal it moved on.
    """

    key: str
    kind: str
    amount_tiyin: int
    at_ms: int
    terminal: str


class DayFiles(Protocol):
    """What an acquirer says of a day that is over; holds are not in it, since no money moved."""

    async def day_lines(self, day: date, after: str, limit: int) -> list[DayLine]:
        """Give a part of a day's file, ordered by key and kind.

        Args:
            day: A day of Tashkent.
            after: The last line's "<key> <kind>" that the caller has; empty for the first part.
            limit: How many lines at most.

        Raises:
            OutcomeUnknown: When the acquirer did not answer.
        """
        ...
