"""Authorization: the right key opens, everything else is refused with -32504."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from tiyin.protocol.authorization import write_basic
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.bad_input import BY_TRANSPORT, borrowed, cancel_quietly, chance, create_params
from tiyin.sandbox.expect import AUTHORIZATION_RIGHT_REFUSED, is_success
from tiyin.sandbox.problems import Kind, Severity, Wrong, kind
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.talk import Reply, Talk

__all__ = ["CHECKS", "NO_PRIVILEGES", "SANDBOX_WRONG"]

CHECKS: Final[list[Check]] = []
NO_PRIVILEGES: Final = -32504
SANDBOX_WRONG: Final = "Basic UGF5Y29tOlV6Y2FyZDpzb21lUmFuZG9tU3RyaW5nMTU0NTM0MzU0MzU0NQ=="
"""What Payme's own sandbox sends; its password holds a colon."""

_PAGE: Final = "merchant-api/interaction"
_UNKNOWN_METHOD: Final = -32601
_OWN_CODES: Final = frozenset({-31003, -31007, -31008, -32001, -32602})
"""What only a method itself answers: who hears it was let through."""
_NEEDS: Final = ("authorization.right",)
_EXPECTED: Final = "error.code -32504"
_WHY: Final = Text(
    ru="Любой сможет узнавать о заказах и отмечать их оплаченными без денег.",
    uz="Istalgan kishi buyurtmalar haqida bilib, ularni pulsiz toʻlangan deb belgilay oladi.",
    en="Anybody can learn of orders, and mark them paid without money.",
)
_MEND: Final = Text(
    ru="До любой работы сравните логин и ключ целиком с вашими; иначе верните -32504.",
    uz="Har qanday ishdan oldin login va kalitni toʻliq solishtiring; mos kelmasa -32504 qaytaring.",
    en="Before anything else compare login and key, whole, with yours; return -32504 otherwise.",
)
_BROAD: Final = ("authorization-right-refused", *BY_TRANSPORT)


def _kind(code: str, title: Text, *explained_by: str) -> Kind:
    return kind(
        code,
        Severity.FAIL,
        _PAGE,
        title=title,
        why=_WHY,
        mend=_MEND,
        explained_by=(*explained_by, *_BROAD),
    )


OPEN: Final = _kind(
    "authorization-open",
    Text(
        ru="Сервер отвечает с любым логином и ключом",
        uz="Server istalgan login va kalitga javob beradi",
        en="Any login and key are answered",
    ),
)
NONE_ACCEPTED: Final = _kind(
    "authorization-none-accepted",
    Text(
        ru="Сервер отвечает без авторизации",
        uz="Server avtorizatsiyasiz javob beradi",
        en="Requests without authorization are answered",
    ),
    "authorization-open",
)
WRONG_KEY_ACCEPTED: Final = _kind(
    "authorization-wrong-key-accepted",
    Text(ru="Неверный ключ принят", uz="Notoʻgʻri kalit qabul qilindi", en="A wrong key is accepted"),
    "authorization-open",
)
LOGIN_IGNORED: Final = _kind(
    "authorization-login-ignored",
    Text(ru="Логин не проверяется", uz="Login tekshirilmaydi", en="The login is not looked at"),
    "authorization-open",
)
MALFORMED_ACCEPTED: Final = _kind(
    "authorization-malformed-accepted",
    Text(
        ru="Принят заголовок Authorization неверного вида",
        uz="Notoʻgʻri koʻrinishdagi Authorization sarlavhasi qabul qilindi",
        en="A malformed Authorization header is accepted",
    ),
    "authorization-open",
    "authorization-none-accepted",
    "authorization-wrong-key-accepted",
    "authorization-login-ignored",
)
KEY_CUT: Final = _kind(
    "authorization-key-cut-at-colon",
    Text(
        ru="От ключа сравнивается лишь часть до двоеточия",
        uz="Kalitning faqat ikki nuqtagacha qismi solishtiriladi",
        en="Only the part of the key before its colon is compared",
    ),
    "authorization-open",
    "authorization-wrong-key-accepted",
)
CODE: Final = kind(
    "authorization-code",
    Severity.FAIL,
    "merchant-api/common-errors",
    title=Text(
        ru="Неверная авторизация отклонена не кодом -32504",
        uz="Notoʻgʻri avtorizatsiya -32504 kodi bilan rad etilmadi",
        en="Wrong authorization is refused with a code other than -32504",
    ),
    why=Text(
        ru="-32504 означает «Недостаточно привилегий»; другой код Payme Business примет за ошибку заказа.",
        uz="-32504 «Huquq yetarli emas» degani; boshqa kodni Payme Business buyurtma xatosi deb oʻqiydi.",
        en="-32504 says that privileges are insufficient; any other code reads as an error of the order.",
    ),
    mend=_MEND,
    explained_by=(
        "authorization-open",
        "authorization-none-accepted",
        "authorization-wrong-key-accepted",
        "authorization-login-ignored",
        "authorization-key-cut-at-colon",
        *_BROAD,
    ),
)
LATE: Final = kind(
    "authorization-late",
    Severity.WARN,
    "merchant-api/common-errors",
    title=Text(
        ru="Запрос разбирается раньше авторизации",
        uz="Soʻrov avtorizatsiyadan oldin oʻqiladi",
        en="The request is read before the authorization",
    ),
    why=Text(
        ru="Посторонний узнаёт, какие методы есть, и нагружает разбор запроса.",
        uz="Begona kishi qaysi usullar borligini biladi va soʻrovni oʻqishga yuk beradi.",
        en="A stranger learns which methods exist, and keeps the parser busy.",
    ),
    mend=_MEND,
    explained_by=(*CODE.explained_by, "authorization-code", "authorization-malformed-accepted"),
)


