"""A fiscal receipt's QR code: drawn for the page, and as squares for the PDF. Dark on white in any light."""

from typing import Final

import msgspec
import segno

__all__ = ["QUIET_MODULES", "QrDrawing", "draw_qr"]

QUIET_MODULES: Final = 4
"""The white margin that scanners need, in modules."""


class QrDrawing(msgspec.Struct, frozen=True):
    """A QR code.

    Args:
        size: How many modules a side has with the margin.
        path: The dark modules as an SVG path, one unit a module.
        runs: The same as runs of dark modules: column, row, length.
    """

    size: int
    path: str
    runs: tuple[tuple[int, int, int], ...]


def draw_qr(text: str) -> QrDrawing:
    """Draw a text, with an error correction that forgives a fold in the paper.

    Args:
        text: What the code says; at most some 300 characters of an address.

    Raises:
        ValueError: If it is too long for any code.
    """
    code = segno.make_qr(text, error="m", boost_error=False)
    runs = []
    for y, row in enumerate(code.matrix, QUIET_MODULES):
        start = None
        for x, dark in enumerate((*row, 0), QUIET_MODULES):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                runs.append((start, y, x - start))
                start = None
    path = "".join(f"M{x} {y}h{length}v1h-{length}z" for x, y, length in runs)
    return QrDrawing(len(code.matrix) + 2 * QUIET_MODULES, path, tuple(runs))
