"""One place that hides card numbers and secrets: logs, traffic, errors and reports all pass through it.

What is hidden, and why just that:

* Sixteen digits that pass Luhn's check are a card wherever they stand, spaced or not: one ordinary number
  in ten is hidden with them, which is the cheaper mistake. Other lengths count only with the first digits
  of the schemes that have them, since moments in milliseconds (13 digits), fiscal codes (17) and the like
  would fall otherwise; no scheme has 17. A longer run of digits is searched for a card of the local
  schemes.
* Ids of 24 hexadecimal characters are names, not secrets, and are never touched.
* What a field's name calls secret is hidden whole: in objects, in JSON (also inside a JSON string), in
  forms, in headers and in the repr of objects. `code` means an SMS code when it is four to eight digits,
  and is kept otherwise (an error's code, a fiscal code); `key` is kept when it is an id.
* Keys in `Basic ...`, in `<desk id>:<key>` and in tokens are known by their shape.
"""

import base64
import binascii
import dataclasses
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

__all__ = ["HIDDEN", "redact", "redact_bytes", "redact_text"]

HIDDEN = "[hidden]"

_DEPTH_MAX = 16
_CARD_DIGITS = 16
_LOCAL_SCHEME = re.compile(r"(?=((?:8600|5614|6262|5440|9860)[0-9]{12}))")
_SCHEME_OF_LENGTH = {
    13: re.compile("4"),
    14: re.compile("30|36|38|39"),
    15: re.compile("34|37"),
    16: re.compile(""),
    18: re.compile("5018|5020|5038|6"),
    19: re.compile("4|5018|5020|5038|6|9860|8600"),
}
_GROUP_MERGED_MAX = 12
"""A longer group of digits is a number of its own: a moment and a price beside it make no card together."""

_SEPARATORS = r"(?:[ \t+\-\u00a0\u2009\u202f]|%20){0,2}"
_DIGITS = re.compile(rf"[0-9](?:{_SEPARATORS}[0-9]){{12,}}")
_GROUP = re.compile(r"%20|([0-9]+)")
_ID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{24}(?![0-9A-Za-z])")

_SECRET_NAMES = frozenset(
    (
        "key",
        "keys",
        "testkey",
        "apikey",
        "newkey",
        "oldkey",
        "secretkey",
        "privatekey",
        "merchantkey",
        "deskkey",
        "vaultkeys",
        "authorization",
        "proxyauthorization",
        "xauth",
        "xauthorization",
        "cookie",
        "setcookie",
        "cvv",
        "cvv2",
        "cvc",
        "cvc2",
        "pan",
        "code",
        "otp",
        "pin",
    )
)
_SECRET_ENDINGS = ("token", "tokens", "password", "passwd", "secret", "secrets", "cardnumber")
_SHORT_CODE_NAMES = frozenset(("code", "otp", "pin"))
_SHORT_CODE = re.compile(r"[0-9]{4,8}")
_BARE_ID = re.compile(r"[0-9a-f]{24}|[0-9]{1,12}")
_NAME_NOISE = str.maketrans("", "", "-_ ")

