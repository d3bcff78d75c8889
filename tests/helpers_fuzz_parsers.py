"""What strangers' bytes are read by, one target for each: it returns for any bytes, or raises `Found`.

A reader may refuse with its own error and nothing else, and what it lets pass is whole: texts that any
database stores, numbers within their bounds, and the same again when it is written and read once more.
"""

import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from helpers_fuzz import Source, edited, mutated, write_json
from helpers_fuzz_wires import Found, JumpClock
from tiyin.gateway.acquiring.http import AcquirerLine, HttpAcquirer
from tiyin.gateway.acquiring.issuer_http import HttpIssuer
from tiyin.gateway.acquiring.port import OutcomeUnknown
from tiyin.gateway.merchant_calls.answers import (
    Answered,
    Malformed,
    RefusedByMerchant,
    Unknown,
    read_allowed,
    read_answer,
    read_cancelled,
    read_checked,
    read_created,
    read_fiscal_taken,
    read_performed,
)
from tiyin.gateway.notifications import smpp_pdu
from tiyin.protocol.authorization import read_basic, read_x_auth
from tiyin.protocol.checkout_form import read_form
from tiyin.protocol.checkout_link import CheckoutRequest, read_link, write_link
from tiyin.protocol.errors import RpcError
from tiyin.protocol.jsonrpc import RequestRefused, read_request
from tiyin.protocol.values import is_clean_text, read_language
from tiyin.runtime.http import HttpAnswer, HttpCall, ScriptedHttp
from tiyin.runtime.redaction import redact_bytes
from tiyin.runtime.settings import Secret

__all__ = ["PARSERS"]

Parser = Callable[[bytes], None]

_AMOUNT_TIYIN_MAX: Final = 10**13
_TEXT_MAX: Final = 5_000
_TIMES: Final = {"create_time": 1_700_000_000_000, "perform_time": 0, "cancel_time": 0}


def _insist_on_clean(value: Any, where: str) -> None:
    """Insist that everything in a value can be stored: clean texts of a sane length, sane numbers."""
    if isinstance(value, str) and not (is_clean_text(value) and len(value) <= _TEXT_MAX):
        raise Found(
            f"{where} let a text pass that no database stores, or of {len(value)} characters: {value[:80]!r}"
        )
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Found(f"{where} let a number pass that no database stores")
    for item in _inside(value):
        _insist_on_clean(item, where)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, msgspec.Struct):
        return [getattr(value, name) for name in value.__struct_fields__]
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    return list(value) if isinstance(value, list | tuple) else []


def envelope(data: bytes) -> None:
    """Read a JSON-RPC request."""
    source = Source(data)
    body = edited(
        source, write_json(mutated(source, {"jsonrpc": "2.0", "id": 7, "method": "m", "params": {"a": {}}}))
    )
    try:
        request = read_request(body)
    except RequestRefused as refused:
        _insist_on_clean([_text(refused.request_id), refused.jsonrpc], "a refused envelope")
        return
    _insist_on_clean([request.method, _text(request.id), request.jsonrpc], "an envelope")
    if not isinstance(json.loads(bytes(request.params)), dict):
        raise Found(f"params are no object in {body!r}")


def _text(request_id: object) -> object:
    """Give an id that is a text; a number is echoed, however long, and never stored."""
    return request_id if isinstance(request_id, str) else None


def headers(data: bytes) -> None:
    """Read what stands in headers, which arrive as Latin-1."""
    header = data.decode("latin-1")
    read_basic(header)
    read_x_auth(header)
    if read_language(header) not in {"ru", "uz", "en"}:
        raise Found(f"no language of ours in {header!r}")


LINK: Final = b"m=5e730e8e0b852a417aa49ceb;ac.order_id=197;a=500000;l=uz;c=https://shop.uz/?t=:transaction;ct=15000;cr=860"


def link(data: bytes) -> None:
    """Read a checkout link, whatever way its text was encoded."""
    source = Source(data)
    coded = (base64.b64encode, base64.urlsafe_b64encode, bytes)[source.below(3)](edited(source, LINK))
    coded = edited(source, coded) if source.now_and_then(3) else coded
    request = _checkout(lambda: read_link(coded.decode("latin-1")))
    if request is None:
        return
    written = urlsplit(write_link("https://checkout.test", request)).path.removeprefix("/")
    if read_link(written) != request:
        raise Found(f"a link means something else when it is written and read again: {coded!r}")


