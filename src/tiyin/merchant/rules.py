"""The rules of a transaction: (what is stored, what is asked, the time) -> (what to answer, what to write).

```
              create              perform
  (nothing) ---------> 1 waiting ---------> 2 paid
      |  ^             |                    |
      |  | refused     | cancel, 12 hours   | cancel
      v  |             v                    v
   0 creating ------> -1 cancelled         -2 refunded
```

State 0 exists only while `Billing.create` runs, or when its end is not known. Nothing here does I/O or reads
a clock. A store carries a `Step` out: it writes `Step.write` and looks at the outcome. `Run` means: make sure
that nobody else runs an effect of this transaction, run the shop's hook, then write what `finished` (or
`refused`) says.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from tiyin.merchant.records import Begun, Row, State, account_fields
from tiyin.protocol.errors import MerchantCode
from tiyin.protocol.merchant_api import TRANSACTION_TIMEOUT_MS, Reason
from tiyin.protocol.values import account_key

__all__ = [
    "FUTURE_MS_MAX",
    "Answer",
    "Ask",
    "AskDelivered",
    "Fresh",
    "Hooks",
    "Outcome",
    "Refuse",
    "Rule",
    "Run",
    "Step",
    "cancel",
    "check",
    "create",
    "expire",
    "expired",
    "finished",
    "marked",
    "perform",
    "refused",
]

FUTURE_MS_MAX = 86_400_000
"""How far Payme's creation time may lie in the future, in milliseconds: a day of wrong clocks."""


class Hooks(msgspec.Struct, frozen=True):
    """Which of the effects a shop does anything for."""

    create: bool = False
    perform: bool = False
    may_cancel: bool = False
    cancel: bool = False


class Ask(msgspec.Struct, frozen=True):
    """A CreateTransaction.

    Args:
        id: Payme's id.
        time_ms: Payme's creation time.
        amount_tiyin: The amount.
        account: The account as it was sent.
    """

    id: str
    time_ms: int
    amount_tiyin: int
    account: dict[str, str | int]


class Answer(msgspec.Struct, frozen=True):
    """The row answers the call."""

    row: Row


class Refuse(msgspec.Struct, frozen=True):
    """The call is refused with a documented code."""

    code: int


class Fresh(msgspec.Struct, frozen=True):
    """CreateTransaction of an id that is not known: the shop is to be asked what may be paid."""


class AskDelivered(msgspec.Struct, frozen=True):
    """CancelTransaction of a paid one: the shop is to be asked whether it can be undone."""

    row: Row


class Run(msgspec.Struct, frozen=True):
    """The shop has something to do before the call can be answered.

    Args:
        effect: What, as one bit of `Begun`.
        row: The row before it (for a new transaction: as it is inserted).
        reason: Why it is cancelled.
        final: True if the finished row answers the call; False if the rule is to be asked again.
    """

    effect: int
    row: Row
    reason: int | None = None
    final: bool = True


Outcome: TypeAlias = Answer | Refuse | Fresh | AskDelivered | Run


class Step(msgspec.Struct, frozen=True):
    """What a rule says: the outcome, and the row to write with it (None: leave it)."""

    outcome: Outcome
    write: Row | None = None


Rule: TypeAlias = Callable[[Row | None, int], Step]
"""A rule that waits for the stored row and the time; the store may ask it several times."""

_TIMEOUT = int(Reason.TIMEOUT)
_NOT_FOUND = Step(Refuse(MerchantCode.TRANSACTION_NOT_FOUND))
_CANNOT = Step(Refuse(MerchantCode.CANNOT_PERFORM))
_DELIVERED = Step(Refuse(MerchantCode.CANNOT_CANCEL))
_FRESH = Step(Fresh())


def create(row: Row | None, now_ms: int, ask: Ask, hooks: Hooks, new: Row | None = None) -> Step:
    """Decide CreateTransaction.

    Documentation: merchant-api/CreateTransaction

    Args:
        row: What is stored at the id.
        now_ms: The time.
        ask: The call.
        hooks: What the shop does anything for.
        new: The row to insert, once the shop has said that this account may be paid; None before it was
            asked.
    """
    if row is None or row.state == State.NEVER:
        return _create_new(now_ms, ask, hooks, new)
    if not _same(row, ask):
        return _CANNOT
    if expired(row, now_ms):
        return _expire(row, now_ms, hooks, lambda _: _CANNOT)
    if row.begun & Begun.CANCEL:
        return _CANNOT
    if row.state == State.CREATING:
        return _begin(row, Begun.CREATE, now_ms, hooked=hooks.create)
    return Step(Answer(row)) if row.state == State.WAITING else _CANNOT


def perform(row: Row | None, now_ms: int, hooks: Hooks) -> Step:
    """Decide PerformTransaction.

    Documentation: merchant-api/PerformTransaction

    Args:
        row: What is stored at the id.
        now_ms: The time.
        hooks: What the shop does anything for.
    """
    if row is None or row.state == State.NEVER:
        return _NOT_FOUND
    if row.state == State.PAID:
        return Step(Answer(row))
    if expired(row, now_ms):
        return _expire(row, now_ms, hooks, lambda _: _CANNOT)
    if row.state != State.WAITING or row.begun & Begun.CANCEL:
        return _CANNOT
    return _begin(row, Begun.PERFORM, now_ms, hooked=hooks.perform)


