"""Telling a payer of a receipt: the invoice that receipts.send sends, and what became of it later.

Posting never waits for a service: the outbox sends. Limits count before anything is posted, so that nobody
makes a phone ring by way of us.
"""

from typing import Any, Final

import msgspec

from tiyin.gateway.cards.limits import Limit, count
from tiyin.gateway.desks.records import Desk
from tiyin.gateway.notifications.outbox import Message, Outbox
from tiyin.gateway.notifications.texts import Facts, Purpose, letter_of, sms_of, telegram_of
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.vault import Vault
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.values import Language, Text
from tiyin.runtime.clock import Clock
from tiyin.storage import Store

__all__ = ["InvoiceLimits", "Invoices", "facts_of"]

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


class InvoiceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages about receipts may be asked for.

    Args:
        receiver: To one phone, address or chat, from whatever desk.
        desk: By one desk.
    """

    receiver: Limit = Limit(10, 3_600_000)
    desk: Limit = Limit(3_000, 3_600_000)


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
