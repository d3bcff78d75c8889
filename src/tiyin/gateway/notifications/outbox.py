"""The outbox: messages that are sent in the end, whatever happens to this process in between.

Posting writes the message and its work in one commit, and waits for no service; errands then send it. A
message that cannot be sent never fails what it tells of. Codes do not go through here: their payer waits, and
must hear at once that none was sent (`tiyin.gateway.cards.codes`).

A message may be seen twice only where the outcome of a sending stayed unknown.
"""

import asyncio
from typing import Final

import msgspec

from tiyin.gateway.errands import Errands
from tiyin.gateway.notifications.delivery import begin_try, end_try
from tiyin.gateway.notifications.port import (
    ATTACHMENT_BYTES_MAX,
    SEND_S,
    Attachment,
    Letter,
    Mail,
    Messages,
    SendingFailed,
    SendingLater,
    SendingRefused,
    SendingUnknown,
    Telegrams,
    mask_mail,
    mask_phone,
)
from tiyin.gateway.notifications.records import (
    MESSAGES,
    WAITING,
    MessageRow,
    Way,
    message_place,
    work_kind,
)
from tiyin.gateway.notifications.smpp import SmppSender
from tiyin.gateway.vault import SealBroken, Vault
from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.chance import Chance, SystemChance
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import Ids
from tiyin.runtime.logs import get_logger
from tiyin.runtime.patience import within
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Decision, Lease, OutcomeUnknown, Schedule, StorageUnavailable, Store

__all__ = ["GOOD_FOR_MS", "KEPT_MS", "Message", "Outbox", "Senders"]

GOOD_FOR_MS: Final = 24 * 3_600_000
"""How long a message is worth sending unless it says otherwise, milliseconds."""

KEPT_MS: Final = 90 * 24 * 3_600_000
"""How long what became of a message is kept, milliseconds from when it was posted."""

