"""Tests of an account that cannot be paid: in whatever state it is, the server must refuse it.

The checks of the registry make such accounts themselves. Here the account is the visitor's own, in a state
that only the visitor can bring about: it is blocked, does not exist, or another transaction waits for it.

Documentation: sandbox («статус счета»), merchant-api/errors
"""

from collections.abc import Collection
from typing import Final

import msgspec

from tiyin.protocol.values import Text
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import SystemIds
from tiyin.sandbox.accounts import Accounts
from tiyin.sandbox.caller import Caller
from tiyin.sandbox.causes import mark
from tiyin.sandbox.conversation import Conversation, Run
from tiyin.sandbox.expect import ACCOUNT_CODES, code_of, is_success
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.problems import Severity, Skip, Wrong, kind
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.talk import Reply, Talk
from tiyin.sandbox.target import Target
from tiyin.web.sandbox.menu import CREATE, Plan
from tiyin.web.sandbox.services import OnEvent
from tiyin.web.sandbox.states import STATES, AccountState

__all__ = ["CHECKS", "STATE_CODE", "STATE_IGNORED", "is_of_states", "run_states", "with_states"]

CHECKS: Final[list[Check]] = []
"""The checks of this module; `state.<state>-<method>`."""

_BUSY: Final = -31008
_REASON_FAILED: Final = 3

STATE_IGNORED: Final = kind(
    "account-state-ignored",
    Severity.FAIL,
    "merchant-api/errors",
    title=Text(
        ru="Счёт, который нельзя оплатить, принят",
        uz="Toʻlab boʻlmaydigan hisob qabul qilindi",
        en="An account that cannot be paid is accepted",
    ),
    why=Text(
        ru="Покупатель заплатит за заказ, который уже оплачен, заблокирован или не существует.",
        uz="Xaridor toʻlangan, bloklangan yoki mavjud boʻlmagan buyurtma uchun toʻlaydi.",
        en="A payer would pay for an order that is paid already, blocked, or does not exist.",
    ),
    mend=Text(
        ru="Проверяйте состояние заказа и в CheckPerformTransaction, и в CreateTransaction, и отказывайте.",
        uz="Buyurtma holatini CheckPerformTransaction va CreateTransaction da tekshiring va rad eting.",
        en="Look at the order's state both in CheckPerformTransaction and in CreateTransaction, and refuse.",
    ),
)
STATE_CODE: Final = kind(
    "account-state-code",
    Severity.FAIL,
    "merchant-api/errors",
    title=Text(
        ru="Счёт отклонён, но с другим кодом ошибки",
        uz="Hisob rad etildi, lekin boshqa xato kodi bilan",
        en="The account is refused, but with another error code",
    ),
    why=Text(
        ru="По коду Payme решает, что сказать покупателю: чужой код скажет не то.",
        uz="Payme xaridorga nima deyishni kod boʻyicha hal qiladi: boshqa kod notoʻgʻri xabar beradi.",
        en="By the code Payme decides what to tell the payer; another code tells something else.",
    ),
    mend=Text(
        ru="Отвечайте кодом от -31050 до -31099; занятому заказу в CreateTransaction: -31008.",
        uz="-31050 dan -31099 gacha kod bilan javob bering; band buyurtmaga CreateTransaction da: -31008.",
        en="Answer a code from -31050 to -31099; for a busy order in CreateTransaction, -31008.",
    ),
)


def with_states(plan: Plan, state: AccountState) -> Plan | None:
    """Return the plan that tests an account in a state, or None where the plan has nothing to do with it.

    Args:
        plan: What was asked for.
        state: Not `WAITING`.
    """
    methods = {"check": ("check",), CREATE: ("check", "create"), "account": ("check", "create")}.get(plan.id)
    if methods is None:
        return None
    wanted = {f"state.{state}-{method}" for method in methods}
    return msgspec.structs.replace(
        plan, checks=tuple(one for one in CHECKS if one.id in wanted), only=frozenset(wanted)
    )


