"""Saved cards with the kit's own client against a whole gateway, over HTTP: from the card to its removal."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helpers_cards import DESK_ID, KEY, Phone
from helpers_subscribe import open_gateway_for_tests, serve
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.merchant.saved_cards import AsyncSavedCards, OwnCardKeeper, SealedSecrets
from tiyin.merchant.saved_cards.errors import CardRemoved, PinWrong
from tiyin.merchant.subscribe import AsyncSubscribeClient, CardNotFound
from tiyin.web.subscribe import SubscribeEndpoint

PIN, WRONG = "4071", "9902"


@pytest.fixture
async def client(sqlite_url: str) -> AsyncIterator[AsyncSubscribeClient]:
    gateway = await open_gateway_for_tests(sqlite_url, Phone())
    async with serve(SubscribeEndpoint(SubscribeApi(gateway), gateway.tasks)) as port:
        made = AsyncSubscribeClient(DESK_ID, KEY, base_url=f"http://127.0.0.1:{port}/api")
        yield made
        await made.close()
    await gateway.stop()


async def test_from_the_card_to_its_removal(client: AsyncSubscribeClient, tmp_path: Path) -> None:
    card = await client.cards.create("8600069195406311", "03/99", save=True)
    await client.cards.get_verify_code(card.token)
    card = await client.cards.verify(card.token, "666666")
    secrets = SealedSecrets(base64.b64encode(b"k" * 32).decode())
    async with OwnCardKeeper(f"sqlite:///{tmp_path / 'shop.db'}") as keeper:
        cards = AsyncSavedCards(keeper, client, secrets=secrets)
        saved = await cards.save("customer-7", card.token, card.number, pin=PIN)
        assert saved.number == "860006******6311"

        receipt = await client.receipts.create(500_000, {"order_id": "17"})
        paid = await cards.pay("customer-7", saved.card, receipt.id, pin=PIN)
        assert paid.is_paid
        held = await client.receipts.create(500_000, {"order_id": "18"})
        for _ in range(2):
            with pytest.raises(PinWrong):
                await cards.pay("customer-7", saved.card, held.id, pin=WRONG)
        assert await client.cards.check(card.token) == card
        with pytest.raises(CardRemoved):
            await cards.pay("customer-7", saved.card, held.id, pin=WRONG)
        with pytest.raises(CardNotFound):
            await client.cards.check(card.token)
        assert await cards.cards("customer-7") == []
        await cards.stop()


async def test_a_card_that_was_removed_elsewhere_is_removed_here(
    client: AsyncSubscribeClient, tmp_path: Path
) -> None:
    card = await client.cards.create("8600069195406311", "03/99", save=True)
    await client.cards.remove(card.token)
    async with OwnCardKeeper(f"sqlite:///{tmp_path / 'shop.db'}") as keeper:
        cards = AsyncSavedCards(keeper, client)
        await cards.save("customer-7", card.token, card.number, pin=PIN, card="1")
        assert await cards.remove("customer-7", "1")
        assert await keeper.get("customer-7", "1") is None
        await cards.stop()
