"""The safe: sealed card numbers, one row for a number and an expiry date, whoever made tokens of it."""

from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.cards.records import CARDS, CardRow, card_place
from tiyin.gateway.vault import Vault
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import mask_card_number
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import Ids
from tiyin.storage.store import Store, Taken
from tiyin.storage.tables import Decision

__all__ = ["CardDetails", "CardSafe"]

_FINGERPRINT: Final = "card"
_BATCH: Final = 500


class CardDetails(msgspec.Struct, frozen=True):
    """A card's number, for the acquirer's call and for nothing else.

    Args:
        number: 16 digits.
        expire: Month and year, ``0399``.
    """

    number: str
    expire: str

    def __repr__(self) -> str:
        return f"CardDetails(number={mask_card_number(self.number)!r})"

    __rich_repr__ = rich_repr


class CardSafe:
    """Keeps card numbers.

    Args:
        store: Where they are kept.
        clock: Dates them.
        ids: Names them.
        vault: Seals them.
    """

    def __init__(self, store: Store, clock: Clock, ids: Ids, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._vault = vault

    def fingerprint(self, number: str) -> str:
        """Make the text that stands for a number where it is only counted or compared."""
        return self._vault.fingerprint(number, _FINGERPRINT)

    async def keep(self, number: str, expire: str) -> str:
        """Find the card's row or make it; two that make it at once are answered the same.

        Args:
            number: 16 digits.
            expire: Month and year, ``0399``.

        Returns:
            The card's id.
        """
        found = await self._find(number, expire)
        while found is None:
            found = await self._insert(number, expire) or await self._find(number, expire)
        return found

    async def _insert(self, number: str, expire: str) -> str | None:
        now_ms = self._clock.now_ms()
        card_id = self._ids.new(now_ms)
        row = CardRow(
            id=card_id,
            fingerprint=self.fingerprint(number),
            expire=expire,
            number_sealed=self._vault.seal(number, card_place(card_id)),
            created_at_ms=now_ms,
        )
        try:
            await self._store.change(CARDS, card_id, lambda _: Decision(None, row))
        except Taken:
            return None
        return card_id

    async def _find(self, number: str, expire: str) -> str | None:
        columns = CARDS.schema.c
        fingerprints = self._vault.fingerprints(number, _FINGERPRINT)
        statement = (
            sa.select(columns.id)
            .where(columns.fingerprint.in_(fingerprints), columns.expire == expire)
            .order_by(columns.id)
            .limit(1)
        )
        rows = await self._store.query(statement)
        return rows[0][0] if rows else None

    async def open(self, card_id: str) -> CardDetails:
        """Give a card's number, for the acquirer's call only.

        Raises:
            LookupError: If there is no such card.
            SealBroken: If the stored number was tampered with or its key is gone.
        """
        row = await self._store.get(CARDS, card_id)
        if row is None:
            raise LookupError(f"there is no card {card_id!r}")
        return CardDetails(self._vault.open(row.number_sealed, card_place(row.id)), row.expire)

    async def reseal(self) -> int:
        """Seal the numbers that are under an older vault key anew, with their fingerprints.

        Returns:
            How many cards were changed. What a crash left undone is done by the next call.
        """
        changed = 0
        after = ""
        columns = CARDS.schema.c
        while rows := await self._store.query(
            sa.select(CARDS.schema).where(columns.id > after).order_by(columns.id).limit(_BATCH), CARDS
        ):
            for row in rows:
                if not self._vault.is_current(row.number_sealed):
                    await self._reseal_one(row.id)
                    changed += 1
            after = rows[-1].id
        return changed

    async def _reseal_one(self, card_id: str) -> None:
        def reseal(held: CardRow | None, *, fingerprint: bool) -> Decision[None]:
            if held is None:
                return Decision(None)
            number = self._vault.open(held.number_sealed, card_place(card_id))
            row = msgspec.structs.replace(held, number_sealed=self._vault.seal(number, card_place(card_id)))
            if fingerprint:
                row = msgspec.structs.replace(row, fingerprint=self.fingerprint(number))
            return Decision(None, row)

        try:
            await self._store.change(CARDS, card_id, lambda held: reseal(held, fingerprint=True))
        except Taken:
            # A process without the old key has made the same card a second time: both stay, receipts name
            # them.
            await self._store.change(CARDS, card_id, lambda held: reseal(held, fingerprint=False))
