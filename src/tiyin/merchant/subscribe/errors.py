"""What can come of a call to the Subscribe API other than its result, as a tree of meanings.

    SubscribeError                any of them; a code that nobody has told of is just this
    ├── CardRefused               this card, or its token, cannot be used
    │   ├── CardWrong             -31300: number or expiry; expired and blocked cards too
    │   ├── SmsNotConnected       -31301: the card's owner gets no SMS
    │   ├── CardNotFound          -31400, -32500: the token is not, or no longer, good
    │   └── CardUnsupported       -31900, -31901: the type of card, or the operation with it
    ├── CodeRefused               the card is not proved by a code
    │   ├── CodeWrong             -31103: the payer may try again
    │   ├── CodeExpired           -31101: ask for a new one
    │   ├── CodeTriesExceeded     -31102: ask for a new one
    │   └── CodeNotSent           -31110: sending failed
    ├── PaymentRefused            the card's bank said no; nothing was taken
    │   ├── InsufficientFunds     -31303
    │   ├── BalanceUnknown        -31302
    │   ├── CardDeclined          -31630: funds, expiry, a block, a limit
    │   └── DebitFailed           -31640
    ├── ReceiptNotPayable         this receipt, as it is, cannot be made or paid
    │   ├── ReceiptNotFound       -31602: no such receipt, or it is paid already
    │   ├── WrongField            -31610: mostly a field of the account, named in `data`
    │   └── AmountNotAllowed      -31611, -31612: too small, too large
    ├── AccessDenied              -32504: id or key
    │   └── DeskNotServed         -31601: not found, blocked, under maintenance
    ├── Unavailable               later perhaps: -31001, -31002, -31100, -31620, -31622..4, -31700, -32400
    │   ├── NotReached            the request never left: certainly nothing was done
    │   └── AnswerLost            it may have arrived, and no whole answer came back
    ├── BadAnswer                 an answer that cannot be understood
    └── WrongRequest              -32300, -32600..-32602, -32700: a mistake in the program

What is wrong already in the arguments of a call is a `ValueError` or `TypeError`, and nothing is sent.

``outcome_unknown`` is the question that matters where money moves:

```python
try:
    receipt = client.receipts.pay(receipt_id, token)
except SubscribeError as error:
    if error.outcome_unknown:
        state = client.receipts.check(receipt_id)  # now, and again later while it is not final
    else:
        show(error.text.in_language("uz"))  # certainly not paid by this call
```

Documentation: subscribe-api/methods
"""

from typing import Any, Final

from tiyin.protocol.codes import COMMON_ERRORS, SUBSCRIBE_ERRORS, CommonCode, SubscribeCode
from tiyin.protocol.values import DEFAULT_LANGUAGE, Language, Text, read_text
from tiyin.runtime.redaction import redact, redact_text

__all__ = [
    "AccessDenied",
    "AmountNotAllowed",
    "AnswerLost",
    "BadAnswer",
    "BalanceUnknown",
    "CardDeclined",
    "CardNotFound",
    "CardRefused",
    "CardUnsupported",
    "CardWrong",
    "CodeExpired",
    "CodeNotSent",
    "CodeRefused",
    "CodeTriesExceeded",
    "CodeWrong",
    "DebitFailed",
    "DeskNotServed",
    "InsufficientFunds",
    "NotReached",
    "PaymentRefused",
    "ReceiptNotFound",
    "ReceiptNotPayable",
    "SmsNotConnected",
    "SubscribeError",
    "Unavailable",
    "WrongField",
    "WrongRequest",
    "error_of",
]

_MESSAGE_LENGTH_MAX: Final = 500
_DATA_LENGTH_MAX: Final = 200
_READ_LENGTH_MAX: Final = 4096


