"""What a run is made of: a target that makes sense, and the checks that were asked for."""

from collections.abc import Collection, Mapping, Sequence

from tiyin.protocol.values import AMOUNT_TIYIN_MAX
from tiyin.sandbox import envelopes
from tiyin.sandbox.caller import read_endpoint
from tiyin.sandbox.problems import CannotRun
from tiyin.sandbox.registry import Check
from tiyin.sandbox.target import Target

__all__ = ["look_at", "selected"]


def look_at(target: Target) -> None:
    """Look whether a target makes sense at all.

    Args:
        target: What is to be tested.

    Raises:
        CannotRun: If it does not; the message says why.
    """
    try:
        read_endpoint(target.endpoint)
    except ValueError as error:
        raise CannotRun(f"The endpoint cannot be called: {error}.") from None
    if not 0 < target.amount_tiyin <= AMOUNT_TIYIN_MAX:
        raise CannotRun(f"The amount must be from 1 to {AMOUNT_TIYIN_MAX} tiyin.")
    if not target.account:
        raise CannotRun("The account has no fields.")
    if ":" in target.login:
        raise CannotRun("A login cannot hold a colon.")
    if target.timeout_ms <= 0:
        raise CannotRun("The time for one call must be more than 0 ms.")


def selected(
    checks: Sequence[Check], only: Collection[str] | None, *, documented_only: bool
) -> tuple[Check, ...]:
    """Choose the checks of a run, and what they need, in their order.

    Args:
        checks: All there are for the kind of account.
        only: Ids of checks or of groups, or None for all.
        documented_only: Whether to take those of the documentation's scenarios only.

    Raises:
        CannotRun: If `only` names what is not.
    """
    by_id = {check.id: check for check in checks}
    if only is not None:
        known = {*by_id, *(check.group for check in checks)}
        unknown = sorted(set(only) - known)
        if unknown:
            raise CannotRun(f"There is no check or group {', '.join(unknown)} for this kind of account.")
    wanted: set[str] = set()
    for check in checks:
        asked = only is None or check.id in only or check.group in only
        # The envelope of what the scenarios exchange is part of what the documentation asks for.
        documented = check.documented or check.id in envelopes.IDS
        if asked and (documented or not documented_only):
            _want(check.id, by_id, wanted)
    return tuple(check for check in checks if check.id in wanted)


def _want(id_: str, by_id: Mapping[str, Check], wanted: set[str]) -> None:
    if id_ in wanted or id_ not in by_id:
        return
    wanted.add(id_)
    for need in by_id[id_].needs:
        _want(need, by_id, wanted)
