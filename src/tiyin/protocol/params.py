"""Reading of parameters into structs, with an error that names the field. Both protocols share it."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec
import msgspec.inspect

from tiyin.protocol.values import Account, FieldError, check_clean, read_whole_number

__all__ = [
    "AccountField",
    "Digits",
    "Whole",
    "WholeOrDigits",
    "field_names",
    "known_path",
    "read_python",
    "read_struct",
    "set_field",
    "set_whole",
]

T = TypeVar("T")

if TYPE_CHECKING:
    Whole: TypeAlias = int
    WholeOrDigits: TypeAlias = int
    Digits: TypeAlias = str
    AccountField: TypeAlias = Account
else:
    # A field of this type is an integer once its struct is made; on the wire `500000.0` is one too.
    Whole: TypeAlias = int | float
    # The same, where digits in a string are read too.
    WholeOrDigits: TypeAlias = int | float | str
    # Digits in a string once the struct is made; on the wire an integer too.
    Digits: TypeAlias = str | int
    # msgspec names no key of a dict in its errors, so `values.read_account` judges what stands in one.
    AccountField: TypeAlias = dict[str, Any]

_PATH = re.compile(r" - at `(?:key in )?\$\.?(?P<path>.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_ESCAPED_NUL: Final = rb"\u0000"
_STEP = re.compile(r"\.?(?P<name>[^.\[\]]+)|\[(?:[0-9]{1,6}|\.\.\.)\]")


def read_struct(decode: Callable[[msgspec.Raw], T], raw: msgspec.Raw) -> T:
    """Decode parameters.

    Args:
        decode: a msgspec decoder of the struct.
        raw: the parameters, as `jsonrpc.read_request` left them.

    Returns:
        The struct; every string in it is clean.

    Raises:
        FieldError: naming the field, as a path such as `card.number` or `detail.items[0].price`.
    """
    try:
        params = decode(raw)
    except msgspec.ValidationError as error:
        raise _field_error(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FieldError("", "must be well-formed JSON") from None
    if _ESCAPED_NUL in bytes(raw):
        check_clean(msgspec.json.decode(raw))
    return params


def _field_error(error: msgspec.ValidationError) -> FieldError:
    """Turn msgspec's error, which names the path in its text, into one that names it in a field."""
    text = str(error)
    match = _PATH.search(text)
    path = match["path"] if match else ""
    problem = text[: match.start()] if match else text
    if isinstance(error.__cause__, FieldError):
        return FieldError(_join(path, error.__cause__.field), error.__cause__.problem)
    missing = _MISSING.match(problem)
    if missing:
        return FieldError(_join(path, missing["name"]), "is required")
    return FieldError(path, problem)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def set_field(
    struct: msgspec.Struct, name: str, value: Any, read: Callable[[Any], Any], wire: str = ""
) -> None:
    """Replace a field by what `read` makes of it; for `__post_init__` of frozen structs.

    Args:
        struct: the struct being made.
        name: the field.
        value: its value from the wire.
        read: raises ValueError for a value that the documentation does not allow.
        wire: the field's name on the wire, where it differs.

    Raises:
        FieldError: naming the field.
    """
    try:
        new = read(value)
    except FieldError as error:
        raise FieldError(_join(wire or name, error.field), error.problem) from None
    except ValueError as error:
        raise FieldError(wire or name, str(error)) from None
    if new is not value:
        msgspec.structs.force_setattr(struct, name, new)


def set_whole(struct: msgspec.Struct, name: str, value: Any) -> None:
    """Make a field an integer, refusing fractions."""
    if type(value) is not int:
        set_field(struct, name, value, read_whole_number)


def read_python(cls: type[T], value: object) -> T:
    """Make a struct of a decoded JSON value.

    Raises:
        FieldError: naming the field.
    """
    try:
        return msgspec.convert(value, cls)
    except msgspec.ValidationError as error:
        raise _field_error(error) from None
    except RecursionError:
        raise FieldError("", "is nested too deep") from None


def field_names(structs: Iterable[type[msgspec.Struct]]) -> frozenset[str]:
    """Return the names that the fields of structs have on the wire, with those of the structs in them."""
    names: set[str] = set()
    seen: set[type] = set()
    waiting: list[Any] = list(msgspec.inspect.multi_type_info(structs))
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, msgspec.inspect.StructType) and kind.cls not in seen:
            seen.add(kind.cls)
            names.update(field.encode_name for field in kind.fields)
            waiting += [field.type for field in kind.fields]
        elif isinstance(kind, msgspec.inspect.UnionType):
            waiting += kind.types
        elif isinstance(kind, msgspec.inspect.CollectionType):
            waiting.append(kind.item_type)
        elif isinstance(kind, msgspec.inspect.Metadata):
            waiting.append(kind.type)
    return frozenset(names)


def known_path(path: str, names: frozenset[str]) -> str:
    """Return the beginning of a field's path that consists of known names.

    What follows was written by a stranger: the name of an account's field, any key of an object. It goes back
    to whoever wrote it, and not into a log, where it could be somebody's key.

    Args:
        path: a path such as `account.order_id` or `detail.items[0].price`.
        names: the names that are known.
    """
    end = 0
    while (step := _STEP.match(path, end)) is not None and (step["name"] is None or step["name"] in names):
        end = step.end()
    return path[:end]
