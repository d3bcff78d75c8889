"""The gateway, assembled from its ports.

It holds no state of its own, so any number of processes may share a database.
"""

from collections.abc import Sequence
from typing import Final

from tiyin.gateway.acquiring.port import Acquirer
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.cards.issuer import Issuer, TestIssuer
from tiyin.gateway.cards.service import Cards
from tiyin.gateway.desks.service import Desks
from tiyin.gateway.fiscal.driver import FiscalDriver
from tiyin.gateway.fiscal.receipts import FiscalReceipts
from tiyin.gateway.fiscal.registrar import Registrar
from tiyin.gateway.fiscal.test_registrar import TestRegistrar
from tiyin.gateway.housekeeping import Housekeeping
from tiyin.gateway.idempotency import Idempotency
from tiyin.gateway.ledger.daily import DailyClose
from tiyin.gateway.merchant_calls.calls import TIMEOUT_MS, MerchantCalls
from tiyin.gateway.notifications.invoices import Invoices
from tiyin.gateway.notifications.outbox import Outbox, Senders
from tiyin.gateway.notifications.port import Mail, Messages, Telegrams
from tiyin.gateway.receipts.listing import ReceiptLists
from tiyin.gateway.receipts.payment import LEASE_MS
from tiyin.gateway.receipts.service import ANSWER_MS, Receipts
from tiyin.gateway.vault import KeyRing, Vault
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.http import Http
from tiyin.runtime.ids import Ids, SystemIds
from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Store, open_store

__all__ = ["Gateway", "NoAcquirer", "open_gateway"]

_DRAIN_S: Final = 25.0


class NoAcquirer(ValueError):
    """Nobody could debit cards, or test cards would stand beside real ones; it says what to change."""


