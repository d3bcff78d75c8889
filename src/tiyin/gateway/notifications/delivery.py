"""The rules of delivery: when a message is sent, when it is sent again, and when it is given up.

They are pure: from the stored row, what came of a try, and the time. ::

    waiting ── counted, sent ──▶ sent
       │  ▲
       │  └── certainly not sent, or unknown: again after seconds, minutes, an hour
       └── refused, out of date, or tried often enough ──▶ failed
"""

from typing import Final

import msgspec

from tiyin.gateway.notifications.port import SendingFailed, SendingRefused, SendingUnknown
from tiyin.gateway.notifications.records import FAILED, SENT, WAITING, MessageRow, work_kind
from tiyin.storage import Decision, Done, Schedule

__all__ = ["TRIES_MAX", "UNKNOWN_MAX", "begin_try", "end_try"]

_PAUSES_MS: Final = (5_000, 20_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000)

TRIES_MAX: Final = len(_PAUSES_MS) + 1
"""How often a message is handed to a service at most."""

UNKNOWN_MAX: Final = 2
"""After so many tries with an unknown outcome it is given up: nobody should read it again and again."""

_OUT_OF_DATE: Final = "out_of_date"
_NO_ANSWER: Final = "no_answer"


def begin_try(row: MessageRow | None, now_ms: int) -> Decision[MessageRow | None]:
    """Count a try before it happens, or end what is not to be tried any more.

    A process that dies while it sends leaves a counted try without an outcome: that is one of the unknown
    ones, told by the `error` "no_answer" until an outcome is written.

    Args:
        row: The message as stored.
        now_ms: The present moment.

    Returns:
        With the row to be sent, or with None if there is nothing to send.
    """
    if row is None:
        return Decision(None)
    if row.state != WAITING:
        return Decision(None, work=Done(row.id))
    if now_ms >= row.until_ms:
        return Decision(None, _ended(row, FAILED, now_ms, _OUT_OF_DATE), work=Done(row.id))
    if row.error == _NO_ANSWER:
        row = msgspec.structs.replace(row, unknown=row.unknown + 1)
        if row.unknown >= UNKNOWN_MAX:
            return Decision(None, _ended(row, FAILED, now_ms, _NO_ANSWER), work=Done(row.id))
    if row.tries >= TRIES_MAX:
        return Decision(None, _ended(row, FAILED, now_ms, row.error), work=Done(row.id))
    begun = msgspec.structs.replace(row, tries=row.tries + 1, error=_NO_ANSWER)
    return Decision(begun, begun)


def end_try(
    row: MessageRow | None, failure: SendingFailed | None, now_ms: int, share: float
) -> Decision[MessageRow | None]:
    """Write what came of a try.

    Args:
        row: The message as stored.
        failure: Why it failed; None when it was sent.
        now_ms: The present moment.
        share: From 0 to 1, by chance: which part of the pause's second half is waited, so that messages which
            failed together do not come again together.

    Returns:
        With the row as it is written, or None if there is none or it ended already.
    """
    if row is None or row.state != WAITING:
        return Decision(None)
    if failure is None:
        sent = _ended(row, SENT, now_ms, None)
        return Decision(sent, sent, work=Done(row.id))
    unknown = row.unknown + isinstance(failure, SendingUnknown)
    row = msgspec.structs.replace(row, unknown=unknown, error=failure.word)
    pause_ms = _pause_ms(row.tries, share, failure.after_ms)
    hopeless = isinstance(failure, SendingRefused) or unknown >= UNKNOWN_MAX or row.tries >= TRIES_MAX
    if hopeless or now_ms + pause_ms >= row.until_ms:
        failed = _ended(row, FAILED, now_ms, failure.word)
        return Decision(failed, failed, work=Done(row.id))
    return Decision(row, row, work=Schedule(row.id, work_kind(row.way), next_in_ms=pause_ms))


def _pause_ms(tries: int, share: float, after_ms: int) -> int:
    longest = _PAUSES_MS[min(max(tries, 1), len(_PAUSES_MS)) - 1]
    return max(after_ms, int(longest * (1 + share) / 2))


def _ended(row: MessageRow, state: str, now_ms: int, error: str | None) -> MessageRow:
    """End a message: what it said is not kept."""
    return msgspec.structs.replace(row, state=state, error=error, ended_ms=now_ms, sealed=b"")
