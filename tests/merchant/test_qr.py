"""QR codes: each drawing says the link, and is told to those who do not see it."""

import struct
import zlib
from xml.etree import ElementTree as ET

import pytest
import segno

from tiyin.merchant.checkout import Checkout
from tiyin.merchant.qr import QrPicture
from tiyin.protocol.values import Language

DESK = "587f72c72cac0d162c722ae2"
LINK = "https://checkout.paycom.uz/bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw"
SVG = "{http://www.w3.org/2000/svg}"
QUIET = 4


def picture(language: Language = "ru") -> QrPicture:
    return Checkout(DESK, language=language).qr(500, {"order_id": "197"})


def modules() -> list[list[bool]]:
    """The squares of the link's code, with the quiet ones around them."""
    return [[bool(dark) for dark in row] for row in segno.make_qr(LINK, error="m").matrix_iter(border=QUIET)]


def test_it_says_the_link_of_another_language_too() -> None:
    assert picture().address == Checkout(DESK).link(500, {"order_id": "197"})
    assert Checkout(DESK).qr(500, {"order_id": "197"}, language="uz").address != picture().address


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("ru", "QR-код для оплаты 5 сум через Payme"),
        ("uz", "Payme orqali 5 soʻm toʻlash uchun QR-kod"),
        ("en", "QR code to pay UZS 5 with Payme"),
    ],
)
def test_an_svg_is_told_to_screen_readers(language: Language, title: str) -> None:
    drawn = picture(language)
    svg = ET.fromstring(drawn.svg())  # noqa: S314 - our own drawing
    assert (svg.tag, svg.get("role"), svg.get("aria-label")) == (f"{SVG}svg", "img", title)
    assert [child.tag for child in svg][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert (svg[0].text, svg[1].text) == (title, drawn.description)


def test_an_svg_has_a_size_and_can_have_another() -> None:
    svg = ET.fromstring(picture().svg(scale=3))  # noqa: S314 - our own drawing
    side = len(modules())
    assert (svg.get("width"), svg.get("height")) == (str(side * 3), str(side * 3))
    assert svg.get("viewBox") == f"0 0 {side} {side}"


def test_words_of_an_svg_are_escaped() -> None:
    svg = QrPicture(LINK, title='<b>"', description="</svg>&").svg()
    read = ET.fromstring(svg)  # noqa: S314 - our own drawing
    assert (read.get("aria-label"), read[0].text, read[1].text) == ('<b>"', '<b>"', "</svg>&")


def test_a_png_shows_the_code() -> None:
    png = picture().png(scale=1)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth = struct.unpack(">IIB", png[16:25])
    side = len(modules())
    assert (width, height, depth) == (side, side, 1)
    place, data = 8, b""
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        data += png[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += 12 + length
    line = 1 + (side + 7) // 8
    pixels = zlib.decompress(data)
    for row, expected in enumerate(modules()):
        bits = "".join(f"{byte:08b}" for byte in pixels[row * line + 1 : (row + 1) * line])
        assert pixels[row * line] == 0
        assert [bit == "0" for bit in bits[:side]] == expected


def test_a_terminal_shows_two_rows_in_a_line() -> None:
    drawn = picture().terminal()
    assert len(drawn.rstrip("\n").splitlines()) >= len(modules()) // 2
    assert "▀" in drawn or "▄" in drawn


@pytest.mark.parametrize("scale", [0, -1, 101, 1.5, True])
def test_a_picture_of_no_size_is_refused(scale: int) -> None:
    for method in (picture().svg, picture().png):
        with pytest.raises(ValueError, match="scale"):
            method(scale=scale)


def test_a_link_that_is_too_long_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="shorten the callback"):
        Checkout(DESK).qr(500, {"order_id": "197"}, callback="https://shop.uz/" + "a" * 2000)
