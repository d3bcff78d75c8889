"""Tables of text as shops and spreadsheets write them: their encoding, their separator, their lines."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tiyin.merchant.reconcile.order_rows import BadValue, check_names

__all__ = ["table_rows"]

_SEPARATORS: Final = ";,\t"
_PIECE: Final = 1 << 20
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WINDOWS: Final = "cp1251"
"""What a Russian Excel writes as CSV."""


def table_rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Go through a table, whose first line has the names of its columns.

    Encodings are UTF-8, UTF-16 with its mark, and Windows-1251; separators `;`, `,` and tabulators.

    Args:
        path: The file.

    Yields:
        The number of a row's last line, and its values by the names of their columns; no empty rows.

    Raises:
        BadValue: If it is no such table.
        OSError: If it cannot be read.
    """
    try:
        yield from _rows(path)
    except UnicodeDecodeError as error:
        raise BadValue(
            f"is neither UTF-8, UTF-16 nor Windows-1251 ({error.reason})", place="the file"
        ) from None


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    with path.open(encoding=_encoding(path), newline="") as file:
        first = file.readline(_PIECE)
        # Excel understands this line, and so do we: it names the separator.
        stated = first.strip().lower().removeprefix("sep=") if first.lower().startswith("sep=") else ""
        lines_before = 1 if stated else 0
        if stated:
            first = file.readline(_PIECE)
        if not first.strip():
            raise BadValue("is empty: the first line has the names of the columns", place="line 1")
        separator = stated if stated and stated in _SEPARATORS else _separator(first)
        try:
            names = check_names(next(csv.reader(io.StringIO(first), delimiter=separator, strict=True)))
        except csv.Error as error:
            raise BadValue(f"is no line of names ({error})", place=f"line {lines_before + 1}") from None
        reader = csv.reader(file, delimiter=separator, strict=True)
        line = lines_before + 1
        try:
            for row in reader:
                line = lines_before + 1 + reader.line_num
                if not any(value.strip() for value in row):
                    continue
                if len(row) > len(names) and any(value.strip() for value in row[len(names) :]):
                    raise BadValue("has more values than there are names", place=f"line {line}")
                yield line, dict(zip(names, (value.strip() for value in row), strict=False))
        except csv.Error as error:
            raise BadValue(f"is no row of a table ({error})", place=f"line {line + 1}") from None


def _separator(names: str) -> str:
    bare = "".join(part for number, part in enumerate(names.split('"')) if number % 2 == 0)
    return max(_SEPARATORS, key=bare.count)


def _encoding(path: Path) -> str:
    """Tell how a file is written, by its first bytes and by whether all of it is UTF-8."""
    with path.open("rb") as file:
        piece = file.read(_PIECE)
        for mark, encoding in _BOMS:
            if piece.startswith(mark):
                return encoding
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while piece:
                if b"\x00" in piece:
                    raise BadValue("is no text: there are zero bytes in it", place="the file")
                decoder.decode(piece)
                piece = file.read(_PIECE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _WINDOWS
    return "utf-8"
