"""What checks expect of a reply: each helper returns what was asked for, or raises the problem."""

from collections.abc import Collection
from typing import Any, Final

from tiyin.protocol.values import Text
from tiyin.sandbox.problems import Kind, Severity, Wrong, kind
from tiyin.sandbox.talk import Reply

__all__ = [
    "ACCOUNT_CODES",
    "AUTHORIZATION_RIGHT_REFUSED",
    "code_of",
    "expected_codes",
    "has_failed",
    "is_refused_with",
    "is_success",
    "result_of",
    "value_of",
]

ACCOUNT_CODES: Final = range(-31099, -31049)
"""The codes for what the payer typed as the account."""
_NO_PRIVILEGES: Final = -32504

AUTHORIZATION_RIGHT_REFUSED: Final = kind(
    "authorization-right-refused",
    Severity.FAIL,
    "merchant-api/interaction",
    title=Text(
        ru="Верный ключ отклонён",
        uz="Toʻgʻri kalit rad etildi",
        en="The right key is refused",
    ),
    why=Text(
        ru="На запрос с верным логином и ключом пришла ошибка -32504: ни один платёж не пройдёт.",
        uz="Toʻgʻri login va kalitli soʻrovga -32504 xatosi keldi: birorta toʻlov ham oʻtmaydi.",
        en="A request with the right login and key was answered -32504, so no payment goes through.",
    ),
    mend=Text(
        ru="В песочнице действует TEST_KEY, на рабочем сервере key. Делите «логин:ключ» по первому двоеточию "
        "и проверьте, что веб-сервер передаёт заголовок Authorization.",
        uz="Sinov muhitida TEST_KEY, ishchi serverda key amal qiladi. «login:kalit»ni birinchi ikki nuqta "
        "boʻyicha boʻling va veb-server Authorization sarlavhasini uzatishini tekshiring.",
        en="The sandbox uses TEST_KEY, the live server key. Split `login:key` at its first colon, and see "
        "that the web server passes the Authorization header on.",
    ),
)
"""Raised by the helpers here for any call that should not have been answered -32504."""


def is_success(reply: Reply) -> bool:
    """Tell whether a method was carried out: there is a result, and no error with a code beside it."""
    return reply.result is not None and not reply.code


def has_failed(reply: Reply) -> bool:
    """Tell whether an error was told, in whatever shape."""
    return bool((reply.body or {}).get("error"))


def is_refused_with(reply: Reply, codes: Collection[int]) -> bool:
    """Tell whether a method was refused with one of the codes."""
    return reply.code is not None and reply.code in codes


def expected_codes(codes: Collection[int]) -> str:
    """Write codes as findings show them: `error.code -31008`, `error.code -31050..-31099`."""
    words = [str(code) for code in sorted(set(codes) - set(ACCOUNT_CODES), reverse=True)]
    if set(codes) >= set(ACCOUNT_CODES):
        words.insert(0, f"{ACCOUNT_CODES[-1]}..{ACCOUNT_CODES[0]}")
    else:
        words += [str(code) for code in sorted(set(codes) & set(ACCOUNT_CODES), reverse=True)]
    return f"error.code {' or '.join(words)}"


def result_of(reply: Reply, kind: Kind, *, expected: str = "result") -> dict[str, Any]:
    """Return the result of a method that must be carried out.

    Args:
        reply: What was answered.
        kind: What it is when there is no result.
        expected: What should have come, in technical words.

    Raises:
        Wrong: If there is no result, or an error beside it.
    """
    _look_for_authorization(reply, expected)
    if reply.result is None or not is_success(reply):
        raise Wrong(kind, expected=expected, got=reply.told())
    return reply.result


def code_of(reply: Reply, codes: Collection[int], kind: Kind, *, accepted: Kind | None = None) -> int:
    """Return the code of a call that must be refused.

    Args:
        reply: What was answered.
        codes: The codes that are right.
        kind: What it is when another code came.
        accepted: What it is when the call was carried out; `kind` by default.

    Raises:
        Wrong: If the call was carried out, or refused with another code.
    """
    if reply.code is not None and reply.code in codes:
        return reply.code
    _look_for_authorization(reply, expected_codes(codes))
    wrong = accepted if accepted is not None and is_success(reply) else kind
    raise Wrong(wrong, expected=expected_codes(codes), got=reply.told())


def value_of(reply: Reply, name: str, expected: object, kind: Kind) -> object:
    """Return a field of the result that must hold a value; `True` and `1` are not one.

    Args:
        reply: What was answered.
        name: The field's name.
        expected: What it must hold.
        kind: What it is when it does not.

    Raises:
        Wrong: If there is no result, or the field holds something else.
    """
    result = result_of(reply, kind, expected=f"{name} {expected!r}")
    if name not in result:
        raise Wrong(kind, expected=f"{name} {expected!r}", got=f"no {name}")
    value: object = result[name]
    if value != expected or isinstance(value, bool) is not isinstance(expected, bool):
        raise Wrong(kind, expected=f"{name} {expected!r}", got=f"{name} {value!r}")
    return value


def _look_for_authorization(reply: Reply, expected: str) -> None:
    if reply.code == _NO_PRIVILEGES:
        raise Wrong(AUTHORIZATION_RIGHT_REFUSED, expected=expected, got=reply.told())
