"""Sending messages to people, as a port."""

import re
from typing import Final, Protocol

from tiyin.runtime.logs import get_logger

__all__ = ["LogMessages", "Messages", "SendingFailed", "mask_phone"]

_DIGITS: Final = re.compile(r"\d{4,}")
_PHONE_SHOWN: Final = (5, 2)


class SendingFailed(Exception):
    """The message was certainly not sent, or nobody can say that it was; it may be sent again."""


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


def mask_phone(phone: str) -> str:
    """Hide the middle of a phone number: ``998901234531`` becomes ``99890*****31``.

    Documentation: subscribe-api/cards.get_verify_code (`phone`)
    """
    first, last = _PHONE_SHOWN
    hidden = len(phone) - first - last
    return "*" * len(phone) if hidden < 1 else f"{phone[:first]}{'*' * hidden}{phone[-last:]}"


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
            SendingFailed: Unless texts are shown.
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
        raise SendingFailed("no SMS provider is configured")
