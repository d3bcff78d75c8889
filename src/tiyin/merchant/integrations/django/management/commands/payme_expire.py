"""``manage.py payme_expire``: cancel what was not paid within twelve hours, once; for cron."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tiyin.merchant.integrations.django import api
from tiyin.merchant.integrations.django.settings import read_settings

__all__ = ["Command"]


class Command(BaseCommand):
    """Expire what is due, once. A shop that is called does it by itself; one that is asleep needs cron."""

    help = "Cancels transactions that were not paid within twelve hours, and frees their orders."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a desk's name and a bound."""
        parser.add_argument("--desk", help="only this cash desk")
        parser.add_argument("--limit", type=int, default=10_000, help="how many at most (10000)")

    def handle(self, *_: Any, desk: str | None, limit: int, **__: Any) -> None:
        """Do it."""
        desks = list(read_settings())
        if desk is not None and desk not in desks:
            raise CommandError(f"there is no desk {desk!r}: there are {', '.join(desks)}")
        found = sum(api(name).expire_due_sync(limit) for name in ([desk] if desk else desks))
        self.stdout.write(f"{found} expired")
