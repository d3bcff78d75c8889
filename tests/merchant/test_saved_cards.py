"""Saved cards: a PIN before the token pays, three tries whatever comes at once, nothing secret shown."""

import asyncio
import base64
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from argon2.exceptions import HashingError

from tiyin.merchant.saved_cards import (
    AsyncSavedCards,
    BlockingCardKeeper,
    OwnCardKeeper,
    SavedCard,
    SavedCards,
    SealedSecrets,
)
from tiyin.merchant.saved_cards.errors import (
    CardAlreadySaved,
    CardRemoved,
    CardUnknown,
    PinBusy,
    PinMalformed,
    PinNotSet,
    PinRefused,
    PinRequired,
    PinWrong,
    SavedCardError,
    SealBroken,
)
from tiyin.merchant.saved_cards.pins import Pins
from tiyin.runtime.clock import ManualClock
from tiyin.storage import Store, open_store

TOKEN = "5c1a2b3c4d5e6f7081920a1b_Zq9TokenThatPays"
NUMBER = "860006******6311"
PIN = "4071"
WRONG = "9902"
KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()
NOW_MS = 1_700_000_000_000


class PaymeAnswer(Exception):
    def __init__(self, code: int | None) -> None:
        super().__init__("Payme said no")
        self.code = code


class Payme:
    """Payme's side, for both kinds of shop: what was paid and removed, and what goes wrong."""

    def __init__(self) -> None:
        self.paid: list[tuple[str, str]] = []
        self.removed: list[str] = []
        self.failure: Exception | None = None
        self.asked = 0
        self._lock = threading.Lock()

    def remove(self, token: str) -> bool:
        with self._lock:
            self.asked += 1
            if self.failure is not None:
                raise self.failure
            if token in self.removed:
                raise PaymeAnswer(-31400)
            self.removed.append(token)
            return True

    def pay(self, receipt_id: str, token: str) -> str:
        with self._lock:
            self.paid.append((receipt_id, token))
            return receipt_id


class Client:
    def __init__(self, payme: Payme) -> None:
        self.cards = payme
        self.receipts = payme


class _AsyncPayme:
    def __init__(self, payme: Payme) -> None:
        self._payme = payme
        self.begun = asyncio.Event()
        self.gate: asyncio.Event | None = None

    async def remove(self, token: str) -> bool:
        return self._payme.remove(token)

    async def pay(self, receipt_id: str, token: str) -> str:
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        return self._payme.pay(receipt_id, token)


class AsyncClient:
    def __init__(self, payme: Payme) -> None:
        self.cards = self.receipts = _AsyncPayme(payme)


@pytest.fixture
def payme() -> Payme:
    return Payme()


@pytest.fixture
async def keeper(store: Store) -> AsyncIterator[OwnCardKeeper]:
    async with OwnCardKeeper(store) as opened:
        yield opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
