"""``manage.py payme_check``: what is configured, and how to try it."""

import contextlib
import shlex
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.urls import NoReverseMatch, reverse

from tiyin.merchant.integrations.django import payme_view
from tiyin.merchant.integrations.django.desks import database_of
from tiyin.merchant.integrations.django.settings import DeskSettings, load_billing, read_settings

__all__ = ["Command"]


def _path_of(desk: str) -> str:
    """Return where the URLconf has a desk's endpoint."""
    for kwargs in ({"desk": desk}, {}):
        with contextlib.suppress(NoReverseMatch):
            return reverse(payme_view, kwargs=kwargs)
    return "/payme/"


class Command(BaseCommand):
    """Tell what is configured, look for mistakes, and say how to run the sandbox. No key is ever printed."""

    help = "Tells how Payme is configured, what is wrong with it, and how to try it with `tiyin sandbox run`."
    requires_system_checks: Any = ()

    def handle(self, *_: Any, **__: Any) -> None:
        """Do it."""
        try:
            desks = read_settings()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        findings = [
            finding
            for finding in checks.run_checks(include_deployment_checks=False, databases=list(connections))
            if (finding.id or "").startswith("tiyin.")
        ]
        for desk in desks.values():
            self._tell(desk)
        for finding in findings:
            self.stdout.write(f"{finding}\n")
        if any(finding.is_serious() for finding in findings):
            raise CommandError("payments cannot work like this")
        for desk in desks.values():
            self._say_how_to_try(desk)

    def _tell(self, desk: DeskSettings) -> None:
        try:
            billing: Any = load_billing(desk)
            named = f"{type(billing).__module__}.{type(billing).__qualname__}"
            fields = ", ".join(billing.account_fields) or "any"
        except Exception as error:  # noqa: BLE001 - the checks tell more of it
            named, fields = f"cannot be made: {type(error).__name__}", "?"
        kept = connections[database_of(desk)]
        lines = {
            "desk": desk.name,
            "billing": named,
            "account fields": fields,
            "mode": desk.mode,
            "key": "set" if desk.key else "missing",
            "test key": "set" if desk.test_key else "missing",
            "login": desk.login,
            "addresses": "everybody who has the key" if desk.addresses is None else desk.addresses,
            "database": f"{kept.alias} ({kept.display_name})",
            "ChangePassword": "served" if desk.allow_change_password else "refused",
            "patience": f"{desk.patience_s:g} s",
        }
        for name, value in lines.items():
            self.stdout.write(f"{name + ':':<16}{value}")
        self.stdout.write("")

    def _say_how_to_try(self, desk: DeskSettings) -> None:
        fields: tuple[str, ...] = getattr(load_billing(desk), "account_fields", ()) or ("order_id",)
        variable = "PAYME_TEST_KEY" if desk.mode == "test" else "PAYME_KEY"
        account = " ".join(f"--account {shlex.quote(f'{field}=...')}" for field in fields)
        login = "" if desk.login == "Paycom" else f" --login {shlex.quote(desk.login)}"
        endpoint = f"http://127.0.0.1:8000{_path_of(desk.name)}"
        self.stdout.write(
            f"Try {desk.name!r} with an order that waits (its price in tiyin):\n"
            f'  tiyin sandbox run --endpoint {endpoint} --key "${variable}"{login} {account} --amount 500000'
        )
