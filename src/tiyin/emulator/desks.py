"""The emulator's business and cash desks: made at the first start, the same ever after."""

from typing import Final

import msgspec

from tiyin.emulator.directory import KEYS_FORMAT, KeptDesk, Keys
from tiyin.emulator.manifest import shop_endpoint
from tiyin.emulator.shop.billing import ACCOUNT_FIELD
from tiyin.gateway.desks.records import AccountField, DeskKind
from tiyin.gateway.desks.service import Desks
from tiyin.gateway.vault import new_vault_key
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Text
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.ids import SystemIds, new_key

__all__ = ["current_desks", "new_keys", "seed", "with_later_desks"]

_BUSINESS: Final = "Tiyin demo"
_FIELDS: Final = {
    ACCOUNT_FIELD: AccountField(
        ACCOUNT_FIELD, Text(ru="Номер заказа", uz="Buyurtma raqami", en="Order number"), main=True
    ),
    "contract": AccountField(
        "contract", Text(ru="Номер договора", uz="Shartnoma raqami", en="Contract number"), main=True
    ),
}
# In the order of `emulator.json`. Every kind stands there once.
_DESKS: Final[tuple[tuple[str, DeskKind, tuple[str, ...]], ...]] = (
    ("Tiyin demo shop", DeskKind.BILLING, (ACCOUNT_FIELD,)),
    ("Tiyin virtual terminal", DeskKind.VIRTUAL_TERMINAL, ()),
    ("Tiyin demo internet provider", DeskKind.NO_BILLING, ("contract",)),
    ("Tiyin demo tea house", DeskKind.ON_SITE, ()),
)

_ANY_AMOUNT: Final = (1, AMOUNT_TIYIN_MAX)
# Where payers type the amount, they read its limits: sums that a shop might really have.
_TYPED_AMOUNT: Final = (1_000_00, 10_000_000_00)


def new_keys() -> Keys:
    """Choose ids and keys for a new emulator."""
    return with_later_desks(
        Keys(
            format=KEYS_FORMAT,
            vault_keys=new_vault_key(),
            business_id=SystemIds().new(SystemClock().now_ms()),
            desks=(),
        )
    )


def with_later_desks(keys: Keys) -> Keys:
    """Add the desks that an emulator of an earlier release did not have; those that it had stay as they are.

    Args:
        keys: What the data directory remembers.
    """
    ids, now_ms = SystemIds(), SystemClock().now_ms()
    known = {desk.kind for desk in keys.desks}
    later = tuple(
        KeptDesk(ids.new(now_ms), name, kind.value, new_key(), new_key(), account)
        for name, kind, account in _DESKS
        if kind.value not in known
    )
    return msgspec.structs.replace(keys, desks=(*keys.desks, *later)) if later else keys


async def seed(desks: Desks, keys: Keys, address: str) -> None:
    """Make what is missing, and lead the demo shop's desk to the address of this start.

    Args:
        desks: The gateway's desks.
        keys: Their ids and keys.
        address: The emulator's root address.
    """
    if keys.business_id not in {business.id for business in await desks.businesses()}:
        await desks.create_business(name=_BUSINESS, business_id=keys.business_id)
    for kept in keys.desks:
        endpoint = shop_endpoint(address) if kept.kind == DeskKind.BILLING else None
        found = await desks.find(kept.id)
        if found is None:
            typed = kept.kind in {DeskKind.NO_BILLING, DeskKind.ON_SITE}
            low, high = _TYPED_AMOUNT if typed else _ANY_AMOUNT
            await desks.create_desk(
                business_id=keys.business_id,
                name=kept.name,
                kind=kept.kind,
                endpoint=endpoint,
                account_fields=[_FIELDS[name] for name in kept.account],
                holds=True,
                round_up=kept.kind == DeskKind.ON_SITE,
                amount_tiyin_min=low,
                amount_tiyin_max=high,
                desk_id=kept.id,
                key=kept.key,
                test_key=kept.test_key,
            )
        elif found.endpoint != endpoint and _is_own(found.endpoint):
            await desks.change_desk(kept.id, endpoint=endpoint)


async def current_desks(desks: Desks, keys: Keys) -> tuple[KeptDesk, ...]:
    """Give the desks with the keys that are good now: the gateway has the last word about them."""
    current = []
    for kept in keys.desks:
        known = await desks.keys_of(kept.id)
        current.append(
            KeptDesk(kept.id, kept.name, kept.kind, known.key, known.test_key, kept.account),
        )
    return tuple(current)


def _is_own(endpoint: str | None) -> bool:
    """Tell whether an endpoint is the demo shop's of an earlier start, and not one that somebody chose."""
    own = shop_endpoint("")
    return endpoint is not None and endpoint.startswith("http://127.0.0.1:") and endpoint.endswith(own)