_DETAIL: Final = base64.b64encode(json.dumps({"receipt_type": 0, "items": []}).encode()).decode()
FORM: Final = (
    ("merchant", "5e730e8e0b852a417aa49ceb"),
    ("amount", "500000"),
    ("account[order_id]", "197"),
    ("lang", "ru"),
    ("callback", "https://shop.uz/thanks"),
    ("callback_timeout", "15000"),
    ("description", "чай"),
    ("description[uz]", "choy"),
    ("detail", _DETAIL),
)


def form(data: bytes) -> None:
    """Read a checkout form whose names and values were changed, lost and repeated."""
    source = Source(data)
    pairs = [pair for pair in FORM if source.below(6) != 5]
    for _ in range(source.below(4)):
        name, value = source.pick(FORM)
        pairs.append((_spoiled(source, name), _spoiled(source, value)))
    _checkout(lambda: read_form(pairs, _spoiled(source, "https://shop.uz/cart") if source.below(2) else None))


def _spoiled(source: Source, text: str) -> str:
    return edited(source, text.encode()).decode("utf-8", source.pick(("replace", "surrogateescape")))


def _checkout(read: Callable[[], CheckoutRequest]) -> CheckoutRequest | None:
    try:
        request = read()
    except RpcError as error:
        if error.code != -31610:
            raise Found(f"a payer is told {error.code}") from error
        return None
    _insist_on_clean(
        [request.merchant, request.account, request.callback, request.description], "a checkout request"
    )
    if not 0 < request.amount_tiyin <= _AMOUNT_TIYIN_MAX:
        raise Found(f"a checkout request over {request.amount_tiyin} tiyin")
    return request


_READERS: Final[tuple[tuple[Callable[[Mapping[str, Any]], Any], dict[str, Any]], ...]] = (
    (
        read_created,
        {**_TIMES, "transaction": "5123", "state": 1, "receivers": [{"id": "a" * 24, "amount": 500_000}]},
    ),
    (read_allowed, {"allow": True, "additional": {"name": "x"}, "detail": {"receipt_type": 0, "items": []}}),
    (read_performed, {**_TIMES, "transaction": "5123", "state": 2}),
    (read_cancelled, {**_TIMES, "transaction": "5123", "state": -1}),
    (read_checked, {**_TIMES, "transaction": "5123", "state": -2, "reason": 5}),
    (read_fiscal_taken, {"success": True}),
)
_ERROR: Final = {"code": -31050, "message": {"ru": "нет", "uz": "yoʻq", "en": "no"}, "data": "order_id"}


def merchant_answer(data: bytes) -> None:
    """Read a merchant's answer that was right, or an error, until something changed it."""
    source = Source(data)
    read, result = source.pick(_READERS)
    answer = {
        "jsonrpc": "2.0",
        "id": 1,
        **({"error": _ERROR} if source.now_and_then(3) else {"result": result}),
    }
    body = edited(source, write_json(mutated(source, answer)))
    outcome = read_answer(200 if source.below(8) else source.below(700), body, read)
    match outcome:
        case Answered(value):
            if read is not read_allowed:
                _insist_on_clean(value, f"{read.__name__} of {body[:500]!r}")
        case RefusedByMerchant(code, message):
            _insist_on_clean(
                [code, None if message is None else list(message.as_dict().values())], "a refusal"
            )
        case Unknown(reason) | Malformed(reason):
            if len(reason) > 200 or not is_clean_text(reason):
                raise Found(f"a reason of {len(reason)} characters")


_OUTCOME: Final = {"key": "k-1", "outcome": "debited", "reference": "r-1", "code": 0, "reason": ""}
_DAY: Final = {
    "lines": [
        {"key": "k-1", "kind": "debit", "amount_tiyin": 500_000, "at_ms": 1_700_000_000_000},
        {"key": "k-1", "kind": "reversal", "amount_tiyin": 500_000, "at_ms": 1_700_000_000_001},
    ]
}


class _Card(msgspec.Struct):
    number: str = "8600069195406311"
    expire: str = "0399"


