"""Cards from cards.create to payment, as the documentation's samples go, on both databases."""

import asyncio
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from helpers_cards import NOW_MS, CardsRoom, RealIssuer, new_vault, on_sqlite, open_room
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.cards import CardDetails, Cards, TestIssuer
from tiyin.gateway.cards.records import CARDS, TOKENS
from tiyin.gateway.cards.tokens import TokenReserved, token_id_of
from tiyin.gateway.vault import SealBroken
from tiyin.protocol.errors import RpcError
from tiyin.protocol.subscribe_api import CardAnswer
from tiyin.runtime.ids import SeededIds
from tiyin.storage import Decision, Store, open_store

NUMBER = "8600069195406311"
HUMO = "9860010101010105"


async def verified(room: CardsRoom, **options: Any) -> str:
    """Make a token and confirm it."""
    card = await room.cards.create(room.desk, number=NUMBER, expire="0399", **options)
    await room.cards.get_verify_code(room.desk, card.token)
    answer = await room.cards.verify(room.desk, card.token, "666666")
    return answer.token


async def refusal(call: Any) -> int:
    with pytest.raises(RpcError) as refused:
        await call
    return refused.value.code


async def test_the_documentations_samples(store: Store) -> None:
    room = await open_room(store)
    made = await room.cards.create(room.desk, number=NUMBER, expire="0399", save=True)
    assert made == CardAnswer("860006******6311", "03/99", made.token, recurrent=True, verify=False)
    sent = await room.cards.get_verify_code(room.desk, made.token)
    assert (sent.sent, sent.phone, sent.wait_ms) == (True, "99890*****67", 60_000)
    assert [("998901234567", room.phone.messages[0][1])] == room.phone.messages
    proved = await room.cards.verify(room.desk, made.token, "666666")
    assert proved == CardAnswer("860006******6311", "03/99", made.token, recurrent=True, verify=True)
    assert proved == await room.cards.check(room.desk, made.token)
    await room.cards.remove(room.desk, made.token)
    assert await refusal(room.cards.check(room.desk, made.token)) == -31400
    assert await refusal(room.cards.remove(room.desk, made.token)) == -31400
    assert await refusal(room.cards.get_verify_code(room.desk, made.token)) == -31400
    assert await refusal(room.cards.verify(room.desk, made.token, "666666")) == -31400
    assert await refusal(room.cards.reserve(room.desk, made.token, "r1", 1, attempt=1)) == -31400


@on_sqlite
async def test_the_message_is_in_the_payers_language(store: Store) -> None:
    room = await open_room(store)
    card = await room.cards.create(room.desk, number=NUMBER, expire="03/99")
    await room.cards.get_verify_code(room.desk, card.token, language="uz")
    assert room.phone.messages[-1][1].startswith("666666 — «Online Shop LLC» uchun *6311")


@pytest.mark.parametrize(
    ("number", "step", "code"),
    [
        ("8600060921090842", "code", -31301),
        ("3333336415804657", "create", -31300),
        ("4444445987459073", "create", -31300),
        ("8600143417770323", None, None),
        ("8600134301849596", None, None),
        ("8600495473316478", None, None),
        ("8600 0691 9540 6311", None, None),
        ("9860010101010105", "create", -31300),
        ("8600000000000007", "create", -31300),
        ("4111111111111111", "create", -31900),
        ("1234", "create", -31300),
    ],
)
async def test_every_test_card(sqlite_url: str, number: str, step: str | None, code: int | None) -> None:
    store = await open_store(sqlite_url)
    room = await open_room(store)
    create = room.cards.create(room.desk, number=number, expire="0399")
    if step == "create":
        assert await refusal(create) == code
        assert await store.query(sa.select(CARDS.schema.c.id)) == []
        assert await store.query(sa.select(TOKENS.schema.c.id)) == []
    else:
        token = (await create).token
        sending = room.cards.get_verify_code(room.desk, token)
        if step == "code":
            assert await refusal(sending) == code
        else:
            await sending
            assert (await room.cards.verify(room.desk, token, "666666")).verify
    await store.close()


@on_sqlite
async def test_a_wrong_an_expired_and_no_expiry_date(store: Store) -> None:
    room = await open_room(store)
    for expire in ("0398", "0826", "1399", "99", ""):
        assert await refusal(room.cards.create(room.desk, number=NUMBER, expire=expire)) == -31300, expire


