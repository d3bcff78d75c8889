"""Sending a recorded request once more, with the key that is good now."""

from typing import Final

from tiyin.emulator.asking import ask
from tiyin.emulator.traffic import Exchange
from tiyin.emulator.wires import Connected, Wires
from tiyin.protocol.authorization import write_basic, write_x_auth
from tiyin.runtime.http import HttpCall
from tiyin.runtime.redaction import HIDDEN

__all__ = ["LOGIN", "CannotResend", "resend"]

LOGIN: Final = "Paycom"
"""The login that merchants know the gateway by."""
_TIMEOUT_MS: Final = 10_000
_BODY_MAX: Final = 256 * 1024
_SET_ANEW: Final = frozenset(
    ("authorization", "x-auth", "host", "content-length", "connection", "transfer-encoding", "cookie")
)


class CannotResend(Exception):  # reads as what it is
    """The request cannot be sent again; the message is one sentence that says why."""


async def resend(wires: Wires, exchange: Exchange) -> int | None:
    """Send a request once more.

    Args:
        wires: What is connected.
        exchange: What is repeated.

    Returns:
        The number of the new exchange, or None when it could not be kept.

    Raises:
        CannotResend: Something that it needs was never kept, or is gone.
        NotNow: The emulator is starting or stopping.
    """
    request = exchange.request
    if request.altered:
        raise CannotResend(
            f"Exchange {exchange.number} cannot be sent again: a card number, a token or a code in it was "
            "hidden before it was kept, or it was too long to be kept whole."
        )
    if request.http_method != "POST":
        raise CannotResend(f"Exchange {exchange.number} cannot be sent again: it was no POST.")
    headers = {name: value for name, value in request.headers.items() if name not in _SET_ANEW}
    if any(HIDDEN in value for value in headers.values()):
        headers = {name: value for name, value in headers.items() if HIDDEN not in value}
    if exchange.direction == "merchant":
        return await _to_merchant(wires.now, exchange, headers)
    return await _to_api(wires.now, exchange, headers)


async def _to_merchant(now: Connected, exchange: Exchange, headers: dict[str, str]) -> int | None:
    desk = None if exchange.desk is None else await now.gateway.desks.find(exchange.desk)
    if desk is None or desk.endpoint is None:
        raise CannotResend(
            f"Exchange {exchange.number} cannot be sent again: its cash desk is not there, or has no "
            "billing now."
        )
    key = await now.gateway.desks.key_of(desk.id)
    # To where the desk's billing is now: the key of today is nothing for an address of yesterday.
    call = HttpCall(
        "POST",
        desk.endpoint,
        exchange.request.body.encode(),
        {**headers, "authorization": write_basic(LOGIN, key)},
        _TIMEOUT_MS,
        _BODY_MAX,
    )
    _, made = await now.http.ask(call, resent_from=exchange.number)
    return None if made is None else made.number


async def _to_api(now: Connected, exchange: Exchange, headers: dict[str, str]) -> int | None:
    x_auth = exchange.request.headers.get("x-auth")
    if x_auth is not None and HIDDEN in x_auth:
        desk = None if exchange.desk is None else await now.gateway.desks.find(exchange.desk)
        if desk is None:
            raise CannotResend(
                f"Exchange {exchange.number} cannot be sent again: its X-Auth was hidden, and its cash desk "
                "is not known."
            )
        x_auth = write_x_auth(desk.id, (await now.gateway.desks.keys_of(desk.id)).key)
    if x_auth is not None:
        headers["x-auth"] = x_auth
    reply = await ask(now.site, "/api", exchange.request.body.encode(), headers, resent_from=exchange.number)
    return reply.exchange