class SubscribeError(Exception):
    """A call to the Subscribe API that has no result.

    Args:
        message: What happened: the server's words, or for want of an answer ours.
        method: The method that was called.
        request_id: The request's id, as it stands in the logs of both sides.
        code: The documentation's code; None where the server answered none.
        data: What the server added, often the name of a field; cards and secrets in it are hidden.
        outcome_unknown: Whether the server may have done what was asked all the same.
        attempts: How many times the request was sent, or tried to be.
    """

    def __init__(
        self,
        message: str,
        *,
        method: str = "",
        request_id: int | None = None,
        code: int | None = None,
        data: Any = None,
        outcome_unknown: bool = False,
        attempts: int = 1,
    ) -> None:
        # A server may well repeat what it was given, and what it was given may be a card.
        self.message = redact_text(message[:_READ_LENGTH_MAX])[:_MESSAGE_LENGTH_MAX]
        self.method = method
        self.request_id = request_id
        self.code = code
        self.data = redact(data)
        self.outcome_unknown = outcome_unknown
        self.attempts = attempts
        super().__init__(self.message)

    def __str__(self) -> str:
        words = [self.method or "Subscribe API"]
        if self.code is not None:
            words.append(str(self.code))
        text = f"{' '.join(words)}: {self.message}"
        if isinstance(self.data, str) and self.data:
            text += f" [{self.data[:_DATA_LENGTH_MAX]}]"
        if self.request_id is not None:
            text += f" (request {self.request_id})"
        if self.outcome_unknown:
            text += f". {_what_now(self.method)}"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        """Let task queues carry it from one process to another."""
        return _made_again, (type(self), self.message, self.__dict__.copy())

    @property
    def text(self) -> Text:
        """Words for a payer in three languages, by the code; the server's own where the code is unknown."""
        known = SUBSCRIBE_ERRORS.get(self.code or 0) or COMMON_ERRORS.get(self.code or 0)
        if known is not None and self.code not in _SERVER_KNOWS_BETTER:
            return known
        if self.code is not None and self.message:
            return Text.same(self.message)
        return SUBSCRIBE_ERRORS[SubscribeCode.PAYME_UNAVAILABLE]


class CardRefused(SubscribeError):
    """The card, or its token, cannot be used."""


class CardWrong(CardRefused):
    """-31300: no such card with such an expiry; also answered for expired and blocked cards."""


class SmsNotConnected(CardRefused):
    """-31301: the card's owner gets no SMS, so no code can be sent."""


class CardNotFound(CardRefused):
    """-31400, -32500: the token is unknown, used up, removed, not proved yet, or another desk's."""


class CardUnsupported(CardRefused):
    """-31900, -31901: this type of card, or this operation with it, is not supported."""


class CodeRefused(SubscribeError):
    """The card was not proved by a code."""


class CodeWrong(CodeRefused):
    """-31103: another code was sent; the payer may type it again."""


class CodeExpired(CodeRefused):
    """-31101: the code came too late; ask for a new one."""


class CodeTriesExceeded(CodeRefused):
    """-31102: too many wrong codes; ask for a new one."""


class CodeNotSent(CodeRefused):
    """-31110: the code could not be sent."""


class PaymentRefused(SubscribeError):
    """The card's bank said no; nothing was taken."""


class InsufficientFunds(PaymentRefused):
    """-31303: too little money on the card."""


class BalanceUnknown(PaymentRefused):
    """-31302: the balance could not be learned."""


class CardDeclined(PaymentRefused):
    """-31630: too little money, an expired, blocked or corporate card, or a limit."""


class DebitFailed(PaymentRefused):
    """-31640: the card could not be debited."""


class ReceiptNotPayable(SubscribeError):
    """The receipt, as it is, cannot be made or paid."""


class ReceiptNotFound(ReceiptNotPayable):
    """-31602: no such receipt of this desk, or it is paid already: `receipts.check` tells which."""


class WrongField(ReceiptNotPayable):
    """-31610: a field has a wrong value; `data` names it, `message` may be the shop's own."""


class AmountNotAllowed(ReceiptNotPayable):
    """-31611, -31612: the amount is below or above what the desk allows."""


class AccessDenied(SubscribeError):
    """-32504: the desk's id or key is wrong, or the method needs the key; `data` says which."""


class DeskNotServed(AccessDenied):
    """-31601: the desk is not found, blocked, or under maintenance."""


class Unavailable(SubscribeError):
    """The other side, or a part of it, does not work now."""


class NotReached(Unavailable):
    """The request never left: certainly nothing was done."""


class AnswerLost(Unavailable):
    """The request may have arrived, and no whole answer came back."""


class BadAnswer(SubscribeError):
    """The answer cannot be understood."""


class WrongRequest(SubscribeError):
    """-32300, -32600, -32601, -32602, -32700: the server does not understand the request."""


