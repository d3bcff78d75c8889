"""Paper for a PDF: pages of A4, text in Noto Sans that wraps and flows over pages, and nothing of receipts.

The fonts are read once a process; what a document does not use of them is left out of it. A sign that the
font does not have, and every sign that is no text (control characters, marks that turn the direction), is
replaced by a visible one, so that no text can hide, move or break another.
"""

import functools
import io
import threading
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from fontTools import subset  # type: ignore[import-untyped]  # it has no types
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # as above
from fpdf import FPDF
from fpdf.fonts import TTFFont
from pymupdf_fonts import fontbuffers  # type: ignore[import-untyped]  # as above

from tiyin.runtime.tashkent import TASHKENT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MARGIN_MM", "WIDTH_MM", "About", "Paper", "visible"]

WIDTH_MM: Final = 174.0
"""How wide the text may be, millimetres."""

MARGIN_MM: Final = 18.0
"""The margin on each side, millimetres."""

_A4_HEIGHT_MM: Final = 297.0
_BOTTOM_MM: Final = _A4_HEIGHT_MM - MARGIN_MM - 6
_FAMILY: Final = "notosans"
_LINE_HEIGHT: Final = 1.35
_MM_OF_POINT: Final = 25.4 / 72
_INK: Final = (18, 32, 30)
_MUTED: Final = (81, 98, 95)
_RULE: Final = (219, 226, 224)
_ACCENT: Final = (10, 102, 97)
_REPLACED: Final = "\ufffd"
_NO_TEXT: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Latin, its modifiers (the Uzbek letters' among them), marks, Greek, Cyrillic, punctuation and currencies.
_SIGNS: Final = (
    range(0x20, 0x250),
    range(0x2B0, 0x530),
    range(0x1E00, 0x1F00),
    range(0x2000, 0x2200),
    (ord(_REPLACED),),
)
# Layout rules are not followed, and the last two mean nothing outside of the font's own file.
_LAYOUT: Final = ["GPOS", "GSUB", "GDEF", "TTFA", "DSIG"]
_loading = threading.Lock()


class About(msgspec.Struct, frozen=True):
    """What a document says of itself.

    Args:
        title: Its title.
        author: Whose it is.
        language: The language that it is in, "ru".
        moment_ms: Its date, milliseconds since 1970: the same document has the same bytes.
        page: How a page is numbered, with `{page}` and `{pages}`; shown when there are several.
    """

    title: str
    author: str
    language: str
    moment_ms: int
    page: str


class Paper:
    """A document that is being written from top to bottom.

    Args:
        about: What it says of itself.
    """

    def __init__(self, about: About) -> None:
        self._about = about
        pdf = self._pdf = FPDF(orientation="portrait", unit="mm", format="A4")
        pdf.set_auto_page_break(auto=False)
        pdf.set_title(visible(about.title))
        pdf.set_author(visible(about.author))
        pdf.set_lang(about.language)
        pdf.set_creator("Tiyin")
        pdf.set_producer("Tiyin")
        pdf.set_creation_date(datetime.fromtimestamp(about.moment_ms // 1000, tz=UTC).astimezone(TASHKENT))
        for style, font in zip(("", "B"), _font_bytes(), strict=True):
            key = f"{_FAMILY}{style}"
            # The library reads a font from a file's name only, though what reads it takes an open file, too.
            pdf.fonts[key] = TTFFont(pdf, cast("Path", io.BytesIO(font)), key, style)
        self.y_mm = MARGIN_MM
        pdf.add_page()

    def need(self, height_mm: float) -> None:
        """Begin a new page unless there is so much room left.

        Args:
            height_mm: How much, millimetres.
        """
        if self.y_mm + height_mm > _BOTTOM_MM and self.y_mm > MARGIN_MM:
            self._pdf.add_page()
            self.y_mm = MARGIN_MM

    def space(self, height_mm: float) -> None:
        """Leave room."""
        self.y_mm += height_mm

    def rule(self) -> None:
        """Draw a fine line from margin to margin."""
        self._pdf.set_draw_color(*_RULE)
        self._pdf.set_line_width(0.3)
        self._pdf.line(MARGIN_MM, self.y_mm, MARGIN_MM + WIDTH_MM, self.y_mm)

    def write(
        self,
        text: str,
        *,
        x_mm: float = MARGIN_MM,
        width_mm: float = WIDTH_MM,
        size: float = 10,
        bold: bool = False,
        muted: bool = False,
        link: str = "",
    ) -> None:
        """Write a text line by line, over as many pages as it takes.

        Args:
            text: What.
            x_mm: Where it begins, millimetres from the left edge.
            width_mm: How wide it may be, millimetres.
            size: Points.
            bold: Whether it is bold.
            muted: Whether it steps back.
            link: Where it leads; empty where it does not.
        """
        height_mm = _height_mm(size)
        for line in self._wrapped(text, width_mm, size, bold=bold):
            self.need(height_mm)
            self._put(line, x_mm, size, bold=bold, colour=_ACCENT if link else _MUTED if muted else _INK)
            if link:
                self._pdf.link(x_mm, self.y_mm, self._width_mm(line, size, bold=bold), height_mm, link)
            self.y_mm += height_mm

    def pair(
        self,
        left: str,
        right: str,
        *,
        size: float = 10,
        bold: bool = False,
        muted_left: bool = False,
        right_mm: float = 90.0,
        note: str = "",
    ) -> None:
        """Write a name and its value in one row: one at the left edge, the other at the right.

        Args:
            left: The name.
            right: The value.
            size: Points.
            bold: Whether both are bold.
            muted_left: Whether the name steps back.
            right_mm: How wide the value may be, millimetres.
            note: What stands small below the name.
        """
        height_mm = _height_mm(size)
        rights = self._wrapped(right, right_mm, size, bold=bold)
        left_mm = WIDTH_MM - 4 - max((self._width_mm(line, size, bold=bold) for line in rights), default=0.0)
        lefts = self._wrapped(left, left_mm, size, bold=bold)
        # The first lines of both stay together, and a note with the name's last line.
        self.need(height_mm * 2 if note else height_mm)
        for number in range(max(len(lefts), len(rights))):
            self.need(height_mm)
            if number < len(lefts):
                self._put(lefts[number], MARGIN_MM, size, bold=bold, colour=_MUTED if muted_left else _INK)
            if number < len(rights):
                x_mm = MARGIN_MM + WIDTH_MM - self._width_mm(rights[number], size, bold=bold)
                self._put(rights[number], x_mm, size, bold=bold, colour=_INK)
            self.y_mm += height_mm
        if note:
            self.write(note, width_mm=left_mm, size=8, muted=True)

    def squares(self, runs: tuple[tuple[int, int, int], ...], x_mm: float, module_mm: float) -> None:
        """Draw runs of dark squares, as of a QR code, from the present height down.

        Args:
            runs: Column, row and length of each.
            x_mm: Where the first column is, millimetres from the left edge.
            module_mm: How large a square is, millimetres.
        """
        self._pdf.set_fill_color(0, 0, 0)
        for column, row, length in runs:
            self._pdf.rect(
                x_mm + column * module_mm,
                self.y_mm + row * module_mm,
                length * module_mm,
                module_mm,
                style="F",
            )

    def bytes(self) -> bytes:
        """Return the document."""
        pdf, pages = self._pdf, self._pdf.pages_count
        for page in range(1, pages + 1):
            if pages == 1:
                break
            pdf.page = page
            # A page that is gone back to has to be told its font again.
            pdf.current_font_is_set_on_page = False
            text = self._about.page.format(page=page, pages=pages)
            self.y_mm = _A4_HEIGHT_MM - MARGIN_MM
            self._put(
                text, MARGIN_MM + WIDTH_MM - self._width_mm(text, 8, bold=False), 8, bold=False, colour=_MUTED
            )
        return bytes(pdf.output())

    def _put(self, line: str, x_mm: float, size: float, *, bold: bool, colour: tuple[int, int, int]) -> None:
        """Put one line at the present height."""
        self._pdf.set_font(_FAMILY, "B" if bold else "", size)
        self._pdf.set_text_color(*colour)
        self._pdf.text(x_mm, self.y_mm + size * _MM_OF_POINT, line)

    def _width_mm(self, line: str, size: float, *, bold: bool) -> float:
        widths = self._widths(bold=bold)
        return float(sum(widths[ord(sign)] for sign in line)) * size / 1000 * _MM_OF_POINT

    def _widths(self, *, bold: bool) -> Any:
        return self._pdf.fonts[f"{_FAMILY}{'B' if bold else ''}"].cw

    def _wrapped(self, text: str, width_mm: float, size: float, *, bold: bool) -> list[str]:
        """Divide a text into lines; a word that is wider than a line is divided, too."""
        widths = self._widths(bold=bold)
        room = width_mm / (size / 1000 * _MM_OF_POINT)
        lines: list[str] = []
        line, used = "", 0.0
        for word in visible(text).split(" "):
            wide = sum(widths[ord(sign)] for sign in word)
            gap = widths[ord(" ")] if line else 0.0
            if used + gap + wide <= room:
                line, used = f"{line} {word}" if line else word, used + gap + wide
                continue
            if line:
                lines.append(line)
            line, used = "", 0.0
            for sign in word:
                if line and used + widths[ord(sign)] > room:
                    lines.append(line)
                    line, used = "", 0.0
                line, used = line + sign, used + widths[ord(sign)]
        return [*lines, line] if line else lines


def visible(text: str) -> str:
    """Return a text with nothing in it that cannot be seen; what the font cannot show is replaced by "�".

    Args:
        text: Any text. Whitespace becomes one space.
    """
    known = _known()
    shown: list[str] = []
    for sign in unicodedata.normalize("NFC", " ".join(text.split())):
        if ord(sign) in known and unicodedata.category(sign) not in _NO_TEXT:
            shown.append(sign)
        elif shown[-1:] != [_REPLACED]:
            shown.append(_REPLACED)
    return "".join(shown)


def _height_mm(size: float) -> float:
    return size * _MM_OF_POINT * _LINE_HEIGHT


def _font_bytes() -> tuple[bytes, bytes]:
    """Return the regular and the bold font; whichever thread comes first makes them ready."""
    with _loading:
        return _made_ready()


@functools.cache
def _made_ready() -> tuple[bytes, bytes]:
    return _lightened(bytes(fontbuffers["notos"]())), _lightened(bytes(fontbuffers["notosbo"]()))


def _lightened(font: bytes) -> bytes:
    """Leave out of a font what no document of ours uses: a quarter is left to be read for each document."""
    options = subset.Options(hinting=False, notdef_outline=True, glyph_names=False)
    options.drop_tables += _LAYOUT
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[sign for signs in _SIGNS for sign in signs])
    whole = TTFont(io.BytesIO(font), lazy=True)
    subsetter.subset(whole)
    light = io.BytesIO()
    whole.save(light)
    return light.getvalue()


@functools.cache
def _known() -> frozenset[int]:
    """Return what both fonts can show."""
    regular, bold = (TTFont(io.BytesIO(font), lazy=True).getBestCmap() for font in _font_bytes())
    return frozenset(regular) & frozenset(bold)
