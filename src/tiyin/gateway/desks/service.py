"""Finds cash desks, gives out their keys, and judges who speaks for one.

Documentation: subscribe-api/overview (Авторизация), cabinet/cash-desk-key
"""

from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.desks.records import BUSINESSES, DESKS, Desk, DeskKeys, DeskRow, desk_of, key_place
from tiyin.gateway.desks.registry import DeskRegistry
from tiyin.gateway.vault import Vault
from tiyin.protocol.authorization import read_x_auth, same_secret
from tiyin.protocol.errors import access_denied
from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import ID_LENGTH, Ids
from tiyin.storage.store import Store

__all__ = ["Desks"]

_CACHE_S: Final = 2.0
_CACHE_MAX: Final = 20_000


class _Known(msgspec.Struct, frozen=True):
    """A desk in the cache, with its keys and the moment it is read again."""

    desk: Desk
    keys: DeskKeys
    until_s: float

    def __repr__(self) -> str:
        return f"_Known({self.desk.id})"

    __rich_repr__ = rich_repr


class Desks(DeskRegistry):
    """Businesses and cash desks.

    What was read is believed for two seconds of process time; a change made in this process is seen at once,
    one made in another within those seconds.

    Args:
        store: Where they are kept.
        clock: Dates them, and times the cache.
        ids: Names them.
        vault: Seals their keys: the gateway sends them to merchants, so that a hash would not do.
        test: Whether this gateway runs with test cards. Then merchants are called with the test key and
            either key opens the Subscribe API; otherwise the test key opens nothing.
    """

    def __init__(self, store: Store, clock: Clock, ids: Ids, vault: Vault, *, test: bool) -> None:
        super().__init__(store, clock, ids, vault, test=test)
        self._known: dict[str, _Known] = {}
        self._changes = 0

    async def find(self, desk_id: str) -> Desk | None:
        """Give the cash desk with this id, or None."""
        known = await self._find(desk_id)
        return None if known is None else known.desk

    async def find_by_alias(self, alias: str) -> Desk | None:
        """Give the cash desk with this alias, or None."""
        rows = await self._store.query(
            sa.select(DESKS.schema.c.id).where(DESKS.schema.c.alias == alias).limit(1)
        )
        return await self.find(rows[0][0]) if rows else None

    async def authorize(self, header: str | None, *, need_key: bool) -> Desk:
        """Judge an X-Auth header.

        Args:
            header: ``{id}`` or ``{id}:{key}``, split at the first colon; None where it is absent.
            need_key: Whether the id alone is not enough. A key that was sent must be right either way.

        Returns:
            The desk that is spoken for. It may be inactive: whether that matters is for the method to say.

        Raises:
            RpcError: -32504 with data `invalid_id` (no such desk) or `invalid_authorization_header` (no
                header, a malformed one, a wrong or a missing key).

        Documentation: subscribe-api/overview (Авторизация)
        """
        auth = read_x_auth(header)
        if auth is None:
            raise access_denied("invalid_authorization_header")
        known = await self._find(auth.desk_id)
        if known is None:
            raise access_denied("invalid_id")
        if auth.key is None:
            if need_key:
                raise access_denied("invalid_authorization_header")
            return known.desk
        # Both keys are compared whatever the first comparison says, so that the time it takes tells nothing.
        is_key = same_secret(auth.key, known.keys.key)
        is_test_key = same_secret(auth.key, known.keys.test_key)
        if not (is_key or (is_test_key and self._test)):
            raise access_denied("invalid_authorization_header")
        return known.desk

    async def key_of(self, desk_id: str) -> str:
        """Give the key that a merchant's server is called with now: the test key where test cards are on.

        Raises:
            LookupError: If there is no such desk.
        """
        keys = await self.keys_of(desk_id)
        return keys.test_key if self._test else keys.key

    async def keys_of(self, desk_id: str) -> DeskKeys:
        """Give a desk's two keys, for the page or the command that shows them to their owner.

        Raises:
            LookupError: If there is no such desk.
        """
        known = await self._find(desk_id)
        if known is None:
            raise LookupError(f"there is no cash desk {desk_id[:80]!r}")
        return known.keys

    async def _find(self, desk_id: str) -> _Known | None:
        now_s = self._clock.monotonic()
        known = self._known.get(desk_id)
        if known is not None and now_s < known.until_s:
            return known
        if len(desk_id) != ID_LENGTH:
            return None
        changes = self._changes
        row = await self._store.get(DESKS, desk_id)
        business = None if row is None else await self._store.get(BUSINESSES, row.business_id)
        if row is None or business is None:
            return None
        if len(self._known) >= _CACHE_MAX:
            self._known.clear()
        known = _Known(desk_of(row, business, test=self._test), self._open(row), now_s + _CACHE_S)
        # What was read while a change was under way may be older than the change: it is answered, not kept.
        if changes == self._changes:
            self._known[desk_id] = known
        return known

    def _forget(self, desk_id: str | None) -> None:
        self._changes += 1
        if desk_id is None:
            self._known.clear()
        else:
            self._known.pop(desk_id, None)

    def _open(self, row: DeskRow) -> DeskKeys:
        return DeskKeys(
            self._vault.open(row.key_sealed, key_place(row.id, test=False)),
            self._vault.open(row.test_key_sealed, key_place(row.id, test=True)),
        )
