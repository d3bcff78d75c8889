"""ChangePassword: the new key works, the old one ends when the new one was used; then all is put back."""

from typing import Final

from tiyin.protocol.authorization import write_basic
from tiyin.protocol.values import Text
from tiyin.runtime.ids import new_key
from tiyin.sandbox.checks.fiscal import NOT_IMPLEMENTED
from tiyin.sandbox.checks.kinds_races import PASSWORD_NOT_CHANGED, PASSWORD_REFUSED
from tiyin.sandbox.expect import is_success
from tiyin.sandbox.problems import Kind, Skip, Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.talk import Reply, Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_METHOD_NOT_FOUND: Final = -32601
_NO_PRIVILEGES: Final = -32504
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
    fresh = new_key()
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
        back = await talk.call("ChangePassword", {"password": target.key}, authorization=authorization)
    _succeeded(back, PASSWORD_REFUSED)
    again = await _check(talk, write_basic(target.login, target.key))
    if again.code == _NO_PRIVILEGES:
        raise Wrong(PASSWORD_NOT_CHANGED, expected="the first key is let in again", got=again.told())


async def _check(talk: Talk, authorization: str) -> Reply:
    # Whatever is answered, -32504 alone says that the key was not good; nothing is changed by asking.
    return await talk.call("CheckTransaction", {"id": talk.new_id()}, authorization=authorization)


def _succeeded(reply: Reply, wrong: Kind) -> None:
    if not is_success(reply) or (reply.result or {}).get("success") is not True:
        raise Wrong(wrong, expected="success true", got=reply.told())
