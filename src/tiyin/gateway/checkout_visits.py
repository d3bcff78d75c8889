"""What the checkout page remembers between two requests, so that any process can answer the next one.

An *order* is what a shop's form brought: it waits under the hash of its own content until the payer comes for
it. A *visit* begins when a payer hands in a card; it is named by the hash of his browser's secret and the
form's nonce, so a form that arrives twice finds the first visit instead of paying again. Nobody who reads
these rows can act for the payer: the browser's secret is kept as a hash only, and the card's token is sealed
with it.

::

    (none) --claim--> OPENING --opened--> CODE --start_paying--> PAYING --failed--> FAILED
              ^           |
              +--let_go---+

What became of the money is never read here: the receipt says it.

Documentation: checkout/post-form, checkout/get-link
"""

import hashlib
from enum import StrEnum
from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.cards.records import COUNTS, CountRow
from tiyin.gateway.metadata import metadata
from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.clock import Clock
from tiyin.storage.errors import Taken
from tiyin.storage.store import Store
from tiyin.storage.tables import Decision, Table

__all__ = ["CHECKOUT_ORDERS", "CHECKOUT_VISITS", "OrderRow", "Step", "Visit", "Visits"]

CLAIM_MS_MAX: Final = 60_000
"""How long a process may work on a form before another may begin again; longer than its calls together."""

TURN_MS: Final = 60_000
"""How long one payment of an order may keep the others of the same browser waiting while it begins."""

_HANDED_MAX: Final = 5


class Step(StrEnum):
    """Where a visit stands."""

    OPENING = "opening"
    CODE = "code"
    PAYING = "paying"
    FAILED = "failed"


class OrderRow(msgspec.Struct, frozen=True):
    """A shop's form as it was read.

    Args:
        id: Hash of the content, 32 hexadecimal characters.
        request: The request, JSON.
        created_at_ms: When it came, milliseconds since 1970.
    """

    id: str
    request: str
    created_at_ms: int


class Visit(msgspec.Struct, frozen=True):
    """One payer's try to pay one receipt from one browser.

    Args:
        id: Hash of the browser's secret and the form's nonce.
        browser: Hash of the browser's secret alone.
        order_key: Hash of what is being paid, by which the browser finds a finished visit again.
        opened_from: Path of the page where the payment began, to begin again; empty where there is none.
        step: A `Step`.
        claimed_at_ms: When a process began to work on the form; 0 when none does.
        created_at_ms: When the visit began.
        receipt_id: The receipt, once it exists.
        token_sealed: The card's token under the browser's secret; None once it is of no use any more.
        card_number: The masked number.
        phone: The masked phone that the code was sent to; empty before.
        code_again_at_ms: From when on another code may be asked for.
        paying_at_ms: When the payment was handed to the receipts; 0 before.
        failure: Why the last step did not succeed, JSON for the page; empty when it did.
        version: Storage's own.
    """

    id: str
    browser: str
    order_key: str
    opened_from: str
    step: str
    claimed_at_ms: int
    created_at_ms: int
    receipt_id: str | None = None
    token_sealed: bytes | None = None
    card_number: str = ""
    phone: str = ""
    code_again_at_ms: int = 0
    paying_at_ms: int = 0
    failure: str = ""
    version: int = 1

    def __repr__(self) -> str:
        return f"Visit(id={self.id!r}, step={self.step!r}, receipt_id={self.receipt_id!r})"

    __rich_repr__ = rich_repr


CHECKOUT_ORDERS: Final = Table(
    schema=sa.Table(
        "checkout_orders",
        metadata,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Index("checkout_orders_by_age", "created_at_ms"),
    ),
    record=OrderRow,
    forgets_by="created_at_ms",
)

