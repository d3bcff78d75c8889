"""Settings from `TIYIN_*` environment variables, declared as a frozen struct.

    class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
        public_url: Annotated[str, Setting("the address that payers see", example="https://pay.example.uz")]
        port: Annotated[int, Setting("the port to listen on", minimum=1, maximum=65535)] = 8080

reads `TIYIN_PUBLIC_URL` and `TIYIN_PORT`. A field may be a `str`, `int`, `bool`, `Path`, `Secret`, a
`Literal` of texts, one of these or None, or a tuple of any number of them (written with commas). An empty
variable counts as not set. A secret may also be kept in a file that `TIYIN_<NAME>_FILE` names.
"""

import hmac
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from tiyin.runtime.redaction import HIDDEN, redact_text

__all__ = ["Secret", "Setting", "SettingsError", "read_settings"]

S = TypeVar("S", bound=msgspec.Struct)

_PREFIX = "TIYIN_"
_SHOWN_MAX = 40
_FILE_BYTES_MAX = 65536
_TRUTHS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


class Secret:
    """A text that no repr, format, log or error shows.

    Args:
        value: The text.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)


class SettingsError(Exception):
    """One or more settings are missing or wrong.

    Args:
        problems: A sentence or two for each: which variable, what is wrong, what to write instead.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Setting(msgspec.Struct, frozen=True):
    """What is declared of a setting beside its type.

    Args:
        about: What it is, to follow "It is ..."; for people.
        example: A value that could be written; never a working secret.
        minimum: The least value of an integer, or the least length of a text or secret.
        maximum: The greatest.
    """

    about: str
    example: str = ""
    minimum: int | None = None
    maximum: int | None = None


class _WrongError(Exception):
    """A value that does not fit; its text completes "TIYIN_X ..."."""


def read_settings(cls: type[S], environ: Mapping[str, str]) -> S:
    """Read a struct's fields from the variables named `TIYIN_` and the field's name in capitals.

    Args:
        cls: A struct; its fields' types, defaults and `Setting` annotations are the declaration. What its
            `__post_init__` refuses by ValueError is told as a problem too.
        environ: Usually `os.environ`.

    Raises:
        SettingsError: Naming everything that is missing or wrong, at once.
    """
    hints = typing.get_type_hints(cls, include_extras=True)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in msgspec.structs.fields(cls):
        variable = _PREFIX + field.name.upper()
        kind, setting = _declaration(hints[field.name])
        try:
            text = _text(environ, variable, secret=_holds_secret(kind), required=field.required)
            if text is not None:
                values[field.name] = _convert(kind, setting, text)
        except _WrongError as wrong:
            problems.append(f"{variable} {wrong}. {_advice(variable, kind, setting)}")
    if problems:
        raise SettingsError(tuple(problems))
    try:
        return cls(**values)
    except ValueError as error:
        raise SettingsError((redact_text(str(error)),)) from None


def _declaration(hint: Any) -> tuple[Any, Setting]:
    setting = Setting("")
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        setting = next((extra for extra in extras if isinstance(extra, Setting)), setting)
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not types.NoneType]
        if len(kinds) != 1:
            raise TypeError(f"a setting is of one type or None, not {hint}")
        hint = kinds[0]
    return hint, setting


def _item(kind: Any) -> Any:
    """Return the type of a tuple's items, or None if it is no tuple."""
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def _holds_secret(kind: Any) -> bool:
    return Secret in (kind, _item(kind))


def _text(environ: Mapping[str, str], variable: str, *, secret: bool, required: bool) -> str | None:
    """Return what is written for a variable, or None. A secret's file may be named instead."""
    text = environ.get(variable, "").strip()
    file = environ.get(f"{variable}_FILE", "").strip() if secret else ""
    if not text and not file and required:
        raise _WrongError("is not set")
    if not file:
        return text or None
    if text:
        raise _WrongError(f"and {variable}_FILE are both set")
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(_FILE_BYTES_MAX + 1)
        if len(content) > _FILE_BYTES_MAX:
            raise _WrongError(
                f"cannot be read: {variable}_FILE names a file longer than {_FILE_BYTES_MAX} bytes"
            )
        text = content.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = type(error).__name__
        raise _WrongError(f"cannot be read from the file that {variable}_FILE names ({why})") from None
    if not text:
        raise _WrongError(f"cannot be read: the file that {variable}_FILE names is empty")
    return text


def _convert(kind: Any, setting: Setting, text: str) -> Any:
    item = _item(kind)
    if item is not None:
        parts = [part.strip() for part in text.split(",")]
        return tuple(_convert(item, setting, part) for part in parts if part)
    if get_origin(kind) is Literal:
        return _choice(get_args(kind), text)
    converters: dict[Any, Callable[[Setting, str], Any]] = {
        str: _bounded_text,
        Secret: lambda setting, text: Secret(_bounded_text(setting, text, shown=False)),
        int: _integer,
        bool: _truth,
        Path: lambda _, text: Path(text).expanduser(),
    }
    if kind not in converters:
        raise TypeError(f"a setting cannot be of type {kind}")
    return converters[kind](setting, text)


def _choice(choices: tuple[str, ...], text: str) -> str:
    if text not in choices:
        raise _WrongError(f"is {_shown(text)}, which is none of its values")
    return text


def _bounded_text(setting: Setting, text: str, *, shown: bool = True) -> str:
    what = f"is {_shown(text)}, which" if shown else "is a secret that"
    if setting.minimum is not None and len(text) < setting.minimum:
        raise _WrongError(f"{what} has fewer than {setting.minimum} characters")
    if setting.maximum is not None and len(text) > setting.maximum:
        raise _WrongError(f"{what} has more than {setting.maximum} characters")
    return text


def _integer(setting: Setting, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise _WrongError(f"is {_shown(text)}, which is not a whole number") from None
    if setting.minimum is not None and value < setting.minimum:
        raise _WrongError(f"is {value}, which is too small")
    if setting.maximum is not None and value > setting.maximum:
        raise _WrongError(f"is {value}, which is too large")
    return value


def _truth(_: Setting, text: str) -> bool:
    value = _TRUTHS.get(text.lower())
    if value is None:
        raise _WrongError(f"is {_shown(text)}, which is neither yes nor no")
    return value


def _shown(text: str) -> str:
    """Return a value as an error may show it: short, and without what looks like a card or a secret."""
    shown = redact_text(text)
    return repr(shown if len(shown) <= _SHOWN_MAX else shown[:_SHOWN_MAX] + "...")


def _advice(variable: str, kind: Any, setting: Setting) -> str:
    item = _item(kind)
    words = _kind_in_words(item or kind, setting)
    written = f"Write {words}, several with commas between" if item is not None else f"Write {words}"
    about = f": {setting.about}" if setting.about else ""
    example = f", for example {variable}={setting.example}" if setting.example else ""
    return f"{written}{about}{example}."


def _kind_in_words(kind: Any, setting: Setting) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    if kind is bool:
        return "yes or no"
    if kind is Path:
        return "a path"
    low, high = setting.minimum, setting.maximum
    unit = "" if kind is int else " characters"
    noun = {int: "a whole number", Secret: "a secret"}.get(kind, "a text")
    if low is not None and high is not None:
        return f"{noun} {'from' if kind is int else 'of'} {low} to {high}{unit}"
    if low is not None:
        return f"{noun} of at least {low}{unit}"
    return f"{noun} of at most {high}{unit}" if high is not None else noun
