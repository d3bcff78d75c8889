"""A saved card as it is stored, and the port to wherever a shop stores it."""

from typing import Protocol

import msgspec

from tiyin.protocol.hidden import rich_repr

__all__ = ["AsyncCardKeeper", "CardKeeper", "SavedCard"]


class SavedCard(msgspec.Struct, frozen=True, kw_only=True):
    """One card of one customer. (``customer``, ``card``) names it.

    Attributes:
        customer: The shop's name of the customer.
        card: The shop's name of the card, among those of the customer.
        number: The masked number, for people.
        token: The token at Payme, sealed if the shop gave a key.
        pin: The PIN's hash, sealed if the shop gave a key; None if there is no PIN.
        tries: How many PINs are being compared or were wrong, since the last right one.
        wrong: How many of them are known to be wrong.
        tried_ms: When the last comparing began, in milliseconds since 1970.
        removing: True once it pays no more, until Payme has forgotten the token.
        saved_ms: When it was saved, in milliseconds since 1970.
        stamp: Chance, new with every write: a write names the one it replaces.
    """

    customer: str
    card: str
    number: str
    token: str
    pin: str | None = None
    tries: int = 0
    wrong: int = 0
    tried_ms: int = 0
    removing: bool = False
    saved_ms: int = 0
    stamp: str = ""

    def __repr__(self) -> str:
        return f"SavedCard(card={self.card!r}, number={self.number!r}, removing={self.removing!r})"

    __rich_repr__ = rich_repr


class CardKeeper(Protocol):
    """Where a shop keeps its customers' cards, for `SavedCards`: a table with the columns of `SavedCard`.

    Each write must be committed when its method returns, and `replace` and `delete` must compare and write in
    one statement: that is what holds parallel guesses to three. With Django's ORM, for example:

    ```python
    class CardsInDjango:
        def get(self, customer, card):
            row = CardModel.objects.filter(customer=customer, card=card).values(*FIELDS).first()
            return None if row is None else SavedCard(**row)

        def add(self, record):
            _, created = CardModel.objects.get_or_create(
                customer=record.customer, card=record.card, defaults=msgspec.structs.asdict(record))
            return created

        def replace(self, old, new):
            same = CardModel.objects.filter(customer=old.customer, card=old.card, stamp=old.stamp)
            return same.update(**msgspec.structs.asdict(new)) == 1

        def delete(self, old):
            same = CardModel.objects.filter(customer=old.customer, card=old.card, stamp=old.stamp)
            return same.delete()[0] == 1

        def of_customer(self, customer, limit):
            rows = CardModel.objects.filter(customer=customer).order_by("saved_ms")
            return [SavedCard(**row) for row in rows.values(*FIELDS)[:limit]]

        def removing(self, limit):
            rows = CardModel.objects.filter(removing=True)
            return [SavedCard(**row) for row in rows.values(*FIELDS)[:limit]]
    ```

    Do not call `SavedCards` inside a transaction of yours (Django's ``ATOMIC_REQUESTS`` too): a wrong try
    that is rolled back was never counted.
    """

    def get(self, customer: str, card: str) -> SavedCard | None:
        """Return a card, or None."""
        ...

    def add(self, record: SavedCard) -> bool:
        """Store a new card; False if the customer has one of that name."""
        ...

    def replace(self, old: SavedCard, new: SavedCard) -> bool:
        """Store `new` in the place of `old`; False if what stands there has another `stamp` than `old`."""
        ...

    def delete(self, old: SavedCard) -> bool:
        """Delete a card; False if what stands there has another `stamp`."""
        ...

    def of_customer(self, customer: str, limit: int) -> list[SavedCard]:
        """Return a customer's cards, the oldest first."""
        ...

    def removing(self, limit: int) -> list[SavedCard]:
        """Return cards of anybody with `removing` set, in any order."""
        ...


class AsyncCardKeeper(Protocol):
    """The same port for `AsyncSavedCards`; see `CardKeeper` for what each method must do."""

    async def get(self, customer: str, card: str) -> SavedCard | None:
        """Return a card, or None."""
        ...

    async def add(self, record: SavedCard) -> bool:
        """Store a new card; False if the customer has one of that name."""
        ...

    async def replace(self, old: SavedCard, new: SavedCard) -> bool:
        """Store `new` in the place of `old`; False if what stands there has another `stamp` than `old`."""
        ...

    async def delete(self, old: SavedCard) -> bool:
        """Delete a card; False if what stands there has another `stamp`."""
        ...

    async def of_customer(self, customer: str, limit: int) -> list[SavedCard]:
        """Return a customer's cards, the oldest first."""
        ...

    async def removing(self, limit: int) -> list[SavedCard]:
        """Return cards of anybody with `removing` set, in any order."""
        ...
