"""Hostile input made of bytes: the same bytes make the same input, whoever draws them.

Hypothesis draws the bytes in `make test` and shrinks them; `make prove` takes them from seeds, and from a
fuzzer that watches which lines they reach. Bytes that ran out are read as zeros, and zeros stand for what is
right and short, so that fewer and smaller bytes make simpler input.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

__all__ = ["CANARIES", "Raw", "Source", "Twice", "edited", "hostile", "mutated", "write_json"]

T = TypeVar("T")

CANARIES = {
    "card": "9860010101010105",
    "key": "Zx9?q@vT#4mWc&Ls%8hJr:B2nKd*Yp6gE~1f",
    "token": "5e730e8e0b852a417aa49cec_Vb7KqXw2ZrT9mNc4LpHs8JfGd3Yt6QvA",
    "code": "493817",
}
"""Secrets that strangers put wherever they can; none of them may be found in a log."""


class Source:
    """Draws choices from bytes.

    Args:
        data: The bytes; zeros follow.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def ended(self) -> bool:
        """Whether only zeros are left."""
        return self._at >= len(self._data)

    def below(self, limit: int) -> int:
        """Draw 0 <= n < limit; one byte is taken for small limits, two for others."""
        if limit <= 1:
            return 0
        return int.from_bytes(self.take(1 if limit <= 256 else 2), "little") % limit

    def pick(self, choices: Sequence[T]) -> T:
        """Draw one of them; the first when the bytes have ended."""
        return choices[self.below(len(choices))]

    def now_and_then(self, one_in: int) -> bool:
        """Draw a yes once in so many times, and never when the bytes have ended."""
        return self.below(one_in) == one_in - 1

    def take(self, count: int) -> bytes:
        """Take bytes as they are."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken.ljust(count, b"\0")

    def some(self, count_max: int) -> bytes:
        """Take some bytes as they are, never more than there are left."""
        count = min(self.below(count_max + 1), max(0, len(self._data) - self._at))
        return self.take(count)


class Raw(bytes):
    """JSON as it is to be written, or what is none."""


class Twice(dict[str, Any]):
    """An object some of whose keys are written a second time, with these values."""

    def __init__(self, first: dict[str, Any], again: dict[str, Any]) -> None:
        super().__init__(first)
        self.again = again


def write_json(value: Any) -> bytes:
    """Write JSON, and with it what JSON libraries refuse to write."""
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, dict):
        pairs = [*value.items(), *(value.again.items() if isinstance(value, Twice) else ())]
        return b"{" + b",".join(_text(name) + b":" + write_json(item) for name, item in pairs) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(write_json(item) for item in value) + b"]"
    return _text(value) if isinstance(value, str) else json.dumps(value).encode()


def _text(value: str) -> bytes:
    escaped = any("\ud800" <= sign <= "\udfff" for sign in value)
    return json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


def _deep(opening: bytes, closing: bytes, depth: int) -> Raw:
    return Raw(opening * depth + b"1" + closing * depth)


_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    1.5,
    -0.0,
    500_000.0,
    Raw(b"500000.50"),
    Raw(b"5e5"),
    Raw(b"-1e-400"),
    9_007_199_254_740_993,
    Raw(b"9007199254740993.0"),
    10**13,
    10**13 + 1,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    2**64,
    10**30,
    Raw(b"1" + b"0" * 400),
    Raw(b"1" + b"0" * 5_000),
    Raw(b"1e400"),
    Raw(b"-1e400"),
    Raw(b"01"),
    Raw(b"NaN"),
    Raw(b"Infinity"),
    Raw(b"undefined"),
    Raw(b"0x10"),
    Raw(b"+1"),
    Raw(b".5"),
    Raw(b"1."),
    Raw(b'"\xff"'),
    Raw(b'"\xc0\xaf"'),
    Raw(b'"\xed\xa0\x80"'),
    Raw(b'"\\ud800"'),
    Raw(b'"\\udfff\\ud800"'),
    Raw(b'"\\u0000"'),
    Raw(b'"\x00"'),
    Raw(b'"\n"'),
    Raw(b'"\\x"'),
    Raw(b'"\\u12"'),
    Raw(b'"a'),
    Raw(b"{"),
    "",
    " ",
    "0",
    "1",
    "-1",
    "1e3",
    "500000",
    "NaN",
    "null",
    "true",
    "\x00",
    "a\x00b",
    "\ud800",
    "\x1b[31m",
    "'; DROP TABLE receipts; --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\u202e0001",
    "\ufeff1",
    "١٢٣",
    "１２３",
    "０３９９",
    "oʻ",
    "😀" * 20,
    "é" * 129,
    "x" * 257,
    "x" * 1_025,
    "x" * 20_000,
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"a": {"b": {}}},
    ["1", 1, None],
    [{}] * 300,
    {"$ne": ""},
    {"__class__": 1},
    {f"f{number}": number for number in range(60)},
    {"ru": 1},
    {"ru": "a", "uz": "b", "en": "c"},
    _deep(b"[", b"]", 20),
    _deep(b"[", b"]", 33),
    _deep(b'{"a":', b"}", 30),
    _deep(b"[", b"]", 5_000),
    _deep(b'{"a":', b"}", 3_000),
    Raw(b"[" * 3_000),
    *CANARIES.values(),
    int(CANARIES["card"]),
    int(CANARIES["code"]),
    "9860 0101 0101 0105",
    [CANARIES["card"]],
    {"number": CANARIES["card"]},
    {"token": CANARIES["token"]},
)

_NAMES = (
    "x",
    "",
    "id",
    "method",
    "params",
    "jsonrpc",
    "amount",
    "account",
    "card",
    "token",
    "a.b",
    "a[0]",
    "\x00",
    "\ud800",
    "__proto__",
    "error",
    "result",
    "number",
    "Id",
    "AMOUNT",
    "i" * 300,
    "ключ",
    *CANARIES.values(),
)


def hostile(source: Source) -> Any:
    """Draw a value that nobody expects."""
    return _copied(source.pick(_VALUES))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every place in a tree: the container and the key or index."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield value, name
        yield from _places(item)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def mutated(source: Source, request: dict[str, Any]) -> Any:
    """Change a request in up to four places: values, names, shapes; sometimes in none."""
    tree: Any = {"": _copied(request)}
    for _ in range(source.below(5)):
        places = list(_places(tree))
        holder, name = source.pick(places)
        _change(source, tree, holder, name)
        if "" not in tree:
            return hostile(source)
    return tree[""]


def _change(source: Source, tree: Any, holder: Any, name: Any) -> None:
    kind = source.below(9)
    if kind in {0, 1, 2}:
        holder[name] = hostile(source)
    elif kind == 3:
        del holder[name]
    elif kind == 4 and isinstance(holder[name], dict):
        inner = holder[name]
        again = {source.pick([*inner, "x"]): hostile(source)}
        holder[name] = Twice(inner, again)
    elif kind == 5 and isinstance(holder[name], dict):
        holder[name][source.pick(_NAMES)] = hostile(source)
    elif kind == 6 and isinstance(holder, dict):
        holder[source.pick(_NAMES)] = holder.pop(name)
    elif kind == 7:
        holder[name] = source.pick([[holder[name]], {"value": holder[name]}, str(holder[name])[:2_000]])
    else:
        other, other_name = source.pick(list(_places(tree)))
        # Swapping a part with what it stands in would make a tree without an end.
        if not isinstance(holder[name], dict | list) and not isinstance(other[other_name], dict | list):
            holder[name], other[other_name] = other[other_name], holder[name]


_BYTES = (
    b"\x00",
    b"\xff",
    b"\\ud800",
    b"\\u0000",
    b"\xef\xbb\xbf",
    b"\r\n",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"null",
    b"true",
    b"-",
    b"1e400",
    b"0.5",
    b"99999999999999999999",
    b"[" * 50,
    b'{"a":' * 40,
    b"NaN",
    b"=",
    b"&",
    b"%",
    b"%00",
    b";",
)


def edited(source: Source, data: bytes) -> bytes:
    """Change bytes in up to three places: put in, taken out, replaced, repeated, or the end cut off."""
    for _ in range(source.below(4)):
        at = source.below(len(data) + 1)
        what = source.pick(_BYTES) if source.below(3) else source.some(4)
        match source.below(5):
            case 0:
                data = data[:at] + what + data[at:]
            case 1:
                data = data[:at] + what + data[at + len(what) :]
            case 2:
                data = data[:at] + data[at + 1 + source.below(20) :]
            case 3:
                data = data[: at + source.below(40)] + data[at:]
            case _:
                data = data[:at]
    return data
