"""Makes businesses and cash desks, changes and lists them.

Documentation: setup, cabinet/overview
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.desks.checks import (
    DeskRefused,
    check_desk,
    check_id,
    check_key,
    check_title,
    with_main_field,
)
from tiyin.gateway.desks.records import (
    BUSINESSES,
    DESKS,
    AccountField,
    Business,
    BusinessRow,
    Desk,
    DeskKeys,
    DeskKind,
    DeskRow,
    Epos,
    desk_of,
    key_place,
)
from tiyin.gateway.vault import Vault
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Text
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import Ids, new_key
from tiyin.storage.store import Store, Taken
from tiyin.storage.tables import Decision

__all__ = ["DeskRegistry"]

_LIST_MAX: Final = 1_000
_CATEGORY: Final = Text(ru="Интернет", uz="Internet", en="Internet")

# What `change_desk` may change; the rest is what a desk is.
_CHANGEABLE: Final = frozenset(
    {
        "account_fields",
        "active",
        "address",
        "alias",
        "amount_tiyin_max",
        "amount_tiyin_min",
        "category",
        "commission_basis_points",
        "domains",
        "endpoint",
        "epos",
        "holds",
        "logo",
        "name",
        "round_up",
    }
)


class DeskRegistry:
    """Writes businesses and cash desks.

    Args:
        store: Where they are kept.
        clock: Dates them.
        ids: Names them.
        vault: Seals their keys: the gateway sends them to merchants, so that a hash would not do.
        test: Whether this gateway runs with test cards.
    """

    def __init__(self, store: Store, clock: Clock, ids: Ids, vault: Vault, *, test: bool) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._test = test

    async def create_business(
        self, *, name: str, organization: str | None = None, business_id: str | None = None
    ) -> Business:
        """Make a business.

        Args:
            name: What payers know it by.
            organization: The legal entity; the name where it is left out.
            business_id: An id to take over; a new one where it is left out.

        Raises:
            DeskRefused: If a value cannot be, or the id is taken.
        """
        business_id = self._ids.new(self._clock.now_ms()) if business_id is None else business_id
        organization = name if organization is None else organization
        check_id("business_id", business_id)
        check_title("name", name)
        check_title("organization", organization)
        row = BusinessRow(business_id, name, organization, 1, self._clock.now_ms())

        def insert(held: BusinessRow | None) -> Decision[None]:
            if held is not None:
                raise DeskRefused(
                    "business_id", f"There is a business {business_id} already; leave the id out."
                )
            return Decision(None, row)

        await self._store.change(BUSINESSES, business_id, insert)
        return _business_of(row)

    async def create_desk(  # noqa: PLR0913 - a desk has that many settings, each named where it is given
        self,
        *,
        business_id: str,
        name: str,
        kind: DeskKind | str,
        endpoint: str | None = None,
        account_fields: Sequence[AccountField] = (),
        amount_tiyin_min: int = 1,
        amount_tiyin_max: int = AMOUNT_TIYIN_MAX,
        round_up: bool = False,
        holds: bool = False,
        alias: str | None = None,
        logo: str | None = None,
        address: str = "",
        category: Text = _CATEGORY,
        epos: Epos | None = None,
        domains: Sequence[str] = (),
        commission_basis_points: int = 0,
        desk_id: str | None = None,
        key: str | None = None,
        test_key: str | None = None,
    ) -> tuple[Desk, str, str]:
        """Make a cash desk.

        Args:
            business_id: Whose it is.
            name: What payers read.
            kind: How it takes payments.
            endpoint: The merchant's Merchant API address; a billing desk has one.
            account_fields: Its account's fields; empty means that any field is taken.
            amount_tiyin_min: The smallest payment, tiyin.
            amount_tiyin_max: The largest payment, tiyin.
            round_up: Whether a payer's amount is rounded up to whole sums.
            holds: Whether it may hold money on cards.
            alias: A short name for addresses.
            logo: The logo's address.
            address: The postal address.
            category: What the business does.
            epos: Its numbers at the acquirer.
            domains: Whose pages may call ``cards.*``; see `tiyin.gateway.desks.origins`.
            commission_basis_points: The gateway's commission; 100 is one per cent.
            desk_id: An id to take over; a new one where it is left out.
            key: A key to take over, 16 to 128 printable characters; a new one where it is left out.
            test_key: The same for the test key.

        Returns:
            The desk, its key and its test key.

        Raises:
            DeskRefused: With the field and a sentence that says what to change; nothing is stored.
        """
        now_ms = self._clock.now_ms()
        business = await self._store.get(BUSINESSES, business_id)
        if business is None:
            raise DeskRefused("business_id", f"There is no business {business_id[:80]!r}; make it first.")
        if kind not in list(DeskKind):
            raise DeskRefused(
                "kind", f"kind {str(kind)[:80]!r} does not exist; choose {', '.join(DeskKind)}."
            )
        desk = Desk(
            id=self._ids.new(now_ms) if desk_id is None else desk_id,
            business_id=business_id,
            name=name,
            organization=business.organization,
            kind=DeskKind(kind),
            endpoint=endpoint,
            account_fields=with_main_field(account_fields),
            amount_tiyin_min=amount_tiyin_min,
            amount_tiyin_max=amount_tiyin_max,
            round_up=round_up,
            holds=holds,
            active=bool(business.active),
            test=self._test,
            alias=alias,
            logo=logo,
            address=address,
            category=category,
            epos=Epos() if epos is None else epos,
            domains=tuple(domains),
            commission_basis_points=commission_basis_points,
            created_at_ms=now_ms,
        )
        keys = DeskKeys(new_key() if key is None else key, new_key() if test_key is None else test_key)
        check_id("desk_id", desk.id)
        check_key("key", keys.key)
        check_key("test_key", keys.test_key)
        if keys.key == keys.test_key:
            raise DeskRefused("test_key", "test_key must differ from key; leave it out to get a new one.")
        check_desk(desk)
        await self._insert(desk, keys)
        return desk, keys.key, keys.test_key

    async def _insert(self, desk: Desk, keys: DeskKeys) -> None:
        row = DeskRow(
            **_columns(desk),
            id=desk.id,
            business_id=desk.business_id,
            kind=desk.kind.value,
            active=1,
            key_sealed=self._vault.seal(keys.key, key_place(desk.id, test=False)),
            test_key_sealed=self._vault.seal(keys.test_key, key_place(desk.id, test=True)),
            created_at_ms=desk.created_at_ms,
        )

        def insert(held: DeskRow | None) -> Decision[None]:
            if held is not None:
                raise DeskRefused("desk_id", f"There is a cash desk {desk.id} already; leave the id out.")
            return Decision(None, row)

        try:
            await self._store.change(DESKS, desk.id, insert)
        except Taken:
            raise DeskRefused(
                "alias", f"The alias {desk.alias!r} belongs to another cash desk; choose another."
            ) from None

    async def change_desk(self, desk_id: str, **changes: Any) -> Desk:
        """Change fields of a cash desk.

        Args:
            desk_id: Which desk.
            **changes: `Desk`'s fields by name: all but its ids, kind, organization and keys.

        Raises:
            DeskRefused: If there is no such desk or field, or the desk could not be so; nothing is stored.
        """
        for field in changes.keys() - _CHANGEABLE:
            raise DeskRefused(field, f"{field} of a cash desk cannot be changed; make another desk.")
        if "account_fields" in changes:
            changes["account_fields"] = with_main_field(changes["account_fields"])
        business = await self._business_of_desk(desk_id)

        def change(held: DeskRow | None) -> Decision[Desk]:
            if held is None:
                raise DeskRefused("desk_id", f"There is no cash desk {desk_id[:80]!r}.")
            desk = msgspec.structs.replace(desk_of(held, business, test=self._test), **changes)
            check_desk(desk)
            active = int(changes.get("active", held.active))
            row = msgspec.structs.replace(held, **_columns(desk), active=active)
            return Decision(desk_of(row, business, test=self._test), row)

        try:
            return await self._store.change(DESKS, desk_id, change)
        except Taken:
            raise DeskRefused("alias", "The alias belongs to another cash desk; choose another.") from None
        finally:
            self._forget(desk_id)

    async def set_business_active(self, business_id: str, *, active: bool) -> None:
        """Block a business, or let it take payments again; its desks keep their own flags.

        Raises:
            DeskRefused: If there is no such business.
        """

        def change(held: BusinessRow | None) -> Decision[None]:
            if held is None:
                raise DeskRefused("business_id", f"There is no business {business_id[:80]!r}.")
            return Decision(None, msgspec.structs.replace(held, active=int(active)))

        await self._store.change(BUSINESSES, business_id, change)
        self._forget(None)

    async def renew_key(self, desk_id: str, *, test: bool = False, key: str | None = None) -> str:
        """Give a desk a new key; the old one is good no longer.

        Args:
            desk_id: Which desk.
            test: The test key rather than the key.
            key: The key to take over; a new one where it is left out.

        Returns:
            The new key.

        Raises:
            DeskRefused: If there is no such desk, or the key cannot be one.
        """
        fresh = new_key() if key is None else key
        check_key("test_key" if test else "key", fresh)
        sealed = self._vault.seal(fresh, key_place(desk_id, test=test))

        def change(held: DeskRow | None) -> Decision[None]:
            if held is None:
                raise DeskRefused("desk_id", f"There is no cash desk {desk_id[:80]!r}.")
            field = "test_key_sealed" if test else "key_sealed"
            return Decision(None, msgspec.structs.replace(held, **{field: sealed}))

        await self._store.change(DESKS, desk_id, change)
        self._forget(desk_id)
        return fresh

    async def businesses(self) -> list[Business]:
        """Give the businesses in the order they were made, at most a thousand."""
        statement = sa.select(BUSINESSES.schema).order_by(BUSINESSES.schema.c.id).limit(_LIST_MAX)
        return [_business_of(row) for row in await self._store.query(statement, BUSINESSES)]

    async def desks(self, business_id: str | None = None) -> list[Desk]:
        """Give the cash desks, of one business or of all, in the order they were made; at most a thousand."""
        statement = sa.select(DESKS.schema).order_by(DESKS.schema.c.id).limit(_LIST_MAX)
        if business_id is not None:
            statement = statement.where(DESKS.schema.c.business_id == business_id)
        rows = await self._store.query(statement, DESKS)
        owners = await self._store.get_many(BUSINESSES, {row.business_id for row in rows})
        return [desk_of(row, owners[row.business_id], test=self._test) for row in rows]

    async def reseal(self) -> int:
        """Seal the keys that are under an older vault key anew.

        Returns:
            How many desks were changed.
        """
        changed = 0
        after = ""
        while rows := await self._store.query(
            sa.select(DESKS.schema)
            .where(DESKS.schema.c.id > after)
            .order_by(DESKS.schema.c.id)
            .limit(_LIST_MAX),
            DESKS,
        ):
            for row in rows:
                if not (
                    self._vault.is_current(row.key_sealed) and self._vault.is_current(row.test_key_sealed)
                ):
                    await self._store.change(DESKS, row.id, self._resealed)
                    changed += 1
            after = rows[-1].id
        return changed

    def _resealed(self, held: DeskRow | None) -> Decision[None]:
        if held is None:
            return Decision(None)
        row = msgspec.structs.replace(
            held,
            key_sealed=self._vault.reseal(held.key_sealed, key_place(held.id, test=False)),
            test_key_sealed=self._vault.reseal(held.test_key_sealed, key_place(held.id, test=True)),
        )
        return Decision(None, row)

    async def _business_of_desk(self, desk_id: str) -> BusinessRow:
        row = await self._store.get(DESKS, desk_id)
        business = None if row is None else await self._store.get(BUSINESSES, row.business_id)
        if business is None:
            raise DeskRefused("desk_id", f"There is no cash desk {desk_id[:80]!r}.")
        return business

    def _forget(self, desk_id: str | None) -> None:
        """Hear that a desk, or with None every desk, may have changed."""


def _business_of(row: BusinessRow) -> Business:
    return Business(
        id=row.id,
        name=row.name,
        organization=row.organization,
        active=bool(row.active),
        created_at_ms=row.created_at_ms,
    )


def _columns(desk: Desk) -> dict[str, Any]:
    """Write what can be changed of a desk as its columns; `active` is left out, being two flags in one."""
    return {
        "name": desk.name,
        "endpoint": desk.endpoint,
        "account_fields": msgspec.json.encode(desk.account_fields).decode(),
        "amount_tiyin_min": desk.amount_tiyin_min,
        "amount_tiyin_max": desk.amount_tiyin_max,
        "round_up": int(desk.round_up),
        "holds": int(desk.holds),
        "alias": desk.alias,
        "logo": desk.logo,
        "address": desk.address,
        "category": msgspec.json.encode(desk.category).decode(),
        "epos": msgspec.json.encode(desk.epos).decode(),
        "domains": msgspec.json.encode(desk.domains).decode(),
        "commission_basis_points": desk.commission_basis_points,
    }
