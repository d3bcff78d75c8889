"""Both clients over real connections that break, lie and never end, and the documentation's own samples."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from helpers_runtime import Authority, Peer, dripping, plain, raw, silent
from tiyin.merchant.subscribe import AnswerLost, BadAnswer, NotReached, ReceiptState, SubscribeError
from tiyin.merchant.subscribe.transport import PyreqwestTransport, SyncPyreqwestTransport

ID = "2e0b1bc1f1eb50d487ba268d"
TOKEN = "NTg0YTgxZWYyYWJiNWNhYTMxMDc5OTExXyVwOTY4TzI3MTJRQ28lWmso"
SAMPLES: dict[str, list[Any]] = json.loads(
    (Path(__file__).parents[2] / "protocol" / "documentation_samples.json").read_text()
)
PAID = json.dumps({"result": {"receipt": {"_id": ID, "state": 4, "amount": 3500}}}).encode()
STATE = b'{"result": {"state": 4}}'


@asynccontextmanager
async def listening(caller: Any, answer: Any = None, **options: Any) -> AsyncIterator[Peer]:
    """Serve, and let every connection end before the server does: the clients' threads close them in time."""
    async with Peer(answer or plain(), **options) as peer:
        yield peer
        await caller.close()
        async with asyncio.timeout(20):
            while peer._tasks:  # noqa: SLF001, ASYNC110 - nothing signals the end of the last one
                await asyncio.sleep(0.001)


def opened(caller: Any, peer: Peer, **settings: Any) -> Any:
    return caller.client(base_url=peer.url(path="/api"), **{"retries": 0, **settings})


def answer_of(page: str, number: int = 0) -> bytes:
    """The documentation's n-th answer on a page, as a body."""
    answers = [sample for sample in SAMPLES[page] if isinstance(sample, dict) and "result" in sample]
    return json.dumps(answers[number]).encode()


def json_of(request: bytes) -> Any:
    return json.loads(request.partition(b"\r\n\r\n")[2])