CHECKOUT_VISITS: Final = Table(
    schema=sa.Table(
        "checkout_visits",
        metadata,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("browser", sa.Text, nullable=False),
        sa.Column("order_key", sa.Text, nullable=False),
        sa.Column("opened_from", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("claimed_at_ms", sa.BigInteger, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("receipt_id", sa.Text),
        sa.Column("token_sealed", sa.LargeBinary),
        sa.Column("card_number", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("code_again_at_ms", sa.BigInteger, nullable=False),
        sa.Column("paying_at_ms", sa.BigInteger, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Index("checkout_visits_by_receipt", "browser", "receipt_id"),
        sa.Index("checkout_visits_by_order", "browser", "order_key"),
        sa.Index("checkout_visits_by_age", "created_at_ms"),
    ),
    record=Visit,
    forgets_by="created_at_ms",
)


class Visits:
    """The checkout's memory.

    Args:
        store: The gateway's store.
        clock: The gateway's clock.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def remember_order(self, request: str) -> str:
        """Keep what a shop's form brought.

        Args:
            request: JSON; the same text is kept once.

        Returns:
            The order's id, which is part of an address: 32 hexadecimal characters.
        """
        order_id = hashlib.sha256(request.encode()).hexdigest()[:32]
        if await self._store.get(CHECKOUT_ORDERS, order_id) is None:
            row = OrderRow(id=order_id, request=request, created_at_ms=self._clock.now_ms())
            try:
                await self._store.append(CHECKOUT_ORDERS, [row])
            except Taken:
                # The same form was sent twice at once: the other one keeps it.
                return order_id
        return order_id

    async def order(self, order_id: str) -> str | None:
        """Return what was kept under an id, or None."""
        row = await self._store.get(CHECKOUT_ORDERS, order_id)
        return None if row is None else row.request

    async def claim(
        self, visit_id: str, *, browser: str, order_key: str, opened_from: str, receipt_id: str | None = None
    ) -> tuple[bool, Visit]:
        """Begin a visit, or learn that the same form began it before.

        Args:
            visit_id: Hash of the browser's secret and the form's nonce.
            browser: Hash of the browser's secret.
            order_key: Hash of what is being paid.
            opened_from: Path of the page to begin again from; may be empty.
            receipt_id: The receipt, where it exists before the visit.

        Returns:
            Whether this caller is to do the work, and the visit as it stands. Where it is not and the visit
            is still `OPENING`, someone else is at work.
        """
        now_ms = self._clock.now_ms()

        def rule(visit: Visit | None) -> Decision[tuple[bool, Visit]]:
            if visit is None:
                begun = Visit(
                    id=visit_id,
                    browser=browser,
                    order_key=order_key,
                    opened_from=opened_from,
                    step=Step.OPENING,
                    claimed_at_ms=now_ms,
                    receipt_id=receipt_id,
                    created_at_ms=now_ms,
                )
                return Decision((True, begun), begun)
            if visit.step == Step.OPENING and now_ms - visit.claimed_at_ms >= CLAIM_MS_MAX:
                taken = msgspec.structs.replace(visit, claimed_at_ms=now_ms)
                return Decision((True, taken), taken)
            return Decision((False, visit))

        return await self._store.change(CHECKOUT_VISITS, visit_id, rule)

    async def get(self, visit_id: str) -> Visit | None:
        """Return a visit as it stands, or None."""
        return await self._store.get(CHECKOUT_VISITS, visit_id)

    async def let_go(self, visit_id: str) -> None:
        """Give a claim back after the form was refused: it may be corrected and sent again."""
        await self._edit(visit_id, {Step.OPENING}, claimed_at_ms=0)

    async def opened(self, visit_id: str, *, receipt_id: str, token_sealed: bytes, card_number: str) -> None:
        """Note that receipt and token exist: the code is next.

        Args:
            visit_id: The claimed visit.
            receipt_id: The receipt.
            token_sealed: The token under the browser's secret.
            card_number: The masked number.
        """
        await self._edit(
            visit_id,
            {Step.OPENING},
            step=Step.CODE,
            receipt_id=receipt_id,
            token_sealed=token_sealed,
            card_number=card_number,
        )

    async def code_sent(self, visit_id: str, *, phone: str, wait_ms: int) -> None:
        """Note where a code was sent.

        Args:
            visit_id: The visit.
            phone: The masked phone.
            wait_ms: After how many milliseconds another one may be asked for.
        """
        again_at_ms = self._clock.now_ms() + wait_ms
        await self._edit(visit_id, {Step.CODE}, phone=phone, code_again_at_ms=again_at_ms, failure="")

    async def start_paying(self, visit_id: str) -> bool:
        """Hand the visit to the payment, once.

        Returns:
            Whether this caller is the one to pay.
        """
        return await self._edit(
            visit_id, {Step.CODE}, step=Step.PAYING, paying_at_ms=self._clock.now_ms(), failure=""
        )

    async def take_turn(self, browser: str, order_key: str) -> bool:
        """Be the only one of a browser's windows that begins to pay an order, until `end_turn`.

        Args:
            browser: Hash of the browser's secret.
            order_key: Hash of what is being paid.

        Returns:
            Whether it is this caller's turn; if not, another window is beginning just now.
        """
        subject, now_ms = _turn(browser, order_key), self._clock.now_ms()

        def take(held: CountRow | None) -> Decision[bool]:
            if held is None or now_ms >= held.until_ms:
                return Decision(True, CountRow(subject, 1, now_ms + TURN_MS))
            return Decision(False)

        return await self._store.change(COUNTS, subject, take)

    async def end_turn(self, browser: str, order_key: str) -> None:
        """Let the next window begin: it will find what this one began."""

        def end(held: CountRow | None) -> Decision[None]:
            return (
                Decision(None) if held is None else Decision(None, msgspec.structs.replace(held, until_ms=0))
            )

        await self._store.change(COUNTS, _turn(browser, order_key), end)

    async def failed(self, visit_id: str, failure: str) -> None:
        """Note why the code could not be sent or the payment was refused; the token is forgotten.

        Args:
            visit_id: The visit.
            failure: JSON for the page.
        """
        await self._edit(
            visit_id, {Step.CODE, Step.PAYING}, step=Step.FAILED, failure=failure, token_sealed=None
        )

    async def paid(self, visit_id: str) -> None:
        """Forget the token: the payment is over, or the receipts' worker has it now."""
        await self._edit(visit_id, {Step.PAYING}, token_sealed=None)

    async def newest(
        self, browser: str, *, receipt_id: str | None = None, order_key: str | None = None
    ) -> Visit | None:
        """Return the last visit of a browser to a receipt, or to what an order asks for.

        Args:
            browser: Hash of the browser's secret.
            receipt_id: The receipt; or
            order_key: The hash of what is being paid.
        """
        table = CHECKOUT_VISITS.schema
        wanted = table.c.order_key == order_key if receipt_id is None else table.c.receipt_id == receipt_id
        statement = (
            sa.select(table)
            .where(table.c.browser == browser, wanted)
            .order_by(table.c.created_at_ms.desc(), table.c.id.desc())
            .limit(1)
        )
        found = await self._store.query(statement, CHECKOUT_VISITS)
        return found[0] if found else None

    async def handed_over(self, browser: str, order_key: str) -> list[Visit]:
        """Return the last visits of a browser whose payment of an order began and was not refused.

        Args:
            browser: Hash of the browser's secret.
            order_key: The hash of what is being paid.

        Returns:
            The newest first, at most five.
        """
        table = CHECKOUT_VISITS.schema
        statement = (
            sa.select(table)
            .where(table.c.browser == browser, table.c.order_key == order_key, table.c.step == Step.PAYING)
            .order_by(table.c.paying_at_ms.desc(), table.c.id.desc())
            .limit(_HANDED_MAX)
        )
        return await self._store.query(statement, CHECKOUT_VISITS)

    async def _edit(self, visit_id: str, steps: set[Step], **changes: object) -> bool:
        """Change a visit that stands in one of the steps; tell whether it did."""

        def rule(visit: Visit | None) -> Decision[bool]:
            if visit is None or visit.step not in steps:
                return Decision(False)
            return Decision(True, msgspec.structs.replace(visit, **changes))

        return await self._store.change(CHECKOUT_VISITS, visit_id, rule)


def _turn(browser: str, order_key: str) -> str:
    return "checkout-turn:" + hashlib.sha256(f"{browser}\n{order_key}".encode()).hexdigest()
