"""`tiyin receipts`: what a person sees of receipts and may do with one that waits for him."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.table import Table

from tiyin.cli.ending import out, stop
from tiyin.cli.place import database_url, open_current_store
from tiyin.gateway.receipts.interventions import Interventions, NoReceipt, NotPaused, Signature, Story
from tiyin.gateway.receipts.records import Receipt, error_of
from tiyin.protocol.errors import RpcError
from tiyin.protocol.receipt import RECEIPT_STATE_TEXTS, ReceiptState
from tiyin.protocol.values import format_sum
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.tashkent import TASHKENT
from tiyin.storage.errors import StorageError

__all__ = ["cancel", "list_paused", "resume", "show"]

_LISTED_MAX: Final = 1_000


def list_paused(*, as_json: bool, data: Path | None) -> None:
    """List receipts in 20: which, since when, where they came from and why."""

    async def read(people: Interventions) -> list[Story]:
        paused = await people.paused(limit=_LISTED_MAX)
        return [await people.story(receipt.id) for receipt in paused]

    stories = _with(data, read)
    if as_json:
        _print_json([_told(story) for story in stories])
        return
    if not stories:
        out.print("No receipt waits for a person.", markup=False)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("receipt", no_wrap=True, min_width=24)
    for title in ("sum", "paused in", "step", "since", "why"):
        table.add_column(title, overflow="fold")
    for story in stories:
        receipt = story.receipt
        last = story.attempts[-1] if story.attempts else None
        table.add_row(
            receipt.id,
            format_sum(receipt.amount_tiyin, "en"),
            str(receipt.state_from),
            receipt.step or "",
            _moment(receipt.stage_ms),
            "" if last is None else f"{last.step} {last.outcome} {last.note}".strip(),
        )
    out.print(table)
    out.print("Next: tiyin receipts show ID, then tiyin receipts resume or cancel.", markup=False)


def show(receipt_id: str, *, as_json: bool, data: Path | None) -> None:
    """Tell everything that is known of a receipt."""
    story = _with(data, lambda people: people.story(receipt_id))
    if as_json:
        _print_json(_told(story))
        return
    receipt = story.receipt
    out.print(f"receipt   {receipt.id}  no. {receipt.number}", markup=False)
    out.print(f"desk      {receipt.desk_id}", markup=False)
    out.print(f"sum       {format_sum(receipt.amount_tiyin, 'en')}", markup=False)
    out.print(f"state     {_state(receipt)}", markup=False)
    if (error := error_of(receipt)) is not None:
        out.print(f"error     {error.code}  {error.message.en}", markup=False)
    table = Table(box=None, pad_edge=False)
    for title in ("when", "what", "how"):
        table.add_column(title, overflow="fold")
    for at_ms, what, how in sorted(_events(story), key=lambda event: event[0]):
        table.add_row(_moment(at_ms), what, how)
    out.print()
    out.print(table)


def resume(receipt_id: str, *, who: str, why: str, data: Path | None) -> None:
    """Let a paused receipt go on where it was paused."""
    receipt = _with(data, lambda people: people.resume(receipt_id, Signature(who, why)))
    out.print(f"{receipt.id} goes on in state {_state(receipt)}", markup=False)


def cancel(receipt_id: str, *, who: str, why: str, override: bool, data: Path | None) -> None:
    """Cancel a receipt: with the billing's word, or, overridden, without it."""
    by = Signature(who, why)
    receipt = _with(data, lambda people: people.cancel(receipt_id, by, override=override))
    out.print(f"{receipt.id} is in state {_state(receipt)}", markup=False)


def _with(data: Path | None, act: Callable[[Interventions], Awaitable[Any]]) -> Any:
    """Do something with the gateway's receipts; what goes wrong ends the command with a sentence."""
    url = database_url(data)

    async def run() -> Any:
        async with open_current_store(url) as store:
            return await act(Interventions(store, SystemClock()))

    try:
        return asyncio.run(run())
    except NoReceipt as error:
        stop(f"{error}.".capitalize())
    except NotPaused as error:
        stop(f"Nothing was changed: {error}. See tiyin receipts show.")
    except RpcError as error:
        stop(f"Nothing was changed: {error.code} {error.message.en}")
    except ValueError as error:
        stop(f"Nothing was changed: --{error}.")
    except StorageError as error:
        stop(f"The database cannot be used now: {error}.")


def _state(receipt: Receipt) -> str:
    came_from = "" if receipt.state_from is None else f" (paused in {receipt.state_from})"
    step = "" if receipt.step is None else f", step {receipt.step}"
    return f"{receipt.state}{came_from}{step}: {RECEIPT_STATE_TEXTS[ReceiptState(receipt.state)].en}"


def _events(story: Story) -> list[tuple[int, str, str]]:
    receipt = story.receipt
    events = [(receipt.created_ms, "created", f"type {receipt.type}, {receipt.source}")]
    events += [(row.at_ms, row.step, f"{row.outcome} {row.note}".strip()) for row in story.attempts]
    events += [(row.at_ms, f"a person: {row.what}", f"{row.who}: {row.why}") for row in story.interventions]
    for row in story.entries:
        how = f"{format_sum(row.amount_tiyin, 'en')}  {row.credit} -> {row.debit}"
        events.append((row.at_ms, f"booked: {row.what}", how))
    return events


def _told(story: Story) -> dict[str, Any]:
    """Put a story into plain values; what a payer told of himself is left out."""
    receipt = msgspec.to_builtins(story.receipt)
    for name in ("payer", "account", "account_key", "detail", "back_url", "card_id", "token_id"):
        del receipt[name]
    return {
        "receipt": receipt,
        "attempts": msgspec.to_builtins(story.attempts),
        "interventions": msgspec.to_builtins(story.interventions),
        "entries": msgspec.to_builtins(story.entries),
    }


def _print_json(value: Any) -> None:
    out.print(msgspec.json.format(msgspec.json.encode(value)).decode(), markup=False)


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, TASHKENT).strftime("%Y-%m-%d %H:%M:%S")
