"""Columns of values as PostgreSQL's own text for arrays.

The driver can carry a list, but looks at each of its elements in Python first; a batch has one list a column,
and that looking took more time than all the rest of sending it. JSON for a list of texts or integers differs
from PostgreSQL's text for the array in its brackets, in escapes of control characters, and in nothing else,
and is written by C.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

__all__ = ["array_text"]

_encode: Final = msgspec.json.Encoder().encode
# Of the escapes of JSON PostgreSQL reads two alike, \" and \\; after any other backslash it reads the letter.
_FOREIGN_ESCAPE: Final = re.compile(rb'\\[^"\\]')


def array_text(values: Sequence[Any]) -> str:
    """Write values as an array.

    Args:
        values: Texts, or integers, or None.

    Raises:
        UnicodeEncodeError, OverflowError: If one of them is no text or integer that any database could store.
    """
    written = _encode(values)
    if isinstance(next((one for one in values if one is not None), ""), str):
        if _FOREIGN_ESCAPE.search(written) is not None:
            return _spelled_out(values)
    elif b"e" in written:
        # `true` and `false`: to Python they are integers.
        return array_text([None if value is None else int(value) for value in values])
    return f"{{{written[1:-1].decode()}}}"


def _spelled_out(values: Sequence[str | None]) -> str:
    """Write texts among which there are control characters."""
    written = [
        "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for value in values
    ]
    return f"{{{','.join(written)}}}"