def _refused(reply: Reply, accepted: Kind, what: str) -> None:
    if reply.code == NO_PRIVILEGES:
        return
    through = is_success(reply) or reply.code in _OWN_CODES
    raise Wrong(accepted if through else CODE, expected=f"{_EXPECTED} ({what})", got=reply.told())


async def _try(talk: Talk, cases: Mapping[str, str | None], accepted: Kind) -> None:
    """Ask with each of some wrong headers: what was sent -> the header."""
    async with borrowed(talk) as account:
        params = {"amount": talk.target.amount_tiyin, "account": account}
        for what, header in cases.items():
            _refused(await talk.call("CheckPerformTransaction", params, authorization=header), accepted, what)


def _coded(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode("ascii")


def _random(talk: Talk) -> str:
    return f"{chance(talk):x}{chance(talk):x}{chance(talk):x}"


@check(
    CHECKS,
    "authorization.right",
    _PAGE,
    Text(ru="Верный ключ принимается", uz="Toʻgʻri kalit qabul qilinadi", en="The right key is accepted"),
)
async def right(talk: Talk) -> None:
    """Goal: the login and key of the target are accepted."""
    async with borrowed(talk) as account:
        params = {"amount": talk.target.amount_tiyin, "account": account}
        reply = await talk.call("CheckPerformTransaction", params)
        if reply.code == NO_PRIVILEGES:
            raise Wrong(AUTHORIZATION_RIGHT_REFUSED, expected="no error.code -32504", got=reply.told())


@check(
    CHECKS,
    "authorization.every-method",
    "sandbox",
    Text(
        ru="Неверная авторизация: каждый метод отвечает -32504",
        uz="Notoʻgʻri avtorizatsiya: har bir usul -32504 qaytaradi",
        en="Wrong authorization: every method answers -32504",
    ),
    needs=_NEEDS,
    documented=True,
)
async def every_method(talk: Talk) -> None:
    """Goal: what Payme's own sandbox sends is refused by every method that is served."""
    target, unknown = talk.target, talk.new_id()
    async with borrowed(talk) as account:
        create = create_params(talk, account, target.amount_tiyin)
        calls: list[tuple[str, dict[str, Any]]] = [
            ("CheckPerformTransaction", {"amount": target.amount_tiyin, "account": account}),
            ("CreateTransaction", create),
            ("PerformTransaction", {"id": unknown}),
            ("CancelTransaction", {"id": unknown, "reason": 3}),
            ("CheckTransaction", {"id": unknown}),
            ("GetStatement", {"from": talk.now_ms() - 1000, "to": talk.now_ms()}),
        ]
        if target.change_password:
            # The same key: where anybody may change it, it stays what it was.
            calls.append(("ChangePassword", {"password": target.key}))
        for method, params in calls:
            reply = await talk.call(method, params, authorization=SANDBOX_WRONG)
            if method in {"GetStatement", "ChangePassword"} and reply.code == _UNKNOWN_METHOD:
                continue
            if method == "CreateTransaction" and is_success(reply):
                await cancel_quietly(talk, create["id"])
            _refused(reply, WRONG_KEY_ACCEPTED, method)


@check(
    CHECKS,
    "authorization.anybody",
    _PAGE,
    Text(
        ru="Чужие логин и ключ: -32504",
        uz="Begona login va kalit: -32504",
        en="Another login and key: -32504",
    ),
    needs=_NEEDS,
)
async def anybody(talk: Talk) -> None:
    """Goal: a login and a key that are both unknown are refused."""
    await _try(talk, {"another login, another key": write_basic("Nobody", _random(talk))}, OPEN)


@check(
    CHECKS,
    "authorization.none",
    _PAGE,
    Text(
        ru="Без заголовка Authorization: -32504",
        uz="Authorization sarlavhasisiz: -32504",
        en="No Authorization header: -32504",
    ),
    needs=_NEEDS,
)
async def none(talk: Talk) -> None:
    """Goal: a request without authorization is refused."""
    await _try(talk, {"no Authorization": None}, NONE_ACCEPTED)


@check(
    CHECKS,
    "authorization.malformed",
    _PAGE,
    Text(
        ru="Заголовок Authorization неверного вида: -32504",
        uz="Notoʻgʻri koʻrinishdagi Authorization: -32504",
        en="A malformed Authorization header: -32504",
    ),
    needs=_NEEDS,
)
async def malformed(talk: Talk) -> None:
    """Goal: another scheme, no base64, no colon are refused."""
    target = talk.target
    right_part = write_basic(target.login, target.key).partition(" ")[2]
    cases: dict[str, str | None] = {
        "scheme Bearer": f"Bearer {right_part}",
        "no scheme": right_part,
        "not base64": "Basic ***",
        "not UTF-8": "Basic //79/A==",
        "no colon": _coded(target.login),
        "empty": "Basic",
    }
    await _try(talk, cases, MALFORMED_ACCEPTED)


@check(
    CHECKS,
    "authorization.wrong-key",
    _PAGE,
    Text(
        ru="Верный логин, неверный ключ: -32504",
        uz="Toʻgʻri login, notoʻgʻri kalit: -32504",
        en="The right login, a wrong key: -32504",
    ),
    needs=_NEEDS,
)
async def wrong_key(talk: Talk) -> None:
    """Goal: no key but the right one is accepted, an empty one and one of other case included."""
    login, key = talk.target.login, talk.target.key
    keys = {"another key": _random(talk), "no key": "", "first character missing": key[1:]}
    if key.swapcase() != key:
        keys["key in other case"] = key.swapcase()
    if ":" not in key:
        keys |= {"last character missing": key[:-1], "one character more": f"{key}0"}
    await _try(talk, {what: write_basic(login, one) for what, one in keys.items()}, WRONG_KEY_ACCEPTED)


@check(
    CHECKS,
    "authorization.key-with-colon",
    _PAGE,
    Text(
        ru="Ключ сравнивается целиком, и с двоеточием в нём",
        uz="Ikki nuqtali kalit ham toʻliq solishtiriladi",
        en="A key is compared whole, also one with a colon",
    ),
    needs=_NEEDS,
)
async def key_with_colon(talk: Talk) -> None:
    """Goal: nothing after a colon in the key is ignored."""
    login, key = talk.target.login, talk.target.key
    before, colon, _ = key.partition(":")
    keys = {"key, colon, more": f"{key}:{_random(talk)}"}
    if colon:
        keys |= {"key up to its colon": before, "key with another end": f"{before}:{_random(talk)}"}
    await _try(talk, {what: write_basic(login, one) for what, one in keys.items()}, KEY_CUT)


@check(
    CHECKS,
    "authorization.wrong-login",
    _PAGE,
    Text(
        ru="Неверный логин, верный ключ: -32504",
        uz="Notoʻgʻri login, toʻgʻri kalit: -32504",
        en="A wrong login, the right key: -32504",
    ),
    needs=_NEEDS,
)
async def wrong_login(talk: Talk) -> None:
    """Goal: the login is looked at too."""
    key = talk.target.key
    cases: dict[str, str | None] = {
        "another login": write_basic("Nobody", key),
        "no login": write_basic("", key),
    }
    await _try(talk, cases, LOGIN_IGNORED)


@check(
    CHECKS,
    "authorization.first",
    "merchant-api/common-errors",
    Text(
        ru="Авторизация проверяется до разбора запроса",
        uz="Avtorizatsiya soʻrov oʻqilishidan oldin tekshiriladi",
        en="The authorization is looked at before the request is read",
    ),
    needs=_NEEDS,
)
async def first(talk: Talk) -> None:
    """Goal: who may not ask is told nothing of the request."""
    for what, body in (
        ("broken JSON", b'{"method": '),
        ("unknown method", b'{"method": "NoSuchMethod", "params": {}, "id": 1}'),
    ):
        reply = await talk.send(body, authorization=SANDBOX_WRONG)
        if reply.code != NO_PRIVILEGES:
            talk.warn(LATE, expected=f"{_EXPECTED} ({what})", got=reply.told())
