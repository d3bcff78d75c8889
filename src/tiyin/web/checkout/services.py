"""What the checkout needs of the gateway, and nothing more of it."""

from typing import Protocol

from tiyin.gateway.cards.limits import Tries
from tiyin.gateway.desks.records import Desk
from tiyin.gateway.fiscal.receipts import OfReceipt
from tiyin.gateway.notifications.invoices import Copy
from tiyin.gateway.receipts.payable import Payable
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.service import NewReceipt
from tiyin.protocol.subscribe_api import CardAnswer, CodeSent
from tiyin.protocol.values import Account, Language
from tiyin.runtime.clock import Clock
from tiyin.runtime.tasks import Tasks
from tiyin.storage.store import Store

__all__ = ["Cards", "CheckoutGateway", "Copies", "Desks", "FiscalReceipts", "Receipts"]


class Desks(Protocol):
    """The cash desks."""

    async def find(self, desk_id: str) -> Desk | None:
        """Give the cash desk with this id, or None."""
        ...

    async def find_by_alias(self, alias: str) -> Desk | None:
        """Give the cash desk with this alias, or None."""
        ...


class Cards(Protocol):
    """The cards; every method raises the `RpcError` that the Subscribe API answers."""

    @property
    def card_tries(self) -> Tries:
        """Counts the cards that were refused."""
        ...

    @property
    def code_tries(self) -> Tries:
        """Counts the codes that were wrong."""
        ...

    async def create(
        self, desk: Desk, *, number: str, expire: str, account: Account, amount_tiyin: int
    ) -> CardAnswer:
        """Make a token of a card, for this amount only."""
        ...

    async def get_verify_code(self, desk: Desk, token: str, *, language: Language) -> CodeSent:
        """Send a code to the card's phone."""
        ...

    async def verify(self, desk: Desk, token: str, code: str) -> CardAnswer:
        """Prove with the code that the card is the payer's."""
        ...


class Receipts(Protocol):
    """The receipts; every method raises the `RpcError` that the Subscribe API answers."""

    async def check_payable(self, desk: Desk, amount_tiyin: int, account: Account) -> Payable:
        """Tell whether something can be paid; creates nothing."""
        ...

    async def create(self, desk: Desk, new: NewReceipt) -> Receipt:
        """Make a receipt."""
        ...

    async def pay(self, desk: Desk, receipt_id: str, token: str) -> Receipt:
        """Pay a receipt."""
        ...


class FiscalReceipts(Protocol):
    """The fiscal receipts."""

    async def of(self, receipt_id: str) -> OfReceipt:
        """Give the fiscal receipts of a receipt."""
        ...


class Copies(Protocol):
    """Sends payers their own copies of receipts."""

    @property
    def sends_mail(self) -> bool:
        """Whether anybody brings e-mail."""
        ...

    async def send_copy(self, desk: Desk, receipt: Receipt, language: Language, copy: Copy) -> str:
        """Post a copy; raises -31610 with data `email` where there were too many."""
        ...


class CheckoutGateway(Protocol):
    """The gateway, as the checkout sees it."""

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        ...

    @property
    def clock(self) -> Clock:
        """The product's time."""
        ...

    @property
    def tasks(self) -> Tasks:
        """Who owns what runs."""
        ...

    @property
    def desks(self) -> Desks:
        """The cash desks."""
        ...

    @property
    def cards(self) -> Cards:
        """The cards."""
        ...

    @property
    def receipts(self) -> Receipts:
        """The receipts."""
        ...

    @property
    def fiscal_receipts(self) -> FiscalReceipts:
        """The fiscal receipts."""
        ...

    @property
    def invoices(self) -> Copies:
        """Who sends payers their copies."""
        ...
