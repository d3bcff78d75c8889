"""GetStatement: all that was created, by Payme's time, within the period, in order."""

from collections.abc import Mapping
from typing import Any, Final

from tiyin.protocol.merchant_api import Reason
from tiyin.protocol.values import FieldError, Text, account_key, read_account
from tiyin.sandbox.checks.kinds_time import (
    STATEMENT_EMPTY,
    STATEMENT_FIELDS,
    STATEMENT_ORDER,
    STATEMENT_OWN_TIME,
    STATEMENT_RANGE,
)
from tiyin.sandbox.checks.scenario import cancelled_after_perform
from tiyin.sandbox.expect import result_of
from tiyin.sandbox.problems import Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import Created, cancel, create, perform
from tiyin.sandbox.talk import Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_PAGE: Final = "merchant-api/GetStatement"
_REASON_REFUND: Final = Reason.REFUND
_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60_000
_YEAR_MS: Final = 366 * 86_400_000
_FUTURE_MS: Final = 300 * 86_400_000


@check(
    CHECKS,
    "statement.fields",
    _PAGE,
    Text(
        ru="Выписка содержит транзакцию со всеми полями",
        uz="Koʻchirmada tranzaksiya barcha maydonlari bilan bor",
        en="The statement holds a transaction with all its fields",
    ),
    needs=("create.good",),
    fresh=1,
)
async def fields(talk: Talk) -> None:
    """Goal: a row tells what the calls told, in state 1 and in state -1."""
    made = await create(talk, await talk.account())
    _compare(await _row(talk, made), made, state=1)
    cancelled = await cancel(talk, made)
    _compare(await _row(talk, made), made, state=-1, cancelled=cancelled, reason=3)


@check(
    CHECKS,
    "statement.performed",
    _PAGE,
    Text(
        ru="Проведённая и возвращённая транзакции есть в выписке",
        uz="Oʻtkazilgan va puli qaytarilgan tranzaksiyalar koʻchirmada bor",
        en="What was performed and what was refunded stand in the statement",
    ),
    needs=("create.good", "perform.good"),
    fresh=1,
)
async def performed(talk: Talk) -> None:
    """Goal: the rows that money is reconciled by: state 2 and -2, with their times."""
    made = await create(talk, await talk.account())
    told = await perform(talk, made)
    _compare(await _row(talk, made), made, state=2, performed=told)
    cancelled = await cancelled_after_perform(talk, made)
    row = await _row(talk, made)
    _compare(row, made, state=-2, performed=told, cancelled=cancelled, reason=_REASON_REFUND)


@check(
    CHECKS,
    "statement.range",
    _PAGE,
    Text(
        ru="Период считается по time и включает оба конца",
        uz="Davr time boʻyicha va ikkala chegarani oʻz ichiga oladi",
        en="The period goes by time and includes both its ends",
    ),
    needs=("create.good",),
    fresh=1,
)
async def period(talk: Talk) -> None:
    """Method: a transaction that Payme made ten minutes ago is asked for by that very millisecond."""
    time_ms = talk.now_ms() - 10 * _MINUTE_MS
    made = await create(talk, await talk.account(), time_ms=time_ms)
    if not await _holds(talk, made, time_ms, time_ms):
        own_ms = int(made.result["create_time"])
        if await _holds(talk, made, own_ms - _SECOND_MS, own_ms + _SECOND_MS):
            raise Wrong(
                STATEMENT_OWN_TIME,
                expected=f"the transaction in [{time_ms}, {time_ms}], its time",
                got="it is found by create_time",
            )
        near = await _holds(talk, made, time_ms - _SECOND_MS, time_ms + _SECOND_MS)
        raise Wrong(
            STATEMENT_RANGE if near else STATEMENT_EMPTY,
            expected=f"the transaction in [{time_ms}, {time_ms}], its time",
            got="it is left out",
        )
    for from_ms, to_ms in ((time_ms + 1, time_ms + 2), (time_ms - 2, time_ms - 1)):
        if await _holds(talk, made, from_ms, to_ms):
            raise Wrong(
                STATEMENT_RANGE,
                expected=f"nothing of time {time_ms} in [{from_ms}, {to_ms}]",
                got="the transaction",
            )
    await cancel(talk, made)


