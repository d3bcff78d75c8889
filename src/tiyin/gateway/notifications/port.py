"""Sending messages to people: a port for each way, and what may be known after a sending failed.

::

    SendingFailed
    ├── SendingRefused   it never will be sent: no such receiver, or the way itself is set up wrongly
    ├── SendingLater     it was certainly not sent; later it may be
    └── SendingUnknown   it may have arrived

Which answer of which service is which stands in one table: `tiyin.gateway.notifications.failures`.
"""

import re
from typing import Final, Protocol

import msgspec

from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.logs import get_logger

__all__ = [
    "ATTACHMENT_BYTES_MAX",
    "SEND_S",
    "Attachment",
    "Letter",
    "LogMessages",
    "Mail",
    "Messages",
    "SendingFailed",
    "SendingLater",
    "SendingRefused",
    "SendingUnknown",
    "Telegrams",
    "mask_mail",
    "mask_phone",
]

SEND_S: Final = 10.0
"""The longest that one sending may take, seconds."""

ATTACHMENT_BYTES_MAX: Final = 256 * 1024
"""How large an attachment may be, bytes: it waits in the database until it is sent."""

_DIGITS: Final = re.compile(r"\d{4,}")
_PHONE_SHOWN: Final = (5, 2)
_WORD: Final = re.compile(r"[a-z0-9_]{1,40}")


class SendingFailed(Exception):
    """The message was certainly not sent, or nobody can say that it was; it may be sent again.

    Args:
        word: Why, as one word of small letters, digits and underscores: it is stored and logged, so it holds
            nothing of the receiver or the text.
        after_ms: When trying again makes sense at the earliest, if the service said so; milliseconds.
    """

    def __init__(self, word: str, *, after_ms: int = 0) -> None:
        if _WORD.fullmatch(word) is None:
            word = "failed"
        super().__init__(word)
        self.word = word
        self.after_ms = after_ms


class SendingRefused(SendingFailed):
    """It was not sent, and sending it again as it is would be refused again."""


class SendingLater(SendingFailed):
    """It was certainly not sent; later it may be."""


class SendingUnknown(SendingFailed):
    """It may have arrived: sending it again may show it twice."""


class Attachment(msgspec.Struct, frozen=True):
    """A file that goes along with an e-mail.

    Args:
        name: Its name: letters, digits, points and hyphens of ASCII.
        media_type: What it is, ``application/pdf``.
        content: Its bytes, at most `ATTACHMENT_BYTES_MAX`.
    """

    name: str
    media_type: str
    content: bytes

    def __repr__(self) -> str:
        return f"Attachment({self.name!r}, {len(self.content)} bytes)"

    __rich_repr__ = rich_repr


class Letter(msgspec.Struct, frozen=True):
    """One e-mail.

    Args:
        receiver: One address.
        subject: One line.
        text: The plain form.
        html: The same as HTML, every value in it escaped.
        attachment: A file that goes along.
    """

    receiver: str
    subject: str
    text: str
    html: str
    attachment: Attachment | None = None

    def __repr__(self) -> str:
        return f"Letter({mask_mail(self.receiver)})"

    __rich_repr__ = rich_repr


class Messages(Protocol):
    """Who brings messages to people."""

    async def send_sms(self, phone: str, text: str) -> None:
        """Send one SMS.

        It is called once for a message, outside of any database transaction. It answers within ten seconds
        and never repeats on its own: whoever asked repeats by asking again.

        Args:
            phone: Digits with the country's code, ``998901234567``.
            text: What to say; it may hold a code, so an implementation logs neither it nor the whole phone.

        Raises:
            SendingFailed: When it was not sent.
        """
        ...


class Mail(Protocol):
    """Who brings e-mail."""

    async def send_mail(self, letter: Letter) -> None:
        """Send one e-mail; bounds are those of `Messages.send_sms`.

        Raises:
            SendingFailed: When it was not sent.
        """
        ...


class Telegrams(Protocol):
    """Who brings Telegram messages."""

    async def send_telegram(self, chat_id: str, html: str) -> None:
        """Send one message; bounds are those of `Messages.send_sms`.

        Args:
            chat_id: Who reads it: a person's or a group's number at Telegram.
            html: What to say in Telegram's HTML, every value in it escaped.

        Raises:
            SendingFailed: When it was not sent.
        """
        ...


def mask_phone(phone: str) -> str:
    """Hide the middle of a phone number: ``998901234531`` becomes ``99890*****31``.

    Documentation: subscribe-api/cards.get_verify_code (`phone`)
    """
    first, last = _PHONE_SHOWN
    hidden = len(phone) - first - last
    return "*" * len(phone) if hidden < 1 else f"{phone[:first]}{'*' * hidden}{phone[-last:]}"


def mask_mail(address: str) -> str:
    """Hide who it is at an e-mail address: ``payer@example.uz`` becomes ``p***@example.uz``."""
    name, at, host = address.rpartition("@")
    return f"{name[:1]}***@{host}" if at else "***"


class LogMessages:
    """Writes to the log what would have been sent: the form for a gateway that has no SMS provider yet.

    Args:
        show: Whether to write the text as it is, which only a laptop may. Otherwise every number in it is
            masked, the log says so, and the sending counts as failed: a code that nobody can read did not
            arrive.
    """

    def __init__(self, *, show: bool = False) -> None:
        self._show = show
        self._log = get_logger("tiyin.messages")

    async def send_sms(self, phone: str, text: str) -> None:
        """Log one SMS.

        Raises:
            SendingRefused: Unless texts are shown.
        """
        if self._show:
            self._log.info("sms", phone=mask_phone(phone), text=text)
            return
        self._log.warning(
            "sms_not_sent",
            phone=mask_phone(phone),
            text=_DIGITS.sub(lambda found: "*" * len(found[0]), text),
            hint="No SMS provider is configured. Numbers in the text are masked: no code is in the log.",
        )
        raise SendingRefused("no_sms_provider")
