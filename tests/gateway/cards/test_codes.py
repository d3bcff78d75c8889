"""The codes: how long they are good, how often they may be tried and asked for; also by many at once."""

import asyncio
from typing import Any

import pytest

from helpers_cards import CardsRoom, RealIssuer, on_sqlite, open_room
from tiyin.gateway.cards import Cards, CodeLimits, Limit
from tiyin.gateway.cards.codes import GRACE_MS, WAIT_MS
from tiyin.gateway.cards.records import CODES
from tiyin.gateway.cards.tokens import token_id_of
from tiyin.gateway.vault import Vault
from tiyin.protocol.errors import RpcError
from tiyin.runtime.ids import SeededIds
from tiyin.storage import Store, open_store

HUMO = "9860010101010105"
UZCARD = "8600000000000007"


async def real_room(store: Store, **options: Any) -> tuple[CardsRoom, str]:
    """A room as in production, and a fresh token."""
    room = await open_room(store, test=False, issuer=RealIssuer(), **options)
    return room, await token_of(room)


async def token_of(room: CardsRoom, number: str = HUMO) -> str:
    return (await room.cards.create(room.desk, number=number, expire="0330", save=True)).token


async def code_of(call: Any) -> int:
    with pytest.raises(RpcError) as refused:
        await call
    return refused.value.code


def wrong(code: str, step: int = 1) -> str:
    return f"{(int(code) + step) % 1_000_000:06d}"


async def test_the_right_code_verifies_and_its_repeat_succeeds(store: Store) -> None:
    room, token = await real_room(store)
    await room.cards.get_verify_code(room.desk, token)
    code = room.phone.code
    assert code.isdigit()
    for _ in range(5):
        assert (await room.cards.verify(room.desk, token, code)).verify
    room.clock.advance(10 * WAIT_MS)
    assert (await room.cards.verify(room.desk, token, code)).verify
    assert await code_of(room.cards.verify(room.desk, token, wrong(code))) == -31103


@on_sqlite
async def test_a_code_ends_with_its_wait_and_the_grace(store: Store) -> None:
    room, token = await real_room(store)
    await room.cards.get_verify_code(room.desk, token)
    room.clock.advance(WAIT_MS + GRACE_MS)
    assert (await room.cards.verify(room.desk, token, room.phone.code)).verify
    other = await token_of(room)
    await room.cards.get_verify_code(room.desk, other)
    room.clock.advance(WAIT_MS + GRACE_MS + 1)
    assert await code_of(room.cards.verify(room.desk, other, room.phone.code)) == -31101
    assert not (await room.cards.check(room.desk, other)).verify


@on_sqlite
async def test_without_a_code_there_is_nothing_to_verify(store: Store) -> None:
    room, token = await real_room(store)
    assert await code_of(room.cards.verify(room.desk, token, "666666")) == -31101


@on_sqlite
async def test_three_tries_and_not_even_the_right_one_after_them(store: Store) -> None:
    room, token = await real_room(store)
    await room.cards.get_verify_code(room.desk, token)
    code = room.phone.code
    for step in (1, 2, 3):
        assert await code_of(room.cards.verify(room.desk, token, wrong(code, step))) == -31103
    assert await code_of(room.cards.verify(room.desk, token, code)) == -31102
    room.clock.advance(WAIT_MS)
    await room.cards.get_verify_code(room.desk, token)
    assert (await room.cards.verify(room.desk, token, room.phone.code)).verify


@on_sqlite
async def test_whatever_is_typed_counts_as_a_try(store: Store) -> None:
    room, _ = await real_room(store, limits=CodeLimits(card=Limit(9, 1_000)))
    for typed in ("", "abcdef", "٠٠٠٠٠٠", "0" * 16, "\ud800"):
        token = await token_of(room)
        await room.cards.get_verify_code(room.desk, token)
        for _ in range(3):
            assert await code_of(room.cards.verify(room.desk, token, typed)) == -31103
        assert await code_of(room.cards.verify(room.desk, token, room.phone.code)) == -31102


@on_sqlite
async def test_within_wait_no_second_code_is_sent(store: Store) -> None:
    room, token = await real_room(store)
    first = await room.cards.get_verify_code(room.desk, token)
    assert first.wait_ms == WAIT_MS
    room.clock.advance(20_000)
    again = await room.cards.get_verify_code(room.desk, token)
    assert (again.sent, again.phone, again.wait_ms) == (True, first.phone, 40_000)
    assert len(room.phone.messages) == 1
    room.clock.advance(40_000)
    await room.cards.get_verify_code(room.desk, token)
    assert len(room.phone.messages) == 2


async def test_asked_for_by_many_at_once_one_code_is_sent(store: Store) -> None:
    room, token = await real_room(store)
    sent = await asyncio.gather(*(room.cards.get_verify_code(room.desk, token) for _ in range(5)))
    assert {one.sent for one in sent} == {True}
    assert len(room.phone.messages) == 1
    assert (await room.cards.verify(room.desk, token, room.phone.code)).verify


@on_sqlite
async def test_a_later_code_ends_the_earlier_one(store: Store) -> None:
    room, token = await real_room(store)
    await room.cards.get_verify_code(room.desk, token)
    early = room.phone.code
    while room.phone.code == early:
        room.clock.advance(WAIT_MS)
        await room.cards.get_verify_code(room.desk, token)
    assert await code_of(room.cards.verify(room.desk, token, early)) == -31103


