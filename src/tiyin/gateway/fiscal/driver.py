"""Registers what is due with the tax service, and tells the merchant.

A receipt says which fiscal receipts are still due (`Receipt.fiscal_due`), and its work row brings it here.
One of them is done at a time: asked of the registrar unless it is stored already, stored, told to the
merchant's server, and then taken off the receipt. Each step may be done again: the registrar and the merchant
know what they were told by the receipt and the kind.

The work row is the receipt's, and a cancel may have taken it over meanwhile. So it is never ended here: what
becomes of it is decided by the receipt as it then stands (`receipts.fiscal_work`).

Documentation: merchant-api/SetFiscalData
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from tiyin.gateway.desks.records import Desk
from tiyin.gateway.errands import LEASE_MS, Errands
from tiyin.gateway.fiscal.records import (
    CANCEL,
    FISCAL_RECEIPTS,
    MERCHANT,
    PERFORM,
    REGISTRAR,
    FiscalReceipt,
    Kind,
    data_of,
    fiscal_key,
    registered,
    told,
    write_data,
)
from tiyin.gateway.fiscal.registrar import Registrar, RegistrarUnavailable, Sale
from tiyin.gateway.merchant_calls.answers import Answered, Malformed, RefusedByMerchant, Unknown
from tiyin.gateway.merchant_calls.calls import MerchantCalls, Target
from tiyin.gateway.receipts.fiscal_work import fiscal_later, fiscal_settled
from tiyin.gateway.receipts.records import FISCAL_CANCEL, FISCAL_KIND, FISCAL_PERFORM, RECEIPTS, Receipt
from tiyin.runtime.chance import Chance, SystemChance
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Lease, Store

__all__ = ["FiscalDriver", "delay_ms_after"]

REGISTRAR_MS: Final = 10_000
"""The longest that a call to the registrar may take."""
TELLING_MS_MAX: Final = 7 * 24 * 3600 * 1000
"""For how long a merchant whose server does not answer, or answers nonsense, is told again.

