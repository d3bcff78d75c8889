"""What a reconciliation found: its differences, the worst first, and what each side counts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from tiyin.merchant.reconcile.judging import Difference
from tiyin.merchant.reconcile.kinds import KINDS, Code, Severity
from tiyin.merchant.reconcile.rows import Period
from tiyin.merchant.reconcile.totals import DayTotals

__all__ = ["Found", "Reconciliation"]

_CODES: Final = {code: number for number, code in enumerate(Code)}
_SEVERITIES: Final = {severity: number for number, severity in enumerate(Severity)}


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    ```python
    found.agrees                          # False
    found.counts                          # {Code.PAID_TWICE: 1}
    found.whole.difference_tiyin          # 500000
    msgspec.json.encode(found.as_dict())  # for another program
    ```

    Args:
        period: What was compared.
        now_ms: When the sources were taken, in milliseconds since 1970.
        read: How many rows each source had.
        counts: How many differences there are of each kind.
        sums_tiyin: The money that the differences of each kind are about, in tiyin.
        differences: The differences, the worst first; of very many only the beginning.
        days: What each side counts, by the days of Tashkent.
        whole: What each side counts in the whole period.
    """

    period: Period
    now_ms: int
    read: Mapping[str, int]
    counts: Mapping[Code, int]
    sums_tiyin: Mapping[Code, int]
    differences: tuple[Difference, ...]
    days: tuple[DayTotals, ...]
    whole: DayTotals

    @property
    def agrees(self) -> bool:
        """Whether nothing differs; notes are no difference."""
        return all(KINDS[code].severity is Severity.NOTE for code in self.counts)

    def count(self, severity: Severity) -> int:
        """Return how many differences there are of a severity.

        Args:
            severity: Which.
        """
        return sum(count for code, count in self.counts.items() if KINDS[code].severity is severity)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON writes it, with every kind's words in three languages."""
        return {
            "agrees": self.agrees,
            "period": {"from": self.period.from_ms, "to": self.period.to_ms},
            "now": self.now_ms,
            "read": dict(self.read),
            "kinds": [
                {
                    "code": code.value,
                    "severity": KINDS[code].severity.value,
                    "count": count,
                    "amount_tiyin": self.sums_tiyin[code],
                    "title": KINDS[code].title.as_dict(),
                    "why": KINDS[code].why.as_dict(),
                    "do": KINDS[code].do.as_dict(),
                }
                for code, count in self.counts.items()
            ],
            "differences": [
                {**msgspec.to_builtins(difference), "severity": difference.severity.value}
                for difference in self.differences
            ],
            "days": [_day(day) for day in self.days],
            "whole": _day(self.whole),
        }


class Found:
    """Collects differences and keeps the worst of them, so that their number is bounded.

    Args:
        kept_max: How many are kept.
    """

    def __init__(self, kept_max: int) -> None:
        self._kept_max = kept_max
        self._kept: list[Difference] = []
        self._counts: Counter[Code] = Counter()
        self._sums: Counter[Code] = Counter()

    def add(self, difference: Difference) -> None:
        """Take one in."""
        self._counts[difference.code] += 1
        self._sums[difference.code] += difference.amount_tiyin
        self._kept.append(difference)
        if len(self._kept) >= 2 * self._kept_max:
            self._kept = sorted(self._kept, key=_rank)[: self._kept_max]

    def extend(self, differences: Iterable[Difference]) -> None:
        """Take several in."""
        for difference in differences:
            self.add(difference)

    def worst(self) -> tuple[Difference, ...]:
        """Return what is kept, the worst first, then by kind and time."""
        return tuple(sorted(self._kept, key=_rank)[: self._kept_max])

    def counts(self) -> dict[Code, int]:
        """Return how many there were of each kind, the worst first."""
        return {code: self._counts[code] for code in self._codes()}

    def sums(self) -> dict[Code, int]:
        """Return the money that those of each kind are about, in tiyin."""
        return {code: self._sums[code] for code in self._codes()}

    def _codes(self) -> list[Code]:
        return sorted(self._counts, key=lambda code: (_SEVERITIES[KINDS[code].severity], _CODES[code]))


def _rank(difference: Difference) -> tuple[int, int, int, str, str]:
    return (
        _SEVERITIES[difference.severity],
        _CODES[difference.code],
        difference.time_ms,
        difference.order,
        difference.id,
    )


def _day(day: DayTotals) -> dict[str, Any]:
    written: dict[str, Any] = msgspec.to_builtins(day)
    for name in ("orders", "transactions", "receipts"):
        side = getattr(day, name)
        if side is not None:
            written[name]["net_tiyin"] = side.net_tiyin
    return {**written, "difference_tiyin": day.difference_tiyin}
