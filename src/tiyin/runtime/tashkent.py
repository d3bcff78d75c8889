"""The time of Uzbekistan: UTC+5 all year. Days of the books, of day files and of receipts are its days."""

from datetime import timedelta, timezone
from typing import Final

__all__ = ["DAY_MS", "TASHKENT", "TASHKENT_MS", "day_number"]

TASHKENT: Final = timezone(timedelta(hours=5))
"""Uzbekistan keeps one time all year."""

TASHKENT_MS: Final = 5 * 3_600_000
"""How far it is ahead of UTC, milliseconds."""

DAY_MS: Final = 24 * 3_600_000
"""A day, milliseconds."""


def day_number(at_ms: int) -> int:
    """Count the day that a moment belongs to, days since 1970.

    Args:
        at_ms: Milliseconds since 1970.
    """
    return (at_ms + TASHKENT_MS) // DAY_MS