Registering is never given up.
"""

_MARGIN_MS: Final = 3_000
_TAKEN: Final = "taken"
_DELAY_MS_MIN: Final = 2_000
_DELAY_MS_MAX: Final = 24 * 3600 * 1000

_decode_detail = msgspec.json.Decoder(dict[str, Any]).decode


def delay_ms_after(elapsed_ms: int, chance: Chance) -> int:
    """Tell when to try again: after seconds, minutes, hours, at last once a day.

    The longer it has failed already, the longer the next wait: from half to the whole of that time. It needs
    no counter, and spreads what failed together.

    Args:
        elapsed_ms: For how long it has been due.
        chance: Spreads.
    """
    base_ms = min(max(elapsed_ms, _DELAY_MS_MIN), _DELAY_MS_MAX)
    return int(base_ms / 2 + chance.up_to(base_ms / 2))


class FiscalDriver:
    """Drives the fiscal receipts that are due.

    Args:
        store: Where receipts and fiscal receipts are.
        clock: The product's time.
        tasks: Runs the errands.
        registrar: Registers.
        calls: The merchants' servers.
        find_desk: Gives a cash desk by its id.
        owner: This process's name in the work queue.
        lease_ms: How long a lease is, milliseconds.
        chance: Spreads what is tried again.
    """

    def __init__(  # noqa: PLR0913 - its ports
        self,
        store: Store,
        clock: Clock,
        tasks: Tasks,
        registrar: Registrar,
        calls: MerchantCalls,
        find_desk: Callable[[str], Awaitable[Desk | None]],
        *,
        owner: str,
        lease_ms: int = LEASE_MS,
        chance: Chance | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._registrar = registrar
        self._calls = calls
        self._find_desk = find_desk
        self._lease_ms = lease_ms
        self._chance = SystemChance() if chance is None else chance
        self.errands = Errands(store, clock, tasks, FISCAL_KIND, self.handle, owner=owner, lease_ms=lease_ms)
        self._log = get_logger("tiyin.fiscal")

    def start(self) -> None:
        """Begin to look for what is due."""
        self.errands.start()

    def stop(self) -> None:
        """Take up nothing new."""
        self.errands.stop()

    async def handle(self, lease: Lease) -> None:
        """Do one fiscal receipt of one receipt.

        Args:
            lease: The receipt's work.
        """
        receipt = await self._store.get(RECEIPTS, lease.key)
        if receipt is None:
            self._log.error("work_without_receipt", receipt_id=lease.key)
            await self._store.work.done(lease)
            return
        bit = FISCAL_PERFORM if receipt.fiscal_due & FISCAL_PERFORM else receipt.fiscal_due & FISCAL_CANCEL
        if not bit or receipt.worked:
            # A cancel has it: what is due here comes back with its end.
            await self._later(receipt, lease, 0)
            return
        kind: Kind = PERFORM if bit == FISCAL_PERFORM else CANCEL
        since_ms = receipt.pay_time_ms if kind == PERFORM else receipt.cancel_time_ms
        elapsed_ms = max(0, self._clock.now_ms() - since_ms)
        fiscal = await self._stored_or_registered(receipt, kind, lease)
        if fiscal is None or not await self._is_told(receipt, fiscal, elapsed_ms, lease):
            await self._later(receipt, lease, delay_ms_after(elapsed_ms, self._chance))
            return
        await self._store.change(RECEIPTS, receipt.id, lambda held: _settled(held, bit), lease=lease)

    async def _later(self, receipt: Receipt, lease: Lease, delay_ms: int) -> None:
        await self._store.change(RECEIPTS, receipt.id, lambda held: _put_off(held, delay_ms), lease=lease)

    async def _stored_or_registered(self, receipt: Receipt, kind: Kind, lease: Lease) -> FiscalReceipt | None:
        """Give the fiscal receipt; None while the registrar does not answer."""
        keys = fiscal_key(receipt.id, PERFORM), fiscal_key(receipt.id, CANCEL)
        found = await self._store.get_many(FISCAL_RECEIPTS, keys)
        if (stored := found.get(fiscal_key(receipt.id, kind))) is not None:
            return stored
        sale = found.get(keys[0])
        if kind == CANCEL and sale is not None and sale.source == MERCHANT:
            # Whoever registered the sale registers its refund: no other cash register can.
            return sale
        if lease.left_ms() < REGISTRAR_MS + _MARGIN_MS:
            return None
        desk = await self._find_desk(receipt.desk_id)
        try:
            async with asyncio.timeout(REGISTRAR_MS / 1000):
                data = await self._registrar.register(
                    Sale(
                        receipt_id=receipt.id,
                        kind=kind,
                        amount_tiyin=receipt.amount_tiyin,
                        organization="" if desk is None else desk.organization,
                        detail=None if receipt.detail is None else _decode_detail(receipt.detail),
                        of=None if sale is None else data_of(sale),
                    )
                )
        except (RegistrarUnavailable, TimeoutError) as error:
            self._log.warning("not_registered", receipt_id=receipt.id, kind=kind, error=type(error).__name__)
            return None
        new = FiscalReceipt(
            id=fiscal_key(receipt.id, kind),
            receipt_id=receipt.id,
            kind=kind,
            data=write_data(data),
            source=REGISTRAR,
            at_ms=self._clock.now_ms(),
        )
        return await self._store.change(FISCAL_RECEIPTS, new.id, lambda held: registered(held, new))

    async def _is_told(self, receipt: Receipt, fiscal: FiscalReceipt, elapsed_ms: int, lease: Lease) -> bool:
        """Tell the merchant's server, where there is one; False while it does not answer."""
        if receipt.endpoint is None or fiscal.told_ms:
            return True
        if lease.left_ms() < self._calls.budget_ms + _MARGIN_MS:
            return False
        outcome = await self._calls.set_fiscal_data(
            Target(receipt.desk_id, receipt.endpoint), receipt.id, fiscal.kind, data_of(fiscal)
        )
        if isinstance(outcome, Unknown | Malformed) and elapsed_ms < TELLING_MS_MAX:
            return False
        note = _note(outcome)
        if note != _TAKEN:
            self._log.info("merchant_not_told", receipt_id=receipt.id, kind=fiscal.kind, note=note)
        now_ms = self._clock.now_ms()
        await self._store.change(FISCAL_RECEIPTS, fiscal.id, lambda held: told(held, now_ms, note))
        return True


def _note(outcome: Any) -> str:
    """Say in a word what the merchant made of it; a refusal ends it, since the method is not obligatory."""
    match outcome:
        case RefusedByMerchant(code):
            return f"refused {code}"
        case Malformed(reason):
            return f"gave up, malformed: {reason}"
        case Answered(answer):
            return _TAKEN if answer.success else "not taken"
        case _:
            return "gave up"


def _settled(held: Receipt | None, bit: int) -> Any:
    return fiscal_settled(_there(held), bit)


def _put_off(held: Receipt | None, delay_ms: int) -> Any:
    return fiscal_later(_there(held), delay_ms)


def _there(held: Receipt | None) -> Receipt:
    if held is None:
        raise LookupError("the receipt is gone")
    return held
