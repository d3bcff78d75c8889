"""SMS by an HTTP service of the kind of Eskiz.uz: a login gives a token, the token sends.

``POST /api/auth/login`` (form: email, password) answers ``{"data": {"token": ...}}``; ``POST
/api/message/sms/send`` (form: mobile_phone, message, from) with the token as bearer takes a message. A token
lives about a month; when it is not good any more the service answers 401, and one login follows.
"""

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from tiyin.gateway.notifications.failures import HTTP_OK, of_http
from tiyin.gateway.notifications.port import (
    SEND_S,
    SendingFailed,
    SendingLater,
    SendingRefused,
    SendingUnknown,
)
from tiyin.gateway.notifications.sms_coding import plain_sms
from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.http import Http, HttpAnswer, NoAnswer, NotSent
from tiyin.runtime.logs import get_logger

__all__ = ["EskizAccount", "EskizSender"]

_TIMEOUT_MS: Final = 4_000
_BODY_MAX: Final = 64 * 1024
_UNAUTHORIZED: Final = 401
_OK_END: Final = 300


class EskizAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom to send.

    Args:
        url: The service's root, ``https://notify.eskiz.uz``.
        email: The account.
        password: Its password.
        source: Who sends, as phones show it: the number or name that the service agreed to.
    """

    url: str
    email: str
    password: str
    source: str

    def __repr__(self) -> str:
        return f"EskizAccount({self.url!r})"

    __rich_repr__ = rich_repr


class EskizSender:
    """Sends SMS by such a service (the port `Messages`).

    Args:
        account: Where and as whom.
        http: How calls leave.
    """

    def __init__(self, account: EskizAccount, http: Http) -> None:
        self._account = account
        self._http = http
        self._token: str | None = None
        self._login = asyncio.Lock()
        self._log = get_logger("tiyin.eskiz")

    def __repr__(self) -> str:
        return f"EskizSender({self._account!r})"

    async def send_sms(self, phone: str, text: str) -> None:
        """Send one SMS; see `Messages.send_sms`."""
        form = {"mobile_phone": phone, "message": plain_sms(text), "from": self._account.source}
        begun = False
        try:
            async with asyncio.timeout(SEND_S):
                token = await self._get_token(None)
                begun = True
                answer = await self._send(form, token)
                if answer.status == _UNAUTHORIZED:
                    begun = False
                    token = await self._get_token(token)
                    begun = True
                    answer = await self._send(form, token)
        except TimeoutError:
            raise SendingUnknown("timeout") if begun else SendingLater("busy") from None
        if not HTTP_OK <= answer.status < _OK_END:
            raise of_http(answer.status)
        if _read(answer).get("status") == "error":
            raise SendingRefused("service_error")

    async def _get_token(self, bad: str | None) -> str:
        """Give a token that is not the one which was refused; one login at a time serves all who wait."""
        async with self._login:
            if self._token is None or self._token == bad:
                self._token = None
                self._token = await self._log_in()
            return self._token

    async def _log_in(self) -> str:
        form = {"email": self._account.email, "password": self._account.password}
        try:
            answer = await self._post("/api/auth/login", form, {})
        except SendingFailed as failure:
            raise SendingLater(failure.word) from None
        found = _read(answer).get("data")
        token = found.get("token") if isinstance(found, dict) else None
        if answer.status != HTTP_OK or not isinstance(token, str) or not token.isascii() or not token:
            self._log.error("sms_login_refused", status=answer.status)
            raise SendingLater("login_refused")
        return token

    async def _send(self, form: dict[str, str], token: str) -> HttpAnswer:
        return await self._post("/api/message/sms/send", form, {"Authorization": f"Bearer {token}"})

    async def _post(self, path: str, form: dict[str, str], headers: dict[str, str]) -> HttpAnswer:
        try:
            return await self._http.post(
                self._account.url.rstrip("/") + path,
                body=urlencode(form).encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded", **headers},
                timeout_ms=_TIMEOUT_MS,
                body_max=_BODY_MAX,
            )
        except NotSent:
            raise SendingLater("not_connected") from None
        except NoAnswer:
            raise SendingUnknown("no_answer") from None


def _read(answer: HttpAnswer) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