BROKEN = {
    "closed": raw(b""),
    "cut in the body": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + PAID),
    "cut in the head": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "no HTTP": raw(b"\x16\x03\x01 hello\r\n\r\n"),
    "silent": silent,
    "dripping": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
    "endless": dripping(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 4_000_000, 0),
    "compressed": plain(b"\x1f\x8b\x08 no", "200 OK", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_payment_whose_answer_is_lost(caller: Any, how: str) -> None:
    async with listening(caller, BROKEN[how]) as peer:
        client = opened(caller, peer, pay_timeout_ms=20_000 if how == "endless" else 1500, retries=2)
        with pytest.raises(SubscribeError) as lost:
            await caller.ask(client, lambda c: c.receipts.pay(ID, TOKEN))
        assert isinstance(lost.value, BadAnswer if how == "compressed" else AnswerLost)
        assert lost.value.outcome_unknown
        assert "receipts.check" in str(lost.value)
        assert ("longer than 16777216 bytes" in str(lost.value)) == (how == "endless")
        assert TOKEN not in str(lost.value)
        assert len(peer.requests) == 1


async def test_a_read_is_repeated_over_a_new_connection(caller: Any) -> None:
    async with listening(caller, raw(b"")) as peer:

        async def answer(peer: Peer, request: bytes, reader: Any, writer: Any) -> None:
            await (raw(b"") if len(peer.requests) < 3 else plain(STATE))(peer, request, reader, writer)

        peer.answer = answer
        client = opened(caller, peer, retries=2)
        assert await caller.ask(client, lambda c: c.receipts.check(ID)) is ReceiptState.PAID
        assert len(peer.requests) == 3
        assert len({json_of(request)["id"] for request in peer.requests}) == 1
        # The connection stays open for the next calls.
        for _ in range(5):
            assert await caller.ask(client, lambda c: c.receipts.check(ID)) is ReceiptState.PAID
        assert peer.connections < len(peer.requests)


async def test_nobody_listens(caller: Any) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, and not listening
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/api"
        client = caller.client(base_url=address, retries=1)
        with pytest.raises(NotReached) as unsent:
            await caller.ask(client, lambda c: c.receipts.pay(ID, TOKEN))
    assert (unsent.value.outcome_unknown, unsent.value.attempts) == (False, 2)


async def test_redirects_are_not_followed(caller: Any) -> None:
    async with listening(caller, plain(STATE)) as elsewhere:
        async with listening(
            caller, plain(b"", "307 Temporary Redirect", f"Location: {elsewhere.url()}")
        ) as peer:
            client = opened(caller, peer)
            with pytest.raises(BadAnswer, match="redirects are not followed"):
                await caller.ask(client, lambda c: c.receipts.check(ID))
        assert elsewhere.requests == []


async def test_the_environments_proxy_does_not_get_the_key(
    caller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(caller, plain(STATE)) as proxy, listening(caller, plain(STATE)) as peer:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(path=""))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        await caller.ask(opened(caller, peer), lambda c: c.receipts.check(ID))
        assert (len(proxy.requests), len(peer.requests)) == (0, 1)


async def test_certificates_are_looked_at(caller: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with listening(caller, plain(PAID), tls=authority.context("127.0.0.1")) as peer:
        with pytest.raises(NotReached) as unsent:
            await caller.ask(opened(caller, peer), lambda c: c.receipts.pay(ID, TOKEN))
        assert not unsent.value.outcome_unknown
        assert peer.requests == []
        kind = SyncPyreqwestTransport if caller.kind == "sync" else PyreqwestTransport
        transport: Any = kind(ca_pem=authority.pem)
        paid = await caller.ask(
            opened(caller, peer, transport=transport), lambda c: c.receipts.pay(ID, TOKEN)
        )
        assert paid.is_paid
        closed = transport.close()
        if closed is not None:
            await closed


async def test_after_a_fork_the_client_says_so_instead_of_hanging(
    caller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(caller, plain(STATE)) as peer:
        client = opened(caller, peer)
        await caller.ask(client, lambda c: c.receipts.check(ID))
        monkeypatch.setattr("tiyin.merchant.subscribe.transport.os.getpid", lambda: -1)
        with pytest.raises(NotReached, match="forked after the client"):
            await caller.ask(client, lambda c: c.receipts.check(ID))
        monkeypatch.undo()


async def test_the_documentations_samples(caller: Any) -> None:
    """What the documentation shows is what is sent, and what it answers is understood."""
    async with listening(caller) as peer:
        client = opened(caller, peer)

        async def ask(page: str, question: Any, number: int = 0) -> Any:
            peer.answer = plain(answer_of(f"subscribe-api/{page}", number))
            return await caller.ask(client, question)

        card = await ask("cards.create", lambda c: c.cards.create("8600069195406311", "0399", save=True))
        assert (card.number, card.recurrent, card.verify) == ("860006******6311", True, False)
        sent = await ask("cards.get_verify_code", lambda c: c.cards.get_verify_code(card.token))
        assert (sent.sent, sent.wait_ms) == (True, 60_000)
        assert (await ask("cards.verify", lambda c: c.cards.verify(card.token, "666666"))).verify
        assert (await ask("cards.check", lambda c: c.cards.check(card.token))).recurrent
        assert await ask("cards.remove", lambda c: c.cards.remove(card.token)) is True
        created = await ask("receipts.create", lambda c: c.receipts.create(500_000, {"order_id": "test"}))
        assert (created.account, created.number) == ({"order_id": "test"}, "80")
        assert created.detail is not None
        assert created.detail["items"][0]["title"] == "Помидоры"
        paid = await ask("receipts.pay", lambda c: c.receipts.pay(ID, card.token))
        assert (paid.state, paid.amount_tiyin) == (ReceiptState.PAID, 3500)
        assert paid.payer is not None
        assert (paid.payer.phone, "998912345678" in repr(paid)) == ("998912345678", False)
        assert paid.pay_time == datetime(2016, 12, 7, 12, 30, 10, 265_000, tzinfo=UTC)
        assert await ask("receipts.send", lambda c: c.receipts.send(ID, "+998 90 130-45-27")) is True
        assert json_of(peer.requests[-1])["params"] == {"id": ID, "phone": "998901304527"}
        queued = await ask("receipts.cancel", lambda c: c.receipts.cancel(ID))
        assert (queued.state, queued.is_cancelled) == (ReceiptState.CANCEL_QUEUE, False)
        assert await ask("receipts.check", lambda c: c.receipts.check(ID)) is ReceiptState.PAID
        assert (await ask("receipts.get", lambda c: c.receipts.get(ID))).account == {"order_id": "124"}
        fiscal = {"status_code": 0, "receipt_id": 121, "qr_code_url": "fiscal receipt url"}
        told = await ask("receipts.set_fiscal_data", lambda c: c.receipts.set_fiscal_data(ID, fiscal))
        assert told is True
        assert json_of(peer.requests[-1])["params"] == {"id": ID, "fiscal_data": fiscal}
        held_id = "624c0c2b0ac8b463e47422c7"
        held = await ask("holds", lambda c: c.receipts.hold(held_id, card.token))
        assert (held.is_held, held.pay_time, held.card.number) == (True, None, "626247**********")
        assert json_of(peer.requests[-1])["params"]["hold"] is True
        taken = await ask("holds", lambda c: c.receipts.confirm_hold(held_id), 1)
        assert taken.is_paid


async def test_a_period_page_by_page(caller: Any) -> None:
    async with listening(caller) as peer:
        full = answer_of("subscribe-api/receipts.get_all")

        async def answer(peer: Peer, request: bytes, reader: Any, writer: Any) -> None:
            last = json_of(request)["params"]["offset"] > 0
            await plain(b'{"result": []}' if last else full)(peer, request, reader, writer)

        peer.answer = answer
        moment = datetime(2021, 11, 9, tzinfo=UTC)
        listed = await caller.ask(opened(caller, peer), lambda c: c.receipts.get_all(moment, moment, count=2))
        assert [one.id for one in listed] == ["618a5b9f1045eb4efde669a4", "618a5a881045eb4efde669a3"]
        assert [json_of(request)["params"]["offset"] for request in peer.requests] == [0, 2]
        assert json_of(peer.requests[0])["params"] == {
            "from": 1_636_416_000_000,
            "to": 1_636_416_000_000,
            "count": 2,
            "offset": 0,
        }
        # The documentation's sample shows a card's number whole; nothing of ours does.
        assert {one.card.number for one in listed} == {"860006******6311"}
        assert "8600069195406311" not in json.dumps([dict(one.raw) for one in listed])
        assert listed[0].account == {"loan_id": "2"}
        assert listed[0].number == "1544"
        assert listed[0].rows[0].title.en == "Login"
