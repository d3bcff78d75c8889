"""What is said between a gateway and an acquirer that is a process of its own: JSON over HTTP.

Every question is a POST to its own path; card numbers travel in bodies only. The secret that both sides know
stands in the header `Authorization: Bearer ...`. Only the status 200 with a whole body of the right shape is
an answer; anything else tells nothing of what happened.

    /debit /hold      Take       -> Outcome
    /capture /reverse
    /status           Key        -> Outcome
    /day              DayPart    -> DayPartAnswer
    /card             CardAsked  -> CardAnswer    may the card be entered (cards.create)
    /phone            CardAsked  -> PhoneAnswer   where its codes go
"""

import hmac
from datetime import date
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from tiyin.gateway.acquiring.port import (
    DayLine,
    Debited,
    Declined,
    Held,
    NotFound,
    Reversed,
    StatusAnswer,
)
from tiyin.protocol.hidden import rich_repr

__all__ = [
    "BODY_BYTES_MAX",
    "DAY_LINES_MAX",
    "CardAnswer",
    "CardAsked",
    "DayPart",
    "DayPartAnswer",
    "Key",
    "Outcome",
    "OutcomeName",
    "PhoneAnswer",
    "Take",
    "authorization",
    "is_authorized",
    "outcome",
    "said",
]

BODY_BYTES_MAX: Final = 1_048_576
"""How long an answer may be; a part of a day's file is far below it."""

DAY_LINES_MAX: Final = 1_000
"""How many lines of a day's file one answer has at most."""

_AMOUNT_TIYIN_MAX: Final = 10**13

KeyText: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[!-~]{1,100}\Z")]
CardNumberText: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{16}\Z")]
ExpireText: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{4}\Z")]
_WORDS: Final = r"\A[^\x00-\x1f\x7f]{0,200}\Z"
Words: TypeAlias = Annotated[str, msgspec.Meta(pattern=_WORDS)]
"""A short text that a database and a log can hold."""
OutcomeName: TypeAlias = Literal["held", "debited", "declined", "reversed", "not-found"]


class _Hidden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shows nothing of itself: it holds a card's number or a phone."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    __rich_repr__ = rich_repr


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which operation.

    Attributes:
        key: 1 to 100 printable characters without spaces.
    """

    key: KeyText


class Take(_Hidden, frozen=True):
    """A debit or a hold.

    Attributes:
        key: The operation's own key.
        number: 16 digits.
        expire: Month and year, "0399".
        amount_tiyin: How much; greater than zero.
        terminal: Which terminal.
    """

    key: KeyText
    number: CardNumberText
    expire: ExpireText
    amount_tiyin: Annotated[int, msgspec.Meta(ge=1, le=_AMOUNT_TIYIN_MAX)]
    terminal: Annotated[str, msgspec.Meta(max_length=100)] = ""


class DayPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a day's file.

    Attributes:
        day: A day of Tashkent.
        after: "<key> <kind>" of the last line that the caller has, or empty.
        limit: How many lines at most.
    """

    day: date
    after: Annotated[str, msgspec.Meta(max_length=120)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=DAY_LINES_MAX)] = DAY_LINES_MAX


class CardAsked(_Hidden, frozen=True):
    """A card that is asked about.

    Attributes:
        number: 16 digits.
        expire: Month and year, "0399".
    """

    number: CardNumberText
    expire: ExpireText


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of an operation.

    Attributes:
        key: Its key: an answer to another question is no answer.
        outcome: What became of it.
        reference: The acquirer's own name of it, where it is held or debited.
        code: The error code it was declined with, or 0.
        reason: A word for the log.
    """

    key: str
    outcome: OutcomeName
    reference: Words = ""
    code: int = 0
    reason: Words = ""


class DayPartAnswer(msgspec.Struct, frozen=True):
    """Lines of a day's file, ordered by key and kind; none when the file has ended.

    Attributes:
        lines: The lines.
    """

    lines: list[DayLine]


class CardAnswer(msgspec.Struct, frozen=True):
    """Whether a card may be entered.

    Attributes:
        refusal: The error code that cards.create answers, or 0.
    """

    refusal: int


class PhoneAnswer(_Hidden, frozen=True):
    """Where a card's codes go.

    Attributes:
        refusal: The error code that cards.get_verify_code answers, or 0.
        phone: Digits with the country's code.
        code: The code that is always sent to this card, as test cards have it, or None.
    """

    refusal: int
    phone: Words = ""
    code: Words | None = None


def outcome(key: str, answer: StatusAnswer) -> Outcome:
    """Write an answer of the port."""
    match answer:
        case Held(reference):
            return Outcome(key, "held", reference)
        case Debited(reference):
            return Outcome(key, "debited", reference)
        case Declined(code, reason):
            return Outcome(key, "declined", code=code, reason=reason)
        case Reversed():
            return Outcome(key, "reversed")
        case NotFound():
            return Outcome(key, "not-found")


def said(written: Outcome) -> StatusAnswer:
    """Read an answer of the port."""
    match written.outcome:
        case "held":
            return Held(written.reference)
        case "debited":
            return Debited(written.reference)
        case "declined":
            return Declined(written.code, written.reason)
        case "reversed":
            return Reversed()
        case "not-found":
            return NotFound()


def authorization(secret: str) -> str:
    """Write the header that proves that the caller knows the secret."""
    return f"Bearer {secret}"


def is_authorized(header: bytes | None, secret: str) -> bool:
    """Tell whether a caller's header proves that it knows the secret; the comparison takes constant time."""
    return hmac.compare_digest(header or b"", authorization(secret).encode())
