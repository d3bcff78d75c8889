"""What is loose in the answers of a whole run, whatever was asked: each thing is told once."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tiyin.protocol.values import LANGUAGES, Text
from tiyin.sandbox.envelope_kinds import (
    CONNECTION_CLOSED,
    CONTENT_TYPE,
    ERROR_BESIDE_RESULT,
    ID_DIFFERS,
    ID_MISSING,
    MESSAGE_NOT_LOCALIZED,
    REASON_MISSING,
    RESULT_AND_ERROR,
    RESULT_BESIDE_ERROR,
    TIME_NULL,
    TRANSACTION_NOT_STRING,
)
from tiyin.sandbox.exchange import Answer, Exchange
from tiyin.sandbox.problems import Kind, Problem
from tiyin.sandbox.registry import Check
from tiyin.sandbox.talk import Reply, Talk
from tiyin.sandbox.transport import HTTP_STATUS, NEITHER

__all__ = ["CHECKS", "IDS", "Looks", "problems_in"]

_FORMAT: Final = "merchant-api/response-format"
_ERRORS: Final = "merchant-api/errors"
_TYPES: Final = "merchant-api/data-types"
_OK: Final = 200

Found = Iterator[tuple[Kind, str, str]]
_WITHOUT_LANGUAGES: Final = frozenset(("SetFiscalData",))
"""Methods whose errors carry a plain string by the documentation."""


def problems_in(reply: Reply, answer: Answer, asked: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Tell what is loose or wrong in the form of an answer; nothing where it is no JSON object.

    Args:
        reply: The answer, read.
        answer: The answer as it came.
        asked: The request's JSON object.

    Documentation: merchant-api/response-format
    """
    body = reply.body
    if body is None:
        return ()
    found: list[tuple[Kind, str, str]] = []
    for look in _LOOKS:
        found += look(body, answer, asked)
    return tuple(Problem(*one) for one in found)


def _status(body: dict[str, Any], answer: Answer, asked: Mapping[str, Any]) -> Found:
    del body, asked
    if answer.status != _OK:
        yield HTTP_STATUS, "HTTP 200", f"HTTP {answer.status}"


def _id(body: dict[str, Any], answer: Answer, asked: Mapping[str, Any]) -> Found:
    del answer
    sent = asked.get("id")
    if sent is None:
        return
    came = body.get("id")
    if came is None:
        yield ID_MISSING, f"id {_shown(sent)}", "id null" if "id" in body else "no id"
    elif isinstance(came, bool) or came != sent:
        yield ID_DIFFERS, f"id {_shown(sent)}", f"id {_shown(came)}"


def _result_or_error(body: dict[str, Any], answer: Answer, asked: Mapping[str, Any]) -> Found:
    del answer, asked
    has_result, has_error = body.get("result") is not None, body.get("error") is not None
    if has_result and has_error:
        yield RESULT_AND_ERROR, "result or error", "result and error"
    elif has_result and "error" in body:
        yield ERROR_BESIDE_RESULT, "result, no error", "result, error null"
    elif has_error and "result" in body:
        yield RESULT_BESIDE_ERROR, "error, no result", "error, result null"
    elif not has_result and not has_error:
        yield NEITHER, "result or error", "neither"


def _message(body: dict[str, Any], answer: Answer, asked: Mapping[str, Any]) -> Found:
    del answer
    error = body.get("error")
    if not isinstance(error, dict) or asked.get("method") in _WITHOUT_LANGUAGES:
        return
    message = error.get("message")
    if isinstance(message, dict):
        missing = [language for language in LANGUAGES if not isinstance(message.get(language), str)]
        if not missing:
            return
        got = f"error.message without {', '.join(missing)}"
    elif message is None:
        got = "error without a message"
    else:
        got = f"error.message {_shown(message)}"
    yield MESSAGE_NOT_LOCALIZED, "error.message {ru, uz, en}", got


def _content_type(body: dict[str, Any], answer: Answer, asked: Mapping[str, Any]) -> Found:
    del body, asked
    given = answer.header("content-type")
    if given is None or "json" not in given.lower():
        yield CONTENT_TYPE, "Content-Type: application/json", f"Content-Type: {given or 'none'}"


def _transaction(body: dict[str, Any], answer: Answer, asked: Mapping[str, Any]) -> Found:
    del answer
    for result in _transactions(body, asked):
        number = result.get("transaction")
        if isinstance(number, int | float):
            yield TRANSACTION_NOT_STRING, "transaction: a string", f"transaction {_shown(number)}"
            return


def _times(body: dict[str, Any], answer: Answer, asked: Mapping[str, Any]) -> Found:
    del answer
    if asked.get("method") not in ("CheckTransaction", "GetStatement"):
        return
    for result in _transactions(body, asked):
        for name in ("perform_time", "cancel_time"):
            if result.get(name) is None:
                got = f"{name} null" if name in result else f"no {name}"
                yield TIME_NULL, f"{name} 0", got
                break
        if "reason" not in result:
            yield REASON_MISSING, "reason null", "no reason"


