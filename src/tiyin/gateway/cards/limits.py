"""How often something may happen: counters in the database, so that all processes count together."""

from collections.abc import Sequence

import msgspec

from tiyin.gateway.cards.records import COUNTS, CountRow
from tiyin.gateway.vault import Vault
from tiyin.protocol.errors import RpcError
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.storage.store import Store
from tiyin.storage.tables import Decision

__all__ = [
    "CARD_TRIES",
    "CODE_TRIES",
    "CodeLimits",
    "Limit",
    "TooOften",
    "Tries",
    "TryLimits",
    "Trying",
    "count",
    "count_until",
]

_log = get_logger("tiyin.cards")


class Limit(msgspec.Struct, frozen=True):
    """So many times within so long.

    Args:
        count_max: How many times; at least 1.
        window_ms: Within how long, milliseconds.
    """

    count_max: int
    window_ms: int


class CodeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many codes may be asked for.

    A merchant's server is one address for many payers, so that addresses are not counted: cards, phones and
    desks are. A card's limit bounds guessing, too: three tries a code.

    Args:
        card: For one card number, whatever token.
        phone: For one phone.
        desk: For all cards of one desk.
    """

    card: Limit = Limit(5, 3_600_000)
    phone: Limit = Limit(10, 3_600_000)
    desk: Limit = Limit(3_000, 3_600_000)


class TryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many tries in a row may fail on the checkout's pages.

    Wide enough for a family with one phone and for an office behind one address; only what failed counts.

    Args:
        browser: From one browser.
        order: For one order or receipt, whoever tries.
        network: From one network address, where it is one of the whole internet.
    """

    browser: Limit
    order: Limit
    network: Limit


CARD_TRIES = TryLimits(
    browser=Limit(10, 3_600_000), order=Limit(20, 3_600_000), network=Limit(200, 3_600_000)
)
"""Cards that were refused."""

CODE_TRIES = TryLimits(
    browser=Limit(20, 3_600_000), order=Limit(20, 3_600_000), network=Limit(300, 3_600_000)
)
"""Codes that were wrong; each code has its own three tries besides."""


class TooOften(RpcError):
    """Something was tried too often; the error says when it may be tried again.

    Args:
        code: The Subscribe API's number for it.
        until_ms: From when on it may be tried again, milliseconds since 1970.
    """

    def __init__(self, code: int, until_ms: int) -> None:
        super().__init__(code)
        self.until_ms = until_ms


class Trying(msgspec.Struct, frozen=True):
    """Who tries, and for what.

    Args:
        browser: The browser's name, which tells nothing of the payer.
        order: The order or receipt, or its hash.
        network: The network address, or empty where it says nothing: it is kept as a keyed hash only.
    """

    browser: str
    order: str
    network: str = ""


class Tries:
    """Counts what fails on the checkout's pages.

    A try is counted before it is made, and given back when it succeeds: tries at the same time are never more
    than there may be.

    Args:
        store: Where the counters are.
        clock: The product's time.
        vault: Hides network addresses.
        what: What is tried; part of the counters' names.
        code: The number of the error that says "too often".
        limits: How often it may fail.
    """

    def __init__(
        self, store: Store, clock: Clock, vault: Vault, *, what: str, code: int, limits: TryLimits
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._what = what
        self._code = code
        self._limits = limits

    async def spend(self, trying: Trying) -> None:
        """Count one more try.

        Args:
            trying: Who tries, and for what.

        Raises:
            TooOften: One of the limits is reached; then nothing was counted.
        """
        now_ms = self._clock.now_ms()
        counted: list[str] = []
        for subject, limit in self._subjects(trying):
            until_ms = await count_until(self._store, subject, limit, now_ms)
            if until_ms:
                await self._take_back(counted)
                _log.warning("try_limit_reached", what=self._what, limit=subject.split(":")[1])
                raise TooOften(self._code, until_ms)
            counted.append(subject)

    async def give_back(self, trying: Trying) -> None:
        """Take a try that succeeded off the count.

        Args:
            trying: As for `spend`.
        """
        await self._take_back([subject for subject, _ in self._subjects(trying)])

    def _subjects(self, trying: Trying) -> list[tuple[str, Limit]]:
        subjects = [
            (f"{self._what}:browser:{trying.browser}", self._limits.browser),
            (f"{self._what}:order:{trying.order}", self._limits.order),
        ]
        if trying.network:
            hidden = self._vault.fingerprint(trying.network, "network")
            subjects.append((f"{self._what}:network:{hidden}", self._limits.network))
        return subjects

    async def _take_back(self, subjects: Sequence[str]) -> None:
        def less(held: CountRow | None) -> Decision[None]:
            if held is None or not held.count:
                return Decision(None)
            return Decision(None, msgspec.structs.replace(held, count=held.count - 1))

        for subject in subjects:
            await self._store.change(COUNTS, subject, less)


async def count(store: Store, subject: str, limit: Limit, now_ms: int) -> bool:
    """Count one more time.

    Args:
        store: Where the counter is.
        subject: What is counted, without personal data.
        limit: How often it may be.
        now_ms: The present moment, milliseconds since 1970.

    Returns:
        Whether it is still within the limit; what is refused is not counted.
    """
    return await count_until(store, subject, limit, now_ms) == 0


async def count_until(store: Store, subject: str, limit: Limit, now_ms: int) -> int:
    """Count one more time, and learn when it may be again.

    Args:
        store: Where the counter is.
        subject: What is counted, without personal data.
        limit: How often it may be.
        now_ms: The present moment, milliseconds since 1970.

    Returns:
        0 where it is still within the limit; else from when on it may be again, milliseconds since 1970. What
        is refused is not counted.
    """

    def add(held: CountRow | None) -> Decision[int]:
        if held is None or now_ms >= held.until_ms:
            return Decision(0, CountRow(subject, 1, now_ms + limit.window_ms))
        if held.count >= limit.count_max:
            return Decision(held.until_ms)
        return Decision(0, msgspec.structs.replace(held, count=held.count + 1))

    return await store.change(COUNTS, subject, add)
