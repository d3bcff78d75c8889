"""What went wrong, in a payer's words: what happened, what to do, and which way leads on.

Documentation: checkout/errors, and the Subscribe API's codes.
"""

from enum import StrEnum
from typing import Any, Final

import msgspec

from tiyin.gateway.cards.limits import TooOften
from tiyin.protocol.errors import RpcError, SubscribeCode, is_account_error, message_of
from tiyin.protocol.values import Language, Text, format_sum
from tiyin.web.words import N_, format_when, translations

__all__ = ["Failure", "Way", "Words", "expired", "interrupted", "old_form", "refunded", "withdrawn"]


class Way(StrEnum):
    """Which way leads on from a failure."""

    CARD = "card"
    """Another card, or the same one typed again."""
    LATER = "later"
    """The same again, in a while."""
    SHOP = "shop"
    """Only the shop can help."""


class Words(msgspec.Struct, frozen=True):
    """A failure for a page.

    Args:
        title: What happened.
        advice: What to do.
        said: The shop's own words; may be empty.
        way: Which way leads on.
    """

    title: str
    advice: str
    said: str
    way: Way


class Failure(msgspec.Struct, frozen=True):
    """A failure as it is kept beside a visit: a code, and what its sender said.

    Args:
        code: The error's code, or one of this module's own.
        field: The field it is about; may be empty.
        said: The merchant's message, where it is his own.
        until_ms: From when on it may be tried again, milliseconds since 1970; 0 where no limit is reached.
    """

    code: int
    field: str = ""
    said: Text | None = None
    until_ms: int = 0

    @classmethod
    def of(cls, error: RpcError) -> "Failure":
        """Read an error that a service raised.

        Args:
            error: The error; a message that is not the table's is the merchant's own.
        """
        if isinstance(error, TooOften):
            return cls(_TOO_OFTEN.get(error.code, _CODES_WRONG_TOO_OFTEN), until_ms=error.until_ms)
        own = error.message not in {message_of(error.code), _table_text(error.code)}
        data: Any = error.data
        return cls(error.code, data if isinstance(data, str) else "", error.message if own else None)

    def words(self, language: Language, *, limit_tiyin: int | None = None) -> Words:
        """Say it in a language.

        Args:
            language: The page's language.
            limit_tiyin: The desk's limit, where the failure is about one.
        """
        title, advice, way = _WORDS.get(self.code, _UNKNOWN)
        if self.said is not None and (self.code == SubscribeCode.WRONG_FIELD or is_account_error(self.code)):
            title, advice, way = _REFUSED_BY_SHOP
        catalog = translations(language)
        advice = catalog.gettext(advice)
        if limit_tiyin is not None and self.code in _LIMITS:
            advice = catalog.gettext(_LIMITS[self.code]) % {"amount": format_sum(limit_tiyin, language)}
        if self.until_ms:
            until = catalog.gettext(_UNTIL) % {"time": format_when(self.until_ms, language)}
            advice = f"{advice} {until}"
        said = "" if self.said is None else self.said.in_language(language)
        return Words(catalog.gettext(title), advice, said, way)


_SUBSCRIBE_CODES: Final = frozenset(int(code) for code in SubscribeCode)

_INTERRUPTED: Final = 1
_OLD_FORM: Final = 2
_CARDS_TOO_OFTEN: Final = 3
_CODES_WRONG_TOO_OFTEN: Final = 4
_CODES_SENT_TOO_OFTEN: Final = 5
_TOO_OFTEN: Final[dict[int, int]] = {
    SubscribeCode.CARD_WRONG: _CARDS_TOO_OFTEN,
    SubscribeCode.CODE_TRIES_EXCEEDED: _CODES_WRONG_TOO_OFTEN,
    SubscribeCode.CODE_NOT_SENT: _CODES_SENT_TOO_OFTEN,
}
_UNTIL: Final = N_("You can try again after %(time)s, Tashkent time.")


