"""The test acquirer as a process of its own: an ASGI application over its own books.

    POST /debit /hold /capture /reverse /status /day /card /phone   see `wire`
    POST /cards      a test card to add or replace
    POST /balance    what a card had, lost and has left
    POST /faults     what shall go wrong from now on; answered only to this machine
    GET  /health     no secret is needed

A wrong or missing secret is 401, an unknown path 404, another method 405, a body that cannot be read 400.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

from tiyin.gateway.acquiring import wire
from tiyin.gateway.acquiring.books import OPERATIONS
from tiyin.gateway.acquiring.faults import Fault, Faults
from tiyin.gateway.acquiring.port import OutcomeUnknown
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import UNLIMITED_TIYIN, TestCard, TestCards
from tiyin.gateway.acquiring.wire import CardAnswer, CardAsked, DayPart, DayPartAnswer, Key, PhoneAnswer, Take
from tiyin.gateway.cards.issuer import TestIssuer
from tiyin.gateway.cards.safe import CardDetails
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.values import mask_card_number
from tiyin.runtime.addresses import read_address
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.runtime.patience import within
from tiyin.runtime.settings import Secret
from tiyin.storage import StorageError

__all__ = ["BOOKS", "AcquirerProcess", "Balance", "FaultRules", "add_card"]

BOOKS: Final = sa.MetaData()
"""The tables of a database that holds nothing but an acquirer's books."""
OPERATIONS.schema.to_metadata(BOOKS).info.update(OPERATIONS.schema.info)

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_Work: TypeAlias = Callable[[], Awaitable[Any]]

Q = TypeVar("Q", bound=msgspec.Struct)

_QUESTION_BYTES_MAX: Final = 65_536
_BODY_S: Final = 30.0
_CARD: Final = re.compile(r"[0-9]{20}")
_CODES: Final[frozenset[int | None]] = frozenset({None, *SubscribeCode})
_GARBAGE: Final = b'{"outcome": "deb\xff'

_log: Final = get_logger("tiyin.acquirer")


class FaultRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shall go wrong.

    Attributes:
        faults: The rules; none ends all faults.
    """

    faults: list[Fault]


class Balance(msgspec.Struct, frozen=True):
    """What a card has.

    Attributes:
        balance_tiyin: What it had before the first debit.
        taken_tiyin: What was debited and not given back, and what is held on it.
        left_tiyin: What is left.
    """

    balance_tiyin: int
    taken_tiyin: int
    left_tiyin: int


class _Refused(Exception):
    """A request that is not answered: a status and a word."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


def add_card(cards: TestCards, card: TestCard) -> None:
    """Add a card, or replace the one with its number.

    Args:
        cards: The table.
        card: The card.

    Raises:
        ValueError: If it is no card, or the books could not tell it from another.
    """
    if not _CARD.fullmatch(card.number + card.expire):
        raise ValueError("a card's number has 16 digits and its expiry four")
    if not {card.create_refusal, card.code_refusal} <= _CODES:
        raise ValueError("a card's refusals are codes of the Subscribe API")
    if not 0 <= card.balance_tiyin <= UNLIMITED_TIYIN:
        raise ValueError("a card's balance lies between 0 and 10^15 tiyin")
    shown = mask_card_number(card.number)
    if any(mask_card_number(other.number) == shown and other.number != card.number for other in cards):
        raise ValueError("another card has the same first six and last four digits")
    cards.put(card)


