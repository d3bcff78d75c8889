"""Whether everything that is written anywhere agrees: receipts, work, ledger, cards, tokens, orders."""

import json
from collections import defaultdict
from collections.abc import Iterator

import sqlalchemy as sa

from kill.world import Shop, World
from tiyin.emulator.shop.orders import ORDERS, ShopOrder
from tiyin.gateway.acquiring.books import DEBITED, HELD, OPERATIONS, Operation
from tiyin.gateway.cards.records import SPENT, TOKENS, TokenRow
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.gateway.receipts.states import CANCELLED, CREATED, PAID
from tiyin.gateway.verify import Totals, verify
from tiyin.merchant.stores.tables import TRANSACTIONS
from tiyin.runtime.ids import ID_LENGTH
from tiyin.storage import open_store
from tiyin.storage.schema import WORK

__all__ = ["disagreements"]

_AT_SHOP: dict[int, tuple[int | None, ...]] = {PAID: (2,), CANCELLED: (-1, -2, None), CREATED: (None, -1)}
"""The states that a receipt's transaction may have at the shop, by the receipt's own."""


async def disagreements(world: World, *, hooks_once: bool = False) -> list[str]:
    """Compare everything that is written anywhere when nothing runs: the sentences say what does not agree.

    Args:
        world: The world.
        hooks_once: Whether the shops were never killed, so that none of their hooks may have run twice.
    """
    async with world.store() as store:
        report = await verify(store)
        found = [f"verify: {finding.receipt_id} {finding.what}" for finding in report.findings]
        receipts = await store.query(sa.select(RECEIPTS.schema), RECEIPTS)
        tokens = await store.query(sa.select(TOKENS.schema), TOKENS)
        work = await store.query(sa.select(WORK.schema), WORK)
    acquirer = await open_store(world.acquirer_url)
    try:
        operations = await acquirer.query(sa.select(OPERATIONS.schema), OPERATIONS)
    finally:
        await acquirer.close()
    found += [f"{row.kind} {row.key} is still to be worked on" for row in work]
    found += [f"{receipt.id} stands at {receipt.state}" for receipt in receipts if not _at_rest(receipt)]
    found += _wrong_debits(receipts, operations)
    found += _wrong_totals(receipts, report.totals)
    found += _wrong_tokens(receipts, tokens)
    for shop in world.shops:
        own = [receipt for receipt in receipts if receipt.desk_id == shop.desk]
        found += await _wrong_orders(shop, own, hooks_once=hooks_once)
    return found


def _at_rest(receipt: Receipt) -> bool:
    return receipt.state in {CREATED, PAID, CANCELLED}


def _wrong_debits(receipts: list[Receipt], operations: list[Operation]) -> Iterator[str]:
    """A paid receipt was debited once, any other not at all, and a card lost what it paid."""
    debits: defaultdict[str, list[int]] = defaultdict(list)
    cards: defaultdict[str, int] = defaultdict(int)
    for operation in operations:
        if operation.state == HELD:
            yield f"money is still held for {operation.id}"
        if operation.state == DEBITED:
            debits[operation.id[:ID_LENGTH]].append(operation.amount_tiyin)
            cards[operation.card] += operation.amount_tiyin
    for receipt in receipts:
        expected = [receipt.amount_tiyin] if receipt.state == PAID else []
        cards[receipt.card_mask or ""] -= sum(expected)
        if debits.pop(receipt.id, []) != expected:
            yield f"{receipt.id} at {receipt.state} was not debited {expected}"
    for key in debits:
        yield f"money was taken for {key}, which is no receipt"
    for card, left_tiyin in cards.items():
        if left_tiyin:
            yield f"card {card} was debited {left_tiyin} tiyin more than it paid"


def _wrong_totals(receipts: list[Receipt], totals: Totals) -> Iterator[str]:
    """The ledger keeps what the paid receipts are, owes it, and has nothing on its way."""
    paid_tiyin = sum(receipt.amount_tiyin for receipt in receipts if receipt.state == PAID)
    kept = (totals.taken - totals.returned, totals.owed + totals.payouts_due + totals.commission)
    if kept != (paid_tiyin, paid_tiyin) or totals.in_flight or totals.on_its_way_back:
        yield f"the ledger has {totals}, and the paid receipts are {paid_tiyin} tiyin"


def _wrong_tokens(receipts: list[Receipt], tokens: list[TokenRow]) -> Iterator[str]:
    """A one-time token is spent on the receipt that it paid, and pays nothing else.

    One that is still kept for a receipt that came to nothing is no disagreement: whoever pays with it next is
    let through.
    """
    paid_with = {receipt.token_id: receipt.id for receipt in receipts if receipt.state == PAID}
    for token in tokens:
        if token.id in paid_with and (token.state, token.receipt_id) != (SPENT, paid_with[token.id]):
            yield f"the token that paid {paid_with[token.id]} is {token.state} on {token.receipt_id}"


async def _wrong_orders(shop: Shop, receipts: list[Receipt], *, hooks_once: bool) -> list[str]:
    store = await open_store(shop.database_url)
    try:
        orders = await store.query(sa.select(ORDERS.schema), ORDERS)
        transactions = await store.get_many(TRANSACTIONS, [receipt.id for receipt in receipts])
        known = await store.query(sa.select(TRANSACTIONS.schema.c.id))
    finally:
        await store.close()
    of_order: defaultdict[str, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        of_order[str(json.loads(receipt.account)["order_id"])].append(receipt)
    found = [f"the shop knows {key}, which is no receipt" for (key,) in known if key not in transactions]
    for receipt in receipts:
        transaction = transactions.get(receipt.id)
        state = None if transaction is None else transaction.state
        allowed = _AT_SHOP.get(receipt.state, ())
        if state not in allowed:
            found.append(f"{receipt.id} at {receipt.state}, and its transaction at the shop at {state}")
    for order in orders:
        found += _wrong_order(order, of_order[order.id], hooks_once=hooks_once)
    return found


def _wrong_order(order: ShopOrder, receipts: list[Receipt], *, hooks_once: bool) -> Iterator[str]:
    paid = [receipt for receipt in receipts if receipt.state == PAID]
    effects = json.loads(order.effects)
    undone = {effect.partition(":")[0] for effect in effects if effect.endswith((":release", ":refund"))}
    performed = [one for one, _, effect in (found.partition(":") for found in effects) if effect == "pay"]
    kept = [one for one in performed if one not in undone]
    refunded = any(effect.endswith(":refund") for effect in effects)
    if order.state != ("paid" if paid else "cancelled" if refunded else "waiting"):
        yield f"order {order.id} is {order.state}, and {len(paid)} receipts of it are paid"
    if kept != [receipt.id for receipt in paid]:
        yield f"order {order.id} was performed by {kept}, and {[receipt.id for receipt in paid]} are paid"
    if sum(receipt.amount_tiyin for receipt in paid) not in {0, order.amount_tiyin}:
        yield f"order {order.id} costs {order.amount_tiyin}, and another sum was paid for it"
    if len(effects) != len(set(effects)):
        yield f"order {order.id} has an effect twice: {effects}"
    ran = (order.creates, order.performs, order.cancels)
    wrote = tuple(
        sum(effect.endswith(ends) for effect in effects)
        for ends in (":reserve", ":pay", (":release", ":refund"))
    )
    if hooks_once and ran != wrote:
        yield f"the hooks of order {order.id} ran {ran} times and had effects {wrote} times"
