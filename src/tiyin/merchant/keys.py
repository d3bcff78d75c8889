"""Which keys open the shop: those of the settings, and what ChangePassword made of them."""

import hmac

import msgspec

from tiyin.merchant.access import Keys, digest_of
from tiyin.merchant.stores.port import KeyRow, TransactionStore
from tiyin.runtime.clock import Clock

__all__ = ["KeyRing", "accepted", "after_change", "after_use"]

_FRESH_S = 2.0


def accepted(row: KeyRow | None, configured: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the digests that are good now.

    Args:
        row: What ChangePassword left behind.
        configured: Digests of the keys in the settings.
    """
    if row is None or row.configured != configured[0]:
        return configured
    good = (row.current,) if row.next is None else (row.current, row.next)
    return (*good, *configured[1:])


def after_change(row: KeyRow | None, mode: str, configured: tuple[bytes, ...], new: bytes) -> KeyRow | None:
    """Return the row after ChangePassword: the old key stays good until the new one is used.

    Args:
        row: What earlier changes left behind.
        mode: The shop's mode, which names the row.
        configured: Digests of the keys in the settings.
        new: Digest of the new key.
    """
    if row is None or row.configured != configured[0]:
        return KeyRow(mode, configured[0], configured[0], None if new == configured[0] else new)
    return msgspec.structs.replace(row, next=None if new == row.current else new)


def after_use(row: KeyRow | None, used: bytes) -> KeyRow | None:
    """Return the row after a key was used: the new one's first use ends the old one."""
    if row is None or row.next is None or row.next != used:
        return None
    return msgspec.structs.replace(row, current=used, next=None)


class KeyRing:
    """Opens the shop to those who have its key.

    Where keys can change, the stored row is looked at again after two seconds, and whenever a key does not
    fit: another process may have been told a new one.

    Args:
        keys: The settings.
        store: Where changes are kept.
        clock: Process time.
        changes: Whether ChangePassword is served.
    """

    def __init__(self, keys: Keys, store: TransactionStore, clock: Clock, *, changes: bool) -> None:
        self._configured = tuple(digest_of(key) for key in keys.accepted)
        self._mode = keys.mode
        self._store = store
        self._clock = clock
        self._changes = changes
        self._row: KeyRow | None = None
        self._read_at: float | None = None

    async def opens(self, password: str) -> bool:
        """Tell whether a key is good; the first use of a new one ends the old one."""
        used = digest_of(password)
        if not self._changes:
            return _among(used, self._configured)
        if (
            self._read_at is None
            or self._clock.monotonic() - self._read_at > _FRESH_S
            or not _among(used, accepted(self._row, self._configured))
        ):
            await self._read()
        if not _among(used, accepted(self._row, self._configured)):
            return False
        if after_use(self._row, used) is not None:
            await self._store.change_key(self._mode, lambda row: after_use(row, used))
            await self._read()
        return True

    async def change(self, password: str) -> None:
        """Take a new key in."""
        new = digest_of(password)
        await self._store.change_key(
            self._mode, lambda row: after_change(row, self._mode, self._configured, new)
        )
        # Looked at again with the next call: what was just written may still be undone with all around it.
        self._read_at = None

    async def _read(self) -> None:
        self._row = await self._store.key_row(self._mode)
        self._read_at = self._clock.monotonic()


def _among(used: bytes, good: tuple[bytes, ...]) -> bool:
    # Every one is compared, so that the time does not tell which one came close.
    return sum(hmac.compare_digest(used, one) for one in good) > 0