async def cards(
    keeper: OwnCardKeeper, payme: Payme, clock: ManualClock
) -> AsyncIterator[AsyncSavedCards[str]]:
    made = AsyncSavedCards(keeper, AsyncClient(payme), clock=clock)
    yield made
    await made.stop()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The PINs that were compared, in order."""
    pins: list[str] = []
    really = Pins.matches

    def matches(self: Pins, kept: str, pin: str) -> bool:
        pins.append(pin)
        return really(self, kept, pin)

    monkeypatch.setattr(Pins, "matches", matches)
    return pins


async def outcome(cards: AsyncSavedCards[str], pin: str | None, receipt: str = "r") -> str:
    try:
        return await cards.pay("c", "1", receipt, pin=pin)
    except SavedCardError as error:
        return type(error).__name__


async def save(cards: AsyncSavedCards[str], pin: str | None = PIN) -> None:
    await cards.save("c", TOKEN, NUMBER, pin=pin, card="1")


async def test_the_right_pin_pays(cards: AsyncSavedCards[str], payme: Payme) -> None:
    saved = await cards.save("c", TOKEN, NUMBER, pin=PIN)
    assert (saved.number, saved.has_pin, saved.tries_left) == (NUMBER, True, 3)
    assert await cards.cards("c") == [saved]
    assert await cards.pay("c", saved.card, "receipt", pin=PIN) == "receipt"
    assert payme.paid == [("receipt", TOKEN)]
    assert await cards.unlock("c", saved.card, pin=PIN) == TOKEN


async def test_no_pin_no_payment_and_no_try_lost(
    cards: AsyncSavedCards[str], payme: Payme, compared: list[str]
) -> None:
    await save(cards)
    for _ in range(4):
        assert await outcome(cards, None) == "PinRequired"
        for malformed in ("", "407", "407a", "123456789", "٤٠٧١", " 4071"):
            assert await outcome(cards, malformed) == "PinMalformed"
    assert (payme.paid, compared) == ([], [])
    assert (await cards.cards("c"))[0].tries_left == 3


async def test_the_third_wrong_pin_removes_the_card(
    cards: AsyncSavedCards[str], keeper: OwnCardKeeper, payme: Payme
) -> None:
    await save(cards)
    for left in (2, 1):
        with pytest.raises(PinWrong) as caught:
            await cards.pay("c", "1", "r", pin=WRONG)
        assert caught.value.tries_left == left
        assert str(left) in caught.value.text.uz
    with pytest.raises(CardRemoved):
        await cards.pay("c", "1", "r", pin=WRONG)
    assert (payme.removed, payme.paid) == ([TOKEN], [])
    assert await keeper.get("c", "1") is None
    assert await outcome(cards, PIN) == "CardUnknown"


async def test_a_right_pin_forgives_wrong_ones(cards: AsyncSavedCards[str], payme: Payme) -> None:
    await save(cards)
    for _ in range(3):
        assert [await outcome(cards, pin) for pin in (WRONG, WRONG, PIN)] == ["PinWrong", "PinWrong", "r"]
    assert payme.removed == []


async def test_nothing_is_left_of_a_removed_card(
    cards: AsyncSavedCards[str], store: Store, keeper: OwnCardKeeper
) -> None:
    import sqlalchemy as sa  # noqa: PLC0415 - for this look into the table alone

    await save(cards)
    assert await cards.remove("c", "1")
    rows = await store.query(sa.select(sa.func.count()).select_from(sa.table("payme_saved_cards")))
    assert rows == [(0,)]
    await save(cards)
    assert (await keeper.get("c", "1")) is not None


async def test_a_removal_that_fails_is_done_with_the_next_call(
    cards: AsyncSavedCards[str], payme: Payme, compared: list[str]
) -> None:
    await save(cards)
    payme.failure = PaymeAnswer(None)
    assert [await outcome(cards, WRONG) for _ in range(3)] == ["PinWrong", "PinWrong", "CardRemoved"]
    # Neither the right PIN nor anything else makes it pay again, and it is shown no more.
    assert await outcome(cards, PIN) == "CardRemoved"
    assert await cards.cards("c") == []
    with pytest.raises(CardRemoved):
        await cards.set_pin("c", "1", "5093", old=PIN)
    assert compared == [WRONG] * 3
    assert (payme.asked, payme.removed, payme.paid) == (4, [], [])
    payme.failure = None
    assert await outcome(cards, PIN) == "CardRemoved"
    assert payme.removed == [TOKEN]
    assert await outcome(cards, PIN) == "CardUnknown"


async def test_removals_are_finished_by_a_job(cards: AsyncSavedCards[str], payme: Payme) -> None:
    await save(cards)
    await cards.save("d", "another", NUMBER, pin=PIN, card="2")
    payme.failure = PaymeAnswer(-32504)
    assert not await cards.remove("c", "1")
    assert await cards.finish_removals() == 0
    payme.failure = None
    assert await cards.finish_removals() == 1
    assert await cards.finish_removals() == 0
    assert payme.removed == [TOKEN]
    assert len(await cards.cards("d")) == 1


@pytest.mark.parametrize("code", [-31400, -32500])
async def test_a_token_that_payme_does_not_know_is_removed(
    cards: AsyncSavedCards[str], payme: Payme, code: int
) -> None:
    await save(cards)
    payme.failure = PaymeAnswer(code)
    assert await cards.remove("c", "1")
    with pytest.raises(CardUnknown):
        await cards.remove("c", "1")


async def test_parallel_guesses_are_three(
    store_url: str, payme: Payme, compared: list[str], clock: ManualClock
) -> None:
    """Two servers of one shop, and forty guesses at once."""
    stores = [await open_store(store_url) for _ in range(2)]
    try:
        servers = []
        for store in stores:
            keeper = OwnCardKeeper(store)
            await keeper.start()
            servers.append(AsyncSavedCards(keeper, AsyncClient(payme), clock=clock))
        await save(servers[0])
        guesses = [outcome(servers[n % 2], f"{5000 + n * 7}") for n in range(40)]
        outcomes = await asyncio.gather(*guesses)
        assert len(compared) == 3
        assert outcomes.count("PinWrong") == 2
        assert set(outcomes) <= {"PinWrong", "PinBusy", "CardRemoved", "CardUnknown"}
        assert outcomes.count("CardRemoved") >= 1
        assert (payme.removed, payme.paid) == ([TOKEN], [])
        assert await outcome(servers[1], PIN) == "CardUnknown"
    finally:
        for store in stores:
            await store.close()


async def test_a_payer_who_taps_twice_keeps_the_card(cards: AsyncSavedCards[str], payme: Payme) -> None:
    """Two tries are lost, and the right PIN comes four times at once: none of them removes the card."""
    await save(cards)
    assert [await outcome(cards, WRONG) for _ in range(2)] == ["PinWrong", "PinWrong"]
    outcomes = await asyncio.gather(*(outcome(cards, PIN) for _ in range(4)))
    assert set(outcomes) <= {"r", "PinBusy"}
    assert "r" in outcomes
    assert payme.removed == []
    assert (await cards.cards("c"))[0].tries_left == 3


def crashed(record: SavedCard, tries: int) -> SavedCard:
    return msgspec.structs.replace(record, tries=tries, tried_ms=NOW_MS, stamp="crashed")


async def test_tries_that_a_crash_cut_off_count_as_wrong(
    cards: AsyncSavedCards[str],
    keeper: OwnCardKeeper,
    payme: Payme,
    clock: ManualClock,
    compared: list[str],
) -> None:
    await save(cards)
    record = await keeper.get("c", "1")
    assert record is not None
    assert await keeper.replace(record, crashed(record, 3))
    assert await outcome(cards, PIN) == "PinBusy"
    clock.advance(30_000)
    assert await outcome(cards, PIN) == "CardRemoved"
    assert (compared, payme.paid, payme.removed) == ([], [], [TOKEN])


async def test_a_clock_that_was_set_back_keeps_no_card_busy(
    cards: AsyncSavedCards[str], keeper: OwnCardKeeper
) -> None:
    await save(cards)
    record = await keeper.get("c", "1")
    assert record is not None
    later = msgspec.structs.replace(crashed(record, 2), tried_ms=NOW_MS + 10**9)
    assert await keeper.replace(record, later)
    assert await outcome(cards, PIN) == "r"
    assert (await cards.cards("c"))[0].tries_left == 3


async def test_a_comparing_that_fails_by_itself_costs_no_try(
    cards: AsyncSavedCards[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(cards)

    def fails(*_: object) -> bool:
        raise HashingError("Memory allocation error")

    with monkeypatch.context() as patched:
        patched.setattr(Pins, "matches", fails)
        for _ in range(4):
            with pytest.raises(HashingError):
                await cards.pay("c", "1", "r", pin=PIN)
    assert (await cards.cards("c"))[0].tries_left == 3
    assert await outcome(cards, PIN) == "r"


async def test_a_card_without_a_pin_pays_only_if_the_shop_allows(
    cards: AsyncSavedCards[str], keeper: OwnCardKeeper, payme: Payme
) -> None:
    with pytest.raises(PinNotSet):
        await save(cards, None)
    allowing = AsyncSavedCards(keeper, AsyncClient(payme), allow_without_pin=True)
    await save(allowing, None)
    assert await outcome(allowing, None) == "r"
    assert await outcome(cards, None) == "PinNotSet"
    await cards.set_pin("c", "1", PIN)
    assert await outcome(allowing, None) == "PinRequired"
    assert await outcome(cards, PIN) == "r"


async def test_a_pin_is_changed_by_whoever_knows_it(cards: AsyncSavedCards[str]) -> None:
    await save(cards)
    with pytest.raises(PinRequired):
        await cards.set_pin("c", "1", "5093")
    with pytest.raises(PinWrong):
        await cards.set_pin("c", "1", "5093", old=WRONG)
    with pytest.raises(PinRefused):
        await cards.set_pin("c", "1", "1234", old=PIN)
    await cards.set_pin("c", "1", "5093", old=PIN)
    assert await outcome(cards, PIN) == "PinWrong"
    assert await outcome(cards, "5093") == "r"


async def test_a_pin_that_was_changed_meanwhile_opens_nothing(
    cards: AsyncSavedCards[str], keeper: OwnCardKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(cards)
    before = await keeper.get("c", "1")
    assert before is not None
    really = Pins.matches
    begun, go_on = threading.Event(), threading.Event()

    def slow(self: Pins, kept: str, pin: str) -> bool:
        begun.set()
        assert go_on.wait(30)
        return really(self, kept, pin)

    monkeypatch.setattr(Pins, "matches", slow)
    paying = asyncio.create_task(outcome(cards, PIN))
    await asyncio.to_thread(begun.wait, 30)
    stored = await keeper.get("c", "1")
    assert stored is not None
    changed = msgspec.structs.replace(stored, pin=Pins().hash("5093"), tries=0, stamp="changed")
    assert await keeper.replace(stored, changed)
    go_on.set()
    assert await paying == "PinBusy"


async def test_names_are_the_shops_and_never_run_into_each_other(cards: AsyncSavedCards[str]) -> None:
    await cards.save('a","b', "t1", NUMBER, pin=PIN, card="c")
    await cards.save("a", "t2", NUMBER, pin=PIN, card='b","c')
    assert await cards.unlock('a","b', "c", pin=PIN) == "t1"
    with pytest.raises(CardAlreadySaved):
        await cards.save("a", "t3", NUMBER, pin=PIN, card='b","c')
    with pytest.raises(CardUnknown):
        await cards.pay("a", "c", "r", pin=PIN)
    for wrong in ({"customer": ""}, {"token": ""}, {"card": ""}, {"customer": "a\x00"}, {"number": "\ud800"}):
        with pytest.raises(ValueError, match=r"name|token|U\+0000"):
            await cards.save(**({"customer": "x", "token": "t", "number": NUMBER, "pin": PIN} | wrong))


async def test_a_payment_goes_on_without_the_payer(keeper: OwnCardKeeper, payme: Payme) -> None:
    client = AsyncClient(payme)
    client.receipts.gate = asyncio.Event()
    cards = AsyncSavedCards(keeper, client)
    await save(cards)
    paying = asyncio.create_task(cards.pay("c", "1", "r", pin=PIN))
    await client.receipts.begun.wait()
    paying.cancel()
    await asyncio.wait([paying])
    assert paying.cancelled()
    client.receipts.gate.set()
    await cards.stop()
    assert payme.paid == [("r", TOKEN)]


async def test_tokens_and_pins_are_sealed_under_the_shops_key(keeper: OwnCardKeeper, payme: Payme) -> None:
    cards = AsyncSavedCards(keeper, AsyncClient(payme), secrets=SealedSecrets(KEY))
    await save(cards)
    record = await keeper.get("c", "1")
    assert record is not None
    assert TOKEN not in record.token
    assert record.pin is not None
    assert "argon2" not in record.pin
    assert await outcome(cards, PIN) == "r"
    # A key that was replaced opens what it sealed, and another one costs the payer no try.
    newer = AsyncSavedCards(keeper, AsyncClient(payme), secrets=SealedSecrets(OTHER_KEY, KEY))
    assert await outcome(newer, PIN) == "r"
    foreign = AsyncSavedCards(keeper, AsyncClient(payme), secrets=SealedSecrets(OTHER_KEY))
    for _ in range(4):
        assert await outcome(foreign, PIN) == "SealBroken"
    assert not await foreign.remove("c", "1")
    assert payme.removed == []


async def test_what_was_sealed_for_another_card_opens_nothing(keeper: OwnCardKeeper, payme: Payme) -> None:
    cards = AsyncSavedCards(keeper, AsyncClient(payme), secrets=SealedSecrets(KEY))
    await save(cards)
    await cards.save("thief", "own", NUMBER, pin="5093", card="2")
    own, other = await keeper.get("thief", "2"), await keeper.get("c", "1")
    assert own is not None
    assert other is not None
    assert await keeper.replace(other, msgspec.structs.replace(other, pin=own.pin, stamp="x"))
    for pin in ("5093", PIN, WRONG, WRONG):
        assert await outcome(cards, pin) == "SealBroken"
    swapped = await keeper.get("c", "1")
    assert swapped is not None
    assert swapped.tries == 0
    # The same for a token in another's place: nothing is paid by it, and nobody loses a try over it.
    whole = msgspec.structs.replace(other, token=own.token, stamp="y")
    assert await keeper.replace(swapped, whole)
    for pin in (PIN, WRONG, WRONG, WRONG):
        assert await outcome(cards, pin) == "SealBroken"
    assert await keeper.get("c", "1") == whole
    assert payme.paid == []


def test_seals_are_refused_by_sentence() -> None:
    for key in ("", "short", "not base64!", base64.b64encode(b"x" * 31).decode()):
        with pytest.raises(ValueError, match="32 bytes in base64"):
            SealedSecrets(key)
    seal = SealedSecrets(KEY)
    for broken in ("", "plain", "s1.", "s1.!", "s1.QUJD", seal.seal("a", "x")[:-4] + "AAA="):
        with pytest.raises(SealBroken):
            seal.open(broken, "x")
    with pytest.raises(SealBroken):
        seal.open(seal.seal("a", "x"), "y")
    assert seal.seal("a", "x") != seal.seal("a", "x")
    assert KEY not in repr(seal)


async def test_nothing_secret_is_shown(
    cards: AsyncSavedCards[str],
    keeper: OwnCardKeeper,
    payme: Payme,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    saved = await cards.save("c", TOKEN, "8600 0691 9540 6311", pin=PIN, card="1")
    assert saved.number == NUMBER
    record = await keeper.get("c", "1")
    assert record is not None
    payme.failure = PaymeAnswer(-32400)
    words = [repr(record), str(record), repr(record.__rich_repr__()), repr(saved), repr(cards), repr(keeper)]
    for pin in (WRONG, "abc", None, WRONG, WRONG, PIN):
        try:
            await cards.pay("c", "1", "r", pin=pin)
        except SavedCardError as error:
            words += [repr(error), str(error), *error.text.as_dict().values()]
    shown = " ".join([*words, caplog.text])
    assert "saved_card_not_removed" in caplog.text
    for secret in (TOKEN, PIN, WRONG, "abc", "$argon2", "86000691"):
        assert secret not in shown


@pytest.fixture
def blocking(store_url: str) -> Iterator[BlockingCardKeeper]:
    keeper = BlockingCardKeeper(store_url)
    yield keeper
    keeper.stop()


def test_a_shop_that_does_not_await(blocking: BlockingCardKeeper, payme: Payme) -> None:
    cards = SavedCards(blocking, Client(payme))
    saved = cards.save("c", TOKEN, NUMBER, pin=PIN)
    assert cards.pay("c", saved.card, "r", pin=PIN) == "r"
    assert cards.unlock("c", saved.card, pin=PIN) == TOKEN
    cards.set_pin("c", saved.card, "5093", old=PIN)
    with pytest.raises(PinWrong):
        cards.pay("c", saved.card, "r", pin=PIN)
    assert [card.tries_left for card in cards.cards("c")] == [2]
    blocking.stop()
    payme.failure = PaymeAnswer(None)
    assert not cards.remove("c", saved.card)
    payme.failure = None
    assert cards.finish_removals() == 1
    assert cards.cards("c") == []


def test_parallel_guesses_in_threads_are_three(
    blocking: BlockingCardKeeper, payme: Payme, compared: list[str]
) -> None:
    cards = SavedCards(blocking, Client(payme))
    cards.save("c", TOKEN, NUMBER, pin=PIN, card="1")
    together = threading.Barrier(8)

    def guess(number: int) -> str:
        together.wait(30)
        try:
            return cards.pay("c", "1", "r", pin=f"{6000 + number * 3}")
        except SavedCardError as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(guess, range(8)))
    assert len(compared) == 3
    assert outcomes.count("PinWrong") == 2
    assert "r" not in outcomes
    assert payme.removed == [TOKEN]


def test_the_keeper_s_file_outlives_it(tmp_path: Path, payme: Payme) -> None:
    url = f"sqlite:///{tmp_path / 'cards.db'}"
    for receipt in ("first", "second"):
        keeper = BlockingCardKeeper(url)
        cards = SavedCards(keeper, Client(payme))
        if not cards.cards("c"):
            cards.save("c", TOKEN, NUMBER, pin=PIN, card="1")
        assert cards.pay("c", "1", receipt, pin=PIN) == receipt
        keeper.stop()


async def test_a_keeper_that_is_not_open_says_so(sqlite_url: str) -> None:
    with pytest.raises(RuntimeError, match="start"):
        await OwnCardKeeper(sqlite_url).get("c", "1")


def test_errors_have_words_for_payers() -> None:
    kinds: list[Any] = [CardAlreadySaved, CardRemoved, CardUnknown, PinBusy, PinMalformed]
    kinds += [PinNotSet, PinRefused, PinRequired, SealBroken, lambda: PinWrong(2)]
    for make in kinds:
        text = make().text
        assert len({text.ru, text.uz, text.en}) == 3
        assert not set("'`’") & set(text.uz)
