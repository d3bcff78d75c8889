"""What every run begins with: two cash desks and tokens, made once by the real services, then copied."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import msgspec
import structlog

from helpers_cards import KEY, ORDER_ID, TEST_KEY, Phone, new_vault
from simulation.loop import SimLoop
from simulation.store import InstantStore
from simulation.tables import MemoryTables
from tiyin.gateway.acquiring.test_cards import TestCard, TestCards
from tiyin.gateway.cards import Cards, TestIssuer
from tiyin.gateway.desks import DeskKind, Desks
from tiyin.protocol.errors import RpcError
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.ids import SeededIds
from tiyin.storage import OutcomeUnknown, StorageUnavailable

__all__ = [
    "BASIS_POINTS",
    "BILLING_DESK",
    "BLOCKED_DESK",
    "CARDS",
    "DIRECT_DESK",
    "EAST_DESK",
    "ENDPOINT",
    "VAULT",
    "WEST_DESK",
    "X_AUTH",
    "Fixture",
    "fixture",
    "quiet_logs",
]

BILLING_DESK = "100fe486b33784292111b7dc"
DIRECT_DESK = "200fe486b33784292111b7dc"
EAST_DESK = "300fe486b33784292111b7dc"
WEST_DESK = "400fe486b33784292111b7dc"
BLOCKED_DESK = "500fe486b33784292111b7dc"
BASIS_POINTS = {BILLING_DESK: 100, DIRECT_DESK: 100, EAST_DESK: 333, WEST_DESK: 0}
"""The commissions of the desks that may receive something."""
ENDPOINT = "https://shop.test/payme"
CARDS = tuple(
    TestCard(number=number) for number in ("8600495473316478", "8600069195406311", "9860040400330305")
)
VAULT = new_vault()
_NOW_MS = 1_780_000_000_000
_ONE_TIME = 6


def X_AUTH(desk_id: str) -> str:
    """Give the header that opens everything for a desk."""
    return f"{desk_id}:{KEY}"


class Fixture(msgspec.Struct):
    """Rows, and what payers know."""

    rows: dict[str, dict[str, Any]]
    saved: dict[str, list[str]]
    one_time: dict[str, list[str]]

    def __repr__(self) -> str:
        return "Fixture()"


@functools.cache
def fixture() -> Fixture:
    """Make desks, cards and tokens."""
    loop = SimLoop()
    tables = MemoryTables(lambda: _NOW_MS)
    with quiet_logs():
        return loop.run(_make(InstantStore(tables, loop.time), tables))


async def _make(store: Any, tables: MemoryTables) -> Fixture:
    clock, ids = ManualClock(_NOW_MS), SeededIds(1)
    desks = Desks(store, clock, ids, VAULT, test=True)
    cards = Cards(store, clock, ids, VAULT, TestIssuer(TestCards(CARDS)), Phone())
    business = await desks.create_business(name="Shop", organization="Shop")
    made = Fixture(tables.rows, {}, {})
    for desk_id, kind, endpoint in (
        (BILLING_DESK, DeskKind.BILLING, ENDPOINT),
        (DIRECT_DESK, DeskKind.VIRTUAL_TERMINAL, None),
    ):
        desk, _, _ = await desks.create_desk(
            business_id=business.id,
            name="Shop",
            kind=kind,
            endpoint=endpoint,
            account_fields=(ORDER_ID,),
            holds=True,
            commission_basis_points=BASIS_POINTS[desk_id],
            desk_id=desk_id,
            key=KEY,
            test_key=TEST_KEY,
        )
        made.saved[desk_id], made.one_time[desk_id] = [], []
        for n in range(len(CARDS) + _ONE_TIME):
            card = CARDS[n % len(CARDS)]
            saved = n < len(CARDS)
            created = await cards.create(desk, number=card.number, expire=card.expire, save=saved)
            await cards.get_verify_code(desk, created.token)
            await cards.verify(desk, created.token, "666666")
            (made.saved if saved else made.one_time)[desk_id].append(created.token)
    for desk_id in (EAST_DESK, WEST_DESK, BLOCKED_DESK):
        await desks.create_desk(
            business_id=business.id,
            name="Branch",
            kind=DeskKind.VIRTUAL_TERMINAL,
            commission_basis_points=BASIS_POINTS.get(desk_id, 100),
            desk_id=desk_id,
            key=KEY,
            test_key=TEST_KEY,
        )
    await desks.change_desk(BLOCKED_DESK, active=False)
    return made


class _Quiet:
    """A logger that keeps errors for the checks and forgets everything else."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def bind(self, **_: Any) -> "_Quiet":
        return self

    new = bind

    def _nothing(self, event: str, *args: Any, **fields: Any) -> None:
        """Forget it."""

    debug = info = warning = _nothing

    def error(self, event: str, *args: Any, **fields: Any) -> None:
        # A driver that stood still between claiming and reading finds that others have finished meanwhile.
        if event == "work_without_receipt" or isinstance(
            fields.get("exc_info"), StorageUnavailable | OutcomeUnknown | RpcError
        ):
            # The simulation's own doing, or what a caller who is gone would have been told.
            return
        self.errors.append(f"{event}: {fields}")

    exception = critical = error


@contextlib.contextmanager
def quiet_logs() -> Iterator[list[str]]:
    """Keep the gateway's errors, and say nothing of the troubles that the simulation makes on purpose."""
    quiet = _Quiet()

    def logger(*_: Any, **__: Any) -> _Quiet:
        return quiet

    with mock.patch.multiple(structlog, get_logger=logger, wrap_logger=logger):
        yield quiet.errors