def _connection(body: dict[str, Any], answer: Answer, asked: Mapping[str, Any]) -> Found:
    del body, asked
    if "close" in (answer.header("connection") or "").lower():
        yield CONNECTION_CLOSED, "a connection that is kept", "Connection: close"


def _transactions(body: dict[str, Any], asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return what stands in the result for transactions: the result itself, or a statement's rows."""
    result = body.get("result")
    if not isinstance(result, dict):
        return
    if asked.get("method") != "GetStatement":
        yield result
        return
    rows = result.get("transactions")
    yield from (row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict))


def _shown(value: object) -> str:
    # Whole: it is cut short only after secrets are hidden in it.
    return json.dumps(value, ensure_ascii=False)


_LOOKS: Final = (
    _status,
    _id,
    _result_or_error,
    _message,
    _content_type,
    _transaction,
    _times,
    _connection,
)


async def _looked_at_later(talk: Talk) -> None:
    """Do nothing: the runner looks at the answers of all checks when these have ended."""
    del talk


def _look(id_: str, page: str, title: Text) -> Check:
    return Check(id=id_, title=title, page=page, body=_looked_at_later)


_KINDS_OF: Final[dict[str, frozenset[Kind]]] = {
    "envelope.answer-status": frozenset((HTTP_STATUS,)),
    "envelope.answer-id": frozenset((ID_DIFFERS, ID_MISSING)),
    "envelope.answer-shape": frozenset((ERROR_BESIDE_RESULT, RESULT_AND_ERROR, RESULT_BESIDE_ERROR, NEITHER)),
    "envelope.answer-message": frozenset((MESSAGE_NOT_LOCALIZED,)),
    "envelope.answer-content-type": frozenset((CONTENT_TYPE,)),
    "envelope.answer-transaction": frozenset((TRANSACTION_NOT_STRING,)),
    "envelope.answer-times": frozenset((TIME_NULL, REASON_MISSING)),
    "transport.connection": frozenset((CONNECTION_CLOSED,)),
}
CHECKS: Final[tuple[Check, ...]] = (
    _look(
        "envelope.answer-status",
        _FORMAT,
        Text(
            ru="Каждый ответ со статусом HTTP 200",
            uz="Har bir javob HTTP 200 holatida",
            en="Every answer has HTTP status 200",
        ),
    ),
    _look(
        "envelope.answer-id",
        _FORMAT,
        Text(
            ru="Ответ повторяет id запроса", uz="Javob soʻrov id sini takrorlaydi", en="Answers repeat the id"
        ),
    ),
    _look(
        "envelope.answer-shape",
        _FORMAT,
        Text(
            ru="В ответе либо result, либо error",
            uz="Javobda yoki result, yoki error",
            en="An answer has either a result or an error",
        ),
    ),
    _look(
        "envelope.answer-message",
        _ERRORS,
        Text(
            ru="Сообщения ошибок на трёх языках",
            uz="Xato xabarlari uch tilda",
            en="Errors' messages are in three languages",
        ),
    ),
    _look(
        "envelope.answer-content-type",
        _FORMAT,
        Text(
            ru="Content-Type ответа — JSON",
            uz="Javobning Content-Type turi — JSON",
            en="The answer's Content-Type is JSON",
        ),
    ),
    _look(
        "envelope.answer-transaction",
        _TYPES,
        Text(ru="transaction — строка", uz="transaction — satr", en="transaction is a string"),
    ),
    _look(
        "envelope.answer-times",
        "merchant-api/CheckTransaction",
        Text(
            ru="Ненаступившие времена равны 0, причина null",
            uz="Hali kelmagan vaqtlar 0, sabab null",
            en="Times that have not come are 0, the reason null",
        ),
    ),
    _look(
        "transport.connection",
        "merchant-api/interaction",
        Text(
            ru="Соединение остаётся открытым",
            uz="Ulanish ochiq qoladi",
            en="The connection is kept open",
        ),
    ),
)
"""These look at the answers of all other checks, and run last."""
IDS: Final = frozenset(check.id for check in CHECKS)


class Looks:
    """The first exchange of a run that offends, for each kind."""

    def __init__(self) -> None:
        self.replies = 0
        self._first: dict[Kind, tuple[Problem, Exchange]] = {}

    def look(
        self, reply: Reply, answer: Answer, asked: Mapping[str, Any], *, hide: Callable[[str], str]
    ) -> None:
        """Look at one answer.

        Args:
            reply: The answer, read.
            answer: The answer as it came.
            asked: The request's JSON object.
            hide: Hides what may not be shown.
        """
        if reply.body is None:
            return
        self.replies += 1
        for problem in problems_in(reply, answer, asked):
            if problem.kind not in self._first:
                shown = Problem(problem.kind, hide(problem.expected), hide(problem.got))
                self._first[problem.kind] = (shown, reply.exchange)

    def problems_of(self, check_id: str) -> tuple[tuple[Problem, Exchange], ...]:
        """Return what one of the checks here has found.

        Args:
            check_id: Its id.
        """
        kinds = _KINDS_OF[check_id]
        return tuple(found for kind, found in self._first.items() if kind in kinds)
