"""Messages written to a file, one JSON object a line: for a laptop, and for tests of a whole process."""

import asyncio
import os
from pathlib import Path
from typing import Any

import msgspec

from tiyin.gateway.notifications.port import Letter, SendingLater
from tiyin.runtime.clock import Clock

__all__ = ["FileMessages"]


class FileMessages:
    """Appends what would have been sent (the ports `Messages`, `Mail` and `Telegrams`).

    The file holds codes and whole phone numbers, and so is readable by its owner alone.

    Args:
        path: The file; made when the first message comes.
        clock: Says when a message came.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    async def send_sms(self, phone: str, text: str) -> None:
        """Append one SMS."""
        await self._append({"way": "sms", "receiver": phone, "text": text})

    async def send_mail(self, letter: Letter) -> None:
        """Append one e-mail; of a file that goes along, its name."""
        fields = msgspec.structs.asdict(letter)
        attachment = fields.pop("attachment")
        named = {} if attachment is None else {"attachment": attachment.name}
        await self._append({"way": "email", **fields, **named})

    async def send_telegram(self, chat_id: str, html: str) -> None:
        """Append one Telegram message."""
        await self._append({"way": "telegram", "receiver": chat_id, "text": html})

    async def _append(self, message: dict[str, Any]) -> None:
        line = msgspec.json.encode({"at_ms": self._clock.now_ms(), **message}) + b"\n"
        try:
            await asyncio.to_thread(self._write, line)
        except OSError:
            raise SendingLater("file") from None

    def _write(self, line: bytes) -> None:
        # One write of a whole line to a file opened for appending: several processes do not mix theirs.
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)
