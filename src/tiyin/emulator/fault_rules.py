"""Fault rules: what may be asked for, and what a rule that does not fit is told.

    {"desk": "<id or name>", "side": "merchant", "method": "PerformTransaction", "probability": 0.5,
     "times": 3, "fault": "drop_after"}

| fault | what happens | its fields |
|---|---|---|
| `delay` | the answer is told so much later; the other side has done its work meanwhile | `delay_ms` |
| `drop_before` | the request is lost: the other side never sees it, and whoever asked cannot know that | |
| `drop_after` | the other side does what it is asked, and its answer is lost | |
| `status` | this HTTP status instead of the other side's answer; it is not asked | `status`, `body` |
| `malformed` | something that is not JSON-RPC instead; the other side is not asked | `body` |
| `error` | this JSON-RPC error instead; the other side is not asked | `code`, `message`, `data` |

`side` says who misbehaves: `merchant` (a billing, towards the gateway; the default) or `api` (the Subscribe
API, towards its callers).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from tiyin.emulator.bodies import BadBody
from tiyin.emulator.desk_names import DeskName
from tiyin.protocol import merchant_api, subscribe_api
from tiyin.protocol.values import LANGUAGES

__all__ = ["DELAY_MS_MAX", "FAULTS", "MALFORMED", "METHODS", "SIDES", "Rule", "read_rules"]

FAULTS: Final = ("delay", "drop_before", "drop_after", "status", "malformed", "error")
"""What a rule may do."""
SIDES: Final = ("merchant", "api")
"""Who may misbehave."""
METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "merchant": tuple(sorted(merchant_api.METHODS)),
    "api": tuple(sorted(subscribe_api.METHODS)),
}
"""The methods of each side."""
DELAY_MS_MAX: Final = 600_000
"""The longest delay, in milliseconds."""
MALFORMED: Final = '{"jsonrpc": "2.0", "result": {"allow": tr'
"""What `malformed` answers where the rule has no body of its own."""

_TIMES_MAX: Final = 1_000_000
_CODE_MAX: Final = 99_999
_RULES_MAX: Final = 50
_COMMON: Final = frozenset(("desk", "side", "method", "probability", "times", "fault"))
_OWN: Final[Mapping[str, frozenset[str]]] = {
    "delay": frozenset(("delay_ms",)),
    "drop_before": frozenset(),
    "drop_after": frozenset(),
    "status": frozenset(("status", "body")),
    "malformed": frozenset(("body",)),
    "error": frozenset(("code", "message", "data")),
}
_NEEDED: Final[Mapping[str, str]] = {"delay": "delay_ms", "status": "status", "error": "code"}
_ALL: Final = _COMMON.union(*_OWN.values())


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fault rule.

    Args:
        id: Its number; 0 before it is kept.
        side: Who misbehaves.
        desk: The id of the only cash desk that it concerns, or None for all.
        method: The only method that it concerns, or `*`.
        probability: How likely it hits, 0 to 1.
        times: How often it hits at most, or None for always.
        hits: How often it has hit.
        fault: What it does.
        delay_ms: See the table above.
        status: The same.
        body: The same.
        code: The same.
        message: The same; one text, or one for each language.
        data: The same.
    """

    id: int
    side: str
    desk: str | None = None
    method: str
    probability: float
    times: int | None = None
    hits: int
    fault: str
    delay_ms: int | None = None
    status: int | None = None
    body: str | None = None
    code: int | None = None
    message: str | dict[str, str] | None = None
    data: Any = None

    @property
    def spent(self) -> bool:
        """Whether it has hit as often as it may."""
        return self.times is not None and self.hits >= self.times

    def fits(self, side: str, desk: str | None, method: str | None) -> bool:
        """Tell whether the rule concerns an exchange."""
        return (
            side == self.side
            and not self.spent
            and self.desk in (None, desk)
            and self.method in ("*", method)
        )