_KINDS: Final[dict[int, type[SubscribeError]]] = {
    SubscribeCode.CARD_WRONG: CardWrong,
    SubscribeCode.SMS_NOT_CONNECTED: SmsNotConnected,
    SubscribeCode.CARD_NOT_FOUND: CardNotFound,
    SubscribeCode.TOKEN_MALFORMED: CardNotFound,
    SubscribeCode.CARD_TYPE_UNSUPPORTED: CardUnsupported,
    SubscribeCode.OPERATION_UNSUPPORTED: CardUnsupported,
    SubscribeCode.CODE_EXPIRED: CodeExpired,
    SubscribeCode.CODE_TRIES_EXCEEDED: CodeTriesExceeded,
    SubscribeCode.CODE_WRONG: CodeWrong,
    SubscribeCode.CODE_NOT_SENT: CodeNotSent,
    SubscribeCode.BALANCE_TOO_LOW: InsufficientFunds,
    SubscribeCode.BALANCE_UNKNOWN: BalanceUnknown,
    SubscribeCode.CARD_DECLINED: CardDeclined,
    SubscribeCode.DEBIT_FAILED: DebitFailed,
    SubscribeCode.RECEIPT_NOT_FOUND: ReceiptNotFound,
    SubscribeCode.WRONG_FIELD: WrongField,
    SubscribeCode.AMOUNT_TOO_SMALL: AmountNotAllowed,
    SubscribeCode.AMOUNT_TOO_LARGE: AmountNotAllowed,
    SubscribeCode.ACCESS_DENIED: AccessDenied,
    SubscribeCode.MERCHANT_NOT_FOUND: DeskNotServed,
    SubscribeCode.PAYME_UNAVAILABLE: Unavailable,
    SubscribeCode.PROCESSING_CENTRE_UNAVAILABLE: Unavailable,
    SubscribeCode.PROCESSING_UNAVAILABLE: Unavailable,
    SubscribeCode.PROCESSING_TIMEOUT: Unavailable,
    SubscribeCode.MERCHANT_UNAVAILABLE: Unavailable,
    SubscribeCode.MERCHANT_INCORRECT: Unavailable,
    SubscribeCode.PROCESSING_BUSY: Unavailable,
    SubscribeCode.MAINTENANCE: Unavailable,
    CommonCode.INTERNAL: Unavailable,
    CommonCode.TRANSPORT: WrongRequest,
    CommonCode.INVALID_REQUEST: WrongRequest,
    CommonCode.METHOD_NOT_FOUND: WrongRequest,
    CommonCode.INVALID_PARAMS: WrongRequest,
    CommonCode.PARSE: WrongRequest,
}

_SERVER_KNOWS_BETTER: Final = frozenset({SubscribeCode.WRONG_FIELD, SubscribeCode.ACCESS_DENIED})
"""Codes whose message is the shop's or the desk's own rather than one text for all."""

_WHAT_NOW: Final = {
    "receipts.pay": "It may be paid: ask receipts.check before anything else",
    "receipts.confirm_hold": "The money may be taken: ask receipts.check",
    "receipts.cancel": "It may be cancelled: ask receipts.check",
}


def _what_now(method: str) -> str:
    return _WHAT_NOW.get(method, "It may have been done all the same")


def _made_again(kind: type[SubscribeError], message: str, fields: dict[str, Any]) -> SubscribeError:
    error = kind(message)
    error.__dict__.update(fields)
    return error


def error_of(
    code: int,
    message: object,
    data: Any,
    *,
    method: str,
    request_id: int,
    outcome_unknown: bool,
    language: Language = DEFAULT_LANGUAGE,
    attempts: int = 1,
) -> SubscribeError:
    """Make the error that a server's answer means.

    Args:
        code: The server's code.
        message: Its words: a string, or an object of languages; ours where there are none.
        data: What it added.
        method: The method that was called.
        request_id: The request's id.
        outcome_unknown: Whether, if the code means that something did not work, what was asked may be done.
        language: Which of the message's languages to take.
        attempts: How many times the request was sent.
    """
    words = read_text(message) or SUBSCRIBE_ERRORS.get(code) or COMMON_ERRORS.get(code)
    return _KINDS.get(code, SubscribeError)(
        words.in_language(language) if words is not None else "refused without a message",
        method=method,
        request_id=request_id,
        code=code,
        data=data,
        outcome_unknown=outcome_unknown,
        attempts=attempts,
    )
