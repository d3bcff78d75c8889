"""What the checks of bad input share: how an answer to it is judged, and input that is surely bad."""

import string
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from tiyin.protocol.merchant_api import Reason
from tiyin.protocol.values import Text
from tiyin.sandbox.expect import code_of, expected_codes, is_success
from tiyin.sandbox.problems import Kind, Severity, Wrong, kind
from tiyin.sandbox.talk import Reply, Talk
from tiyin.sandbox.transport import ANSWER_NOT_JSON, HTTP_STATUS, problem_of

__all__ = [
    "BY_TRANSPORT",
    "INTERNAL",
    "AccountFields",
    "borrowed",
    "call_badly",
    "cancel_quietly",
    "chance",
    "create_params",
    "not_existing",
    "refused",
]

AccountFields = dict[str, str | int]

BY_TRANSPORT: Final = (
    "endpoint-unreachable",
    "endpoint-slow",
    "endpoint-closes",
    "endpoint-not-http",
    "endpoint-endless",
    "endpoint-redirects",
    "answer-not-json",
    "http-status",
)
"""What is wrong below the protocol explains whatever is wrong above it."""

INTERNAL: Final = kind(
    "internal-error-on-bad-input",
    Severity.FAIL,
    "merchant-api/common-errors",
    title=Text(
        ru="На неверные данные сервер ответил сбоем",
        uz="Notoʻgʻri maʼlumotga server nosozlik bilan javob berdi",
        en="Bad input was answered with a breakdown",
    ),
    why=Text(
        ru="-32400 и HTTP 500 означают отказ базы или файловой системы: Payme Business повторит запрос "
        "позже, "
        "а плательщик не узнает, что исправить.",
        uz="-32400 va HTTP 500 baza yoki fayl tizimi ishdan chiqqanini bildiradi: Payme Business soʻrovni "
        "keyinroq takrorlaydi, toʻlovchi esa nimani tuzatishni bilmaydi.",
        en="-32400 and HTTP 500 mean that a database or file system failed: Payme Business asks again later, "
        "and the payer does not learn what to correct.",
    ),
    mend=Text(
        ru="Проверьте типы и значения полей до работы с базой и верните код, который описан для этой ошибки.",
        uz="Bazaga murojaat qilishdan oldin maydonlar turi va qiymatini tekshiring va shu xato uchun "
        "hujjatdagi kodni qaytaring.",
        en="Check types and values before the database is asked, and return the code documented for the "
        "error.",
    ),
    explained_by=BY_TRANSPORT,
)

_INTERNAL_CODE: Final = -32400
_SERVER_ERRORS: Final = range(500, 600)
_REASON_FAILED: Final = Reason.EXECUTION_FAILED
_FIRST_NUMBER: Final = 2_100_000_000
_NUMBERS: Final = 47_000_000
"""With the first one, numbers of ten digits that still fit in 32 bits: no shop has so many orders."""
_SURE_LENGTH: Final = 12


def refused(
    reply: Reply, codes: Collection[int], wrong: Kind, *, what: str = "", accepted: Kind | None = None
) -> int:
    """Return the code of a request that must be refused, however badly it was answered.

    Args:
        reply: What was answered.
        codes: The codes that are right.
        wrong: What it is when something else came.
        what: What was sent, in technical words.
        accepted: What it is when the request was served; `wrong` by default.

    Raises:
        Wrong: If it was not refused so.
    """
    answer = reply.exchange.answer
    if answer is None:
        raise problem_of(reply) or Wrong(wrong, expected=expected_codes(codes), got=reply.told())
    broke = reply.code == _INTERNAL_CODE or answer.status in _SERVER_ERRORS
    try:
        return code_of(reply, codes, INTERNAL if broke else wrong, accepted=accepted)
    except Wrong as error:
        raise _named(error, what) from None


async def call_badly(
    talk: Talk,
    method: str,
    params: Mapping[str, Any],
    codes: Collection[int],
    wrong: Kind,
    *,
    what: str = "",
    accepted: Kind | None = None,
) -> int:
    """Call a method with bad parameters, and return the code that it is refused with.

    Args:
        talk: The check's conversation.
        method: The method's name.
        params: The parameters.
        codes: The codes that are right.
        wrong: What it is when something else came.
        what: What is bad in them, in technical words.
        accepted: What it is when the call was served; `wrong` by default.

    Raises:
        Wrong: If it was not refused so.
    """
    try:
        reply = await talk.call(method, params)
    except Wrong as error:
        answered = error.problem.kind in (HTTP_STATUS, ANSWER_NOT_JSON)
        if not answered:
            raise
        raise Wrong(INTERNAL, expected=_told(expected_codes(codes), what), got=error.problem.got) from None
    try:
        return refused(reply, codes, wrong, what=what, accepted=accepted)
    except Wrong:
        if method == "CreateTransaction" and is_success(reply):
            await cancel_quietly(talk, params.get("id"))
        raise


async def cancel_quietly(talk: Talk, transaction: object) -> None:
    """Cancel what should never have been created, so that it blocks nothing; it is no check of cancelling."""
    try:
        await talk.call("CancelTransaction", {"id": transaction, "reason": _REASON_FAILED})
    except Wrong:
        return


@asynccontextmanager
async def borrowed(talk: Talk) -> AsyncIterator[AccountFields]:
    """Lend a payable account to a check that does not pay it; given back unless a problem was found."""
    account = await talk.account()
    yield account
    talk.give_back(account)


def create_params(talk: Talk, account: Mapping[str, Any], amount: Any) -> dict[str, Any]:
    """Write the parameters of a CreateTransaction that is made now."""
    return {"id": talk.new_id(), "time": talk.now_ms(), "amount": amount, "account": dict(account)}


def chance(talk: Talk) -> int:
    """Return a number of 48 bits that nobody can foretell."""
    return int(talk.new_id(), 16) & ((1 << 48) - 1)


def not_existing(talk: Talk, account: Mapping[str, str | int]) -> AccountFields:
    """Make an account like the given one, of the same types and shape, that surely does not exist.

    Args:
        talk: The check's conversation.
        account: An account that exists.
    """
    return {name: _another(talk, value) for name, value in account.items()}


def _another(talk: Talk, value: str | int) -> str | int:
    number = _FIRST_NUMBER + chance(talk) % _NUMBERS
    if isinstance(value, int):
        return number
    if value.isdecimal() or not value:
        return str(number)
    source = chance(talk) * (1 << 48) + chance(talk)
    made = []
    hexadecimal = all(letter in string.hexdigits for letter in value if letter.isalnum())
    for letter in value:
        choice = _alphabet(letter, hexadecimal=hexadecimal)
        source, index = divmod(source, len(choice)) if source else (0, 0)
        made.append(choice[index])
    text = "".join(made)
    changed = sum(letter.isalnum() for letter in text)
    return text if changed >= _SURE_LENGTH else f"{text}{number}"


def _alphabet(letter: str, *, hexadecimal: bool) -> str:
    """List what may stand in a letter's place: of its sort, and never itself."""
    if letter in string.digits:
        return string.digits.replace(letter, "")
    if letter in string.ascii_letters:
        letters = "abcdef" if hexadecimal else string.ascii_lowercase
        return (letters if letter.islower() else letters.upper()).replace(letter, "")
    return letter


def _named(error: Wrong, what: str) -> Wrong:
    problem = error.problem
    return Wrong(problem.kind, expected=_told(problem.expected, what), got=problem.got)


def _told(expected: str, what: str) -> str:
    return f"{expected} ({what})" if what else expected