def read_rules(posted: Mapping[str, Any], desks: Sequence[DeskName]) -> list[Rule]:
    """Read one rule, or those in `{"rules": [...]}`.

    Args:
        posted: What was posted.
        desks: The cash desks that a rule may name.

    Raises:
        BadBody: Something does not fit; then no rule of the row is good.
    """
    if "rules" not in posted:
        return [_read_rule(posted, desks, "")]
    for name in posted:
        if name != "rules":
            raise BadBody(f"{_said(name)} cannot stand beside rules.", _said(name))
    rules = posted["rules"]
    if not isinstance(rules, list) or not 1 <= len(rules) <= _RULES_MAX:
        raise BadBody(f"rules must be a list of 1 to {_RULES_MAX} rules.", "rules")
    for number, rule in enumerate(rules):
        if not isinstance(rule, dict):
            raise BadBody(f"rules[{number}] must be an object.", f"rules[{number}]")
    return [_read_rule(rule, desks, f"rules[{number}].") for number, rule in enumerate(rules)]


def _read_rule(given: Mapping[str, Any], desks: Sequence[DeskName], at: str) -> Rule:
    for name in given:
        if name not in _ALL:
            raise _Bad(at, _said(name), f"is no field of a rule; its fields are {', '.join(sorted(_ALL))}.")
    fault = given.get("fault")
    if not isinstance(fault, str) or fault not in FAULTS:
        raise _Bad(at, "fault", f"must be one of {', '.join(FAULTS)}.")
    for name in given:
        if name not in _COMMON | _OWN[fault]:
            raise _Bad(at, name, f"does not belong to the fault {fault}.")
    needed = _NEEDED.get(fault)
    if needed is not None and needed not in given:
        raise _Bad(at, needed, f"is missing: the fault {fault} needs it.")
    side = given.get("side", "merchant")
    if not isinstance(side, str) or side not in SIDES:
        raise _Bad(at, "side", "must be merchant or api.")
    return Rule(
        id=0,
        side=side,
        desk=_read_desk(given.get("desk"), desks, at),
        method=_read_method(given.get("method", "*"), side, at),
        probability=_read_probability(given.get("probability", 1), at),
        times=_read_whole(given, "times", 1, _TIMES_MAX, at),
        hits=0,
        fault=fault,
        delay_ms=_read_whole(given, "delay_ms", 1, DELAY_MS_MAX, at),
        status=_read_whole(given, "status", 200, 599, at),
        body=_read_text(given, "body", at),
        code=_read_whole(given, "code", -_CODE_MAX, _CODE_MAX, at),
        message=_read_message(given, at),
        data=given.get("data"),
    )


class _Bad(BadBody):
    def __init__(self, at: str, name: str, why: str) -> None:
        super().__init__(f"{at}{name} {why}", f"{at}{name}")


def _said(name: str) -> str:
    return name if name.isidentifier() and len(name) <= 40 else repr(name[:40])


def _read_desk(given: Any, desks: Sequence[DeskName], at: str) -> str | None:
    if given is None:
        return None
    for desk in desks:
        if given in (desk.id, desk.name):
            return desk.id
    known = "; ".join(f"{desk.name} ({desk.id})" for desk in desks[:5])
    raise _Bad(at, "desk", f"must be the id or the name of a cash desk: {known}.")


def _read_method(given: Any, side: str, at: str) -> str:
    if not isinstance(given, str) or (given != "*" and given not in METHODS[side]):
        raise _Bad(at, "method", f"must be * or, for side {side}, one of {', '.join(METHODS[side])}.")
    return given


def _read_probability(given: Any, at: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise _Bad(at, "probability", "must be a number from 0 to 1.")
    return float(given)


def _read_whole(given: Mapping[str, Any], name: str, least: int, most: int, at: str) -> int | None:
    if name not in given or (name == "times" and given[name] is None):
        return None
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _Bad(at, name, f"must be a whole number from {least} to {most}.")
    return value


def _read_text(given: Mapping[str, Any], name: str, at: str) -> str | None:
    value = given.get(name)
    if name in given and not isinstance(value, str):
        raise _Bad(at, name, "must be a text.")
    return value


def _read_message(given: Mapping[str, Any], at: str) -> str | dict[str, str] | None:
    value = given.get("message")
    if "message" not in given or isinstance(value, str):
        return value
    if (
        not isinstance(value, dict)
        or set(value) != set(LANGUAGES)
        or not all(isinstance(text, str) for text in value.values())
    ):
        raise _Bad(
            at, "message", 'must be a text, or one for each language: {"ru": ..., "uz": ..., "en": ...}.'
        )
    return value
