"""An order of the demo shop, and the pure rules of what may happen to it.

    waiting --reserve--> reserved --pay--> paid --refund--> cancelled
       ^                    |               |
       +------release-------+---------------+   (released when paid: the payment never came to its end)

A transaction's effect on an order may be asked for twice: after a crash the merchant kit cannot know
whether the shop still wrote it. So each effect is remembered under (transaction, effect), and a repeat
changes nothing; only the count of how often the shop's code ran goes up.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Literal

import msgspec
import sqlalchemy as sa

from tiyin.merchant.billing import OrderState
from tiyin.storage.schema import INTEGER, TEXT, define, version_column
from tiyin.storage.tables import Decision, Table

__all__ = ["ORDERS", "Effect", "Hook", "Outcome", "ShopOrder", "effect_rule", "metadata"]

EFFECTS_KEPT = 64
"""How many effects an order remembers: enough for twenty cancelled attempts to pay it."""

Hook = Literal["check", "create", "perform", "cancel"]

metadata = sa.MetaData()


class Effect(StrEnum):
    """What a transaction does to its order."""

    RESERVE = "reserve"
    PAY = "pay"
    RELEASE = "release"
    REFUND = "refund"


class Outcome(StrEnum):
    """What became of an effect."""

    DONE = "done"
    REPEATED = "repeated"
    REFUSED = "refused"
    NO_ORDER = "no-order"


class ShopOrder(msgspec.Struct, frozen=True):
    """A stored order.

    Args:
        id: Its number as text.
        number: Its number, from 1 without gaps.
        amount_tiyin: What it costs.
        product: What was bought: a product's code, or empty.
        state: An `OrderState`.
        transaction: The transaction that reserved or paid it, or None.
        effects: A JSON list of `transaction:effect`, oldest first.
        checks: How often the hook `check` ran for it; the next three alike.
        creates: How often `create` ran.
        performs: How often `perform` ran.
        cancels: How often `cancel` ran.
        created_at_ms: When it was made, milliseconds since 1970.
        version: The storage's own count.
    """

    id: str
    number: int
    amount_tiyin: int
    product: str
    state: str
    transaction: str | None
    effects: str
    checks: int
    creates: int
    performs: int
    cancels: int
    created_at_ms: int
    version: int = 1

    @property
    def hooks(self) -> dict[Hook, int]:
        """How often each hook ran for this order."""
        return {
            "check": self.checks,
            "create": self.creates,
            "perform": self.performs,
            "cancel": self.cancels,
        }


ORDERS: Final = Table(
    define(
        "shop_orders",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("amount_tiyin", INTEGER, nullable=False),
        sa.Column("product", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("transaction", TEXT),
        sa.Column("effects", TEXT, nullable=False),
        sa.Column("checks", INTEGER, nullable=False),
        sa.Column("creates", INTEGER, nullable=False),
        sa.Column("performs", INTEGER, nullable=False),
        sa.Column("cancels", INTEGER, nullable=False),
        sa.Column("created_at_ms", INTEGER, nullable=False),
        version_column(),
        sa.Index("shop_orders_by_number", "number", unique=True),
    ),
    ShopOrder,
)

_HOOKS: Final[dict[Effect, str]] = {
    Effect.RESERVE: "creates",
    Effect.PAY: "performs",
    Effect.RELEASE: "cancels",
    Effect.REFUND: "cancels",
}
_ENDS: Final = (Effect.RELEASE, Effect.REFUND)


def effect_rule(transaction: str, effect: Effect) -> Callable[[ShopOrder | None], Decision[Outcome]]:
    """Make the rule by which a transaction acts on its order.

    Args:
        transaction: The transaction's id.
        effect: What it does.

    Returns:
        A pure rule for `Store.change`.
    """

    def rule(order: ShopOrder | None) -> Decision[Outcome]:
        if order is None:
            return Decision(Outcome.NO_ORDER)
        hook = _HOOKS[effect]
        counted = msgspec.structs.replace(order, **{hook: getattr(order, hook) + 1})
        done: list[str] = msgspec.json.decode(order.effects, type=list[str])
        name = f"{transaction}:{effect}"
        if name in done:
            return Decision(Outcome.REPEATED, counted)
        ended = any(f"{transaction}:{end}" in done for end in _ENDS)
        moved = None if ended else _move(counted, transaction, effect)
        if moved is None:
            return Decision(Outcome.REFUSED, counted)
        effects = msgspec.json.encode([*done, name][-EFFECTS_KEPT:]).decode()
        return Decision(Outcome.DONE, msgspec.structs.replace(moved, effects=effects))

    return rule


def _move(order: ShopOrder, transaction: str, effect: Effect) -> ShopOrder | None:
    """Give the order after the effect, or None when the order is somebody else's or past it.

    The end of a transaction that never reached the order changes nothing and is still remembered: a
    reservation that arrives after it is refused.
    """
    own = order.transaction == transaction
    match effect, order.state:
        case Effect.RESERVE, OrderState.WAITING:
            return msgspec.structs.replace(order, state=OrderState.RESERVED.value, transaction=transaction)
        case Effect.PAY, OrderState.RESERVED if own:
            return msgspec.structs.replace(order, state=OrderState.PAID.value)
        case Effect.RELEASE, OrderState.RESERVED | OrderState.PAID if own:
            return msgspec.structs.replace(order, state=OrderState.WAITING.value, transaction=None)
        case Effect.REFUND, OrderState.PAID if own:
            return msgspec.structs.replace(order, state=OrderState.CANCELLED.value)
        case ((Effect.RELEASE | Effect.REFUND), _) if not own:
            return order
        case _:
            return None