@on_sqlite
async def test_a_code_is_no_good_for_another_token_of_the_same_card(store: Store) -> None:
    room, token = await real_room(store)
    other = await token_of(room)
    await room.cards.get_verify_code(room.desk, token)
    await room.cards.get_verify_code(room.desk, other)
    theirs, ours = (text[:6] for _, text in room.phone.messages)
    if theirs != ours:
        assert await code_of(room.cards.verify(room.desk, other, theirs)) == -31103
    rows = await store.get_many(CODES, [token_id_of(token), token_id_of(other)])
    assert len({row.code_hash for row in rows.values()}) == 2
    assert theirs not in repr(list(rows.values()))


@on_sqlite
async def test_what_could_not_be_sent_may_be_asked_for_again_at_once(store: Store) -> None:
    room, token = await real_room(store)
    room.phone.broken = True
    assert await code_of(room.cards.get_verify_code(room.desk, token)) == -31110
    room.phone.broken = False
    assert (await room.cards.get_verify_code(room.desk, token)).wait_ms == WAIT_MS
    assert (await room.cards.verify(room.desk, token, room.phone.code)).verify


async def test_fifty_wrong_guesses_at_once_are_fifty_tries_and_three_comparisons(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once over one store; the comparisons are counted where they happen."""
    room, token = await real_room(store)
    await room.cards.get_verify_code(room.desk, token)
    code = room.phone.code
    compared: list[str] = []
    whole = Vault.has_fingerprint

    def counting(self: Vault, fingerprint: str, secret: str, purpose: str) -> bool:
        compared.append(secret)
        return whole(self, fingerprint, secret, purpose)

    monkeypatch.setattr(Vault, "has_fingerprint", counting)
    guesses = [room.cards.verify(room.desk, token, wrong(code, step)) for step in range(1, 51)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    codes = sorted(answer.code for answer in answers if isinstance(answer, RpcError))
    assert codes == [-31103] * 3 + [-31102] * 47
    assert len(compared) == 3
    row = await store.get(CODES, token_id_of(token))
    assert row is not None
    assert row.tries == 50
    assert await code_of(room.cards.verify(room.desk, token, code)) == -31102


async def test_one_right_guess_among_many_at_once(store: Store) -> None:
    """Whichever wins the race: verified means that the right code was among the three that were compared."""
    room, token = await real_room(store)
    await room.cards.get_verify_code(room.desk, token)
    code = room.phone.code
    typed = [wrong(code, step) for step in range(1, 10)] + [code]
    answers = await asyncio.gather(
        *(room.cards.verify(room.desk, token, one) for one in typed), return_exceptions=True
    )
    right = answers[-1]
    assert {one.code for one in answers if isinstance(one, RpcError)} <= {-31102, -31103}
    assert (await room.cards.check(room.desk, token)).verify is not isinstance(right, RpcError)


LIMIT_ROWS = [
    (CodeLimits(card=Limit(2, 3_600_000)), [HUMO] * 3, True),
    (CodeLimits(phone=Limit(2, 3_600_000)), [HUMO, UZCARD, HUMO], True),
    (CodeLimits(desk=Limit(2, 3_600_000)), [HUMO, UZCARD, HUMO], False),
]


@on_sqlite
@pytest.mark.parametrize(("limits", "numbers", "elsewhere"), LIMIT_ROWS, ids=["card", "phone", "desk"])
async def test_limits_hold_for_a_card_a_phone_and_a_desk(
    store: Store, limits: CodeLimits, numbers: list[str], elsewhere: bool
) -> None:
    """Each token is fresh, so no `wait` is in the way; a card's and a phone's limit hold on every desk."""
    room = await open_room(store, test=False, issuer=RealIssuer(), limits=limits)
    for number in numbers[:2]:
        await room.cards.get_verify_code(room.desk, await token_of(room, number))
    assert await code_of(room.cards.get_verify_code(room.desk, await token_of(room, numbers[2]))) == -31110
    assert len(room.phone.messages) == 2
    other = await room.cards.create(room.other_desk, number=numbers[2], expire="0330")
    asking = room.cards.get_verify_code(room.other_desk, other.token)
    if elsewhere:
        assert await code_of(asking) == -31110
    else:
        await asking
    room.clock.advance(3_600_000)
    await room.cards.get_verify_code(room.desk, await token_of(room, numbers[2]))


async def test_limits_hold_for_many_at_once(store: Store) -> None:
    room = await open_room(
        store, test=False, issuer=RealIssuer(), limits=CodeLimits(card=Limit(3, 3_600_000))
    )
    tokens = [await token_of(room) for _ in range(12)]
    answers = await asyncio.gather(
        *(room.cards.get_verify_code(room.desk, token) for token in tokens), return_exceptions=True
    )
    assert len(room.phone.messages) == 3
    assert len([one for one in answers if isinstance(one, RpcError)]) == 9


@on_sqlite
async def test_a_token_removed_meanwhile_is_not_verified(store: Store) -> None:
    room, token = await real_room(store)
    await room.cards.get_verify_code(room.desk, token)
    await room.cards.remove(room.desk, token)
    assert await code_of(room.cards.verify(room.desk, token, room.phone.code)) == -31400


async def test_two_processes_count_tries_together(store_url: str) -> None:
    """Two stores over one database stand for two processes; guesses come through both at once."""
    first_store, second_store = await open_store(store_url), await open_store(store_url)
    room, token = await real_room(first_store)
    second = Cards(second_store, room.clock, SeededIds(9), room.vault, RealIssuer(), room.phone)
    await room.cards.get_verify_code(room.desk, token)
    code = room.phone.code
    guesses = [
        (room.cards if step % 2 else second).verify(room.desk, token, wrong(code, step))
        for step in range(1, 31)
    ]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    codes = sorted(answer.code for answer in answers if isinstance(answer, RpcError))
    assert codes == [-31103] * 3 + [-31102] * 27
    row = await first_store.get(CODES, token_id_of(token))
    assert row is not None
    assert row.tries == 30
    await second_store.close()
    await first_store.close()