@on_sqlite
async def test_test_numbers_of_no_scheme_do_not_pass_without_test_cards(store: Store) -> None:
    room = await open_room(store, test=False, issuer=RealIssuer())
    assert await refusal(room.cards.create(room.desk, number="3333336415804657", expire="0399")) == -31900
    assert (await room.cards.create(room.desk, number=HUMO, expire="0399")).number == "986001******0105"


@on_sqlite
async def test_a_blocked_desk_makes_no_tokens(store: Store) -> None:
    room = await open_room(store)
    desk = await room.desks.change_desk(room.desk.id, active=False)
    assert await refusal(room.cards.create(desk, number=NUMBER, expire="0399")) == -31601


@on_sqlite
async def test_a_token_is_one_desks_own(store: Store) -> None:
    room = await open_room(store)
    token = await verified(room, save=True)
    for call in (
        room.cards.check(room.other_desk, token),
        room.cards.get_verify_code(room.other_desk, token),
        room.cards.verify(room.other_desk, token, "666666"),
        room.cards.remove(room.other_desk, token),
        room.cards.reserve(room.other_desk, token, "r1", 1, attempt=1),
        room.cards.check(room.desk, token[:-1] + ("a" if token[-1] != "a" else "b")),
    ):
        assert await refusal(call) == -31400
    assert await refusal(room.cards.check(room.desk, "abc")) == -32500
    assert (await room.cards.check(room.desk, token)).verify


async def test_customer_account_and_amount_are_kept(store: Store) -> None:
    room = await open_room(store)
    card = await room.cards.create(
        room.desk, number=NUMBER, expire="0399", account={"order_id": 7}, customer="u1", amount_tiyin=500_000
    )
    kept = await store.get(TOKENS, token_id_of(card.token))
    assert kept is not None
    assert (kept.account, kept.customer, kept.amount_tiyin) == ('{"order_id":7}', "u1", 500_000)
    saved = await room.cards.create(room.desk, number=NUMBER, expire="0399", save=True, amount_tiyin=500_000)
    kept = await store.get(TOKENS, token_id_of(saved.token))
    assert kept is not None
    assert kept.amount_tiyin == 500_000


@on_sqlite
async def test_an_unverified_token_cannot_pay(store: Store) -> None:
    room = await open_room(store)
    card = await room.cards.create(room.desk, number=NUMBER, expire="0399", save=True)
    assert await refusal(room.cards.reserve(room.desk, card.token, "r1", 1000, attempt=1)) == -31400


async def test_one_card_is_one_card_through_every_token(store: Store) -> None:
    """Also when many tokens of it are made at once, and through another desk."""
    room = await open_room(store)
    made = await asyncio.gather(
        *(room.cards.create(room.desk, number=NUMBER, expire="0399") for _ in range(20)),
        *(room.cards.create(room.other_desk, number=NUMBER, expire="03/99") for _ in range(20)),
    )
    assert len({card.token for card in made}) == 40
    assert len(await store.query(sa.select(CARDS.schema.c.id))) == 1
    await room.cards.create(room.desk, number="8600495473316478", expire="0399")
    assert len(await store.query(sa.select(CARDS.schema.c.id))) == 2


async def test_a_saved_token_pays_again_and_again_by_the_same_card(store: Store) -> None:
    room = await open_room(store)
    token = await verified(room, save=True)
    first = await room.cards.reserve(room.desk, token, "r1", 1000, attempt=1)
    await room.cards.spend(first.token_id, "r1")
    second = await room.cards.reserve(room.desk, token, "r2", 2000, attempt=1)
    assert first == second
    assert (first.number, first.expire, first.one_time) == ("860006******6311", "0399", False)
    assert CardDetails(NUMBER, "0399") == await room.cards.open(first.card_id)
    assert NUMBER not in repr(await room.cards.open(first.card_id))
    with pytest.raises(LookupError):
        await room.cards.open("0" * 24)


async def test_a_one_time_token_pays_once_and_recognises_its_repeat(store: Store) -> None:
    room = await open_room(store)
    token = await verified(room)
    card = await room.cards.reserve(room.desk, token, "r1", 1000, attempt=1)
    assert card == await room.cards.reserve(room.desk, token, "r1", 1000, attempt=1)
    assert await refusal(room.cards.reserve(room.desk, token, "r2", 1000, attempt=1)) == -31400
    await room.cards.release(card.token_id, "r2", 1)
    assert await refusal(room.cards.reserve(room.desk, token, "r2", 1000, attempt=1)) == -31400
    await room.cards.release(card.token_id, "r1", 1)
    assert card == await room.cards.reserve(room.desk, token, "r2", 1000, attempt=1)
    for _ in range(2):
        await room.cards.spend(card.token_id, "r2")
    await room.cards.release(card.token_id, "r2", 1)
    assert card == await room.cards.paying_card(room.desk, token, "r2", 1000)
    assert await refusal(room.cards.paying_card(room.desk, token, "r1", 1000)) == -31400
    assert await refusal(room.cards.check(room.desk, token)) == -31400


