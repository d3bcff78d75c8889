"""Telling a payer of a receipt: the invoice that receipts.send sends, and what became of it later.

Posting never waits for a service: the outbox sends. Limits count before anything is posted, so that nobody
makes a phone ring by way of us.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from tiyin.gateway.cards.limits import Limit, count
from tiyin.gateway.desks.records import Desk
from tiyin.gateway.notifications.outbox import Message, Outbox
from tiyin.gateway.notifications.port import Attachment
from tiyin.gateway.notifications.records import MESSAGES
from tiyin.gateway.notifications.texts import Facts, Purpose, copy_of, letter_of, sms_of, telegram_of
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.vault import Vault
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import Language, Text
from tiyin.runtime.clock import Clock
from tiyin.storage import Store

__all__ = ["Copy", "InvoiceLimits", "Invoices", "facts_of"]

_TOO_OFTEN: Final = Text(
    ru="На этот номер отправлено слишком много счетов. Повторите попытку позже.",
    uz="Bu raqamga juda koʻp hisob yuborildi. Keyinroq urinib koʻring.",
    en="Too many invoices were sent to this number. Try again later.",
)
_TOO_MANY: Final = Text(
    ru="Касса отправила слишком много счетов. Повторите попытку позже.",
    uz="Kassa juda koʻp hisob yubordi. Keyinroq urinib koʻring.",
    en="This cash desk has sent too many invoices. Try again later.",
)
_COPIES_TO_ADDRESS: Final = Text(
    ru="На этот адрес отправлено много чеков. Попробуйте через час.",
    uz="Bu manzilga koʻp chek yuborildi. Bir soatdan keyin urinib koʻring.",
    en="Many receipts were sent to this address. Try again in an hour.",
)
_COPIES_OF_RECEIPT: Final = Text(
    ru="Этот чек отправлен много раз. Попробуйте завтра или скачайте PDF.",
    uz="Bu chek koʻp marta yuborildi. Ertaga urinib koʻring yoki PDF faylni yuklab oling.",
    en="This receipt was sent many times. Try again tomorrow, or download the PDF.",
)
_COPIES_BY_BROWSER: Final = Text(
    ru="С этого устройства отправлено много чеков. Попробуйте через час.",
    uz="Bu qurilmadan koʻp chek yuborildi. Bir soatdan keyin urinib koʻring.",
    en="Many receipts were sent from this device. Try again in an hour.",
)


class InvoiceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages about receipts may be asked for.

    Args:
        receiver: To one phone, address or chat, from whatever desk.
        desk: By one desk.
        copies_of_receipt: Copies of one receipt, to whatever address.
        copies_to_address: Copies to one address, of whatever receipt.
        copies_by_browser: Copies that one browser asks for.
    """

    receiver: Limit = Limit(10, 3_600_000)
    desk: Limit = Limit(3_000, 3_600_000)
    copies_of_receipt: Limit = Limit(10, 24 * 3_600_000)
    copies_to_address: Limit = Limit(5, 3_600_000)
    copies_by_browser: Limit = Limit(10, 3_600_000)


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A payer's own copy of a receipt, which he asked for on its page.

    Args:
        address: Where to: one e-mail address.
        purpose: What happened with the money: "paid", "held" or "refunded".
        account: The account as the receipt's page shows it: titles and values.
        attach: Writes the receipt as a file; asked only where the copy is going to be sent.
        browser: Under which name the payer's browser is counted.
        message_id: What the message is to be called: a form that is sent twice is one message. Begins with
            the receipt's id.
    """

    address: str
    purpose: Purpose
    account: tuple[tuple[str, str], ...]
    attach: Callable[[], Awaitable[Attachment]]
    browser: str
    message_id: str

    def __repr__(self) -> str:
        return f"Copy({self.purpose!r}, message_id={self.message_id!r})"

    __rich_repr__ = rich_repr


class Invoices:
    """Posts messages about receipts.

    Args:
        store: Where they are counted.
        clock: The product's time.
        vault: Makes the counted names of receivers.
        outbox: Sends.
        public_url: The gateway's address as payers see it; the checkout's root.
        limits: How many.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        outbox: Outbox,
        public_url: str,
        *,
        limits: InvoiceLimits | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._outbox = outbox
        self._public_url = public_url.rstrip("/")
        self._limits = InvoiceLimits() if limits is None else limits

    @property
    def sends_mail(self) -> bool:
        """Whether anybody brings e-mail."""
        return self._outbox.serves("email")

    async def send_invoice(
        self, desk: Desk, receipt: Receipt, phone: str, language: Language, *, message_id: str | None = None
    ) -> str:
        """Post the SMS that asks a payer to pay a receipt.

        Args:
            desk: Whose receipt it is.
            receipt: What is to be paid; whether it still can be is the caller's to know.
            phone: Digits with the country's code.
            language: The payer's.
            message_id: What the message is to be called, so that a repeat under that name posts nothing;
                None for a fresh name.

        Returns:
            The message's id.

        Raises:
            RpcError: -31610, data "phone", if the phone or the desk has had as many as it may have.
            tiyin.storage.StorageError: If it could not be kept.

        Documentation: subscribe-api/receipts.send
        """
        return await self.tell("invoice", desk, receipt, language, phone=phone, message_id=message_id)

    async def send_invoice_by_mail(
        self, desk: Desk, receipt: Receipt, address: str, language: Language
    ) -> str:
        """Post the invoice as an e-mail; see `send_invoice`, data "email"."""
        return await self.tell("invoice", desk, receipt, language, email=address)

    async def send_invoice_by_telegram(
        self, desk: Desk, receipt: Receipt, chat_id: str, language: Language
    ) -> str:
        """Post the invoice to a Telegram chat; see `send_invoice`, data "chat_id"."""
        return await self.tell("invoice", desk, receipt, language, chat_id=chat_id)

    async def tell(
        self,
        purpose: Purpose,
        desk: Desk,
        receipt: Receipt,
        language: Language,
        *,
        phone: str | None = None,
        email: str | None = None,
        chat_id: str | None = None,
        message_id: str | None = None,
    ) -> str:
        """Post a message about a receipt, one way.

        What the gateway tells by itself (paid, held, cancelled, refunded) is one message, however often it is
        posted; an invoice is sent as often as it is asked for, within the limits.

        Args:
            purpose: What it is for.
            desk: Whose receipt it is.
            receipt: What it tells of.
            language: The payer's.
            phone: To whom by SMS.
            email: To whom by e-mail, where no phone is given.
            chat_id: To whom by Telegram, where neither is.
            message_id: What it is to be called; None for a fresh name.

        Returns:
            The message's id.

        Raises:
            ValueError: If no receiver is given.
            RpcError: -31610 naming the field, if there were too many.
        """
        facts = facts_of(desk, receipt, language, self._public_url)
        once = purpose != "invoice"
        common: dict[str, Any] = {
            "purpose": purpose,
            "desk_id": desk.id,
            "receipt_id": receipt.id,
            "once": once,
            "message_id": message_id,
        }
        if phone is not None:
            field = "phone"
            message = Message(way="sms", receiver=phone, text=sms_of(purpose, language, facts), **common)
        elif email is not None:
            field = "email"
            letter = letter_of(purpose, language, facts, email)
            message = Message(
                way="email",
                receiver=email,
                text=letter.text,
                subject=letter.subject,
                html=letter.html,
                **common,
            )
        elif chat_id is not None:
            field = "chat_id"
            text = telegram_of(purpose, language, facts)
            message = Message(way="telegram", receiver=chat_id, text=text, **common)
        else:
            raise ValueError("a message needs a receiver")
        if not once:
            await self._allow(desk, field, message.receiver)
        return await self._outbox.post(message)

    async def send_copy(self, desk: Desk, receipt: Receipt, language: Language, copy: Copy) -> str:
        """Post a payer's own copy of a receipt as an e-mail.

        Args:
            desk: Whose receipt it is.
            receipt: The receipt.
            language: The payer's.
            copy: What to send to whom.

        Returns:
            The message's id.

        Raises:
            RpcError: -31610, data "email", if there were too many of this receipt, to this address or from
                this browser.
            ValueError: If the file is too large.
            tiyin.storage.StorageError: If it could not be kept.
        """
        if await self._store.get(MESSAGES, copy.message_id) is not None:
            return copy.message_id
        now_ms = self._clock.now_ms()
        named = self._vault.fingerprint(copy.address.casefold(), "copy")
        for subject, limit, said in (
            (f"copy:browser:{copy.browser}", self._limits.copies_by_browser, _COPIES_BY_BROWSER),
            (f"copy:receipt:{receipt.id}", self._limits.copies_of_receipt, _COPIES_OF_RECEIPT),
            (f"copy:email:{named}", self._limits.copies_to_address, _COPIES_TO_ADDRESS),
        ):
            if not await count(self._store, subject, limit, now_ms):
                raise RpcError(SubscribeCode.WRONG_FIELD, said, "email")
        facts = facts_of(desk, receipt, language, self._public_url)
        link = f"{facts.link}/receipt?lang={language}"
        letter = copy_of(
            copy.purpose,
            language,
            msgspec.structs.replace(facts, link=link, account=copy.account),
            copy.address,
        )
        message = Message(
            way="email",
            receiver=copy.address,
            text=letter.text,
            subject=letter.subject,
            html=letter.html,
            attachment=await copy.attach(),
            purpose="copy",
            desk_id=desk.id,
            receipt_id=receipt.id,
            message_id=copy.message_id,
        )
        return await self._outbox.post(message)

    async def _allow(self, desk: Desk, field: str, receiver: str) -> None:
        now_ms = self._clock.now_ms()
        counted = f"invoice:{field}:{self._vault.fingerprint(receiver, 'invoice')}"
        if not await count(self._store, counted, self._limits.receiver, now_ms):
            raise RpcError(SubscribeCode.WRONG_FIELD, _TOO_OFTEN, field)
        if not await count(self._store, f"invoice:desk:{desk.id}", self._limits.desk, now_ms):
            raise RpcError(SubscribeCode.WRONG_FIELD, _TOO_MANY, field)


def facts_of(desk: Desk, receipt: Receipt, language: Language, public_url: str) -> Facts:
    """Find what a message tells of a receipt.

    Args:
        desk: Whose it is.
        receipt: The receipt.
        language: In which the account's titles are read.
        public_url: The checkout's root.
    """
    titles = {field.name: field.title.in_language(language) for field in desk.account_fields}
    account = msgspec.json.decode(receipt.account, type=dict[str, str | int])
    return Facts(
        name=desk.name,
        amount_tiyin=receipt.amount_tiyin,
        link=f"{public_url.rstrip('/')}/checkout/{receipt.id}",
        account=tuple((titles.get(name, name), str(value)) for name, value in account.items()),
    )
