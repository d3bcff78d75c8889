"""Every kind of cash desk takes the same way of its route: a payment, a refusal, a refund, a hold."""

import shutil
from collections.abc import AsyncIterator

import pytest

from helpers_receipts import FAILING_CARD, GOOD_CARD, World, agrees, fast_folder, make_desk, paid_with
from tiyin.gateway.desks.records import AccountField, DeskKind
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import Text

WITHOUT_A_SERVER = [DeskKind.NO_BILLING, DeskKind.ON_SITE, DeskKind.VIRTUAL_TERMINAL, DeskKind.TELEGRAM]
FIELD = AccountField("table", Text(ru="Стол", uz="Stol", en="Table"), main=True)


@pytest.fixture(params=[DeskKind.BILLING, *WITHOUT_A_SERVER])
async def any_desk(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    folder = fast_folder()
    desk = make_desk(billing=request.param == DeskKind.BILLING, kind=request.param, holds=True)
    world = await World.open(f"sqlite:///{folder / 'store.db'}", desk)
    yield world
    await agrees(world)
    await world.close()
    shutil.rmtree(folder)


async def test_a_payment_and_its_refund(any_desk: World) -> None:
    receipt = await paid_with(any_desk, await any_desk.create())
    assert receipt.state == 4
    assert receipt.route == ("billing" if any_desk.desk.kind == DeskKind.BILLING else "direct")
    await any_desk.receipts.cancel(any_desk.desk, receipt.id)
    await any_desk.idle()
    assert (await any_desk.load(receipt)).state == 50
    assert not await any_desk.is_debited(receipt.id)


async def test_a_declined_card(any_desk: World) -> None:
    receipt = await any_desk.create()
    answer = await any_desk.pay(receipt, FAILING_CARD)
    assert isinstance(answer, RpcError)
    assert (answer.code, (await any_desk.load(receipt)).state) == (-31640, 50)


async def test_a_hold_and_its_confirmation(any_desk: World) -> None:
    receipt = await any_desk.create(hold=True)
    held = await any_desk.receipts.pay(any_desk.desk, receipt.id, GOOD_CARD, hold=True)
    assert held.state == 5
    assert (await any_desk.receipts.confirm_hold(any_desk.desk, receipt.id)).state == 4


@pytest.mark.parametrize("kind", [DeskKind.NO_BILLING, DeskKind.ON_SITE])
async def test_without_a_server_the_desks_own_fields_are_asked_for(kind: DeskKind) -> None:
    folder = fast_folder()
    desk = make_desk(billing=False, kind=kind, account_fields=(FIELD,))
    world = await World.open(f"sqlite:///{folder / 'store.db'}", desk)
    with pytest.raises(RpcError) as refused:
        await world.create()
    assert (refused.value.code, refused.value.data) == (-31610, "table")
    await world.close()
    shutil.rmtree(folder)
