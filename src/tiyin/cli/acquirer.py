"""`tiyin acquirer`: the test acquirer as a process of its own, with its own books and its own faults."""

import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from tiyin.cli.ending import out, stop
from tiyin.gateway.acquiring.faults import Fault, Faults, FaultUnreadable, read_fault
from tiyin.gateway.acquiring.process import BOOKS, AcquirerProcess, add_card
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TestCard, TestCards
from tiyin.runtime.chance import SeededChance
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.logs import configure_logs
from tiyin.runtime.settings import Secret, Setting, SettingsError, read_settings
from tiyin.storage import open_store
from tiyin.storage.errors import StorageError
from tiyin.web.binding import PortRefused, bind
from tiyin.web.serving import Server, run_on_loop

__all__ = ["AcquirerSettings", "run"]

_SECRET_LENGTH_MIN: Final = 16


class AcquirerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the acquirer reads from the environment.

    Args:
        acquirer_secret: `TIYIN_ACQUIRER_SECRET`.
    """

    acquirer_secret: Annotated[
        Secret, Setting("what the gateway proves itself with to the acquirer", minimum=_SECRET_LENGTH_MIN)
    ]


def run(
    *,
    host: str,
    port: int,
    database: str,
    cards: Sequence[str],
    faults: Sequence[str],
    seed: int,
) -> None:
    """Answer until a signal, or stop with sentences that say what to change.

    Args:
        host: Where to listen.
        port: Which port; 0 takes any free one.
        database: Where the books are kept, `sqlite:///...` or `postgresql://...`.
        cards: Cards to add, each "NUMBER=BALANCE" with the balance in tiyin.
        faults: What goes wrong from the start, each as `read_fault` reads it.
        seed: What the draws of the faults depend on.
    """
    secret = _read_secret(os.environ)
    table = _read_cards(cards)
    rules = _read_faults(faults)
    configure_logs("console", "INFO")

    async def serve() -> None:
        sock = bind(host, port)
        store = await open_store(database)
        try:
            await store.create_tables(BOOKS)
            clock = SystemClock()
            process = AcquirerProcess(
                TestAcquirer(store, clock, table), table, clock, secret, Faults(SeededChance(seed), rules)
            )
            bound_port = sock.getsockname()[1]
            shown_host = f"[{host}]" if ":" in host else host
            ready = f"The acquirer answers on http://{shown_host}:{bound_port}."
            await Server(process, sock, on_ready=lambda: out.print(ready, markup=False)).listen()
        finally:
            await store.close()

    try:
        run_on_loop(serve)
    except PortRefused as refused:
        stop(str(refused))
    except (StorageError, ValueError) as error:
        stop(f"--database cannot be used: {error}.")
    out.print("Stopped: the books are kept.", markup=False)


def _read_secret(environ: Mapping[str, str]) -> Secret:
    try:
        return read_settings(AcquirerSettings, environ).acquirer_secret
    except SettingsError as error:
        stop(str(error))


def _read_cards(written: Sequence[str]) -> TestCards:
    cards = TestCards()
    for text in written:
        number, _, balance = text.partition("=")
        # What was written is not shown again: it may be somebody's real card.
        try:
            add_card(cards, TestCard(number=number.replace(" ", ""), balance_tiyin=int(balance)))
        except ValueError as error:
            stop(
                "--card is written NUMBER=BALANCE, such as 8600495473316478=5000000 (in tiyin)"
                f"{'' if 'int()' in str(error) else f': {error}'}."
            )
    return cards


def _read_faults(written: Sequence[str]) -> list[Fault]:
    try:
        return [read_fault(text) for text in written]
    except FaultUnreadable as error:
        stop(f"--fault cannot be read: {error}.")