def interrupted() -> Failure:
    """Return the failure of a payment that stopped before anything was done."""
    return Failure(_INTERRUPTED)


def old_form() -> Failure:
    """Return the failure of a form that this browser was not given, or not any more."""
    return Failure(_OLD_FORM)


def refunded(language: Language) -> Words:
    """Return the words for a payment that was taken and given back."""
    catalog = translations(language)
    return Words(catalog.gettext(_REFUNDED[0]), catalog.gettext(_REFUNDED[1]), "", Way.SHOP)


def expired(language: Language) -> Words:
    """Return the words for a receipt that was cancelled because its time was over."""
    catalog = translations(language)
    return Words(catalog.gettext(_EXPIRED[0]), catalog.gettext(_EXPIRED[1]), "", Way.LATER)


def withdrawn(language: Language) -> Words:
    """Return the words for a receipt that was cancelled before anything was taken."""
    catalog = translations(language)
    return Words(catalog.gettext(_WITHDRAWN[0]), catalog.gettext(_WITHDRAWN[1]), "", Way.SHOP)


def _table_text(code: int) -> Text:
    return message_of(SubscribeCode(code)) if code in _SUBSCRIBE_CODES else message_of(code)


_REFUNDED: Final = (
    N_("The payment was cancelled"),
    N_("The money was given back to your card. Your bank may show it within a few days."),
)
_WITHDRAWN: Final = (
    N_("The payment was cancelled"),
    N_("Nothing was taken from your card. Go back to the shop to begin a new payment."),
)
_EXPIRED: Final = (
    N_("The time for this payment is over"),
    N_("Nothing was taken from your card. Begin the payment again, here or at the shop."),
)
_UNKNOWN: Final = (
    N_("The payment did not go through"),
    N_("Nothing was taken from your card. Try again in a few minutes or choose another card."),
    Way.LATER,
)
_REFUSED_BY_SHOP: Final = (
    N_("The shop did not accept this order"),
    N_("Nothing was taken from your card. Go back to the shop and check the order."),
    Way.SHOP,
)
_BUSY: Final = (
    N_("The bank does not answer"),
    N_("Nothing was taken from your card. Try again in a few minutes or choose another card."),
    Way.CARD,
)

