"""Telegram messages by the Bot API's sendMessage. The token is part of the address, which is never logged."""

import re
from typing import Any, Final

import msgspec

from tiyin.gateway.notifications.failures import HTTP_OK, of_telegram
from tiyin.gateway.notifications.port import SEND_S, SendingLater, SendingRefused, SendingUnknown
from tiyin.runtime.http import Http, NoAnswer, NotSent

__all__ = ["TELEGRAM_URL", "TelegramSender", "is_bot_token"]

TELEGRAM_URL: Final = "https://api.telegram.org"

_BODY_MAX: Final = 64 * 1024
_TOKEN: Final = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,64}")
_CHAT: Final = re.compile(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{3,64}")


def is_bot_token(text: str) -> bool:
    """Tell whether a text has the form of a bot's token."""
    return _TOKEN.fullmatch(text) is not None


class TelegramSender:
    """Sends as a bot (the port `Telegrams`).

    Args:
        token: The bot's.
        http: How calls leave.
        url: Where the Bot API is.

    Raises:
        ValueError: If the token has another form than a bot's.
    """

    def __init__(self, token: str, http: Http, *, url: str = TELEGRAM_URL) -> None:
        if not is_bot_token(token):
            raise ValueError("this is no token of a bot")
        self._address = f"{url.rstrip('/')}/bot{token}/sendMessage"
        self._http = http

    def __repr__(self) -> str:
        return "TelegramSender()"

    async def send_telegram(self, chat_id: str, html: str) -> None:
        """Send one message; see `Telegrams.send_telegram`."""
        if _CHAT.fullmatch(chat_id) is None:
            raise SendingRefused("chat_id")
        body = {
            "chat_id": chat_id,
            "text": html,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }
        try:
            answer = await self._http.post(
                self._address,
                body=msgspec.json.encode(body),
                headers={"Content-Type": "application/json"},
                timeout_ms=int(SEND_S * 1000) - 1000,
                body_max=_BODY_MAX,
            )
        except NotSent:
            raise SendingLater("not_connected") from None
        except NoAnswer:
            raise SendingUnknown("no_answer") from None
        told = _read(answer.body)
        if answer.status == HTTP_OK and told.get("ok") is True:
            return
        code = told.get("error_code")
        raise of_telegram(code if isinstance(code, int) else answer.status, after_ms=_after_ms(told))


def _after_ms(told: dict[str, Any]) -> int:
    """Read how long the Bot API asks to wait."""
    parameters = told.get("parameters")
    after_s = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return after_s * 1000 if isinstance(after_s, int) and 0 < after_s < 7 * 86_400 else 0


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
