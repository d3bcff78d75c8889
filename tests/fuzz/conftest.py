"""Both wires, opened once for each file of tests."""

from collections.abc import Iterator

import pytest

from helpers_fuzz_merchant import MerchantWire
from helpers_fuzz_subscribe import SubscribeWire
from helpers_receipts import fast_folder


@pytest.fixture(scope="module")
def subscribe() -> Iterator[SubscribeWire]:
    """A gateway, in memory where there is such a place."""
    with SubscribeWire(fast_folder()) as wire:
        yield wire


@pytest.fixture(scope="module")
def merchant() -> Iterator[MerchantWire]:
    """A shop's endpoint."""
    with MerchantWire(fast_folder()) as wire:
        yield wire
