"""What the card form's script says when something does not go on: by error, in the page's language.

Documentation: subscribe-api/cards.create, subscribe-api/cards.get_verify_code, subscribe-api/cards.verify
"""

from collections.abc import Mapping
from typing import Final

from tiyin.protocol.codes import CommonCode, SubscribeCode
from tiyin.protocol.values import Language
from tiyin.web.words import N_, translations

__all__ = ["FIELD_HINTS", "error_words", "script_words"]

_UNANSWERED: Final = (
    "trouble",
    N_("The service does not answer. Nothing was taken from your card. Try again in a few minutes."),
)
_CARD_AGAIN: Final = ("card", N_("Too much time went by. Enter the card once more."))

# Where an error is shown: at the field it is about, above the form, or there with the card once more.
_ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    SubscribeCode.CARD_WRONG: (
        "number",
        N_(
            "The card was not accepted. Check the number and the expiry; an expired or blocked card cannot "
            "pay."
        ),
    ),
    SubscribeCode.CARD_TYPE_UNSUPPORTED: ("number", N_("Only Uzcard and HUMO cards are accepted.")),
    SubscribeCode.SMS_NOT_CONNECTED: (
        "number",
        N_(
            "This card has no SMS notification. Connect it in your bank's app, at a cash machine or in a "
            "branch, or choose another card."
        ),
    ),
    SubscribeCode.CODE_WRONG: ("code", N_("This is not the code. Check the last SMS.")),
    SubscribeCode.CODE_EXPIRED: ("code", N_("This code is too old. Ask for a new one below.")),
    SubscribeCode.CODE_TRIES_EXCEEDED: ("code", N_("The code was wrong too often. Ask for a new one below.")),
    SubscribeCode.CODE_NOT_SENT: (
        "trouble",
        N_("The code could not be sent. Try again in a few minutes or choose another card."),
    ),
    SubscribeCode.CARD_NOT_FOUND: _CARD_AGAIN,
    SubscribeCode.TOKEN_MALFORMED: _CARD_AGAIN,
    SubscribeCode.MERCHANT_NOT_FOUND: (
        "trouble",
        N_("The shop cannot take cards now. Go back to the shop and tell them about it."),
    ),
    SubscribeCode.PAYME_UNAVAILABLE: _UNANSWERED,
    SubscribeCode.PROCESSING_CENTRE_UNAVAILABLE: _UNANSWERED,
    SubscribeCode.PROCESSING_UNAVAILABLE: _UNANSWERED,
    SubscribeCode.PROCESSING_TIMEOUT: _UNANSWERED,
    SubscribeCode.PROCESSING_BUSY: _UNANSWERED,
    SubscribeCode.MAINTENANCE: _UNANSWERED,
    CommonCode.INTERNAL: _UNANSWERED,
}

_SCRIPT: Final[Mapping[str, str]] = {
    "lost": N_("The connection was lost. Check the internet and press once more."),
    "expire": N_("Month and year, as on the card: 03/27."),
    "unheard": N_("The app does not take the answer. Close this page and begin again."),
}

FIELD_HINTS: Final[Mapping[str, str]] = {
    "amount": N_("amount is the payment in tiyin, a whole number. Only save=1 goes without it."),
    "account": N_("account[...] are the account's fields, each one once."),
    "save": N_("save is 0, 1 or ask."),
    "return": N_("return is bridge, message or redirect."),
    "to": N_("to must be among this cash desk's own domains and app schemes."),
    "state": N_("state has at most 512 characters."),
}
"""What a developer reads where his address is wrong, by the field's name."""


def error_words(language: Language) -> dict[str, tuple[str, str]]:
    """Return where an error is shown and in which words, by its code.

    Args:
        language: The page's language.
    """
    catalog = translations(language)
    return {str(int(code)): (place, catalog.gettext(text)) for code, (place, text) in _ERRORS.items()}


def script_words(language: Language) -> dict[str, str]:
    """Return what the script says of itself, by name.

    Args:
        language: The page's language.
    """
    catalog = translations(language)
    return {name: catalog.gettext(text) for name, text in _SCRIPT.items()}
