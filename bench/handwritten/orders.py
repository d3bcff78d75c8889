"""Makes the tables, and orders in bulk before anything is measured: `python -m bench.handwritten.orders`."""

import argparse
import os

import django
from django.conf import settings
from django.core.management import call_command

__all__ = ["main"]

AT_ONCE = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, required=True, help="number of the first order")
    parser.add_argument("--many", type=int, required=True)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.handwritten.settings")
    django.setup()
    from bench.handwritten.models import Order  # noqa: PLC0415  # models need the settings first

    call_command("migrate", run_syncdb=True, verbosity=0)
    numbers = range(arguments.first, arguments.first + arguments.many)
    Order.objects.bulk_create(
        (Order(pk=number, amount_tiyin=settings.ORDER_AMOUNT_TIYIN) for number in numbers), batch_size=AT_ONCE
    )


if __name__ == "__main__":
    main()
