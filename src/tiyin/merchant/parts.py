"""An opened api's parts over a store, the same whether calls are answered in a loop or in threads."""

from collections.abc import Callable

import msgspec

from tiyin.merchant.after_commit import Afterwards
from tiyin.merchant.answering import Answering
from tiyin.merchant.keys import KeyRing
from tiyin.merchant.methods import Methods
from tiyin.merchant.settings import Settings
from tiyin.merchant.shop import Shop
from tiyin.merchant.stores.port import TransactionStore
from tiyin.merchant.sweep import Sweep

__all__ = ["Parts", "make_parts"]


class Parts(msgspec.Struct, frozen=True):
    """What an opened api is made of.

    Attributes:
        shop: The shop's hooks.
        answering: Answers calls.
        sweep: Looks for expired transactions.
    """

    shop: Shop
    answering: Answering
    sweep: Sweep


def make_parts(
    settings: Settings, store: TransactionStore, afterwards: Callable[[Afterwards], None]
) -> Parts:
    """Put an api together.

    Args:
        settings: What it was made with.
        store: Its store.
        afterwards: Has done what hooks leave for afterwards.
    """
    keys = KeyRing(settings.keys, store, settings.clock, changes=settings.allow_change_password)
    shop = Shop(settings.calling(), patience_s=settings.patience_s, afterwards=afterwards)
    methods = Methods(shop, store, keys, settings.clock)
    answering = Answering(
        methods,
        keys,
        login=settings.login,
        addresses=settings.addresses,
        allow_change_password=settings.allow_change_password,
        messages=settings.messages,
    )
    return Parts(shop, answering, Sweep(store, methods.expire, settings.clock))
