"""Values of both protocols: languages, amounts, times, ids, accounts, and how money is written for people.

Documentation: merchant-api/data-types
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, Self, TypeAlias, get_args

import msgspec

__all__ = [
    "ACCOUNT_FIELDS_MAX",
    "ACCOUNT_NAME_LENGTH_MAX",
    "ACCOUNT_VALUE_LENGTH_MAX",
    "AMOUNT_TIYIN_MAX",
    "CURRENCY_UZS",
    "DEFAULT_LANGUAGE",
    "ID_LENGTH",
    "LANGUAGES",
    "TIMESTAMP_MS_MAX",
    "Account",
    "FieldError",
    "Language",
    "Text",
    "account_key",
    "check_clean",
    "format_sum",
    "is_clean_text",
    "mask_card_number",
    "read_account",
    "read_amount",
    "read_id",
    "read_language",
    "read_text",
    "read_timestamp",
    "read_whole_number",
]

Language: TypeAlias = Literal["ru", "uz", "en"]
Account: TypeAlias = dict[str, str | int]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DEFAULT_LANGUAGE: Final[Language] = "ru"

AMOUNT_TIYIN_MAX: Final = 10**13
"""The largest amount that is read, in tiyin: below 2**53, so that a float never hides a digit."""
CURRENCY_UZS: Final = 860
ID_LENGTH: Final = 24
TIMESTAMP_MS_MAX: Final = 10**13 - 1
"""The largest number of 13 digits: the year 2286."""
ACCOUNT_FIELDS_MAX: Final = 20
ACCOUNT_NAME_LENGTH_MAX: Final = 64
ACCOUNT_VALUE_LENGTH_MAX: Final = 256
_ACCOUNT_INTEGER_MAX: Final = 2**63 - 1
_TIYIN_IN_SUM: Final = 100
_CARD_DIGITS_SHOWN: Final = (6, 4)
_ACCEPT_LANGUAGE_LENGTH_MAX: Final = 200

_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_UNCLEAN = re.compile("[\x00\ud800-\udfff]")


class FieldError(ValueError):
    """A value that the documentation does not allow, and the field that holds it.

    Args:
        field: the path of the field as the sender wrote it, e.g. `card.number`; empty for the whole value.
        problem: what is wrong, in English, without the value itself.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = problem


class Text(msgspec.Struct, frozen=True):
    """One text in the three languages that people read.

    Args:
        ru: Russian.
        uz: Uzbek in Latin letters, with U+02BB and U+02BC.
        en: English.
    """

    ru: str
    uz: str
    en: str

    @classmethod
    def same(cls, text: str) -> Self:
        """Make a text that reads the same in every language, such as a name or a foreign server's message."""
        return cls(ru=text, uz=text, en=text)

    def in_language(self, language: Language) -> str:
        """Return the text in one language."""
        if language == "ru":
            return self.ru
        return self.uz if language == "uz" else self.en

    def as_dict(self) -> dict[str, str]:
        """Return the object of three languages that the wire carries."""
        return {"ru": self.ru, "uz": self.uz, "en": self.en}


def read_text(value: object) -> Text | None:
    """Read a text that somebody else wrote: a string, or an object with some of the languages.

    Args:
        value: what stood on the wire.

    Returns:
        The text, where a missing language takes the first one that is there; None when nothing can be read.
    """
    if isinstance(value, str):
        return Text.same(value) if value.strip() and is_clean_text(value) else None
    if isinstance(value, Text):
        return value
    if not isinstance(value, Mapping):
        return None
    known = {
        language: text
        for language in LANGUAGES
        if isinstance(text := value.get(language), str) and text.strip() and is_clean_text(text)
    }
    if not known:
        return None
    first = next(iter(known.values()))
    return Text(ru=known.get("ru", first), uz=known.get("uz", first), en=known.get("en", first))


