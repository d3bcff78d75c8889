"""A registrar that registers with nobody and answers as the tax service does, for test cash desks.

Its numbers are its own and stand in the database: one terminal, whose receipts are numbered in a row without
gaps. A repeat is recognised by receipt and kind, whatever process makes it.
"""

import hashlib
from datetime import UTC, datetime
from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.fiscal.records import fiscal_key, write_data
from tiyin.gateway.fiscal.registrar import RegistrarUnavailable, Sale
from tiyin.gateway.metadata import metadata
from tiyin.protocol.fiscal import FiscalData, QrCode, write_qr_code_url
from tiyin.runtime.clock import Clock
from tiyin.runtime.tashkent import TASHKENT
from tiyin.storage import (
    INTEGER,
    TEXT,
    Decision,
    Store,
    Table,
    Taken,
    TooContended,
    define,
    version_column,
)

__all__ = ["TEST_REGISTRATIONS", "TEST_TERMINALS", "TestRegistrar", "tashkent_date"]

TERMINAL: Final = "EP000000000356"
_ACCEPTED: Final = "accepted"
_SIGN_DIGITS: Final = 12


class TestTerminal(msgspec.Struct, frozen=True):
    """The last number that a test terminal gave."""

    id: str
    number: int
    version: int = 1


class TestRegistration(msgspec.Struct, frozen=True):
    """What the test terminal answered once.

    Attributes:
        id: The receipt and the kind.
        data: The answer, JSON.
    """

    id: str
    data: str


TEST_REGISTRATIONS: Final = Table(
    define(
        "test_fiscal_registrations",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("data", TEXT, nullable=False),
        grows=True,
    ),
    TestRegistration,
)
TEST_TERMINALS: Final = Table(
    define(
        "test_fiscal_terminals",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("number", INTEGER, nullable=False),
        version_column(),
    ),
    TestTerminal,
    appends=(TEST_REGISTRATIONS,),
)


def tashkent_date(at_ms: int) -> str:
    """Write a moment as fiscal receipts do: YYYYMMDDhhmmss in Tashkent."""
    return datetime.fromtimestamp(at_ms // 1000, tz=UTC).astimezone(TASHKENT).strftime("%Y%m%d%H%M%S")


class TestRegistrar:
    """Registers on paper.

    Args:
        store: Where its numbers stand.
        clock: Dates its receipts.
        terminal: The name of its virtual cash register.
    """

    __test__ = False

    def __init__(self, store: Store, clock: Clock, *, terminal: str = TERMINAL) -> None:
        self._store = store
        self._clock = clock
        self._terminal = terminal

    async def register(self, sale: Sale) -> FiscalData:
        """Register; see `Registrar.register`."""
        key = fiscal_key(sale.receipt_id, sale.kind)
        if (known := await self._store.get(TEST_REGISTRATIONS, key)) is not None:
            return msgspec.json.decode(known.data, type=FiscalData)
        now_ms = self._clock.now_ms()
        try:
            # The number and the receipt that has it share a commit, so that no number is left out.
            return await self._store.change(
                TEST_TERMINALS, self._terminal, lambda stored: self._next(stored, key, now_ms)
            )
        except Taken:
            known = await self._store.get(TEST_REGISTRATIONS, key)
            if known is None:
                raise
            return msgspec.json.decode(known.data, type=FiscalData)
        except TooContended as error:
            raise RegistrarUnavailable("too many register at once") from error

    def _next(self, stored: TestTerminal | None, key: str, now_ms: int) -> Decision[FiscalData]:
        number = 1 if stored is None else stored.number + 1
        date = tashkent_date(now_ms)
        chance = hashlib.sha256(f"{self._terminal}:{number}:{key}".encode()).digest()
        sign = f"{int.from_bytes(chance[:8], 'big') % 10**_SIGN_DIGITS:0{_SIGN_DIGITS}d}"
        data = FiscalData(
            receipt_id=number,
            qr_code_url=write_qr_code_url(QrCode(self._terminal, number, date, sign)),
            status_code=0,
            message=_ACCEPTED,
            terminal_id=self._terminal,
            fiscal_sign=sign,
            date=date,
        )
        written = TestRegistration(key, write_data(data))
        terminal = TestTerminal(self._terminal, number)
        return Decision(data, terminal, [(TEST_REGISTRATIONS, written)])