class Gateway:
    """Payme's side.

    Args:
        store: Where everything is kept; closed by `stop`.
        clock: The product's time.
        ids: Names things.
        tasks: Owns what runs; drained by `stop`.
        http: How calls to merchants leave.
        acquirer: Who debits cards.
        issuer: Who knows cards and their phones.
        messages: Who brings SMS.
        vault: Seals secrets.
        test: Whether test cards are on.
        mail: Who brings e-mail; None where nobody does.
        telegram: Who brings Telegram messages; None where nobody does.
        public_url: The address that payers use, for links in messages.
        registrar: Who registers payments with the tax service; None where nobody does.
        answer_ms: How long receipts.pay waits for the end, milliseconds.
        lease_ms: How long a receipt's driver is believed to live without a sign, milliseconds: after a crash,
            the longest until another goes on. Longer than any one call.
        merchant_timeout_ms: The longest that one call to a merchant may take, milliseconds.
    """

    def __init__(  # noqa: PLR0913 - every port that a simulation must own
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        tasks: Tasks,
        http: Http,
        acquirer: Acquirer,
        issuer: Issuer,
        messages: Messages,
        vault: Vault,
        test: bool,
        mail: Mail | None = None,
        telegram: Telegrams | None = None,
        public_url: str = "",
        registrar: Registrar | None = None,
        answer_ms: int = ANSWER_MS,
        lease_ms: int = LEASE_MS,
        merchant_timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids
        self.tasks = tasks
        self.http = http
        self.acquirer = acquirer
        self.messages = messages
        self.desks = Desks(store, clock, ids, vault, test=test)
        self.cards = Cards(store, clock, ids, vault, issuer, messages)
        self.idempotency = Idempotency(store, clock, vault)
        self.calls = MerchantCalls(http, clock, self.desks.key_of, timeout_ms=merchant_timeout_ms)
        owner = f"gateway-{ids.new(clock.now_ms())}"
        self.receipts = Receipts(
            store,
            clock,
            ids,
            tasks,
            self.calls,
            acquirer,
            self.cards,
            self._commissions_of,
            owner=owner,
            answer_ms=answer_ms,
            lease_ms=lease_ms,
            fiscal=registrar is not None,
        )
        self.receipt_lists = ReceiptLists(store)
        self.fiscal_receipts = FiscalReceipts(store, clock)
        self._fiscal = (
            None
            if registrar is None
            else FiscalDriver(store, clock, tasks, registrar, self.calls, self.desks.find, owner=owner)
        )
        senders = Senders(sms=messages, mail=mail, telegram=telegram)
        self.outbox = Outbox(store, clock, ids, tasks, vault, senders, owner=owner)
        self.invoices = Invoices(store, clock, vault, self.outbox, public_url)
        self._housekeeping = Housekeeping(store, clock, tasks)
        self._daily_close = DailyClose(store, clock, tasks, owner=owner)

    async def _commissions_of(self, desk_ids: Sequence[str]) -> dict[str, int]:
        """Give the commissions, in basis points, of those of the desks that take payments."""
        desks = [await self.desks.find(desk_id) for desk_id in desk_ids]
        return {desk.id: desk.commission_basis_points for desk in desks if desk is not None and desk.active}

    async def start(self) -> None:
        """Start what runs without a caller: receipts, fiscal receipts, messages, days, cleaning."""
        await self.receipts.start()
        if self._fiscal is not None:
            self._fiscal.start()
        self.outbox.start()
        self._housekeeping.start()
        self._daily_close.start()

    async def stop(self) -> None:
        """Finish or hand over what runs, then let go of the database; another process goes on."""
        await self._daily_close.stop()
        await self._housekeeping.stop()
        await self.receipts.stop()
        if self._fiscal is not None:
            self._fiscal.stop()
        await self.outbox.stop()
        cut_off = await self.tasks.drain(_DRAIN_S)
        if cut_off:
            get_logger("tiyin.gateway").warning("payments_handed_over", count=len(cut_off))
        if isinstance(self.http, GuardedHttp):
            await self.http.close()
        await self.store.close()


async def open_gateway(  # noqa: PLR0913 - what a process is configured with, and the ports that it may bring
    *,
    database_url: str,
    vault_keys: str,
    messages: Messages,
    mail: Mail | None = None,
    telegram: Telegrams | None = None,
    public_url: str = "",
    test_cards: TestCards | None = None,
    allow_private_merchants: bool = False,
    acquirer: Acquirer | None = None,
    issuer: Issuer | None = None,
    registrar: Registrar | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    tasks: Tasks | None = None,
    http: Http | None = None,
    lease_ms: int = LEASE_MS,
    merchant_timeout_ms: int = TIMEOUT_MS,
) -> Gateway:
    """Open a gateway over a database whose tables exist.

    Args:
        database_url: `sqlite:///...` or `postgresql://...`.
        vault_keys: The vault's keys, as `TIYIN_VAULT_KEYS` has them.
        messages: Who brings SMS.
        mail: Who brings e-mail.
        telegram: Who brings Telegram messages.
        public_url: The address that payers use, for links in messages.
        test_cards: The test cards that pay; None turns them off. With them payments are registered on paper.
        allow_private_merchants: Whether merchants may have private, loopback and plain-HTTP addresses.
        acquirer: A real acquirer; refused beside test cards.
        issuer: Who knows its cards; comes with it.
        registrar: Who registers payments with the tax service.
        clock: The product's time; the system's by default.
        ids: Names things; the system's by default.
        tasks: Owns what runs; made by default.
        http: How calls to merchants leave; guarded by default.
        lease_ms: See `Gateway`.
        merchant_timeout_ms: See `Gateway`.

    Raises:
        NoAcquirer: If test cards are on beside a real acquirer, or neither is there.
        tiyin.gateway.vault.KeyRingError: If the keys cannot be read.
        ValueError, tiyin.storage.StorageUnavailable: If the database cannot be opened.
    """
    if test_cards is not None and (acquirer is not None or issuer is not None):
        raise NoAcquirer("test cards are on beside a real acquirer; set TIYIN_TEST_CARDS=false")
    if test_cards is None and (acquirer is None or issuer is None):
        raise NoAcquirer(
            "there is no acquirer to debit cards; name one in TIYIN_ACQUIRER_URL and TIYIN_ACQUIRER_SECRET, "
            "or set TIYIN_TEST_CARDS=true to pay with test cards"
        )
    vault = Vault(KeyRing.read(vault_keys))
    clock = SystemClock() if clock is None else clock
    store = await open_store(database_url)
    if test_cards is not None:
        acquirer, issuer = TestAcquirer(store, clock, test_cards), TestIssuer(test_cards)
        registrar = TestRegistrar(store, clock) if registrar is None else registrar
    assert acquirer is not None and issuer is not None  # noqa: S101, PT018 - one of the two pairs, by the checks above
    return Gateway(
        store=store,
        clock=clock,
        ids=SystemIds() if ids is None else ids,
        tasks=Tasks() if tasks is None else tasks,
        http=GuardedHttp(allow_private=allow_private_merchants) if http is None else http,
        acquirer=acquirer,
        issuer=issuer,
        messages=messages,
        vault=vault,
        test=test_cards is not None,
        mail=mail,
        telegram=telegram,
        public_url=public_url,
        registrar=registrar,
        lease_ms=lease_ms,
        merchant_timeout_ms=merchant_timeout_ms,
    )