def _refused(reply: Reply, state: AccountState, method: str) -> None:
    """Raise the problem of an answer that is no right refusal."""
    busy = state is AccountState.PROCESSING and method == "create"
    codes = (_BUSY, *ACCOUNT_CODES) if busy else ACCOUNT_CODES
    if reply.code is None or reply.code not in codes:
        code_of(reply, (_BUSY,) if busy else ACCOUNT_CODES, STATE_CODE, accepted=STATE_IGNORED)


class _Started(msgspec.Struct, frozen=True):
    check: Check
    of: int


class _Ended(msgspec.Struct, frozen=True):
    findings: tuple[Finding, ...]
    of: int


def is_of_states(only: Collection[str] | None) -> bool:
    """Tell whether these are checks of this module."""
    return only is not None and all(one.startswith("state.") for one in only)


async def run_states(
    target: Target, only: Collection[str], *, clock: Clock, on_event: OnEvent | None
) -> Report:
    """Run checks of this module; a few calls, each of which the target bounds in time.

    Args:
        target: What is tested; its account is in that state.
        only: Their ids.
        clock: The time.
        on_event: Told how far it is.
    """
    tell = on_event or (lambda _: None)
    started_ms, began_s = clock.now_ms(), clock.monotonic()
    caller = Caller(
        allow_private=target.allow_private, secrets=(target.key, f"{target.login}:{target.key}"), clock=clock
    )
    run = Run(target, caller, clock=clock, ids=SystemIds(), accounts=Accounts(target))
    checks = [one for one in CHECKS if one.id in only]
    findings: list[Finding] = []
    try:
        for one in checks:
            tell(_Started(one, len(checks)))
            findings.append(await _talked(one, Conversation(run), clock))
            tell(_Ended((findings[-1],), len(checks)))
    finally:
        await caller.close()
    return Report(
        endpoint=target.endpoint,
        kind=target.kind.value,
        started_ms=started_ms,
        took_ms=(clock.monotonic() - began_s) * 1000,
        findings=mark(findings),
    )


async def _talked(one: Check, talk: Conversation, clock: Clock) -> Finding:
    began_s, reason = clock.monotonic(), None
    try:
        await one.body(talk)
    except Wrong as wrong:
        talk.note(wrong.problem)
    except Skip as skip:
        reason = skip.reason
    problem = talk.problems[0] if talk.problems else None
    verdict = Verdict.PASS if reason is None else Verdict.SKIPPED
    if problem is not None:
        verdict = Verdict.FAIL if problem.kind.severity is Severity.FAIL else Verdict.WARN
    return Finding(
        check=one.id,
        group="account",
        title=one.title,
        page=one.page,
        verdict=verdict,
        problem=problem,
        reason=reason,
        exchanges=talk.exchanges,
        took_ms=(clock.monotonic() - began_s) * 1000,
    )


def _declare(state: AccountState) -> None:
    told = STATES[state]

    def title(method: str) -> Text:
        return Text(
            ru=f"{method}: счёт «{told.ru}» отклоняется",
            uz=f"{method}: «{told.uz}» hisobi rad etiladi",
            en=f"{method}: an account “{told.en}” is refused",
        )

    page = "merchant-api/CheckPerformTransaction"

    @check(CHECKS, f"state.{state}-check", page, title("CheckPerformTransaction"))
    async def ask(talk: Talk) -> None:
        account, amount = dict(talk.target.account), talk.target.amount_tiyin
        _refused(
            await talk.call("CheckPerformTransaction", {"amount": amount, "account": account}), state, "check"
        )

    page = "merchant-api/CreateTransaction"

    @check(CHECKS, f"state.{state}-create", page, title("CreateTransaction"))
    async def create(talk: Talk) -> None:
        account, amount, transaction = dict(talk.target.account), talk.target.amount_tiyin, talk.new_id()
        params = {"id": transaction, "time": talk.now_ms(), "amount": amount, "account": account}
        reply = await talk.call("CreateTransaction", params)
        if is_success(reply):
            # The order is left as it was found, as far as that is in our hands.
            await talk.call("CancelTransaction", {"id": transaction, "reason": _REASON_FAILED})
        _refused(reply, state, "create")


for _state in AccountState:
    if _state is not AccountState.WAITING:
        _declare(_state)