_WAYS: Final[tuple[Way, ...]] = ("sms", "email", "telegram")
_MARGIN_MS: Final = 2_000
_WRITE_AGAIN_S: Final = 0.5


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent.

    Args:
        way: "sms", "email" or "telegram".
        receiver: A phone (digits with the country's code), an address, or a chat's number.
        text: What to say: plain for SMS and e-mail, Telegram's HTML for Telegram.
        subject: Of an e-mail.
        html: The HTML form of an e-mail.
        attachment: A file that goes along with an e-mail.
        purpose: What it is for, one word of small letters: "invoice".
        desk_id: On whose behalf.
        receipt_id: About which receipt.
        once: Whether the same purpose, receiver and receipt are one message, however often it is posted.
            Such a message needs a receipt.
        good_for_ms: How long it is worth sending, milliseconds.
        message_id: What it is to be called, so that a repeat under that name posts nothing; None for a fresh
            name.
    """

    way: Way
    receiver: str
    text: str
    purpose: str
    subject: str = ""
    html: str = ""
    attachment: Attachment | None = None
    desk_id: str | None = None
    receipt_id: str | None = None
    once: bool = False
    good_for_ms: int = GOOD_FOR_MS
    message_id: str | None = None

    def __repr__(self) -> str:
        return f"Message(way={self.way!r}, purpose={self.purpose!r}, receipt_id={self.receipt_id!r})"

    __rich_repr__ = rich_repr

    @property
    def shown(self) -> str:
        """The receiver, masked."""
        if self.way == "email":
            return mask_mail(self.receiver)
        return mask_phone(self.receiver) if self.way == "sms" else f"***{self.receiver[-2:]}"


class Senders(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends what; a way that nobody serves is refused when its message's turn comes."""

    sms: Messages
    mail: Mail | None = None
    telegram: Telegrams | None = None

    def serves(self, way: Way) -> bool:
        """Tell whether anybody sends this way."""
        return {"sms": self.sms, "email": self.mail, "telegram": self.telegram}[way] is not None

    async def close(self) -> None:
        """Let go of the connections that a sender keeps."""
        if isinstance(self.sms, SmppSender):
            await self.sms.close()


class _Content(msgspec.Struct, frozen=True):
    """What is sealed of a message."""

    receiver: str
    text: str
    subject: str = ""
    html: str = ""
    attachment: Attachment | None = None


class Outbox:
    """Takes messages, and sends them.

    Args:
        store: Where they wait.
        clock: The product's time.
        ids: Names them.
        tasks: Runs the sending.
        vault: Seals what they say.
        senders: Who sends what.
        owner: This process's name in the work queue.
        chance: Spreads what is sent again.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        tasks: Tasks,
        vault: Vault,
        senders: Senders,
        *,
        owner: str,
        chance: Chance | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._senders = senders
        self._chance = SystemChance() if chance is None else chance
        self._errands = [
            Errands(store, clock, tasks, work_kind(way), self.deliver, owner=owner) for way in _WAYS
        ]
        self._log = get_logger("tiyin.outbox")

    def serves(self, way: Way) -> bool:
        """Tell whether anybody sends this way."""
        return self._senders.serves(way)

    def start(self) -> None:
        """Begin to send what waits."""
        for errands in self._errands:
            errands.start()

    async def stop(self) -> None:
        """Take up nothing any more, wait for what is being sent, and close the senders' connections.

        It comes before the process's tasks are drained: an open connection is one of them.
        """
        await asyncio.gather(*(errands.drain() for errands in self._errands))
        await self._senders.close()

    async def run_once(self) -> int:
        """Take up what is due now; for tests and simulations.

        Returns:
            How many messages.
        """
        return sum([await errands.run_once() for errands in self._errands])

    async def post(self, message: Message) -> str:
        """Take a message; it is kept when this answers.

        Args:
            message: What is to be sent.

        Returns:
            Its id. With `once` it is the id of the first that was posted.

        Raises:
            ValueError: If it is to be sent once for a receipt and names none, or its attachment is too large.
            tiyin.storage.StorageError: If it could not be kept.
        """
        if message.attachment is not None and len(message.attachment.content) > ATTACHMENT_BYTES_MAX:
            raise ValueError(f"an attachment has at most {ATTACHMENT_BYTES_MAX} bytes")
        now_ms = self._clock.now_ms()
        message_id = message.message_id or self._ids.new(now_ms)
        if message.once:
            names = self._names_once(message)
            earlier = await self._store.get_many(MESSAGES, names)
            if earlier:
                return next(iter(earlier))
            message_id = names[0]
        content = _Content(message.receiver, message.text, message.subject, message.html, message.attachment)
        row = MessageRow(
            id=message_id,
            way=message.way,
            purpose=message.purpose,
            desk_id=message.desk_id,
            receipt_id=message.receipt_id,
            receiver=message.shown,
            sealed=self._vault.seal(msgspec.json.encode(content).decode(), message_place(message_id)),
            state=WAITING,
            tries=0,
            unknown=0,
            error=None,
            at_ms=now_ms,
            until_ms=now_ms + message.good_for_ms,
        )

        def keep(held: MessageRow | None) -> Decision[str]:
            if held is not None:
                return Decision(held.id)
            return Decision(row.id, row, work=Schedule(row.id, work_kind(row.way)))

        return await self._store.change(MESSAGES, message_id, keep)

    async def deliver(self, lease: Lease) -> None:
        """Send one message and write what came of it; the handler of the errands."""
        if lease.left_ms() < SEND_S * 1000 + _MARGIN_MS:
            await self._store.work.release(lease)
            return
        row = await self._store.change(
            MESSAGES, lease.key, lambda held: begin_try(held, self._clock.now_ms()), lease=lease
        )
        if row is None:
            if await self._store.get(MESSAGES, lease.key) is None:
                await self._store.work.done(lease)
            return
        # The count may have taken long to be written: by now another may be sending it.
        late = lease.left_ms() < SEND_S * 1000
        failure = SendingLater("lease_too_short") if late else await self._send(row)
        after = await self._write(row.id, failure, lease)
        if failure is not None and after is not None:
            self._log.warning(
                "message_not_sent",
                message_id=row.id,
                way=row.way,
                purpose=row.purpose,
                error=failure.word,
                state=after.state,
                tries=after.tries,
            )

    async def _write(self, message_id: str, failure: SendingFailed | None, lease: Lease) -> MessageRow | None:
        """Write what came of a try, for as long as the lease allows: what is not written is sent again."""
        # Chance is drawn before the rule, which may run several times.
        share = self._chance.up_to(1.0)
        while True:
            try:
                return await self._store.change(
                    MESSAGES,
                    message_id,
                    lambda held: end_try(held, failure, self._clock.now_ms(), share),
                    lease=lease,
                )
            except (StorageUnavailable, OutcomeUnknown):
                if lease.left_ms() < _MARGIN_MS:
                    raise
                await self._clock.sleep(_WRITE_AGAIN_S)

    async def _send(self, row: MessageRow) -> SendingFailed | None:
        """Send it; whatever goes wrong is an outcome."""
        try:
            content = msgspec.json.decode(self._vault.open(row.sealed, message_place(row.id)), type=_Content)
        except SealBroken:
            return SendingRefused("seal_broken")
        try:
            await within(SEND_S, self._hand_over(row.way, content))
        except SendingFailed as failure:
            return failure
        except TimeoutError:
            return SendingUnknown("timeout")
        except Exception as error:  # noqa: BLE001 - a sender's bug costs its own message only
            # What a sender says of itself is left out: it may quote the message.
            self._log.error("sender_failed", way=row.way, error=type(error).__name__)
            return SendingUnknown("sender_failed")
        return None

    async def _hand_over(self, way: Way, content: _Content) -> None:
        if way == "sms":
            await self._senders.sms.send_sms(content.receiver, content.text)
        elif way == "email" and self._senders.mail is not None:
            letter = Letter(content.receiver, content.subject, content.text, content.html, content.attachment)
            await self._senders.mail.send_mail(letter)
        elif way == "telegram" and self._senders.telegram is not None:
            await self._senders.telegram.send_telegram(content.receiver, content.text)
        else:
            raise SendingRefused(f"no_{way}_sender")

    def _names_once(self, message: Message) -> list[str]:
        """Name the message by what makes it one, under each of the vault's keys, the sealing one first."""
        if message.receipt_id is None:
            raise ValueError("a message that is sent once for a receipt names the receipt")
        what = f"{message.way}:{message.purpose}:{message.receiver}"
        return [
            f"{message.receipt_id}-{found.partition(':')[2]}"
            for found in self._vault.fingerprints(what, "message")
        ]
