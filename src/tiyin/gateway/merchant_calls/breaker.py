"""A circuit breaker: spares a merchant that does not answer, and everybody who would wait for it.

    closed --(failures in a row)--> open --(a pause)--> one trial --answered--> closed
                                      ^------------------- failed again ----------|

One breaker a merchant, so that one merchant's trouble is nobody else's.
"""

from typing import Final

import msgspec

from tiyin.runtime.clock import Clock

__all__ = ["Breaker"]

_FAILURES_MAX: Final = 5
_PAUSE_MS: Final = 1_000
_PAUSE_MS_MAX: Final = 15_000


class Breaker(msgspec.Struct):
    """The state of one merchant's circuit.

    Attributes:
        clock: The runtime's clock; the emulator's turned clock ends a pause too.
        failures_max: So many calls without an answer in a row open the circuit.
        pause_ms: How long the first pause lasts; each failed trial doubles it, up to fifteen seconds.
    """

    clock: Clock
    failures_max: int = _FAILURES_MAX
    pause_ms: int = _PAUSE_MS
    _failures: int = 0
    _opened_at_ms: int = 0
    _open_until_ms: int = 0
    _trial_running: bool = False

    def allows(self) -> bool:
        """Tell whether a call may start now; after a pause it lets exactly one try.

        A caller that was allowed must call `answered`, `failed` or `left` afterwards.
        """
        if self._failures < self.failures_max:
            return True
        # A machine's clock may be set back: a pause that has not begun yet holds nobody up.
        if self._trial_running or self._opened_at_ms <= self.clock.now_ms() < self._open_until_ms:
            return False
        self._trial_running = True
        return True

    def answered(self) -> None:
        """Note that the merchant answered, whatever it said."""
        self._failures = 0
        self._trial_running = False

    def failed(self) -> None:
        """Note that a call brought no answer."""
        self._failures += 1
        self._trial_running = False
        if self._failures >= self.failures_max:
            doubled_times = min(self._failures - self.failures_max, 10)
            pause_ms = min(self.pause_ms << doubled_times, _PAUSE_MS_MAX)
            self._opened_at_ms = self.clock.now_ms()
            self._open_until_ms = self._opened_at_ms + pause_ms

    def left(self) -> None:
        """Note that an allowed call ended without telling anything, as when its task was cancelled."""
        self._trial_running = False
