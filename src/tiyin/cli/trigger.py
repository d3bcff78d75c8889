"""`tiyin trigger`: an event, made to happen in a running emulator."""

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from tiyin.cli.dev_client import DevClient, DevSilent
from tiyin.cli.ending import FINDINGS, err, out, stop

__all__ = ["run", "show_events"]


def show_events() -> None:
    """List what can be made to happen."""
    from tiyin.emulator.triggers import EVENTS  # noqa: PLC0415  # slow to load

    table = Table("event", "what happens", "takes", box=None, pad_edge=False)
    for event in EVENTS.values():
        table.add_row(event.name, event.title, " ".join(f"--{name}" for name in event.takes))
    out.print(table)


def run(  # noqa: PLR0913  # the command's options
    *,
    event: str,
    account: list[str],
    amount: int | None,
    card: str | None,
    expire: str | None,
    params: str | None,
    desk: str | None,
    data: Path,
    dev: str | None,
) -> None:
    """Make an event happen and say what came of it: 0 it did, 1 it went otherwise, 2 it could not be tried.

    Args:
        event: Its name.
        account: `FIELD=VALUE` each.
        amount: In tiyin.
        card: A test card's number.
        expire: Its expiry, MMYY.
        params: A JSON object of parameters for a call of the Merchant API.
        desk: The cash desk, by id or name.
        data: The emulator's directory.
        dev: The address of its `/dev`, instead.
    """
    from tiyin.emulator.triggers import EVENTS  # noqa: PLC0415  # slow to load

    if event not in EVENTS:
        stop(f"EVENT must be one of {', '.join(EVENTS)}, not {event!r}. See tiyin trigger --list.")
    asked: dict[str, Any] = {
        "event": event,
        "account": dict(_field(given) for given in account) or None,
        "amount": amount,
        "card": card,
        "expire": expire,
        "params": None if params is None else _read_params(params),
        "desk": desk,
    }
    content = {name: value for name, value in asked.items() if value is not None}
    try:
        told = DevClient(data=data, dev=dev).ask("POST", "/trigger", content)
    except DevSilent as silent:
        stop(str(silent))
    _tell(told)
    if not told["ok"]:
        raise SystemExit(FINDINGS)


def _tell(told: dict[str, Any]) -> None:
    for name, title in (
        ("order_id", "order"),
        ("pay_url", "pay at"),
        ("receipt", "receipt"),
        ("state", "state"),
        ("transaction", "transaction"),
    ):
        if name in told:
            out.print(f"{title:<12}{told[name]}", markup=False)
    if told.get("exchanges"):
        numbers = ", ".join(f"#{number}" for number in told["exchanges"])
        out.print(f"{'exchanges':<12}{numbers}", markup=False)
    if "answer" in told:
        out.print(json.dumps(told["answer"], ensure_ascii=False, indent=2), markup=False)
    (out if told["ok"] else err).print(told["said"], style="green" if told["ok"] else "red", markup=False)


def _field(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not name or not equals:
        stop(f"--account must be FIELD=VALUE such as order_id=1, not {given!r}.")
    return name, value


def _read_params(given: str) -> dict[str, Any]:
    try:
        params = json.loads(given)
    except (ValueError, RecursionError) as error:
        stop(f"--params must be a JSON object: {error}.")
    if not isinstance(params, dict):
        stop('--params must be a JSON object such as {"id": "..."}.')
    return params
