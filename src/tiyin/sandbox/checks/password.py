"""ChangePassword: the new key works, the old one ends when the new one was used; then all is put back."""

from typing import Final

from tiyin.protocol.authorization import write_basic
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.fiscal import NOT_IMPLEMENTED
from tiyin.sandbox.checks.kinds_races import (
    PASSWORD_NOT_CHANGED,
    PASSWORD_NOT_PUT_BACK,
    PASSWORD_REFUSED,
)
from tiyin.sandbox.expect import is_success
from tiyin.sandbox.problems import Kind, Skip, Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.talk import Reply, Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_METHOD_NOT_FOUND: Final = -32601
_NO_PRIVILEGES: Final = -32504
_TRIES: Final = 3
_BETWEEN_S: Final = 0.5
_SAME_BACKWARDS: Final = Text(
    ru="Ключ одинаков в обе стороны: вторым ключом служит он же задом наперёд",
    uz="Kalit ikki tomondan bir xil: ikkinchi kalit uning teskari yozilgani boʻladi",
    en="The key reads the same backwards, and the second key is the key written backwards",
)
_NOT_ASKED: Final = Text(
    ru="Ключ меняется только по вашей просьбе (--change-password)",
    uz="Kalit faqat siz soʻraganda almashtiriladi (--change-password)",
    en="The key is changed only where you ask for it (--change-password)",
)


@check(
    CHECKS,
    "password.change",
    "merchant-api/interaction",
    Text(
        ru="Новый ключ действует, старый снят, прежний возвращён",
        uz="Yangi kalit ishlaydi, eskisi olib tashlangan, avvalgisi qaytarilgan",
        en="The new key works, the old one is retired, the first one put back",
    ),
    needs=("check.good",),
    alone=True,
)
async def change(talk: Talk) -> None:
    """Goal: a key can be changed without a moment in which nobody is let in. It runs as the last."""
    if not talk.target.change_password:
        raise Skip(_NOT_ASKED)
    target = talk.target
    # Whoever is locked out by a server that does not take its key back must be able to get in again: the
    # other key is the key itself, written backwards.
    fresh = target.key[::-1]
    if fresh == target.key:
        raise Skip(_SAME_BACKWARDS)
    reply = await talk.call("ChangePassword", {"password": fresh})
    if reply.code == _METHOD_NOT_FOUND:
        raise Skip(NOT_IMPLEMENTED)
    _succeeded(reply, PASSWORD_REFUSED)
    authorization = write_basic(target.login, fresh)
    try:
        used = await _check(talk, authorization)
        if used.code == _NO_PRIVILEGES:
            raise Wrong(PASSWORD_NOT_CHANGED, expected="the new key is let in", got=used.told())
        old = await _check(talk, write_basic(target.login, target.key))
        if old.code != _NO_PRIVILEGES:
            raise Wrong(
                PASSWORD_NOT_CHANGED,
                expected=f"error.code {_NO_PRIVILEGES} for the old key once the new one was used",
                got=old.told(),
            )
    finally:
        await _put_back(talk, authorization)
    again = await _check(talk, write_basic(target.login, target.key))
    if again.code == _NO_PRIVILEGES:
        raise Wrong(PASSWORD_NOT_CHANGED, expected="the first key is let in again", got=again.told())


async def _put_back(talk: Talk, authorization: str) -> None:
    """Give the server its first key again, in several tries: a server without it lets nobody in."""
    for _ in range(_TRIES):
        try:
            back = await talk.call(
                "ChangePassword", {"password": talk.target.key}, authorization=authorization
            )
        except Wrong as wrong:
            got = wrong.problem.got
        else:
            got = back.told()
            if is_success(back) or back.code == _NO_PRIVILEGES:
                # Without privileges the new key was never taken, and the first one stands.
                return
        await talk.sleep(_BETWEEN_S)
    raise Wrong(PASSWORD_NOT_PUT_BACK, expected="success true", got=got)


async def _check(talk: Talk, authorization: str) -> Reply:
    # Whatever is answered, -32504 alone says that the key was not good; nothing is changed by asking.
    return await talk.call("CheckTransaction", {"id": talk.new_id()}, authorization=authorization)


def _succeeded(reply: Reply, wrong: Kind) -> None:
    if not is_success(reply) or (reply.result or {}).get("success") is not True:
        raise Wrong(wrong, expected="success true", got=reply.told())
