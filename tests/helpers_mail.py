"""A real mail server on 127.0.0.1, with TLS and accounts, that can refuse as it is told."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["MailServer", "make_certificate"]

USER, PASSWORD = "tiyin@example.uz", "secret"


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1: its file, to be trusted, and a server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return certificate_file, context


class MailServer:
    """The server, in a thread of its own. `refusals` are the replies to the next steps of these names."""

    def __init__(
        self, context: ssl.SSLContext | None = None, *, tls: bool = False, login: bool = False
    ) -> None:
        self.letters: list[EmailMessage] = []
        self.refusals: dict[str, str] = {}
        self.logins = 0
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0}
        if context is not None and tls:
            options["ssl_context"] = context
        elif context is not None:
            options |= {"tls_context": context, "require_starttls": True}
        if login:
            # The library does not count TLS from the first byte as TLS.
            options |= {"authenticator": self._judge, "auth_required": not tls, "auth_require_tls": not tls}
        self._controller = _AnyPort(self, **options)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._controller.bound

    def _judge(self, _server: SMTP, _session: Any, _envelope: Any, _way: str, data: Any) -> AuthResult:
        self.logins += 1
        right = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == right, handled=data == right)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Take or refuse a receiver."""
        if "RCPT" in self.refusals:
            return self.refusals["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        """Take or refuse a letter, or cut the connection once it came whole."""
        if self.refusals.get("DATA") == "cut":
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]  # a transport of TCP has it
            return "250 never heard"
        if "DATA" in self.refusals:
            return self.refusals["DATA"]
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 OK"


class _AnyPort(Controller):
    """A controller that takes whatever port is free."""

    @property
    def bound(self) -> int:
        """The port that was taken."""
        assert isinstance(self.server, asyncio.Server)
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def _trigger_server(self) -> None:
        self.port = self.bound
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library leaves it untyped
