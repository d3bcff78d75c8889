"""A gateway that is not there: just enough of its services for the checkout's pages, over a real store.

The documented test cards behave as documented; `FakeGateway.calls` notes what was asked of the services, in
order.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from helpers_browser import Served
from tiyin.gateway.cards.limits import CARD_TRIES, CODE_TRIES, Tries
from tiyin.gateway.checkout_visits import CHECKOUT_ORDERS, CHECKOUT_VISITS
from tiyin.gateway.desks.records import AccountField, Desk, DeskKind, Epos
from tiyin.gateway.fiscal.receipts import FiscalReceipts
from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.invoices import InvoiceLimits, Invoices
from tiyin.gateway.notifications.outbox import Outbox, Senders
from tiyin.gateway.notifications.port import Letter, LogMessages
from tiyin.gateway.receipts.payable import Payable
from tiyin.gateway.receipts.records import RECEIPTS, Receipt, write_error
from tiyin.gateway.receipts.service import NewReceipt
from tiyin.gateway.vault import KeyRing, Vault, new_vault_key
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError, message_of
from tiyin.protocol.subscribe_api import CardAnswer, CodeSent
from tiyin.protocol.values import Account, Language, Text, account_key, mask_card_number
from tiyin.runtime.clock import TurnableClock
from tiyin.runtime.ids import SystemIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Decision, open_store
from tiyin.storage.store import Store
from tiyin.web.site import SiteSettings, checkout_site

__all__ = ["DESK", "FakeGateway", "Fresh", "Site", "opened_checkout"]

CODE = "666666"
WAIT_MS = 60_000

DESK = Desk(
    id="62d52ce6ca96effd0777a771",
    business_id="62d52c4bca96effd0777a770",
    name="Бозор: лавка специй",
    organization="ООО «Bozor Savdo»",
    kind=DeskKind.BILLING,
    endpoint="https://shop.example.uz/payme",
    account_fields=(
        AccountField("order_id", Text(ru="Номер заказа", uz="Buyurtma raqami", en="Order number"), main=True),
        AccountField("phone", Text(ru="Телефон", uz="Telefon", en="Phone")),
    ),
    amount_tiyin_min=100_000,
    amount_tiyin_max=100_000_000_00,
    round_up=False,
    holds=False,
    active=True,
    test=True,
    alias="bozor",
    logo=None,
    address="",
    category=Text(ru="Интернет", uz="Internet", en="Internet"),
    epos=Epos(),
    domains=(),
    commission_basis_points=0,
    created_at_ms=1_700_000_000_000,
)


class FakeGateway:
    """The services, and what a test turns on them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = TurnableClock()
        self.tasks = Tasks()
        self.ids = SystemIds()
        self.calls: list[str] = []
        self.asked: list[tuple[Any, ...]] = []
        self.desk = DESK
        self.check_error: RpcError | None = None
        self.code_error: RpcError | None = None
        self.pay_error: RpcError | None = None
        self.payable = Payable()
        self.lost = False
        self.step_s = 0.0
        self.delay_s = 10.0
        self.fiscal_receipts = FiscalReceipts(store, self.clock)
        self.postman = Postman()
        self.mail_to(self.postman)
        self.desks = _Desks(self)
        self.cards = _Cards(self)
        self.receipts = _Receipts(self)

    def mail_to(self, postman: "Postman | None", limits: InvoiceLimits | None = None) -> None:
        """Say who brings e-mail, None for nobody; and how much of it."""
        vault, senders = Vault(KeyRing.read(new_vault_key())), Senders(sms=LogMessages(), mail=postman)
        self.outbox = Outbox(self.store, self.clock, self.ids, self.tasks, vault, senders, owner="test")
        self.invoices = Invoices(
            self.store, self.clock, vault, self.outbox, "https://pay.example.uz", limits=limits
        )

    async def deliver(self) -> list[Letter]:
        """Send what waits in the outbox, and give all letters that were brought."""
        await self.outbox.run_once()
        while len(self.tasks):  # noqa: ASYNC110 - the tasks' end is what is waited for
            await asyncio.sleep(0)
        return self.postman.letters

    def note(self, call: str, desk: Desk, *about: Any) -> None:
        """Note that a service was asked, and by whom and what for."""
        assert desk.id == DESK.id
        self.calls.append(call)
        self.asked.append((call, *about))

    def count(self, call: str) -> int:
        """Return how often a service was asked."""
        return self.calls.count(call)

    async def move(self, receipt_id: str, **changes: Any) -> Receipt:
        """Change a stored receipt."""

        def rule(receipt: Receipt | None) -> Decision[Receipt]:
            assert receipt is not None
            changed = msgspec.structs.replace(receipt, **changes)
            return Decision(changed, changed)

        return await self.store.change(RECEIPTS, receipt_id, rule)

    async def rows(self) -> tuple[int, int, int]:
        """Count receipts, orders and visits."""
        tables = (RECEIPTS.schema, CHECKOUT_ORDERS.schema, CHECKOUT_VISITS.schema)
        receipts, orders, visits = [len(await self.store.query(table.select())) for table in tables]
        return receipts, orders, visits


