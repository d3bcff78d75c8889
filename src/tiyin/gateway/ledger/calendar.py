"""The days of the books: Tashkent's (UTC+5, no summer time), whoever looks and wherever the process runs."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from tiyin.runtime.tashkent import DAY_MS, TASHKENT_MS, day_number

__all__ = ["DAY_MS", "day_of", "day_span", "next_day"]

_EPOCH: Final = date(1970, 1, 1)


def day_of(at_ms: int) -> date:
    """Tell the day of Tashkent that a moment belongs to.

    Args:
        at_ms: Milliseconds since 1970.
    """
    return _EPOCH + timedelta(days=day_number(at_ms))


def day_span(day: date) -> tuple[int, int]:
    """Give the first and the last millisecond of a day of Tashkent, both within it."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    first_ms = int(midnight.timestamp()) * 1000 - TASHKENT_MS
    return first_ms, first_ms + DAY_MS - 1


def next_day(day: date, days: int = 1) -> date:
    """Give the day after, or so many days after; negative for before."""
    return day + timedelta(days=days)
