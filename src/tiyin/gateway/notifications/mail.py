"""E-mail over SMTP: each letter on a connection of its own, as plain text with an HTML form beside it."""

import asyncio
import ssl
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from typing import Final, Literal, TypeAlias

import aiosmtplib
import msgspec

from tiyin.gateway.notifications.failures import of_smtp
from tiyin.gateway.notifications.port import SEND_S, Letter, SendingLater, SendingRefused, SendingUnknown
from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.logs import get_logger

__all__ = ["MailAccount", "MailSender", "Security", "write_letter"]

Security: TypeAlias = Literal["starttls", "tls", "none"]

_CONNECT_S: Final = 4.0


class MailAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom to send.

    Args:
        host: The mail server.
        port: Its port.
        source: The address that letters come from, maybe with a name: ``Shop <pay@example.uz>``.
        security: "starttls", which is demanded and not only tried; "tls" from the first byte; "none", for a
            server on this machine only.
        username: The account; None where none is asked for.
        password: Its password.
        ca: A file with the certificate authority of a server of one's own.
    """

    host: str
    port: int
    source: str
    security: Security = "starttls"
    username: str | None = None
    password: str | None = None
    ca: str | None = None

    def __repr__(self) -> str:
        return f"MailAccount({self.host}:{self.port}, {self.security})"

    __rich_repr__ = rich_repr


class MailSender:
    """Sends e-mail (the port `Mail`).

    Args:
        account: Where and as whom.
    """

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._context = None if account.security == "none" else ssl.create_default_context(cafile=account.ca)
        self._log = get_logger("tiyin.mail")

    def __repr__(self) -> str:
        return f"MailSender({self._account!r})"

    async def send_mail(self, letter: Letter) -> None:
        """Send one e-mail; see `Mail.send_mail`."""
        try:
            message = write_letter(letter, self._account.source)
        except (ValueError, MessageError, HeaderParseError, IndexError):
            raise SendingRefused("not_sendable") from None
        account = self._account
        client = aiosmtplib.SMTP(
            hostname=account.host,
            port=account.port,
            use_tls=account.security == "tls",
            start_tls=account.security == "starttls",
            tls_context=self._context,
            timeout=_CONNECT_S,
        )
        handed_over = False
        try:
            async with asyncio.timeout(SEND_S - 1):
                await self._open(client)
                handed_over = True
                await client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise of_smtp(error.recipients[0].code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise of_smtp(error.code) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if not handed_over:
                self._log.warning("mail_server_not_reached", host=account.host, error=type(error).__name__)
                raise SendingLater("not_connected") from None
            raise SendingUnknown("connection_lost") from None
        finally:
            client.close()

    async def _open(self, client: aiosmtplib.SMTP) -> None:
        """Connect and log in; what goes wrong here says nothing of the letter.

        Raises:
            SendingLater: If the server does not let us in.
        """
        try:
            await client.connect()
            if self._account.username is not None:
                await client.login(self._account.username, self._account.password or "")
        except aiosmtplib.SMTPResponseException as error:
            self._log.error("mail_server_refused", host=self._account.host, code=error.code)
            raise SendingLater(f"smtp_{error.code}") from None


def write_letter(letter: Letter, source: str) -> EmailMessage:
    """Write an e-mail with its headers.

    Args:
        letter: What to say to whom.
        source: From whom.

    Raises:
        ValueError: If an address or the subject has a line break, or the receiver is not one plain address.
    """
    receiver = Address(addr_spec=letter.receiver)
    if not receiver.username or not receiver.domain:
        raise ValueError("a receiver is one address")
    message = EmailMessage(policy=SMTP)
    message["From"] = source
    message["To"] = receiver
    message["Subject"] = letter.subject
    message["Message-ID"] = make_msgid(domain=source.rpartition("@")[2].strip("> ") or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    if letter.attachment is not None:
        kind, _, subkind = letter.attachment.media_type.partition("/")
        message.add_attachment(
            letter.attachment.content, maintype=kind, subtype=subkind, filename=letter.attachment.name
        )
    return message
