"""`tiyin reconcile`: do orders, statement and receipts agree? Ends with 0 for yes, 1 for no, 2 if unknown."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from tiyin.cli.ending import FINDINGS, out, stop
from tiyin.merchant.reconcile import KINDS, Code, Difference, Period, Reconciliation, Severity, reconcile
from tiyin.merchant.reconcile.files import BadFile, read_orders, read_receipts, read_statement
from tiyin.merchant.reconcile.rows import moment_text
from tiyin.merchant.reconcile.totals import DayTotals, SideTotals
from tiyin.merchant.sums import sums_from_tiyin
from tiyin.protocol.values import LANGUAGES, Language, Text, format_sum
from tiyin.runtime.clock import SystemClock

__all__ = ["print_reconciliation", "run"]

_SHOWN_MAX: Final = 20
_KEPT_MAX: Final = 10_000
_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_SIDES: Final = ("orders", "transactions", "receipts")
_WORDS: Final = {
    "orders": Text(ru="Заказы", uz="Buyurtmalar", en="Orders"),
    "transactions": Text(ru="Выписка", uz="Koʻchirma", en="Statement"),
    "receipts": Text(ru="Чеки Payme", uz="Payme cheklari", en="Receipts"),
    "day": Text(ru="День", uz="Kun", en="Day"),
    "apart": Text(ru="Разница", uz="Farq", en="Apart"),
    "whole": Text(ru="Всего", uz="Jami", en="Total"),
    "undated": Text(ru="без даты", uz="sanasiz", en="undated"),
    "net": Text(
        ru="Оплачено за вычетом возвратов, в сумах, по дням Ташкента:",
        uz="Toʻlangan, qaytarilganlari chegirilgan, soʻmda, Toshkent kunlari boʻyicha:",
        en="Paid less refunded, in sums, by the days of Tashkent:",
    ),
    "commission": Text(ru="Комиссия по чекам", uz="Cheklar boʻyicha komissiya", en="Commission on receipts"),
    "read": Text(ru="Прочитано", uz="Oʻqildi", en="Read"),
    "order": Text(ru="Заказ", uz="Buyurtma", en="Order"),
    "when": Text(ru="Когда", uz="Qachon", en="When"),
    "money": Text(ru="Сумма", uz="Summa", en="Amount"),
    "id": Text(ru="Номер в Payme", uz="Payme raqami", en="Payme's id"),
    "would_be": Text(ru="похоже на", uz="oʻxshaydi", en="looks like"),
    "more": Text(ru="ещё", uz="yana", en="more"),
    "agree": Text(
        ru="СОВПАДАЕТ: все стороны согласны.",
        uz="MOS: barcha tomonlar bir xil.",
        en="AGREES: all sides say the same.",
    ),
    "differ": Text(ru="РАСХОДИТСЯ", uz="FARQ BOR", en="DIFFERS"),
    "errors": Text(ru="ошибок", uz="xato", en="errors"),
    "warnings": Text(ru="внимание", uz="diqqat", en="warnings"),
}


def run(  # noqa: PLR0913 - the command's options
    *,
    statement: Path | None,
    orders: Path | None,
    receipts: Path | None,
    first: str | None,
    last: str | None,
    field: str | None,
    no_billing: list[str],
    fiscal: bool,
    json: Path | None,
    lang: str,
) -> None:
    """Compare files, print what was found, and end with the code.

    Args:
        statement: What GetStatement answered.
        orders: The shop's orders.
        receipts: What receipts.get_all answered.
        first: The first day, as 2026-11-24; None for everything.
        last: The last day; the first by default.
        field: The account's field that names the order.
        no_billing: Cash desks whose receipts have no transaction.
        fiscal: Whether data for the fiscal receipt are demanded.
        json: Where to write everything for another program; `-` for the output.
        lang: ru, uz or en.
    """
    language = next((known for known in LANGUAGES if known == lang), None)
    if language is None:
        stop(f"--lang must be ru, uz or en, not {lang!r}.")
    if sum(path is not None for path in (statement, orders, receipts)) < 2:
        stop("Give two of --orders, --statement and --receipts at least: there is nothing to compare.")
    now_ms = SystemClock().now_ms()
    period = _period(first, last, now_ms)
    try:
        found = reconcile(
            None if orders is None else read_orders(orders),
            None if statement is None else read_statement(statement),
            None if receipts is None else read_receipts(receipts),
            now_ms=now_ms,
            period=period,
            order_of=field,
            desks_without_billing=no_billing,
            fiscal=fiscal,
            differences_max=_KEPT_MAX,
        )
    except BadFile as error:
        stop(f"{error}.")
    except OSError as error:
        stop(f"There is no room for temporary files ({error.strerror or type(error).__name__}).")
    if json is not None:
        _write(json, found)
    if json is None or str(json) != "-":
        print_reconciliation(out, found, language)
    if not found.agrees:
        raise SystemExit(FINDINGS)


def _period(first: str | None, last: str | None, now_ms: int) -> Period:
    if first is None:
        if last is not None:
            stop("--to needs --from.")
        return Period(0, now_ms)
    try:
        return Period.days(_day(first, "--from"), None if last is None else _day(last, "--to"))
    except ValueError as error:
        stop(f"--from and --to cannot be used: {error}.")


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        _stop_day(option)


def _stop_day(option: str) -> NoReturn:
    stop(f"{option} must be a day such as 2026-11-24.")


def _write(path: Path, found: Reconciliation) -> None:
    written = msgspec.json.format(msgspec.json.encode(found.as_dict()), indent=2).decode()
    if str(path) == "-":
        print(written)  # noqa: T201 - the command's output
        return
    try:
        path.write_text(written + "\n", encoding="utf-8")
    except OSError as error:
        stop(f"{path} cannot be written ({error.strerror or error}).")


def print_reconciliation(console: Console, found: Reconciliation, language: Language) -> None:
    """Print what was found, so that it also reads without colour and at 80 columns.

    Args:
        console: Where to.
        found: What was found.
        language: In which language.
    """
    by_kind: dict[Code, list[Difference]] = {code: [] for code in found.counts}
    for difference in found.differences:
        by_kind[difference.code].append(difference)
    for code, differences in by_kind.items():
        _print_kind(console, found, code, differences, language)
    console.print(_say("net", language), markup=False)
    console.print(_totals(found, language))
    console.print()
    if found.whole.commission_tiyin:
        commission = format_sum(found.whole.commission_tiyin, language)
        console.print(f"{_say('commission', language)}: {commission}", markup=False)
    read = ", ".join(f"{_say(side, language)} {count}" for side, count in found.read.items())
    console.print(f"{_say('read', language)}: {read}", markup=False)
    if found.agrees:
        console.print(_say("agree", language), style="bold green", markup=False)
        return
    errors, warnings = found.count(Severity.ERROR), found.count(Severity.WARNING)
    console.print(
        f"{_say('differ', language)}: {_say('errors', language)}: {errors}, "
        f"{_say('warnings', language)}: {warnings}.",
        style="bold red" if errors else "yellow",
        markup=False,
    )


def _print_kind(
    console: Console,
    found: Reconciliation,
    code: Code,
    differences: list[Difference],
    language: Language,
) -> None:
    kind, count = KINDS[code], found.counts[code]
    head = Styled(f"{kind.severity.text.in_language(language).upper()}  ", style=_STYLES[kind.severity])
    head.append(kind.title.in_language(language), style="not dim bold default")
    money = format_sum(found.sums_tiyin[code], language)
    words = Table.grid(padding=(0, 0, 0, 2))
    words.add_row(Styled(f"{count} · {money} · {code.value}", style="dim"))
    words.add_row(Styled(kind.why.in_language(language)))
    words.add_row(Styled(f"→ {kind.do.in_language(language)}", style="bold"))
    console.print(head)
    console.print(words)
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column(_say("order", language), overflow="fold")
    table.add_column(_say("money", language), justify="right")
    table.add_column(_say("when", language), no_wrap=True)
    table.add_column(_say("id", language), overflow="fold", width=24)
    for difference in differences[:_SHOWN_MAX]:
        order = Styled(_clean(difference.order) or "-")
        if difference.suspected is not None:
            suspected = KINDS[difference.suspected].title.in_language(language)
            order.append(f"\n{_say('would_be', language)}: {suspected}", style="dim")
        amount = Styled(_sums(difference.amount_tiyin))
        table.add_row(
            order, amount, moment_text(difference.time_ms)[:16], Styled(_clean(difference.id) or "-")
        )
    console.print(table)
    if count > min(len(differences), _SHOWN_MAX):
        more = count - min(len(differences), _SHOWN_MAX)
        console.print(f"  … {_say('more', language)} {more} (--json)", style="dim", markup=False)
    console.print()


def _totals(found: Reconciliation, language: Language) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column(_say("day", language), no_wrap=True)
    for side in _SIDES:
        if side in found.read:
            table.add_column(_say(side, language), justify="right")
    table.add_column(_say("apart", language), justify="right")
    for day in found.days:
        table.add_row(day.day or _say("undated", language), *_line(day), style=_style(day))
    table.add_row(_say("whole", language), *_line(found.whole), style="bold")
    return table


def _line(day: DayTotals) -> Iterator[str]:
    for side in (day.orders, day.transactions, day.receipts):
        if isinstance(side, SideTotals):
            yield _sums(side.net_tiyin)
    yield _sums(day.difference_tiyin)


def _style(day: DayTotals) -> str:
    return "yellow" if day.difference_tiyin else ""


def _sums(amount_tiyin: int) -> str:
    """Write sums for a table: no line is broken within, and tiyin are shown where there are some."""
    written = f"{sums_from_tiyin(amount_tiyin):,.2f}".replace(",", "\u00a0")
    return written.removesuffix(".00")


def _clean(text: str) -> str:
    """Return a text of somebody else's without what could steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _say(word: str, language: Language) -> str:
    return _WORDS[word].in_language(language)
