"""How often something may happen: counters in the database, so that all processes count together."""

import msgspec

from tiyin.gateway.cards.records import COUNTS, CountRow
from tiyin.storage.store import Store
from tiyin.storage.tables import Decision

__all__ = ["CodeLimits", "Limit", "count"]


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

    def add(held: CountRow | None) -> Decision[bool]:
        if held is None or now_ms >= held.until_ms:
            return Decision(True, CountRow(subject, 1, now_ms + limit.window_ms))
        if held.count >= limit.count_max:
            return Decision(False)
        return Decision(True, msgspec.structs.replace(held, count=held.count + 1))

    return await store.change(COUNTS, subject, add)