# A cheap look first: most texts hold none of these words.
_HINTS = (
    "token",
    "code",
    "key",
    "passw",
    "auth",
    "secret",
    "cvv",
    "cvc",
    "pan",
    "otp",
    "pin",
    "cookie",
    "number",
    "basic",
    "bearer",
)
_NAMED = re.compile(
    r"""(?P<name>
            tokens? | password | passwd | secrets? | card[_-]?number
          | (?<![A-Za-z0-9_-])(?:
                (?:test|api|new|old|secret|private|merchant|desk)[_-]?key | keys? | vault[_-]?keys
              | (?:proxy[_-]?)?authorization | x[_-]?auth(?:orization)? | (?:set[_-]?)?cookie
              | cv[vc]2? | pan | code | otp | pin | number
            )
        )
        (?P<between>\\*["']?[ \t]*(?P<sign>[:=,])[ \t]*)
        (?P<value>
            b?(?P<quote>["'])(?:(?!(?P=quote))[^\\]|\\.)*(?:(?P=quote)|\Z)
          | (?P<escaped>\\+["']).*?(?:(?<!\\)(?P=escaped)|\Z)
          | \[[^\]]*(?:\]|\Z)
          | (?:Basic|Bearer)[ ]+[^\s"',;]+
          | [^\s"'\\,;&(){}\[\]]+
        )""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_HEADER_LINE = re.compile(
    r"""((?:authorization|x[_-]?auth|cookie)[ \t]*:[ \t]*)(?![\s"'\\])[^\r\n]+""", re.IGNORECASE
)
_BASIC = re.compile(r"\b(Basic|Bearer)([ +]|%20)+([A-Za-z0-9+/=_.\-]{4,})", re.IGNORECASE)
_HEX = re.compile(r"[0-9A-Fa-f]{24}")
_DESK_AND_KEY = re.compile(r"(?<![0-9A-Za-z])([0-9a-f]{24})(:|%3A)([^\s\"']{4,})", re.IGNORECASE)
_TOKEN = re.compile(r"(?<![0-9A-Za-z])([0-9a-f]{24}_)[0-9A-Za-z]{16,}")


def redact_text(text: str) -> str:
    """Hide card numbers and secrets in a text: JSON, forms, headers and prose alike.

    Args:
        text: Anything; a text without secrets comes back unchanged.
    """
    lowered = text.lower()
    if any(hint in lowered for hint in _HINTS):
        text = _HEADER_LINE.sub(rf"\1{HIDDEN}", text)
        text = _BASIC.sub(_hide_credentials, text)
        text = _NAMED.sub(_hide_named, text)
    if _HEX.search(text):
        text = _TOKEN.sub(rf"\1{HIDDEN}", text)
        text = _DESK_AND_KEY.sub(rf"\1\2{HIDDEN}", text)
    return _mask_cards(text)


def redact_bytes(data: bytes) -> bytes:
    """Hide card numbers and secrets in encoded text; bytes that are no UTF-8 pass through as they are."""
    return redact_text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def redact(value: Any) -> Any:
    """Hide card numbers and secrets in a text or in anything nested.

    Args:
        value: Texts, bytes, numbers, mappings, sequences, structs, dataclasses; of anything else the repr
            is taken.

    Returns:
        A copy made of dictionaries, lists, texts (for bytes too) and plain values; the original is not
        changed.
    """
    return _redact(value, 0)


def _redact(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | float | int | str | bytes | bytearray | memoryview):
        return _redact_plain(value)
    return _redact_nested(value, depth) if depth < _DEPTH_MAX else "[too deep]"


def _redact_plain(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return redact_text(bytes(value).decode("utf-8", "backslashreplace"))
    if isinstance(value, int | float) and not isinstance(value, bool):
        masked = _mask_cards(str(value))
        return masked if "*" in masked else value
    return value


def _redact_nested(value: Any, depth: int) -> Any:
    fields = _fields(value)
    if fields is not None:
        return {_redact_name(name): _redact_field(name, item, depth) for name, item in fields.items()}
    if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[0], str | bytes):
        # A header as ASGI and others have it: a name and its value.
        return [_redact(value[0], depth + 1), _redact_field(value[0], value[1], depth)]
    if isinstance(value, tuple | list | AbstractSet):
        return [_redact(item, depth + 1) for item in value]
    return redact_text(repr(value))


def _fields(value: Any) -> Mapping[Any, Any] | None:
    """Return what an object holds by name, if it is of a kind that has names."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _redact_name(name: Any) -> Any:
    return _redact(name, _DEPTH_MAX) if isinstance(name, str | bytes | int) else redact_text(repr(name))


def _redact_field(name: Any, value: Any, depth: int) -> Any:
    plain = _plain_name(name)
    if isinstance(value, str | bytes | int) and not isinstance(value, bool):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        hidden = _hidden(plain, text)
        return _redact(value, depth + 1) if hidden is None else hidden
    if _is_secret(plain) and value is not None and plain not in _SHORT_CODE_NAMES:
        return HIDDEN
    return _redact(value, depth + 1)


def _plain_name(name: Any) -> str:
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    return name.lower().translate(_NAME_NOISE) if isinstance(name, str) else ""


def _is_secret(plain: str) -> bool:
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


def _hidden(plain: str, text: str) -> str | None:
    """Return what stands for a field's value in its place, or None if the field is not secret."""
    if plain in _SHORT_CODE_NAMES:
        return HIDDEN if _SHORT_CODE.fullmatch(text) else None
    if plain == "number":
        # A mistyped card fails Luhn's check and is still somebody's card but for one digit.
        digits = re.sub(r"[^0-9]", "", text)
        return _masked(digits) if 13 <= len(digits) <= 19 and len(text) <= 40 else None
    if plain == "key" and _BARE_ID.fullmatch(text):
        return None
    return HIDDEN if _is_secret(plain) and text else None


def _hide_named(match: re.Match[str]) -> str:
    name, between, value = match["name"], match["between"], match["value"]
    plain = _plain_name(name)
    quote = match["quote"] or match["escaped"] or ""
    if not quote and (match["sign"] == "," or (match["sign"] == ":" and _is_prose(plain, value))):
        return match[0]
    inner = value[value.index(quote) + len(quote) :].removesuffix(quote) if quote else value
    hidden = _hidden(plain, inner)
    return match[0] if hidden is None else f"{name}{between}{quote}{hidden}{quote}"


def _is_prose(plain: str, value: str) -> bool:
    """Tell whether `name: word` is more likely a sentence ("unknown key: order") than a field."""
    if value.startswith("["):
        return False
    return plain in ("key", "keys", "pan") or plain.endswith(("token", "tokens", "secret", "secrets"))


def _hide_credentials(match: re.Match[str]) -> str:
    """Hide what follows `Basic` if it reads as a login and a password, and what follows `Bearer` always."""
    if match[1].lower() == "basic":
        coded = match[3].replace("-", "+").replace("_", "/").rstrip("=")
        try:
            if b":" not in base64.b64decode(coded + "=" * (-len(coded) % 4)):
                return match[0]
        except (ValueError, binascii.Error):
            return match[0]
    return f"{match[1]} {HIDDEN}"


def _mask_cards(text: str) -> str:
    if not _DIGITS.search(text):
        return text
    text = _DIGITS.sub(lambda found: found[0] if _is_in_id(text, found) else _mask_glued(found[0]), text)
    return _DIGITS.sub(lambda found: found[0] if _is_in_id(text, found) else _mask_span(found[0]), text)


def _is_in_id(text: str, digits: re.Match[str]) -> bool:
    """Tell whether the digits are part of an id; 24 digits without a letter are rather something else."""
    if len(digits[0]) >= 24:
        return False
    around = _ID.finditer(text, max(0, digits.start() - 24), digits.end() + 25)
    return any(found.start() <= digits.start() and digits.end() <= found.end() for found in around)


def _mask_glued(span: str) -> str:
    """Mask cards of the local schemes that begin or end inside a group, as where two are written together.

    Groups are tried whole by `_mask_span`; a group that holds one card's end and the next one's beginning
    would let it take half of each, and tell the other halves.
    """
    if len(span) <= _CARD_DIGITS:
        return span
    places = [place for found in _GROUP.finditer(span) if found[1] for place in _merged(*found.span(1))]
    digits = "".join([span[place] if place >= 0 else "|" for place in places])
    out: list[str] = []
    done = 0
    for start, end in _local_cards(digits):
        out += (span[done : places[start]], _masked(digits[start:end]))
        done = places[end - 1] + 1
    return "".join(out) + span[done:]


def _merged(start: int, end: int) -> Sequence[int]:
    """Give the places of a group's digits; one that is a number of its own is no place at all."""
    return range(start, end) if end - start <= _GROUP_MERGED_MAX else (-1,)


def _mask_span(span: str) -> str:
    """Mask the cards in digits that stand together: groups in a row that make one, or part of a long run."""
    groups = [found.span(1) for found in _GROUP.finditer(span) if found[1]]
    out: list[str] = []
    done = 0
    first = 0
    while first < len(groups):
        last = _card_end(span, groups, first)
        start, end = groups[first][0], groups[first if last is None else last][1]
        out.append(span[done:start])
        if last is None:
            out.append(_mask_inside(span[start:end]))
        else:
            out.append(_masked("".join(span[a:b] for a, b in groups[first : last + 1])))
        done = end
        first = (first if last is None else last) + 1
    return "".join(out) + span[done:]


def _card_end(span: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """Return the last of the groups that make a card together with the first one."""
    digits = ""
    for index in range(first, len(groups)):
        start, end = groups[index]
        if index > first and (end - start > _GROUP_MERGED_MAX or len(digits) > _GROUP_MERGED_MAX + 3):
            return None
        digits += span[start:end]
        if len(digits) > 19:
            return None
        scheme = _SCHEME_OF_LENGTH.get(len(digits))
        if scheme is not None and scheme.match(digits) and _passes_luhn(digits):
            return index
    return None


def _mask_inside(digits: str) -> str:
    if len(digits) <= _CARD_DIGITS:
        return digits
    out: list[str] = []
    done = 0
    for start, end in _local_cards(digits):
        out += (digits[done:start], _masked(digits[start:end]))
        done = end
    return "".join(out) + digits[done:]


def _local_cards(digits: str) -> list[tuple[int, int]]:
    """Give where cards of the local schemes stand in a run of digits; those that overlap are one place.

    The last four digits of a mask are told: they must not be the first four of another card.
    """
    cards: list[tuple[int, int]] = []
    for found in _LOCAL_SCHEME.finditer(digits):
        start, end = found.start(), found.start() + _CARD_DIGITS
        if not _passes_luhn(found[1]):
            continue
        if cards and start < cards[-1][1]:
            start = cards.pop()[0]
        cards.append((start, end))
    return cards


def _masked(digits: str) -> str:
    if len(digits) < 16:
        return "*" * (len(digits) - 4) + digits[-4:]
    return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}"


def _passes_luhn(digits: str) -> bool:
    odd = sum(map(int, digits[-1::-2]))
    even = sum((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[int(digit)] for digit in digits[-2::-2])
    return (odd + even) % 10 == 0