_WORDS: Final[dict[int, tuple[str, str, Way]]] = {
    _INTERRUPTED: (
        N_("The payment was interrupted"),
        N_("Nothing was taken from your card. Enter the card once more."),
        Way.CARD,
    ),
    _OLD_FORM: (
        N_("This page was open for too long"),
        N_("Enter the card once more. If you see this again, allow cookies for this site."),
        Way.CARD,
    ),
    _CARDS_TOO_OFTEN: (
        N_("Too many cards were refused"),
        N_("To protect cards, no further ones are taken here for a while. Nothing was taken from yours."),
        Way.LATER,
    ),
    _CODES_WRONG_TOO_OFTEN: (
        N_("Too many codes were wrong"),
        N_("To protect your card, no further codes are taken here for a while. Nothing was taken from it."),
        Way.LATER,
    ),
    _CODES_SENT_TOO_OFTEN: (
        N_("Too many codes were sent"),
        N_("No more codes go to this card or phone for a while. Nothing was taken. Choose another card."),
        Way.CARD,
    ),
    SubscribeCode.MERCHANT_NOT_FOUND: (
        N_("The shop cannot take payments now"),
        N_("The cash desk was not found or is switched off. Go back to the shop and tell them about it."),
        Way.SHOP,
    ),
    SubscribeCode.RECEIPT_NOT_FOUND: (
        N_("The receipt was not found"),
        N_(
            "The address may be copied incompletely. Open the payment from the shop or from the message once "
            "more."
        ),
        Way.SHOP,
    ),
    SubscribeCode.WRONG_FIELD: (
        N_("The payment link is wrong"),
        N_("The shop sent incomplete or wrong data. Go back to the shop and begin the payment again."),
        Way.SHOP,
    ),
    SubscribeCode.AMOUNT_TOO_SMALL: (
        N_("The amount is too small"),
        N_("This shop does not take payments this small. Go back to the shop and change the order."),
        Way.SHOP,
    ),
    SubscribeCode.AMOUNT_TOO_LARGE: (
        N_("The amount is too large"),
        N_("This shop does not take payments this large. Go back to the shop and split the order."),
        Way.SHOP,
    ),
    SubscribeCode.MERCHANT_UNAVAILABLE: (
        N_("The shop does not answer"),
        N_("Nothing was taken from your card. Try again in a few minutes."),
        Way.LATER,
    ),
    SubscribeCode.MERCHANT_INCORRECT: (
        N_("The shop's system answered with an error"),
        N_("Nothing was taken from your card. Tell the shop about it: only they can put it right."),
        Way.LATER,
    ),
    SubscribeCode.CARD_DECLINED: (
        N_("The bank declined the payment"),
        N_(
            "Nothing was taken from your card. There may be too little money on it, it may be expired, "
            "blocked or a company's card. Check it in your bank's app or choose another card."
        ),
        Way.CARD,
    ),
    SubscribeCode.BALANCE_TOO_LOW: (
        N_("Insufficient funds"),
        N_("Nothing was taken from your card. Add money to it or choose another card."),
        Way.CARD,
    ),
    SubscribeCode.BALANCE_UNKNOWN: _BUSY,
    SubscribeCode.PAYME_UNAVAILABLE: _BUSY,
    SubscribeCode.PROCESSING_CENTRE_UNAVAILABLE: _BUSY,
    SubscribeCode.PROCESSING_UNAVAILABLE: _BUSY,
    SubscribeCode.PROCESSING_TIMEOUT: _BUSY,
    SubscribeCode.PROCESSING_BUSY: _BUSY,
    SubscribeCode.MAINTENANCE: (
        N_("Payments are being maintained"),
        N_("Nothing was taken from your card. Try again in a few minutes."),
        Way.LATER,
    ),
    SubscribeCode.DEBIT_FAILED: (
        N_("The card could not be charged"),
        N_("Nothing was taken from your card. Choose another card or ask your bank about this one."),
        Way.CARD,
    ),
    SubscribeCode.CARD_WRONG: (
        N_("The card was not accepted"),
        N_("Check the number and the expiry. An expired or blocked card cannot pay."),
        Way.CARD,
    ),
    SubscribeCode.SMS_NOT_CONNECTED: (
        N_("This card has no SMS notification"),
        N_("Connect it in your bank's app, at a cash machine or in a branch, or choose another card."),
        Way.CARD,
    ),
    SubscribeCode.CARD_NOT_FOUND: (
        N_("The card has to be entered again"),
        N_("Too much time went by since it was entered. Nothing was taken from your card."),
        Way.CARD,
    ),
    SubscribeCode.CARD_TYPE_UNSUPPORTED: (
        N_("This card cannot be used"),
        N_("Only Uzcard and HUMO cards are accepted. Choose another card."),
        Way.CARD,
    ),
    SubscribeCode.CODE_TRIES_EXCEEDED: (
        N_("The code was wrong too often"),
        N_("Nothing was taken from your card. Enter the card once more to get a new code."),
        Way.CARD,
    ),
    SubscribeCode.CODE_NOT_SENT: (
        N_("The code could not be sent"),
        N_("Try again in a few minutes or choose another card."),
        Way.CARD,
    ),
}

_LIMITS: Final[dict[int, str]] = {
    SubscribeCode.AMOUNT_TOO_SMALL: N_(
        "This shop takes payments from %(amount)s. Go back to the shop and change the order."
    ),
    SubscribeCode.AMOUNT_TOO_LARGE: N_(
        "This shop takes payments up to %(amount)s. Go back to the shop and split the order."
    ),
}
