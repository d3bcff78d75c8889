"""``manage.py payme_statement --from 2026-01-01 --to 2026-01-31``: what Payme would be told."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand

from tiyin.merchant.integrations.django.models import Transaction
from tiyin.merchant.integrations.django.words import STATES
from tiyin.merchant.sums import sums_text
from tiyin.runtime.tashkent import TASHKENT

__all__ = ["Command", "read_moment"]

_DATE_LENGTH: Final = 10


class Command(BaseCommand):
    """List transactions by Payme's time, as GetStatement does."""

    help = "Lists transactions by Payme's time, both ends included. Dates are Tashkent's."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the period."""
        parser.add_argument(
            "--from", dest="since", required=True, type=read_moment, help="2026-01-01 or an ISO time"
        )
        parser.add_argument(
            "--to", dest="until", required=True, type=read_end, help="the same; a date is its whole day"
        )
        parser.add_argument("--desk", help="only this cash desk")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *_: Any, since: int, until: int, desk: str | None, json: bool, **__: Any) -> None:
        """Do it."""
        rows = Transaction.objects.filter(accepted=1, time_ms__gte=since, time_ms__lte=until)
        if desk is not None:
            rows = rows.filter(desk=desk)
        many = paid_tiyin = 0
        for row in rows.order_by("time_ms", "id").iterator():
            many += 1
            paid_tiyin += row.amount_tiyin if row.state == Transaction.State.PAID else 0
            self.stdout.write(_as_json(row) if json else _as_line(row))
        if not json:
            self.stdout.write(f"{many} transactions, paid {sums_text(paid_tiyin, 'en')}")


def read_moment(text: str) -> int:
    """Read a date or an ISO time as milliseconds since 1970.

    Args:
        text: ``2026-01-01`` is its midnight in Tashkent; a time without an offset is Tashkent's too.

    Raises:
        ArgumentTypeError: If it is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date (2026-01-01) and no time (2026-01-01T12:30)") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=TASHKENT)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def read_end(text: str) -> int:
    """Read the end of a period: a date means its whole day.

    Args:
        text: As for `read_moment`.
    """
    whole_day = 86_400_000 - 1 if len(text) == _DATE_LENGTH else 0
    return read_moment(text) + whole_day


def _as_json(row: Transaction) -> str:
    return json.dumps(
        {
            "id": row.id,
            "desk": row.desk,
            "time": row.time_ms,
            "amount": row.amount_tiyin,
            "account": json.loads(row.account),
            "create_time": row.create_time_ms,
            "perform_time": row.perform_time_ms,
            "cancel_time": row.cancel_time_ms,
            "transaction": row.number,
            "state": row.state,
            "reason": row.reason,
        },
        ensure_ascii=False,
    )


def _as_line(row: Transaction) -> str:
    moment = datetime.fromtimestamp(row.time_ms / 1000, TASHKENT)
    state = STATES[row.state].en
    amount = sums_text(row.amount_tiyin, "en")
    return f"{moment:%Y-%m-%d %H:%M:%S}  {row.id}  {amount:>18}  {state:<9}  {row.account}"