class Postman:
    """Keeps the letters that it was to bring."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send_mail(self, letter: Letter) -> None:
        self.letters.append(letter)


def _card(number: str, token: str) -> CardAnswer:
    return CardAnswer(mask_card_number(number), "03/99", token, recurrent=False, verify=False)


class _Desks:
    def __init__(self, gateway: FakeGateway) -> None:
        self._gateway = gateway

    async def find(self, desk_id: str) -> Desk | None:
        return self._gateway.desk if desk_id == DESK.id else None

    async def find_by_alias(self, alias: str) -> Desk | None:
        return self._gateway.desk if alias == DESK.alias else None


class _Cards:
    def __init__(self, gateway: FakeGateway) -> None:
        self._gateway = gateway
        self.numbers: dict[str, str] = {}
        self.verified: set[str] = set()
        vault = Vault(KeyRing.read(new_vault_key()))
        self.card_tries, self.code_tries = (
            Tries(gateway.store, gateway.clock, vault, what=what, code=code, limits=limits)
            for what, code, limits in (
                ("card-try", SubscribeCode.CARD_WRONG, CARD_TRIES),
                ("code-try", SubscribeCode.CODE_TRIES_EXCEEDED, CODE_TRIES),
            )
        )

    async def create(
        self, desk: Desk, *, number: str, expire: str, account: Account, amount_tiyin: int
    ) -> CardAnswer:
        self._gateway.note("cards.create", desk, account, amount_tiyin)
        if expire != "0399":
            raise RpcError(SubscribeCode.CARD_WRONG, data="expire")
        if number.startswith(("3333", "4444")):
            raise RpcError(SubscribeCode.CARD_WRONG, data="number")
        if number.startswith("4"):
            raise RpcError(SubscribeCode.CARD_TYPE_UNSUPPORTED, data="number")
        await asyncio.sleep(self._gateway.step_s)
        token = hashlib.sha256(f"{number}{len(self.numbers)}".encode()).hexdigest()
        self.numbers[token] = number
        return _card(number, token)

    async def get_verify_code(self, desk: Desk, token: str, *, language: Language) -> CodeSent:
        self._gateway.note("cards.get_verify_code", desk, language)
        if self._gateway.code_error is not None:
            raise self._gateway.code_error
        if self.numbers[token] == "8600060921090842":
            raise RpcError(SubscribeCode.SMS_NOT_CONNECTED)
        return CodeSent(sent=True, phone="99890*****67", wait_ms=WAIT_MS)

    async def verify(self, desk: Desk, token: str, code: str) -> CardAnswer:
        self._gateway.note("cards.verify", desk)
        if code == "111111":
            raise RpcError(SubscribeCode.CODE_TRIES_EXCEEDED)
        if code == "222222":
            raise RpcError(SubscribeCode.CODE_EXPIRED)
        if code != CODE:
            raise RpcError(SubscribeCode.CODE_WRONG)
        self.verified.add(token)
        return _card(self.numbers[token], token)


class _Receipts:
    def __init__(self, gateway: FakeGateway) -> None:
        self._gateway = gateway

    async def check_payable(self, desk: Desk, amount_tiyin: int, account: Account) -> Payable:
        self._gateway.note("receipts.check_payable", desk, account)
        if self._gateway.check_error is not None:
            raise self._gateway.check_error
        if amount_tiyin < desk.amount_tiyin_min:
            raise RpcError(SubscribeCode.AMOUNT_TOO_SMALL)
        if amount_tiyin > desk.amount_tiyin_max:
            raise RpcError(SubscribeCode.AMOUNT_TOO_LARGE)
        return self._gateway.payable

    async def create(self, desk: Desk, new: NewReceipt) -> Receipt:
        self._gateway.note("receipts.create", desk, new)
        now_ms = self._gateway.clock.now_ms()
        receipt = Receipt(
            id=self._gateway.ids.new(now_ms),
            number=80,
            desk_id=desk.id,
            route="billing",
            type=new.type,
            source=new.source,
            amount_tiyin=new.amount_tiyin,
            account=msgspec.json.encode(new.account).decode(),
            account_key=account_key(new.account),
            description=msgspec.json.encode(new.description).decode(),
            detail=None if new.detail is None else msgspec.json.encode(new.detail).decode(),
            back_url=new.back_url,
            created_ms=now_ms,
        )
        return await self._gateway.store.change(RECEIPTS, receipt.id, lambda _: Decision(receipt, receipt))

    async def pay(self, desk: Desk, receipt_id: str, token: str) -> Receipt:
        gateway = self._gateway
        gateway.note("receipts.pay", desk, receipt_id)
        assert token in gateway.cards.verified
        if gateway.pay_error is not None:
            raise gateway.pay_error
        if gateway.lost:
            await asyncio.Event().wait()
        number = gateway.cards.numbers[token]
        refusals = {"8600143417770323": -31640, "8600134301849596": -31620}
        for state in (1, 2):
            await gateway.move(receipt_id, state=state, attempt=1)
            await asyncio.sleep(gateway.step_s)
        if number in refusals:
            await asyncio.sleep(gateway.delay_s if number == "8600134301849596" else 0)
            code = refusals[number]
            now_ms = gateway.clock.now_ms()
            await gateway.move(receipt_id, state=50, cancel_time_ms=now_ms, error=write_error(code))
            raise RpcError(code, message_of(SubscribeCode(code)))
        await gateway.move(receipt_id, state=3, reference="1", card_mask=mask_card_number(number))
        await asyncio.sleep(gateway.step_s)
        return await gateway.move(receipt_id, state=4, pay_time_ms=gateway.clock.now_ms())


class Site:
    """The served pages and the gateway behind them."""

    def __init__(self, served: Served, gateway: FakeGateway) -> None:
        self.url = served.url
        self.run = served.run
        self.gateway = gateway

    def rows(self) -> tuple[int, int, int]:
        """Count receipts, orders and visits."""
        return self.run(self.gateway.rows())


class Fresh(Site):
    """A site that many tests share, as one of them sees it: rows and calls count from its beginning.

    Args:
        site: The site.
    """

    def __init__(self, site: Site) -> None:
        self.url, self.run, self.gateway = site.url, site.run, site.gateway
        self._rows = site.rows()
        gateway = site.gateway
        gateway.calls.clear()
        gateway.asked.clear()
        gateway.desk, gateway.payable = DESK, Payable()
        gateway.check_error = gateway.code_error = gateway.pay_error = None
        gateway.lost, gateway.step_s, gateway.delay_s = False, 0.0, 10.0

    def rows(self) -> tuple[int, int, int]:
        """Count receipts, orders and visits that came since the test began."""
        receipts, orders, visits = (now - then for now, then in zip(super().rows(), self._rows, strict=True))
        return receipts, orders, visits


@asynccontextmanager
async def opened_checkout(folder: Path, url: str, held: list[FakeGateway]) -> AsyncIterator[Any]:
    """Open the checkout's pages over a fake gateway, which is put into `held`.

    Args:
        folder: Where the store's file stands.
        url: The address of the pages.
        held: Takes the gateway.
    """
    store = await open_store(f"sqlite:///{folder / 'checkout.db'}")
    try:
        await store.create_tables(metadata)
        gateway = FakeGateway(store)
        held.append(gateway)
        yield checkout_site(gateway, SiteSettings(public_url=url, powered_by="Powered by Payme"))
        await gateway.tasks.drain(1)
    finally:
        await store.close()
