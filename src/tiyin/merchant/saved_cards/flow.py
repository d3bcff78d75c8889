"""What is done with a saved card, written once, as coroutines: over a store that blocks none waits."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from tiyin.merchant.saved_cards import rules
from tiyin.merchant.saved_cards.client import AsyncCardsClient
from tiyin.merchant.saved_cards.errors import (
    CardAlreadySaved,
    CardRemoved,
    CardUnknown,
    PinBusy,
    PinNotSet,
    PinRequired,
    PinWrong,
    SavedCardError,
)
from tiyin.merchant.saved_cards.pins import Pins, check_new_pin, read_pin
from tiyin.merchant.saved_cards.records import AsyncCardKeeper, SavedCard
from tiyin.merchant.saved_cards.rules import Ruling, Verdict
from tiyin.merchant.saved_cards.sealing import Secrets
from tiyin.protocol.errors import SubscribeCode
from tiyin.protocol.values import is_clean_text, mask_card_number
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger

__all__ = ["CardView", "Flow"]

R = TypeVar("R")
T = TypeVar("T")
Compute = Callable[[Callable[[], T]], Awaitable[T]]

_WRITES_MAX: Final = 50
"""Each write that comes between has decided something, and few can: so many mean a broken keeper."""
_SHOWN_DIGITS: Final = 10
_CARDS_MAX: Final = 100
_REMOVALS_MAX: Final = 100
_REMOVALS_IN_ALL: Final = 10_000
_GONE: Final = frozenset({SubscribeCode.CARD_NOT_FOUND, SubscribeCode.TOKEN_MALFORMED})


class CardView(msgspec.Struct, frozen=True, kw_only=True):
    """A saved card as a page shows it: nothing secret.

    Attributes:
        customer: The shop's name of the customer.
        card: The shop's name of the card.
        number: The masked number.
        has_pin: Whether the PIN is to be asked for.
        tries_left: How many wrong PINs are left, 1 to 3.
    """

    customer: str
    card: str
    number: str
    has_pin: bool
    tries_left: int


class Flow(Generic[R]):
    """The steps of `SavedCards` and `AsyncSavedCards`; their documentation is there.

    Args:
        keeper: Where cards are.
        client: Speaks to Payme.
        secrets_: Hides tokens and PINs.
        clock: The time.
        without_pin: Whether a card without a PIN pays.
        compute: Runs what takes the processor long.
    """

    def __init__(
        self,
        keeper: AsyncCardKeeper,
        client: AsyncCardsClient[R],
        secrets_: Secrets,
        clock: Clock,
        *,
        without_pin: bool,
        compute: Compute[Any],
    ) -> None:
        self._keeper = keeper
        self._client = client
        self._secrets = secrets_
        self._clock = clock
        self._without_pin = without_pin
        self._compute = compute
        self._pins = Pins()
        self._log = get_logger("tiyin.merchant")

    async def save(
        self, customer: str, token: str, number: str, pin: str | None, card: str | None
    ) -> CardView:
        """Keep a card's token."""
        if not customer or card == "":
            raise ValueError("a customer and a card have names")
        if not token:
            raise ValueError("a card is saved with its token")
        if not all(map(is_clean_text, (customer, token, number, card or ""))):
            raise ValueError("a database stores no U+0000 and no lone surrogate")
        if pin is None and not self._without_pin:
            raise PinNotSet
        shown = number if sum(map(str.isdigit, number)) <= _SHOWN_DIGITS else mask_card_number(number)
        name = secrets.token_hex(8) if card is None else card
        record = SavedCard(
            customer=customer,
            card=name,
            number=shown,
            token=self._secrets.seal(token, _place(customer, name, "token")),
            pin=None if pin is None else await self._hash(customer, name, check_new_pin(pin, shown)),
            saved_ms=self._clock.now_ms(),
            stamp=_stamp(),
        )
        if not await self._keeper.add(record):
            raise CardAlreadySaved
        return _view(record)

    async def cards(self, customer: str) -> list[CardView]:
        """List the cards that pay, and go on with removing those that do not."""
        kept = []
        for record in await self._keeper.of_customer(customer, _CARDS_MAX):
            if record.removing:
                await self._finish(record)
            else:
                kept.append(_view(record))
        return kept

    async def unlock(self, customer: str, card: str, pin: str | None) -> str:
        """Return the token once the PIN is right."""
        return self._open_token(await self._let(customer, card, pin, without_pin=self._without_pin))

    async def pay(self, customer: str, card: str, receipt_id: str, pin: str | None) -> R:
        """Pay a receipt once the PIN is right."""
        return await self._client.receipts.pay(receipt_id, await self.unlock(customer, card, pin))

    async def set_pin(self, customer: str, card: str, new: str, old: str | None) -> None:
        """Set a PIN, or another one."""
        read_pin(new)
        record = await self._let(customer, card, old, without_pin=True)
        hashed = await self._hash(customer, card, check_new_pin(new, record.number))
        await self._decide(customer, card, lambda stored: rules.put_pin(stored, record.pin, hashed))

    async def remove(self, customer: str, card: str) -> bool:
        """Remove a card; False if Payme could not be told yet."""
        record = await self._stored(customer, card)
        if record is None:
            raise CardUnknown
        _, record = await self._write(record, rules.remove)
        return await self._finish(record)

    async def finish_removals(self) -> int:
        """Go on with removing cards; those that fail do not stand in the way of the others."""
        finished, many = 0, _REMOVALS_MAX
        seen: set[tuple[str, str]] = set()
        while True:
            records = await self._keeper.removing(many)
            new = [record for record in records if (record.customer, record.card) not in seen]
            for record in new:
                seen.add((record.customer, record.card))
                finished += await self._finish(record)
            if not new or len(records) < many or many >= _REMOVALS_IN_ALL:
                return finished
            # What failed is still among the oldest: look past it.
            many += _REMOVALS_MAX

    async def _let(self, customer: str, card: str, pin: str | None, *, without_pin: bool) -> SavedCard:
        """Come back with the record only if the card may be used now."""
        given = None if pin is None else read_pin(pin)

        def begin(stored: SavedCard) -> Ruling:
            # What does not open is the shop's fault, and must not cost the payer a try.
            self._open_token(stored)
            if stored.pin is not None:
                self._open_pin(stored)
            now_ms = self._clock.now_ms()
            return rules.begin(stored, now_ms, pin_given=given is not None, without_pin=without_pin)

        verdict, record = await self._decide(customer, card, begin)
        if verdict is not Verdict.COMPARE or record.pin is None or given is None:
            return record
        compared = record.pin
        kept = self._open_pin(record)
        try:
            matches = await self._compute(lambda: self._pins.matches(kept, given))
        except Exception:
            # Nothing was learnt about the PIN.
            await self._decide(customer, card, lambda stored: rules.undone(stored, compared))
            raise
        judge = rules.right if matches else rules.wrong
        _, record = await self._decide(customer, card, lambda stored: judge(stored, compared))
        return record

    async def _decide(
        self, customer: str, card: str, rule: Callable[[SavedCard], Ruling]
    ) -> tuple[Verdict, SavedCard]:
        """Write what a rule decides; come back only if the payer may go on."""
        record = await self._stored(customer, card)
        if record is None:
            raise CardUnknown
        verdict, record = await self._write(record, rule)
        if verdict is Verdict.REMOVE:
            await self._finish(record)
            raise CardRemoved
        if verdict is Verdict.WRONG:
            raise PinWrong(rules.TRIES - record.wrong)
        refusals: dict[Verdict, type[SavedCardError]] = {
            Verdict.ASK: PinRequired,
            Verdict.NO_PIN: PinNotSet,
            Verdict.BUSY: PinBusy,
        }
        if verdict in refusals:
            raise refusals[verdict]
        return verdict, record

    async def _write(
        self, record: SavedCard, rule: Callable[[SavedCard], Ruling]
    ) -> tuple[Verdict, SavedCard]:
        for _ in range(_WRITES_MAX):
            ruling = rule(record)
            if ruling.record is None:
                return ruling.verdict, record
            written = replace(ruling.record, stamp=_stamp())
            if await self._keeper.replace(record, written):
                return ruling.verdict, written
            stored = await self._stored(record.customer, record.card)
            if stored is None:
                raise CardUnknown
            record = stored
        raise PinBusy

    async def _finish(self, record: SavedCard) -> bool:
        """Have Payme forget a token, then delete the card. What fails is done again with the next call."""
        try:
            removed = await self._client.cards.remove(self._open_token(record))
        except Exception as error:  # noqa: BLE001 - the card pays no more; the rest can wait
            code = getattr(error, "code", None)
            if code not in _GONE:
                # By its kind alone: whose words these are, and what they hold, is not known here.
                self._log.error(
                    "saved_card_not_removed", card=record.card, error=type(error).__name__, code=code
                )
                return False
        else:
            if removed is False:
                self._log.error("saved_card_not_removed", card=record.card, error="refused", code=None)
                return False
        await self._keeper.delete(record)
        return True

    async def _stored(self, customer: str, card: str) -> SavedCard | None:
        return await self._keeper.get(customer, card)

    async def _hash(self, customer: str, card: str, pin: str) -> str:
        hashed: str = await self._compute(lambda: self._pins.hash(pin))
        return self._secrets.seal(hashed, _place(customer, card, "pin"))

    def _open_token(self, record: SavedCard) -> str:
        return self._secrets.open(record.token, _place(record.customer, record.card, "token"))

    def _open_pin(self, record: SavedCard) -> str:
        return self._secrets.open(record.pin or "", _place(record.customer, record.card, "pin"))


def _view(record: SavedCard) -> CardView:
    return CardView(
        customer=record.customer,
        card=record.card,
        number=record.number,
        has_pin=record.pin is not None,
        tries_left=max(rules.TRIES - record.tries, 1),
    )


def _stamp() -> str:
    return secrets.token_hex(8)


def _place(customer: str, card: str, what: str) -> str:
    # Encoded, so that no two names run into each other.
    return msgspec.json.encode((what, customer, card)).decode()
