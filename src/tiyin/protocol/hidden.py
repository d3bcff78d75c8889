"""Keeping hidden what a type hides from its `repr`, wherever else it is shown.

msgspec gives every struct a `__rich_repr__` with all of its fields, and rich prefers that to `repr`; so do
structlog's tracebacks with local variables.
"""

from typing import Any

__all__ = ["rich_repr"]


class _Shown:
    """A text that is its own `repr`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def rich_repr(self: object) -> list[tuple[str, Any]]:
    """Show what `repr` shows; assigned as `__rich_repr__` beside every `__repr__` that hides something."""
    text = repr(self)
    name = f"{type(self).__name__}("
    return [("", _Shown(text[len(name) : -1] if text.startswith(name) and text.endswith(")") else text))]