def acquirer_answer(data: bytes) -> None:
    """Ask an acquirer that answers anything: an answer of the port comes back, or that nothing is known."""
    source = Source(data)
    right = {**_OUTCOME, "outcome": source.pick(("debited", "held", "declined", "reversed", "not-found"))}
    answers: tuple[dict[str, Any], ...] = (
        right,
        _DAY,
        {"refusal": 0},
        {"refusal": 0, "phone": "998901234567", "code": "1"},
    )
    kind = source.below(8)
    body = edited(source, write_json(mutated(source, answers[max(0, kind - 4)])))
    status = 200 if source.below(8) else source.below(700)

    def answer(call: HttpCall) -> HttpAnswer:
        assert call.body
        return HttpAnswer(status, {}, body)

    line = AcquirerLine(ScriptedHttp(answer), "https://acquirer.test", Secret("x" * 32), JumpClock())
    acquirer, issuer = HttpAcquirer(line), HttpIssuer(line)
    asked: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: acquirer.debit("k-1", _Card(), 500_000, "t"),
        lambda: acquirer.hold("k-1", _Card(), 500_000, "t"),
        lambda: acquirer.capture("k-1"),
        lambda: acquirer.status("k-1"),
        lambda: acquirer.reverse("k-1"),
        lambda: acquirer.day_lines(date(2023, 11, 14), "", 100),
        lambda: issuer.check("8600069195406311", "0399"),
        lambda: issuer.phone_of("8600069195406311", "0399"),
    )
    try:
        _insist_on_clean(_at_once(asked[kind]()), f"an acquirer's answer {body[:500]!r}")
    except OutcomeUnknown as unknown:
        if len(str(unknown)) > 300:
            raise Found("an acquirer's answer is told at length") from unknown
    except RpcError as error:
        _insist_on_clean(error.code, "an issuer's refusal")


def _at_once(coro: Awaitable[Any]) -> Any:
    """Run a coroutine that waits for nothing."""

    async def awaited() -> Any:
        return await coro

    running = awaited()
    try:
        running.send(None)
    except StopIteration as ended:
        return ended.value
    running.close()
    raise Found("an answer that was there at once was waited for")


_SUBMIT: Final = smpp_pdu.write_submit(
    smpp_pdu.Submit(source="Payme", destination="998901234567", text="чай".encode("utf-16-be"), data_coding=8)
)
_LONG: Final = smpp_pdu.write_submit(
    smpp_pdu.Submit(source="Payme", destination="998901234567", text=b"x" * 300, payload=True)
)
_ADDRESS_MAX: Final = 20
_BIND: Final = smpp_pdu.write_bind(smpp_pdu.Bind("payme", "secret"))


def smpp(data: bytes) -> None:
    """Read packets of an SMSC and their bodies."""
    source = Source(data)
    body = edited(source, source.pick((_SUBMIT, _LONG, _BIND, b"", b"\0" * 40)))
    whole = smpp_pdu.write_packet(smpp_pdu.Packet(smpp_pdu.SUBMIT_SM, 0, 7, body))
    for read, read_bytes in (
        (smpp_pdu.read_packet, edited(source, whole)),
        (smpp_pdu.read_head, source.some(20)),
        (smpp_pdu.read_submit, body),
        (smpp_pdu.read_bind, body),
    ):
        try:
            found = read(read_bytes)
        except smpp_pdu.PduError:
            continue
        if (
            isinstance(found, smpp_pdu.Submit)
            and max(len(found.source), len(found.destination)) <= _ADDRESS_MAX
            and smpp_pdu.read_submit(smpp_pdu.write_submit(found)) != found
        ):
            raise Found(f"a submit_sm means something else when it is written again: {read_bytes!r}")


_CARD: Final = re.compile(rb"(?<![0-9])(8600069195406311|8600 0691 9540 6311)(?![0-9])")
_ID: Final = re.compile(rb"(?<![0-9A-Za-z])(?=[0-9]*[a-f])[0-9a-f]{24}(?![0-9A-Za-z])")
"""Ids are names and are told, also one whose digits happen to be a card's."""


def redaction(data: bytes) -> None:
    """Hide what is secret in any bytes: a card's number is gone, and the text grows by no more than masks."""
    source = Source(data)
    seed = (
        b'{"number":"8600069195406311","token":"' + b"a" * 24 + b"_" + b"B" * 32 + b'"}',
        b"X-Auth: 5e730e8e0b852a417aa49ceb:secret?key",
        b"card 8600 0691 9540 6311 paid",
    )[source.below(3)]
    spoiled = edited(source, seed)
    once = redact_bytes(spoiled)
    if _CARD.search(_ID.sub(b"an id", once)):
        raise Found(f"a card is told: {once!r}")
    if len(once) > 3 * len(spoiled) + 100:
        raise Found("hiding made a text longer than it was thrice")


PARSERS: Final[Mapping[str, Parser]] = MappingProxyType(
    {
        "envelope": envelope,
        "headers": headers,
        "link": link,
        "form": form,
        "merchant_answer": merchant_answer,
        "acquirer_answer": acquirer_answer,
        "smpp": smpp,
        "redaction": redaction,
    }
)