@on_sqlite
async def test_looking_reserves_nothing(store: Store) -> None:
    room = await open_room(store)
    token = await verified(room)
    await room.cards.paying_card(room.desk, token, "r1", 1000)
    await room.cards.reserve(room.desk, token, "r2", 1000, attempt=1)


@on_sqlite
@pytest.mark.parametrize("save", [True, False])
async def test_a_token_made_for_an_amount_pays_only_that(store: Store, save: bool) -> None:
    room = await open_room(store)
    token = await verified(room, amount_tiyin=500_000, save=save)
    assert await refusal(room.cards.reserve(room.desk, token, "r1", 499_999, attempt=1)) == -31610
    await room.cards.reserve(room.desk, token, "r1", 500_000, attempt=1)


async def test_a_reservation_is_for_one_attempt(store: Store) -> None:
    """What a later attempt of the same receipt has reserved is not released by the end of an earlier one."""
    room = await open_room(store)
    token = await verified(room)
    card = await room.cards.reserve(room.desk, token, "r1", 1000, attempt=1)
    assert card == await room.cards.reserve(room.desk, token, "r1", 1000, attempt=2)
    assert card == await room.cards.reserve(room.desk, token, "r1", 1000, attempt=1)
    await room.cards.release(card.token_id, "r1", 1)
    with pytest.raises(TokenReserved) as held:
        await room.cards.reserve(room.desk, token, "r2", 1000, attempt=1)
    assert (held.value.code, held.value.receipt_id, held.value.attempt) == (-31400, "r1", 2)
    await room.cards.release(card.token_id, "r1", 2)
    assert card == await room.cards.reserve(room.desk, token, "r2", 1000, attempt=1)


async def test_of_receipts_that_reserve_at_once_one_wins(store: Store) -> None:
    room = await open_room(store)
    token = await verified(room)
    tries = (room.cards.reserve(room.desk, token, f"r{number}", 1000, attempt=1) for number in range(30))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert len([one for one in ended if not isinstance(one, BaseException)]) == 1
    assert {one.code for one in ended if isinstance(one, RpcError)} == {-31400}


@on_sqlite
async def test_a_sealed_number_moved_to_another_card_does_not_open(store: Store) -> None:
    room = await open_room(store)
    await verified(room)
    await room.cards.create(room.desk, number="8600495473316478", expire="0399")
    first, second = await store.query(sa.select(CARDS.schema), CARDS)

    def move(held: Any) -> Decision[None]:
        return Decision(None, msgspec.structs.replace(held, number_sealed=second.number_sealed))

    await store.change(CARDS, first.id, move)
    with pytest.raises(SealBroken):
        await room.cards.open(first.id)


async def test_numbers_are_sealed_anew_when_the_vault_key_changes(store: Store) -> None:
    room = await open_room(store, vault=new_vault("k1"))
    token = await verified(room, save=True)

    def cards_under(*names: str) -> Cards:
        issuer = TestIssuer(TestCards())
        return Cards(store, room.clock, SeededIds(8), new_vault(*names), issuer, room.phone)

    rotating, rotated = cards_under("k2", "k1"), cards_under("k2")
    card = await rotating.reserve(room.desk, token, "r1", 1000, attempt=1)
    again = await rotating.create(room.desk, number=NUMBER, expire="0399")
    assert len(await store.query(sa.select(CARDS.schema.c.id))) == 1
    assert await rotating.reseal() == 1
    assert await rotating.reseal() == 0
    assert CardDetails(NUMBER, "0399") == await rotated.open(card.card_id)
    await rotated.create(room.desk, number=NUMBER, expire="0399")
    assert len(await store.query(sa.select(CARDS.schema.c.id))) == 1
    with pytest.raises(SealBroken):
        await room.cards.open(card.card_id)
    assert again.token != token


@on_sqlite
async def test_a_card_expires_by_the_clock(store: Store) -> None:
    room = await open_room(store, test=False, issuer=RealIssuer())
    assert room.clock.now_ms() == NOW_MS
    await room.cards.create(room.desk, number=HUMO, expire="0926")
    room.clock.advance(31 * 86_400_000)
    assert await refusal(room.cards.create(room.desk, number=HUMO, expire="0926")) == -31300
