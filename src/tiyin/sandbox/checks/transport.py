"""How the server treats a connection."""

from typing import Final

from tiyin.protocol.values import Text
from tiyin.sandbox.caller import RECONNECTED
from tiyin.sandbox.envelope_kinds import CONNECTION_CLOSED
from tiyin.sandbox.problems import Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.talk import Talk
from tiyin.sandbox.transport import KEEP_ALIVE

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_PAUSE_S: Final = 0.05
"""Long enough for a farewell to arrive from a server that closes after each answer without a word."""
_ROUNDS: Final = 3


@check(
    CHECKS,
    "transport.keep-alive",
    "merchant-api/interaction",
    Text(
        ru="Несколько запросов по одному соединению",
        uz="Bitta ulanishda bir necha soʻrov",
        en="Several requests on one connection",
    ),
)
async def keep_alive(talk: Talk) -> None:
    """Ask one thing several times; each must be answered, on the same connection where that is kept."""
    params = {"amount": talk.target.amount_tiyin, "account": dict(talk.target.account)}
    used: list[int] = []
    for _ in range(_ROUNDS):
        reply = await talk.call("CheckPerformTransaction", params)
        if reply.exchange.detail == RECONNECTED and used:
            raise Wrong(
                KEEP_ALIVE,
                expected="an answer on the kept connection",
                got="closed before any byte of an answer",
            )
        used.append(reply.exchange.connection)
        answer = reply.exchange.answer
        if answer is None or "close" in (answer.header("connection") or "").lower():
            # That it says so is told by the look at all answers.
            return
        await talk.sleep(_PAUSE_S)
    if len(set(used)) == _ROUNDS:
        talk.warn(CONNECTION_CLOSED, expected="a connection that is kept", got="closed after each answer")