@check(
    CHECKS,
    "statement.order",
    _PAGE,
    Text(
        ru="Записи идут по возрастанию time",
        uz="Yozuvlar time oʻsishi boʻyicha",
        en="Rows are in ascending order of time",
    ),
    needs=("create.good", "create.after-cancel"),
    fresh=1,
)
async def order(talk: Talk) -> None:
    """Method: three transactions that Payme made in another order than they arrive in."""
    account = await talk.account()
    now_ms = talk.now_ms()
    made = []
    for minutes in (3, 1, 2):
        made.append(await create(talk, account, time_ms=now_ms - minutes * _MINUTE_MS))
        await cancel(talk, made[-1])
    rows = await _statement(talk, now_ms - 4 * _MINUTE_MS, now_ms)
    # A list and not a set: what stands as an id in a row may be anything.
    wanted = [one.id for one in made]
    found = [row.get("time") for row in rows if row.get("id") in wanted]
    if len(found) < len(made):
        raise Wrong(STATEMENT_EMPTY, expected="three transactions, cancelled ones too", got=f"{len(found)}")
    right = sorted(one.params["time"] for one in made)
    if found != right:
        raise Wrong(STATEMENT_ORDER, expected=f"time {right}", got=f"time {found}")


@check(
    CHECKS,
    "statement.empty",
    _PAGE,
    Text(
        ru="Пустой период: пустой список",
        uz="Boʻsh davr: boʻsh roʻyxat",
        en="An empty period: an empty list",
    ),
)
async def empty(talk: Talk) -> None:
    """Goal: a period in which nothing can be is a list without rows, and no error."""
    from_ms = talk.now_ms() + _FUTURE_MS
    rows = await _statement(talk, from_ms, from_ms + _MINUTE_MS)
    if rows:
        raise Wrong(STATEMENT_RANGE, expected="transactions []", got=f"{len(rows)} transactions")


@check(
    CHECKS,
    "statement.big",
    _PAGE,
    Text(
        ru="Выписка за год отвечена вовремя",
        uz="Yillik koʻchirmaga oʻz vaqtida javob beriladi",
        en="A statement of a year is answered in time",
    ),
    needs=("create.good",),
)
async def big(talk: Talk) -> None:
    """Goal: a long period is read whole, and ascends by time."""
    rows = await _statement(talk, talk.now_ms() - _YEAR_MS, talk.now_ms() + _MINUTE_MS)
    times = [time for row in rows if isinstance(time := row.get("time"), int)]
    if len(times) < len(rows):
        raise Wrong(STATEMENT_FIELDS, expected="time in every row", got="a row without it")
    if times != sorted(times):
        raise Wrong(STATEMENT_ORDER, expected="time ascending", got="another order")


async def _statement(talk: Talk, from_ms: int, to_ms: int) -> list[Mapping[str, Any]]:
    """Ask for a period's rows; each is an object."""
    reply = await talk.call("GetStatement", {"from": from_ms, "to": to_ms})
    result = result_of(reply, STATEMENT_EMPTY, expected="result.transactions")
    rows = result.get("transactions")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Wrong(STATEMENT_FIELDS, expected="transactions, a list of objects", got=reply.told())
    return rows


async def _holds(talk: Talk, made: Created, from_ms: int, to_ms: int) -> bool:
    return any(row.get("id") == made.id for row in await _statement(talk, from_ms, to_ms))


async def _row(talk: Talk, made: Created) -> Mapping[str, Any]:
    """Find a transaction's row in a period that surely holds it, by whichever time."""
    times = (int(made.params["time"]), int(made.result["create_time"]))
    rows = await _statement(talk, min(times) - _SECOND_MS, max(times) + _SECOND_MS)
    found = [row for row in rows if row.get("id") == made.id]
    if not found:
        raise Wrong(STATEMENT_EMPTY, expected=f"the transaction {made.id}", got=f"{len(rows)} other rows")
    if len(found) > 1:
        raise Wrong(STATEMENT_FIELDS, expected="one row a transaction", got=f"{len(found)} rows")
    return found[0]


def _compare(
    row: Mapping[str, Any],
    made: Created,
    *,
    state: int,
    performed: Mapping[str, Any] | None = None,
    cancelled: Mapping[str, Any] | None = None,
    reason: int | None = None,
) -> None:
    """Compare a row with what the calls told. A time of null and a missing reason are told elsewhere."""
    expected = {
        "time": made.params["time"],
        "amount": made.params["amount"],
        "create_time": made.result["create_time"],
        "perform_time": (performed or {}).get("perform_time", 0),
        "cancel_time": (cancelled or {}).get("cancel_time", 0),
        "state": state,
        "reason": reason or 0,
    }
    for name, value in expected.items():
        if (row.get(name) or 0) != value:
            raise Wrong(STATEMENT_FIELDS, expected=f"{name} {value}", got=f"{name} {row.get(name)!r}")
    if str(row.get("transaction")) != str(made.result["transaction"]):
        raise Wrong(
            STATEMENT_FIELDS,
            expected=f"transaction {made.result['transaction']!r}",
            got=f"transaction {row.get('transaction')!r}",
        )
    try:
        account = account_key(read_account(row.get("account")))
    except FieldError:
        account = ""
    if account != account_key(made.params["account"]):
        raise Wrong(STATEMENT_FIELDS, expected="the account as it was sent", got="another account")