def read_language(value: str | None) -> Language:
    """Read a language from a `lang` field, a cookie or an Accept-Language header.

    Args:
        value: `uz`, `UZ`, `uz-Latn-UZ`, `de, en;q=0.8`, ... or None.

    Returns:
        The wanted language that is known, the one with the highest weight first; Russian otherwise.
        Documentation: checkout/post-form ("other values are ignored, the default is ru").
    """
    if not value:
        return DEFAULT_LANGUAGE
    lowered = value.strip().lower()
    if lowered in LANGUAGES:
        return lowered
    best: tuple[float, Language] = (0.0, DEFAULT_LANGUAGE)
    for wish in lowered[:_ACCEPT_LANGUAGE_LENGTH_MAX].split(","):
        tag, _, parameter = wish.partition(";")
        language = tag.strip().replace("_", "-").partition("-")[0]
        weight = _weight(parameter)
        if language in LANGUAGES and weight > best[0]:
            best = (weight, language)
    return best[1]


def _weight(parameter: str) -> float:
    match = re.fullmatch(r"\s*q=([01](?:\.[0-9]{0,3})?)\s*", parameter)
    if match is not None:
        return float(match[1])
    return 1.0 if not parameter.strip() else 0.0


def is_clean_text(text: str) -> bool:
    """Tell whether a text can be stored and sent anywhere: no U+0000 and no lone surrogate."""
    return "\x00" not in text if text.isascii() else _UNCLEAN.search(text) is None


def read_whole_number(value: object) -> int:
    """Read an integer; a float without a fraction is one too, as `500000.0` is 500000.

    Args:
        value: what stood on the wire.

    Returns:
        The integer.

    Raises:
        ValueError: for a bool, a string, a fraction, a float that cannot hold its last digit, and the rest.
    """
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer() and abs(value) < 2**53:
        return int(value)
    raise ValueError("must be an integer")


def read_amount(value: object) -> int:
    """Read an amount in tiyin.

    Args:
        value: an integer, or a float without a fraction.

    Returns:
        The amount, from 1 to `AMOUNT_TIYIN_MAX`.

    Raises:
        ValueError: when it is no such number.

    Documentation: merchant-api/data-types, Amount.
    """
    amount_tiyin = read_whole_number(value)
    if not 0 < amount_tiyin <= AMOUNT_TIYIN_MAX:
        raise ValueError(f"must be from 1 to {AMOUNT_TIYIN_MAX} tiyin")
    return amount_tiyin


def read_timestamp(value: object) -> int:
    """Read a time in milliseconds since 1970, UTC.

    Args:
        value: an integer, or a float without a fraction.

    Returns:
        The time, from 0 to `TIMESTAMP_MS_MAX`.

    Raises:
        ValueError: when it is no such number.

    Documentation: merchant-api/data-types, Timestamp.
    """
    time_ms = read_whole_number(value)
    if not 0 <= time_ms <= TIMESTAMP_MS_MAX:
        raise ValueError("must be milliseconds since 1970, a number of at most 13 digits")
    return time_ms


def read_id(value: object) -> str:
    """Read an id of Payme Business: a string of exactly 24 characters.

    Raises:
        ValueError: when it is anything else.

    Documentation: merchant-api/data-types, ID.
    """
    if isinstance(value, str) and len(value) == ID_LENGTH and is_clean_text(value):
        return value
    raise ValueError(f"must be a string of {ID_LENGTH} characters")


def read_account(value: object) -> Account:
    """Read an account: the fields by which a merchant finds what is being paid.

    Args:
        value: an object of at most `ACCOUNT_FIELDS_MAX` fields; names of 1 to `ACCOUNT_NAME_LENGTH_MAX`
            characters, values that are strings of at most `ACCOUNT_VALUE_LENGTH_MAX` characters or 64-bit
            integers.

    Returns:
        The account as it was given; `106.0` becomes 106. Which fields it must have is the merchant's to say.

    Raises:
        FieldError: naming the field of the account.

    Documentation: merchant-api/data-types, Account.
    """
    if not isinstance(value, Mapping):
        raise FieldError("", "must be an object")
    if len(value) > ACCOUNT_FIELDS_MAX:
        raise FieldError("", f"must have at most {ACCOUNT_FIELDS_MAX} fields")
    if type(value) is dict and all(map(_is_plain, value, value.values())):
        return value
    return {_account_name(name): _account_value(name, item) for name, item in value.items()}


