"""The emulator's inbox: what a payer's phone would have shown, by SMS, e-mail and Telegram.

It stands where the gateway's ports for messages are (`tiyin.gateway.notifications`). The newest messages are
kept, also over restarts; older ones are forgotten.
"""

import os
import re
from collections import deque
from pathlib import Path

import msgspec

from tiyin.gateway.notifications.port import Letter
from tiyin.runtime.clock import Clock

__all__ = ["MESSAGES_MAX", "Inbox", "InboxMessage"]

MESSAGES_MAX = 200
"""How many messages are kept; the file is rewritten when it has grown to twice as many lines."""

# A receipt's id in a link is no code, whatever digits it holds.
_CODE = re.compile(r"(?<![0-9A-Za-z])\d{6}(?![0-9A-Za-z])")


class InboxMessage(msgspec.Struct, frozen=True):
    """One message.

    Args:
        number: Its place in the row of all messages, from 1.
        at_ms: When it was sent, in milliseconds since 1970 by the emulator's clock.
        phone: To whom: the phone of an SMS, the address of an e-mail, the number of a Telegram chat.
        text: What it says; of an e-mail the subject is its first line.
        code: The six-digit code in it, or None.
        way: "sms", "email" or "telegram".
    """

    number: int
    at_ms: int
    phone: str
    text: str
    code: str | None
    way: str = "sms"


class Inbox:
    """Keeps messages instead of sending them.

    Args:
        path: The file they are kept in, one JSON object a line.
        clock: Says when a message came.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._messages: deque[InboxMessage] = deque(maxlen=MESSAGES_MAX)
        self._lines = 0
        self._read()

    @property
    def messages(self) -> list[InboxMessage]:
        """The messages, newest first."""
        return list(reversed(self._messages))

    async def send_sms(self, phone: str, text: str) -> None:
        """Keep a message (the port `Messages`).

        Args:
            phone: To whom.
            text: What it says; the emulator's inbox is the one place where a code may be read.
        """
        self._take("sms", phone, text)

    async def send_mail(self, letter: Letter) -> None:
        """Keep an e-mail (the port `Mail`).

        Args:
            letter: To whom and what; its plain form is kept.
        """
        self._take("email", letter.receiver, f"{letter.subject}\n{letter.text}")

    async def send_telegram(self, chat_id: str, html: str) -> None:
        """Keep a Telegram message (the port `Telegrams`).

        Args:
            chat_id: To which chat.
            html: What it says, in Telegram's HTML.
        """
        self._take("telegram", chat_id, html)

    def _take(self, way: str, receiver: str, text: str) -> None:
        number = self._messages[-1].number + 1 if self._messages else 1
        found = _CODE.search(text)
        code = found.group() if found else None
        message = InboxMessage(number, self._clock.now_ms(), receiver, text, code, way)
        self._messages.append(message)
        self._keep(message)

    def _read(self) -> None:
        """Take over what an earlier start kept; a line that was cut off by a crash is left out."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        self._lines = len(lines)
        for line in lines[-MESSAGES_MAX:]:
            try:
                self._messages.append(msgspec.json.decode(line, type=InboxMessage))
            except msgspec.DecodeError:
                self._lines = 2 * MESSAGES_MAX  # the next message writes the file anew

    def _keep(self, message: InboxMessage) -> None:
        """Append the message to the file, without forcing it to the disk: a lost SMS is asked for again."""
        whole = self._lines >= 2 * MESSAGES_MAX
        kept = list(self._messages) if whole else [message]
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if whole else os.O_APPEND)
        with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
            file.writelines(msgspec.json.encode(one) + b"\n" for one in kept)
        self._lines = len(kept) if whole else self._lines + 1
