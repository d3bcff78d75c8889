"""Merchants' pages for the tests of the integration's script, and a reader of QR codes that is not ours.

The reader knows only what every reader knows: where data lies in a code, and how a mask is undone. It takes
no damage: the codes come straight from a page.
"""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from segno import consts
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

__all__ = ["FIELDS", "SCRIPT", "merchant_form", "merchants_site", "read_qr"]

SCRIPT = "/integration/js/checkout.min.js"

FIELDS = {
    "merchant": "62d52ce6ca96effd0777a771",
    "account[order_id]": "197",
    "account[phone]": "998901234567",
    "amount": "500000",
}


def merchant_form(
    url: str, fields: Mapping[str, str], extra: str = '<input type="hidden" name="button" value="colored">'
) -> str:
    """Return a merchant's form with its two containers.

    Args:
        url: The checkout's address.
        fields: The hidden fields' names and values.
        extra: Further HTML within the form.
    """
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    return (
        f'<form id="form-payme" method="POST" action="{escape(url)}">{hidden}{extra}'
        '<div id="button-container">was here</div><div id="qr-container">was here</div></form>'
    )


def merchants_site(pages: Mapping[str, str], policies: Mapping[str, str]) -> Starlette:
    """Return a merchant's site; a test changes its pages while it runs.

    Args:
        pages: HTML by path.
        policies: Content-Security-Policy by path, where a page has one.
    """

    async def show(request: Request) -> Response:
        path = request.url.path
        if path not in pages:
            return Response(status_code=404)
        headers = {"Content-Security-Policy": policies[path]} if path in policies else {}
        return HTMLResponse(
            f"<!doctype html><meta charset=utf-8><title>Shop</title>{pages[path]}", headers=headers
        )

    return Starlette(routes=[Route("/{path:path}", show)])


_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda y, x: (y + x) % 2 == 0,
    lambda y, _: y % 2 == 0,
    lambda _, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
)


def read_qr(rows: list[list[int]]) -> str:
    """Read the bytes of a code in byte mode, as text.

    Args:
        rows: The modules, dark ones 1, without the quiet zone.
    """
    size = len(rows)
    version = (size - 17) // 4
    told = [rows[8][x] for x in (0, 1, 2, 3, 4)]
    told = [bit ^ mask for bit, mask in zip(told, (1, 0, 1, 0, 1), strict=True)]
    level = {(0, 1): consts.ERROR_LEVEL_L, (0, 0): consts.ERROR_LEVEL_M}[told[0], told[1]]
    mask = _MASKS[told[2] * 4 + told[3] * 2 + told[4]]
    taken = _pattern(size, version)
    bits = [
        rows[y][x] ^ mask(y, x)
        for pair in [*range(size - 1, 6, -2), 5, 3, 1]
        for y in _column(size, pair)
        for x in (pair, pair - 1)
        if (y, x) not in taken
    ]
    words = [_number(bits[i : i + 8]) for i in range(0, len(bits) - 7, 8)]
    corrections: Any = consts.ECC
    lengths = [b.num_data for b in corrections[version][level] for _ in range(b.num_blocks)]
    blocks: list[list[int]] = [[] for _ in lengths]
    dealt = iter(words)
    for i in range(max(lengths)):
        for block, length in zip(blocks, lengths, strict=True):
            if i < length:
                block.append(next(dealt))
    data = [int(bit) for block in blocks for word in block for bit in f"{word:08b}"]
    assert _number(data[:4]) == 4, "not in byte mode"
    wide = 8 if version < 10 else 16
    count = _number(data[4 : 4 + wide])
    start = 4 + wide
    return bytes(_number(data[start + 8 * i : start + 8 * i + 8]) for i in range(count)).decode()


def _number(bits: Iterable[int]) -> int:
    return int("".join(str(int(bit)) for bit in bits), 2)


def _column(size: int, right: int) -> range:
    """Rows of a pair of columns in their order: the rightmost pair goes up, the next one down."""
    turn = (size - 1 - right) // 2 if right > 6 else (size - 2 - right) // 2
    return range(size - 1, -1, -1) if turn % 2 == 0 else range(size)


def _pattern(size: int, version: int) -> set[tuple[int, int]]:
    """The places that hold no data."""
    taken = {(6, i) for i in range(size)} | {(i, 6) for i in range(size)}
    for y in range(9):
        for x in range(9):
            taken.add((y, x))
            if x < 8:
                taken.add((y, size - 1 - x))
                taken.add((size - 1 - x, y))
    if version > 1:
        centres = consts.ALIGNMENT_POS[version - 2]
        corners = {(6, 6), (6, centres[-1]), (centres[-1], 6)}
        for cy in centres:
            for cx in centres:
                if (cy, cx) not in corners:
                    taken |= {(cy + y, cx + x) for y in range(-2, 3) for x in range(-2, 3)}
    if version > 6:
        taken |= {(y, size - 9 - x) for y in range(6) for x in range(3)}
        taken |= {(size - 9 - x, y) for y in range(6) for x in range(3)}
    return taken