def _is_plain(name: object, item: object) -> bool:
    """Tell at a glance that a field of an account is as nearly all are: two short, printable texts."""
    return (
        type(name) is str
        and type(item) is str
        and 0 < len(name) <= ACCOUNT_NAME_LENGTH_MAX
        and len(item) <= ACCOUNT_VALUE_LENGTH_MAX
        and name.isprintable()
        and item.isprintable()
    )


def _account_name(name: object) -> str:
    if isinstance(name, str) and 0 < len(name) <= ACCOUNT_NAME_LENGTH_MAX and is_clean_text(name):
        return name
    raise FieldError("", f"must have field names of 1 to {ACCOUNT_NAME_LENGTH_MAX} characters")


def _account_value(name: str, value: object) -> str | int:
    if isinstance(value, str):
        if len(value) <= ACCOUNT_VALUE_LENGTH_MAX and is_clean_text(value):
            return value
        raise FieldError(
            name, f"must have at most {ACCOUNT_VALUE_LENGTH_MAX} characters, none of them U+0000"
        )
    try:
        number = read_whole_number(value)
    except ValueError:
        raise FieldError(name, "must be a string or an integer") from None
    if abs(number) > _ACCOUNT_INTEGER_MAX:
        raise FieldError(name, "must fit in 64 bits")
    return number


def account_key(account: Mapping[str, str | int]) -> str:
    """Return the canonical text of an account, the same for `1` and `"1"` and for any order of the fields."""
    return _encode_sorted({name: str(value) for name, value in account.items()}).decode()


def format_sum(amount_tiyin: int, language: Language) -> str:
    """Write an amount for people: `5 000 сум`, `5 000 soʻm`, `UZS 5,000`; tiyin only when there are some.

    Args:
        amount_tiyin: the amount in tiyin; may be negative.
        language: whose words and separators to use.
    """
    whole, rest = divmod(abs(amount_tiyin), _TIYIN_IN_SUM)
    sign = "-" if amount_tiyin < 0 else ""
    if language == "en":
        fraction = f".{rest:02}" if rest else ""
        return f"{sign}UZS {whole:,}{fraction}"
    grouped = f"{whole:,}".replace(",", " ")
    fraction = f",{rest:02}" if rest else ""
    return f"{sign}{grouped}{fraction} {'сум' if language == 'ru' else 'soʻm'}"


def mask_card_number(number: str) -> str:
    """Hide the middle of a card number: `8600069195406311` is shown as `860006******6311`.

    Args:
        number: digits, possibly with spaces. A number too short to hide anything is hidden whole.
    """
    digits = number.replace(" ", "")
    first, last = _CARD_DIGITS_SHOWN
    hidden = len(digits) - first - last
    if hidden < last:
        return "*" * len(digits)
    return f"{digits[:first]}{'*' * hidden}{digits[-last:]}"


def check_clean(value: object, *, depth_max: int = 32) -> None:
    """Check every string and key in a decoded JSON value with `is_clean_text`.

    Args:
        value: dicts, lists and what stands in them.
        depth_max: how deep they may be nested.

    Raises:
        FieldError: naming the path of the first string that is not clean.
    """
    _check_clean(value, "", depth_max)


def _check_clean(value: object, path: str, depth_left: int) -> None:
    if isinstance(value, str):
        if not is_clean_text(value):
            raise FieldError(path, "must not hold U+0000 or a lone surrogate")
        return
    if not isinstance(value, dict | list):
        return
    if depth_left == 0:
        raise FieldError(path, "is nested too deep")
    if isinstance(value, list):
        for index, item in enumerate(value):
            _check_clean(item, f"{path}[{index}]", depth_left - 1)
        return
    for name, item in value.items():
        if not isinstance(name, str) or not is_clean_text(name):
            raise FieldError(path, "must have names without U+0000 or lone surrogates")
        _check_clean(item, f"{path}.{name}" if path else name, depth_left - 1)