def cancel(
    row: Row | None, now_ms: int, reason: int, hooks: Hooks, *, may_cancel: bool | None = None
) -> Step:
    """Decide CancelTransaction.

    Documentation: merchant-api/CancelTransaction

    Args:
        row: What is stored at the id.
        now_ms: The time.
        reason: Why, as Payme says.
        hooks: What the shop does anything for.
        may_cancel: What the shop said about a paid one; None before it was asked.
    """
    if row is None or row.state == State.NEVER:
        return _NOT_FOUND
    if row.state in (State.CANCELLED, State.REFUNDED):
        return Step(Answer(row))
    if expired(row, now_ms):
        return _expire(row, now_ms, hooks, lambda gone: Step(Answer(gone)))
    # An undoing that was begun is finished without asking again: a part of it may be done.
    if row.state == State.PAID and hooks.may_cancel and not row.begun & Begun.CANCEL:
        if may_cancel is None:
            return Step(AskDelivered(row))
        if not may_cancel:
            return _DELIVERED
    return _begin(row, Begun.CANCEL, now_ms, hooked=hooks.cancel, reason=reason)


def check(row: Row | None, now_ms: int, hooks: Hooks) -> Step:
    """Decide CheckTransaction.

    Documentation: merchant-api/CheckTransaction

    Args:
        row: What is stored at the id.
        now_ms: The time.
        hooks: What the shop does anything for.
    """
    # One that is still being created was never answered, so it is not there yet.
    if row is None or row.state in (State.NEVER, State.CREATING):
        return _NOT_FOUND
    return expire(row, now_ms, hooks)


def expire(row: Row | None, now_ms: int, hooks: Hooks) -> Step:
    """Decide what time does to a transaction: twelve hours after Payme made it, it is cancelled.

    Args:
        row: What is stored at the id.
        now_ms: The time.
        hooks: What the shop does anything for.
    """
    if row is None:
        return _NOT_FOUND
    if expired(row, now_ms):
        return _expire(row, now_ms, hooks, lambda gone: Step(Answer(gone)))
    return Step(Answer(row))


def marked(row: Row, effect: int) -> Row:
    """Return the row with an effect marked as begun."""
    return msgspec.structs.replace(row, begun=row.begun | effect)


def finished(row: Row, run: Run, now_ms: int, *, number: str | None = None) -> Row:
    """Return the row after an effect has succeeded.

    Args:
        row: As it is stored.
        run: What was run.
        now_ms: The time.
        number: For a created one: the shop's own number, if it gave one.
    """
    if run.effect == Begun.CREATE:
        return msgspec.structs.replace(
            row, state=State.WAITING, accepted=1, begun=0, number=row.number if number is None else number
        )
    if run.effect == Begun.PERFORM:
        return msgspec.structs.replace(row, state=State.PAID, perform_time_ms=now_ms, begun=0, due_ms=None)
    was_paid = row.state == State.PAID
    return msgspec.structs.replace(
        row,
        state=State.REFUNDED if was_paid else State.CANCELLED,
        reason=run.reason,
        cancel_time_ms=now_ms,
        begun=0,
        due_ms=None,
        # An order that was never paid may be sold again. One that was paid keeps its guard: it is paid once
        # or never.
        guard=row.guard if was_paid else None,
    )


def refused(row: Row, run: Run) -> Row:
    """Return the row after the shop has refused an effect, having done nothing: it stands as before.

    Args:
        row: As it is stored.
        run: What was run.
    """
    if run.effect == Begun.CREATE:
        return msgspec.structs.replace(row, state=State.NEVER, begun=0, due_ms=None, guard=None)
    return msgspec.structs.replace(row, begun=row.begun & ~run.effect)


def _create_new(now_ms: int, ask: Ask, hooks: Hooks, new: Row | None) -> Step:
    if now_ms - ask.time_ms >= TRANSACTION_TIMEOUT_MS or ask.time_ms - now_ms > FUTURE_MS_MAX:
        return _CANNOT
    return _FRESH if new is None else _begin(new, Begun.CREATE, now_ms, hooked=hooks.create)


def _begin(
    row: Row, effect: int, now_ms: int, *, hooked: bool, reason: int | None = None, final: bool = True
) -> Step:
    """Do it at once when the shop has nothing to do for it and nothing else is unfinished; else have it run.

    The mark is written at once only where no other effect is unfinished: whether that one still runs is known
    only to whoever holds the transaction.
    """
    run = Run(effect, row, reason, final)
    if not hooked and not row.begun & ~effect:
        done = finished(row, run, now_ms)
        return Step(Answer(done), done)
    return Step(run, None if row.begun & ~effect else marked(row, effect))


def _expire(row: Row, now_ms: int, hooks: Hooks, then: Callable[[Row], Step]) -> Step:
    """Cancel by timeout; `then` says what the cancelled row answers to the call that noticed it."""
    step = _begin(row, Begun.CANCEL, now_ms, hooked=hooks.cancel, reason=_TIMEOUT, final=False)
    if isinstance(step.outcome, Answer):
        return Step(then(step.outcome.row).outcome, step.write)
    return step


def expired(row: Row, now_ms: int) -> bool:
    """Tell whether a transaction's twelve hours are over while it still waits."""
    return row.state in (State.WAITING, State.CREATING) and now_ms - row.time_ms >= TRANSACTION_TIMEOUT_MS


def _same(row: Row, ask: Ask) -> bool:
    return (
        row.time_ms == ask.time_ms
        and row.amount_tiyin == ask.amount_tiyin
        and account_key(account_fields(row)) == account_key(ask.account)
    )
