"""`tiyin serve`: the gateway alone, as an operator runs it."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tiyin.cli.ending import out, stop
from tiyin.gateway.acquiring.http import AcquirerLine, HttpAcquirer
from tiyin.gateway.acquiring.issuer_http import HttpIssuer
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import NoAcquirer, open_gateway
from tiyin.gateway.migrations import MigrationRefused, require_current
from tiyin.gateway.notifications.choosing import SendersRefused, choose_senders
from tiyin.gateway.notifications.port import LogMessages
from tiyin.gateway.settings import ServeSettings
from tiyin.gateway.vault import KeyRing, KeyRingError
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.http import Http
from tiyin.runtime.logs import configure_logs, get_logger
from tiyin.runtime.proxies import Proxies
from tiyin.runtime.settings import SettingsError, read_settings
from tiyin.runtime.tasks import Tasks
from tiyin.storage.errors import StorageError
from tiyin.web.binding import PortRefused, bind
from tiyin.web.serving import Server, run_on_loop
from tiyin.web.site import SiteSettings, gateway_site

__all__ = ["read_serve_settings", "run"]


def run(*, host: str | None, port: int | None) -> None:
    """Serve until a signal, or stop with sentences that say what to change.

    Args:
        host: Where to listen, instead of `TIYIN_HOST`.
        port: Where to listen, instead of `TIYIN_PORT`.
    """
    settings = read_serve_settings(os.environ)
    configure_logs(settings.log_format, settings.log_level)
    host, port = host or settings.host, port or settings.port

    async def serve() -> None:
        url = settings.database_url.reveal()
        await require_current(url)
        sock = bind(host, port)
        clock, tasks = SystemClock(), Tasks()
        # An operator's own services may stand on private addresses, whatever merchants may.
        services = GuardedHttp(allow_private=True)
        gateway = await open_gateway(
            database_url=url,
            vault_keys=settings.vault_keys.reveal(),
            test_cards=TestCards() if settings.test_cards else None,
            allow_private_merchants=settings.allow_private_merchants,
            public_url=settings.public_url,
            clock=clock,
            tasks=tasks,
            **_senders(settings, services, clock, tasks),
            **_acquirer(settings, services, clock),
        )
        try:
            await gateway.start()
            site = gateway_site(
                gateway,
                SiteSettings(
                    public_url=settings.public_url,
                    powered_by=settings.powered_by,
                    offer_url=settings.offer_url,
                    trusted_proxies=settings.trusted_proxies,
                    sandbox=settings.test_cards,
                    sandbox_private=settings.allow_private_merchants,
                ),
            )
            try:
                await Server(site, sock, on_ready=lambda: _log_ready(host, port)).listen()
            finally:
                await site.close()
        finally:
            await gateway.stop()
            await services.close()

    try:
        run_on_loop(serve)
    except (MigrationRefused, PortRefused) as refused:
        stop(str(refused))
    except NoAcquirer as refused:
        stop(f"The gateway cannot serve: {refused}.")
    except SendersRefused as refused:
        stop(str(refused))
    except (StorageError, ValueError) as error:
        stop(f"TIYIN_DATABASE_URL cannot be used: {error}.")
    out.print("Stopped: what was under way is kept, and goes on at the next start.", markup=False)


def _senders(settings: ServeSettings, http: Http, clock: Clock, tasks: Tasks) -> dict[str, Any]:
    """Choose who brings messages."""
    senders = choose_senders(
        sms=settings.sms.reveal(),
        sms_from=settings.sms_from,
        mail=None if settings.mail is None else settings.mail.reveal(),
        mail_from=settings.mail_from,
        telegram_token=None if settings.telegram_token is None else settings.telegram_token.reveal(),
        http=http,
        clock=clock,
        tasks=tasks,
    )
    sms = senders.sms
    if settings.test_cards and settings.sms.reveal() == "log":
        # A test card's code is documented, so that showing it shows nothing.
        sms = LogMessages(show=True)
    return {"messages": sms, "mail": senders.mail, "telegram": senders.telegram}


def _acquirer(settings: ServeSettings, http: Http, clock: Clock) -> dict[str, Any]:
    """Lead to the acquirer that is a process of its own, where one is named."""
    if settings.acquirer_url is None or settings.acquirer_secret is None:
        return {}
    line = AcquirerLine(http, settings.acquirer_url, settings.acquirer_secret, clock)
    return {"acquirer": HttpAcquirer(line), "issuer": HttpIssuer(line)}


def read_serve_settings(environ: Mapping[str, str]) -> ServeSettings:
    """Read and check the settings, or stop with a sentence for each that is wrong.

    Args:
        environ: The variables.
    """
    try:
        settings = read_settings(ServeSettings, environ)
    except SettingsError as error:
        stop(str(error))
    problems = []
    address = urlsplit(settings.public_url)
    if (
        address.scheme not in {"http", "https"}
        or not address.hostname
        or address.path.strip("/")
        or address.query
    ):
        problems.append(
            "TIYIN_PUBLIC_URL must be the gateway's address without a path, such as https://pay.example.uz."
        )
    offer = urlsplit(settings.offer_url)
    if settings.offer_url and (offer.scheme not in {"http", "https"} or not offer.hostname):
        problems.append("TIYIN_OFFER_URL must be a web address, such as https://pay.example.uz/offer.")
    try:
        Proxies(settings.trusted_proxies)
    except ValueError as error:
        problems.append(f"TIYIN_TRUSTED_PROXIES must be addresses or networks with commas: {error}.")
    if (settings.acquirer_url is None) is not (settings.acquirer_secret is None):
        problems.append("TIYIN_ACQUIRER_URL and TIYIN_ACQUIRER_SECRET are set together, or neither.")
    try:
        KeyRing.read(settings.vault_keys.reveal())
    except KeyRingError as error:
        problems.append(f"TIYIN_VAULT_KEYS cannot be used: {error}.")
    if problems:
        stop("\n".join(problems))
    return settings


def _log_ready(host: str, port: int) -> None:
    get_logger("tiyin.serve").info("ready", host=host, port=port)