class AcquirerProcess:
    """The ASGI application.

    Args:
        acquirer: The books.
        cards: The table of cards that the acquirer uses.
        clock: Waits where a fault waits.
        secret: What callers must know.
        faults: What goes wrong.
    """

    def __init__(
        self, acquirer: TestAcquirer, cards: TestCards, clock: Clock, secret: Secret, faults: Faults
    ) -> None:
        self._acquirer = acquirer
        self._cards = cards
        self._issuer = TestIssuer(cards)
        self._clock = clock
        self._secret = secret
        self._faults = faults
        self._routes: dict[str, tuple[type[msgspec.Struct], Callable[[Any], Awaitable[Any]]]] = {
            "/debit": (Take, self._debit),
            "/hold": (Take, self._hold),
            "/capture": (Key, self._capture),
            "/reverse": (Key, self._reverse),
            "/status": (Key, self._status),
            "/day": (DayPart, self._day),
            "/card": (CardAsked, self._card),
            "/phone": (CardAsked, self._phone),
            "/cards": (TestCard, self._put_card),
            "/balance": (CardAsked, self._balance),
            "/faults": (FaultRules, self._put_faults),
        }

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer one HTTP request."""
        path = scope["path"]
        if path == "/health":
            await _answer(send, 200, {"acquirer": "ok"})
            return
        try:
            work = await self._read(scope, receive)
            fault = self._faults.strikes(path[1:])
            if fault is None:
                await _answer(send, 200, await work())
            else:
                _log.info("fault", operation=path, kind=fault.kind)
                await self._go_wrong(fault, work, receive, send)
        except _Refused as refused:
            await _answer(send, refused.status, {"error": refused.word})
        except OutcomeUnknown as unknown:
            _log.error("books_unwritten", operation=path, why=str(unknown))
            await _answer(send, 500, {"error": "unknown"})
        except StorageError as error:
            _log.error("books_unread", operation=path, why=type(error).__name__)
            await _answer(send, 500, {"error": "unknown"})

    async def _read(self, scope: _Message, receive: _Receive) -> _Work:
        """Judge a request and read its question; it is answered by calling what comes back."""
        headers = dict(scope["headers"])
        if not wire.is_authorized(headers.get(b"authorization"), self._secret.reveal()):
            raise _Refused(401, "the secret is wrong")
        route = self._routes.get(scope["path"])
        if route is None:
            raise _Refused(404, "there is no such path")
        if scope["method"] != "POST":
            raise _Refused(405, "only POST is answered")
        if scope["path"] == "/faults" and not _is_local(scope.get("client")):
            raise _Refused(403, "faults are steered from this machine only")
        shape, handle = route
        try:
            body = await within(_BODY_S, _read_body(receive))
            question = msgspec.json.decode(body, type=shape)
        except TimeoutError:
            raise _Refused(408, "the body came too slowly") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Its text may quote what was read.
            raise _Refused(400, "the body has another shape") from None
        return partial(handle, question)

    async def _go_wrong(self, fault: Fault, work: _Work, receive: _Receive, send: _Send) -> None:
        later_s = fault.delay_ms / 1000
        match fault.kind:
            case "before-drop":
                await _hang_up(receive, send)
            case "after-drop":
                await work()
                await _hang_up(receive, send)
            case "late":
                await _hang_up(receive, send)
                await self._clock.sleep(later_s)
                await work()
            case "delay":
                await self._clock.sleep(later_s)
                await _answer(send, 200, await work())
            case "duplicate":
                answers = await asyncio.gather(work(), work())
                await _answer(send, 200, answers[0])
            case "closed":
                await _answer_half(send, await work())
                await _hang_up(receive, send)
            case "500" | "garbage":
                if fault.does:
                    await work()
                if fault.kind == "500":
                    await _answer(send, 500, {"error": "fault"})
                else:
                    await _send_bytes(send, 200, _GARBAGE)

    async def _debit(self, asked: Take) -> wire.Outcome:
        card = CardDetails(asked.number, asked.expire)
        answer = await self._acquirer.debit(asked.key, card, asked.amount_tiyin, asked.terminal)
        return wire.outcome(asked.key, answer)

    async def _hold(self, asked: Take) -> wire.Outcome:
        card = CardDetails(asked.number, asked.expire)
        answer = await self._acquirer.hold(asked.key, card, asked.amount_tiyin, asked.terminal)
        return wire.outcome(asked.key, answer)

    async def _capture(self, asked: Key) -> wire.Outcome:
        return wire.outcome(asked.key, await self._acquirer.capture(asked.key))

    async def _reverse(self, asked: Key) -> wire.Outcome:
        return wire.outcome(asked.key, await self._acquirer.reverse(asked.key))

    async def _status(self, asked: Key) -> wire.Outcome:
        return wire.outcome(asked.key, await self._acquirer.status(asked.key))

    async def _day(self, asked: DayPart) -> DayPartAnswer:
        return DayPartAnswer(await self._acquirer.day_lines(asked.day, asked.after, asked.limit))

    async def _card(self, asked: CardAsked) -> CardAnswer:
        try:
            await self._issuer.check(asked.number, asked.expire)
        except RpcError as refused:
            return CardAnswer(int(refused.code))
        return CardAnswer(0)

    async def _phone(self, asked: CardAsked) -> PhoneAnswer:
        try:
            phone = await self._issuer.phone_of(asked.number, asked.expire)
        except RpcError as refused:
            return PhoneAnswer(int(refused.code))
        return PhoneAnswer(0, phone.number, phone.code)

    async def _put_card(self, card: TestCard) -> dict[str, str]:
        try:
            add_card(self._cards, card)
        except ValueError as error:
            raise _Refused(400, str(error)) from None
        return {"card": mask_card_number(card.number)}

    async def _balance(self, asked: CardAsked) -> Balance:
        card = self._cards.find(asked.number)
        if card is None or card.expire != asked.expire:
            raise _Refused(404, "there is no such card")
        taken_tiyin = await self._acquirer.taken_tiyin(asked.number)
        return Balance(card.balance_tiyin, taken_tiyin, card.balance_tiyin - taken_tiyin)

    async def _put_faults(self, rules: FaultRules) -> FaultRules:
        self._faults.put(rules.faults)
        return FaultRules(list(self._faults.rules))


def _is_local(client: tuple[str, int] | None) -> bool:
    address = read_address(client[0]) if client else None
    return address is not None and address.is_loopback


async def _read_body(receive: _Receive) -> bytes:
    parts, length = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Refused(400, "the body did not come whole")
        part: bytes = message.get("body", b"")
        length += len(part)
        if length > _QUESTION_BYTES_MAX:
            raise _Refused(413, "the body is too long")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _answer(send: _Send, status: int, answer: Any) -> None:
    await _send_bytes(send, status, msgspec.json.encode(answer))


async def _send_bytes(send: _Send, status: int, body: bytes) -> None:
    await _send_head(send, status, len(body))
    await send({"type": "http.response.body", "body": body})


async def _answer_half(send: _Send, answer: Any) -> None:
    body = msgspec.json.encode(answer)
    await _send_head(send, 200, len(body))
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


async def _send_head(send: _Send, status: int, length: int) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _hang_up(receive: _Receive, send: _Send) -> None:
    """Cut the connection without a word: ASGI has no message for that; uvicorn itself does it so."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise _Refused(500, "this server cannot hang up")
    transport.close()
    # To end before the server has noticed would look like a broken application.
    while (await receive())["type"] != "http.disconnect":
        pass
