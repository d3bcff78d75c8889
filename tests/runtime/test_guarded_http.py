"""A guarded call reaches only where it may, and is honest about what may have happened on the other side."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helpers_runtime import Authority, Peer, dripping, plain, raw, silent
from tiyin.runtime.addresses import StaticResolver
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.http import Http, HttpAnswer, NoAnswer, NotSent
from tiyin.runtime.pinned import Stage

NOBODY = StaticResolver({})


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    """The emulator's mode: loopback is good."""
    guarded = GuardedHttp(allow_private=True)
    yield guarded
    await guarded.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def call(
    http: Http,
    url: str,
    *,
    body: bytes = b'{"id":1}',
    headers: dict[str, str] | None = None,
    timeout_ms: int = 5000,
    body_max: int = 1000,
) -> HttpAnswer:
    return await http.post(url, body=body, headers=headers or {}, timeout_ms=timeout_ms, body_max=body_max)


async def until_none_is_kept(http: GuardedHttp) -> None:
    clients = [client for host in http._hosts.values() for client in host.clients.values()]  # noqa: SLF001 - what is kept is not seen outside
    async with asyncio.timeout(5):
        while any(client.is_idle for client in clients):  # noqa: ASYNC110 - nothing rings when one is let go
            await asyncio.sleep(0.005)


async def test_a_call_brings_the_whole_answer(http: GuardedHttp) -> None:
    answer = plain(b'{"result":1}', "200 OK", "Content-Type: application/json", "X-A: 1", "x-a: 2")
    async with Peer(answer) as peer:
        got = await call(http, peer.url(path="/payme?x=1"), headers={"Authorization": "Basic UGF5Y29tOng="})
        assert (got.status, got.body) == (200, b'{"result":1}')
        assert got.headers["content-type"] == "application/json"
        assert got.headers["x-a"] == "1, 2"
        head, _, body = peer.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /payme?x=1 HTTP/1.1\r\n")
        assert b"\r\nAuthorization: Basic UGF5Y29tOng=" in head
        assert f"\r\nHost: 127.0.0.1:{peer.port}".encode() in head
        assert b"accept-encoding" not in head.lower()
        assert body == b'{"id":1}'
        got = await http.get(peer.url(), headers={}, timeout_ms=5000, body_max=1000)
        assert got.status == 200
        assert peer.requests[1].startswith(b"GET /payme HTTP/1.1\r\n")


@pytest.mark.parametrize("status", ["204 No Content", "400 Bad Request", "500 Oops"])
async def test_every_status_is_an_answer(http: GuardedHttp, status: str) -> None:
    async with Peer(plain(b"", status)) as peer:
        assert (await call(http, peer.url())).status == int(status[:3])


async def test_connections_are_kept_and_used_again(http: GuardedHttp) -> None:
    async with Peer() as peer:
        for _ in range(20):
            await call(http, peer.url())
        assert (peer.connections, len(peer.requests)) == (1, 20)


async def test_sixty_four_calls_at_once(http: GuardedHttp) -> None:
    async with Peer() as peer:
        for _ in range(5):
            answers = await asyncio.gather(*(call(http, peer.url()) for _ in range(64)))
            assert all(answer.status == 200 for answer in answers)
        assert len(peer.requests) == 320
        assert peer.connections <= 64


async def test_a_redirect_is_an_answer_and_not_followed(http: GuardedHttp) -> None:
    async with Peer() as secret, Peer(plain(b"", "302 Found", f"Location: {secret.url()}")) as peer:
        got = await call(http, peer.url())
        assert (got.status, got.headers["location"]) == (302, secret.url())
        assert secret.connections == 0


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Peer() as proxy, Peer() as peer:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(path=""))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        http = GuardedHttp(allow_private=True, resolver=StaticResolver({"shop.uz": ["127.0.0.1"]}))
        await call(http, peer.url("shop.uz"))
        await http.close()
        assert (proxy.connections, peer.connections) == (0, 1)


async def test_a_name_is_resolved_here_once_and_connected_as_judged() -> None:
    """Nobody else is asked: `.invalid` exists nowhere, and a name that moves meanwhile is not followed."""
    resolver = StaticResolver({"shop.invalid": ["127.0.0.1"]})
    http = GuardedHttp(allow_private=True, resolver=resolver)
    async with Peer() as peer:
        await call(http, peer.url("shop.invalid"))
        resolver.table["shop.invalid"] = ["169.254.169.254"]
        await call(http, peer.url("SHOP.invalid"))
        assert resolver.asked == ["shop.invalid"]
        assert f"\r\nHost: shop.invalid:{peer.port}\r\n".encode() in peer.requests[0]
    await http.close()


async def test_a_name_that_moved_is_judged_again() -> None:
    """After a failure the name is asked for again, and what it says now is judged again."""
    resolver = StaticResolver({"shop.uz": ["127.0.0.1"]})
    http = GuardedHttp(allow_private=True, resolver=resolver)
    async with Peer() as peer:
        url = peer.url("shop.uz")
    with pytest.raises(NotSent, match="not connected"):
        await call(http, url)
    resolver.table["shop.uz"] = ["169.254.169.254"]
    with pytest.raises(NotSent, match="no address that may be called"):
        await call(http, url)
    await http.close()


async def test_a_name_that_moves_does_not_cut_calls_in_flight() -> None:
    go = asyncio.Event()

    async def slow(
        peer: Peer, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await go.wait()
        await plain()(peer, data, reader, writer)

    resolver = StaticResolver({"shop.uz": ["127.0.0.1"]})
    http = GuardedHttp(allow_private=True, resolver=resolver, connect_timeout_ms=300)
    async with Peer(slow) as peer:
        first = asyncio.create_task(call(http, peer.url("shop.uz")))
        await peer.asked()
        resolver.table["shop.uz"] = ["127.0.0.3"]
        for host in http._hosts.values():  # noqa: SLF001 - half a minute is not waited for
            host.good_until = 0.0
        with pytest.raises(NotSent, match="not connected"):
            await call(http, peer.url("shop.uz"))
        go.set()
        assert (await first).status == 200
    await http.close()


async def test_a_dead_address_is_passed_over_and_remembered() -> None:
    """A connection that never stood cannot have carried the call, so the next judged address may have it."""
    async with Peer() as peer:
        resolver = StaticResolver({"shop.uz": ["127.0.0.2", "::ffff:127.0.0.1", "127.0.0.1"]})
        http = GuardedHttp(allow_private=True, resolver=resolver)
        for _ in range(3):
            await call(http, peer.url("shop.uz"))
        assert len(peer.requests) == 3
        assert next(iter(http._hosts.values())).addresses == ["127.0.0.1", "127.0.0.2"]  # noqa: SLF001 - the order is not seen outside
        await http.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/",  # not https
        "ftp://shop.uz/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "https://inside.uz/",
        "https://mixed.uz:0/",
        "https://nobody.uz/",
        "https://user:pa55@8.8.8.8/",
        "https://user@8.8.8.8/",
        "https://8.8.8.8/ a",
        "https://8.8.8.8/\r\nX: y",
        "https://sh\top.uz/",
        "https://[fe80::1%25eth0]/",
        "https:///",
        "https://%31%32%37.0.0.1/",
        "https://" + "a" * 9000,
        "shop.uz",
        "",
    ],
)
async def test_production_calls_only_the_internet_by_https(url: str) -> None:
    inside = StaticResolver({"inside.uz": ["127.0.0.1", "10.1.1.1", "fe80::1%eth0"], "mixed.uz": ["8.8.8.8"]})
    http = GuardedHttp(resolver=inside)
    with pytest.raises(NotSent) as failed:
        await call(http, url)
    assert "pa55" not in str(failed.value)
    assert "meta-data" not in str(failed.value)
    await http.close()


async def test_what_is_wrong_with_an_address_is_told() -> None:
    http = GuardedHttp()
    for url, told in (
        ("http://8.8.8.8/", "8.8.8.8: only https:// addresses are called"),
        ("https://user:pa55@8.8.8.8/", "8.8.8.8: an address must not hold a login or password"),
        ("https://@8.8.8.8:0/", "the address must begin with https:// and name a host"),
        ("https://10.0.0.1/", "10.0.0.1:443: the host has no address that may be called"),
        ("https://" + "a" * 200 + "$.uz/", "the address's host is not a host name"),
    ):
        with pytest.raises(NotSent) as failed:
            await call(http, url)
        assert str(failed.value) == told
    await http.close()


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/", "http://0.0.0.0:80/", "http://[::ffff:127.0.0.1]/"]
)
async def test_the_emulator_does_not_call_just_anything(http: GuardedHttp, url: str) -> None:
    with pytest.raises(NotSent, match="no address that may be called"):
        await call(http, url)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "a\r\nX-B: b"},
        {"X-A": "a\nb"},
        {"X-A": "a\x00"},
        {"X-A": "ключ"},
        {"X A": "a"},
        {"X-A\r\nX-B": "a"},
        {"": "a"},
        {"Host": "other.uz"},
        {"content-length": "5"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "close"},
    ],
)
async def test_headers_cannot_be_smuggled(http: GuardedHttp, headers: dict[str, str]) -> None:
    async with Peer() as peer:
        with pytest.raises(NotSent, match="header"):
            await call(http, peer.url(), headers=headers)
        assert peer.connections == 0


async def test_a_refused_port_was_not_sent(http: GuardedHttp) -> None:
    async with Peer() as peer:
        url = peer.url()
    with pytest.raises(NotSent, match="not connected"):
        await call(http, url)


async def test_a_silent_server_is_no_answer_and_is_hung_up_on(http: GuardedHttp) -> None:
    async with Peer(silent) as peer:
        with pytest.raises(NoAnswer, match="within 200 ms"):
            await call(http, peer.url(), timeout_ms=200)
        async with asyncio.timeout(5):
            await peer.hung_up.wait()


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"]
)
async def test_a_slow_drip_ends_with_the_total_time(http: GuardedHttp, head: bytes) -> None:
    async with Peer(dripping(head, b"H")) as peer:
        started = asyncio.get_running_loop().time()
        with pytest.raises(NoAnswer, match="within 300 ms"):
            await call(http, peer.url(), timeout_ms=300)
        assert asyncio.get_running_loop().time() - started < 2


async def test_an_endless_body_is_cut_and_fills_nothing(http: GuardedHttp) -> None:
    """The other side could write only what the buffers on the way hold."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with Peer(dripping(head, b"10000\r\n" + b"x" * 65536 + b"\r\n", every_s=0)) as peer:
        with pytest.raises(NoAnswer, match="longer than 100000 bytes"):
            await call(http, peer.url(), body_max=100_000)
        await asyncio.sleep(0.2)
        assert peer.written < 30_000_000
        written = peer.written
        await asyncio.sleep(0.1)
        assert peer.written == written


async def test_a_body_of_just_the_allowed_length_is_read(http: GuardedHttp) -> None:
    async with Peer(plain(b"x" * 200_000)) as peer:
        assert len((await call(http, peer.url(), body_max=200_000)).body) == 200_000
        with pytest.raises(NoAnswer, match="longer"):
            await call(http, peer.url(), body_max=199_999)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with Peer(raw(chunked, then_close=False)) as peer:
        assert (await call(http, peer.url(), body_max=5)).body == b"abcde"
        with pytest.raises(NoAnswer, match="longer"):
            await call(http, peer.url(), body_max=4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999999\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00" * 100,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
    ],
)
async def test_a_cut_or_garbled_answer_is_no_answer(http: GuardedHttp, data: bytes) -> None:
    async with Peer(raw(data)) as peer:
        with pytest.raises(NoAnswer):
            await call(http, peer.url())
        assert len(peer.requests) == 1


async def test_an_answer_may_come_in_any_pieces(http: GuardedHttp) -> None:
    whole = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-B: trailer\r\n\r\n"
    )

    async def in_bytes(_: Peer, __: bytes, ___: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in whole:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    for answer in (raw(whole, then_close=False), in_bytes):
        async with Peer(answer) as peer:
            for _ in range(2):
                got = await call(http, peer.url())
                assert (got.status, got.body) == (200, b"abcde")
                assert got.headers == {"x-a": "1", "transfer-encoding": "chunked"}
            assert peer.connections == 1


async def test_an_answer_that_tells_no_length_ends_with_the_connection(http: GuardedHttp) -> None:
    async with Peer(raw(b"HTTP/1.1 200 OK\r\n\r\n{}")) as peer:
        assert (await call(http, peer.url())).body == b"{}"


@pytest.mark.parametrize("behind", [b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", b"\x00"])
async def test_what_comes_behind_an_answer_answers_nothing(http: GuardedHttp, behind: bytes) -> None:
    """Else one call could be given the answer that was made up for the next."""
    async with Peer(
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + behind, then_close=False)
    ) as peer:
        for n in range(3):
            with contextlib.suppress(NoAnswer):
                assert (await call(http, peer.url())).status == 200
            assert (peer.connections, len(peer.requests)) == (n + 1, n + 1)

    async def later(
        peer: Peer, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await plain()(peer, data, reader, writer)
        await go.wait()
        writer.write(behind)

    go = asyncio.Event()
    async with Peer(later) as peer:
        assert (await call(http, peer.url())).status == 200
        go.set()
        await until_none_is_kept(http)
        assert (await call(http, peer.url())).status == 200
        assert peer.connections == 2


async def test_odd_bytes_in_an_answers_headers_are_survived(http: GuardedHttp) -> None:
    async with Peer(raw(b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}")) as peer:
        assert (await call(http, peer.url())).body == b"{}"


async def test_a_post_is_never_repeated_behind_our_back(http: GuardedHttp) -> None:
    """The second call goes out on a kept connection and dies there: it must not be sent a second time."""
    async with Peer() as peer:
        await call(http, peer.url(), body=b"first")
        peer.answer = raw(b"")
        with pytest.raises(NoAnswer):
            await call(http, peer.url(), body=b"second")
        await asyncio.sleep(0.05)
        assert [request.partition(b"\r\n\r\n")[2] for request in peer.requests] == [b"first", b"second"]


async def test_a_connection_that_was_closed_while_idle_is_not_used(http: GuardedHttp) -> None:
    async with Peer(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as peer:
        for _ in range(5):
            assert (await call(http, peer.url())).status == 200
            await asyncio.sleep(0.02)
        assert (peer.connections, len(peer.requests)) == (5, 5)


async def test_a_connection_that_was_closed_while_the_loop_was_busy_is_not_used(http: GuardedHttp) -> None:
    """The loop has not heard of it yet; a call sent there would be lost, and nobody could tell whether."""
    server = socket.create_server(("127.0.0.1", 0))
    answers = threading.Thread(target=_answer_once_each, args=(server, 2))
    answers.start()
    try:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert (await call(http, url)).status == 200
        # This blocks the loop until the server has closed the connection and waits for another.
        time.sleep(0.1)  # noqa: ASYNC251 - the loop is to be blocked
        assert (await call(http, url)).status == 200
    finally:
        answers.join()
        server.close()


def _answer_once_each(server: socket.socket, count: int) -> None:
    for _ in range(count):
        connection, _address = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


async def test_connections_that_nobody_uses_are_closed(
    http: GuardedHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tiyin.runtime.pinned._IDLE_S", 0.02)
    async with Peer() as peer:
        await asyncio.gather(*(call(http, peer.url()) for _ in range(3)))
        await until_none_is_kept(http)
        assert (await call(http, peer.url())).status == 200
        assert peer.connections == 4


async def test_nothing_is_sent_when_the_time_was_over_before(http: GuardedHttp) -> None:
    async with Peer() as peer:
        await call(http, peer.url())
        [host] = http._hosts.values()  # noqa: SLF001 - the moment between cannot be met from outside
        [client] = host.clients.values()
        stage = Stage(asyncio.get_running_loop().time())
        with pytest.raises(TimeoutError):
            await client.send(b"POST / HTTP/1.1\r\n\r\n", 10, stage)
        assert not stage.sent
        assert len(peer.requests) == 1
        await call(http, peer.url())
        assert peer.connections == 1


def test_it_works_on_the_loop_that_serves(authority: Authority) -> None:
    """The gateway runs on uvloop where the platform has it, whose transports are its own."""
    uvloop = pytest.importorskip("uvloop")

    async def calls() -> None:
        resolver = StaticResolver({"shop.uz": ["127.0.0.1"], "other.uz": ["127.0.0.1"]})
        http = GuardedHttp(allow_private=True, resolver=resolver, extra_ca_pem=authority.pem)
        async with Peer() as peer:
            for _ in range(3):
                await asyncio.gather(*(call(http, peer.url(), timeout_ms=60_000) for _ in range(64)))
            assert peer.connections <= 64
            await call(http, peer.url(), body=b"first")
            peer.answer = raw(b"")
            with pytest.raises(NoAnswer):
                await call(http, peer.url(), body=b"second")
            assert peer.requests[-1].endswith(b"\r\n\r\nsecond")
        with pytest.raises(NotSent, match="not connected"):
            await call(http, peer.url())
        async with Peer(silent) as peer:
            with pytest.raises(NoAnswer, match="within 200 ms"):
                await call(http, peer.url(), timeout_ms=200)
            async with asyncio.timeout(5):
                await peer.hung_up.wait()
        async with Peer(plain(b"x" * 200_000), tls=authority.context("shop.uz")) as peer:
            for _ in range(2):
                assert len((await call(http, peer.url("shop.uz"), body_max=200_000)).body) == 200_000
            assert peer.connections == 1
            with pytest.raises(NotSent, match="certificate"):
                await call(http, peer.url("other.uz"))
        await http.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(calls())


async def test_a_cancelled_call_hangs_up_when_its_time_is_over(http: GuardedHttp) -> None:
    async with Peer(silent) as peer:
        task = asyncio.create_task(call(http, peer.url(), timeout_ms=400))
        await peer.asked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await peer.hung_up.wait()


async def test_tls_keeps_the_name_and_wants_a_trusted_certificate(authority: Authority) -> None:
    resolver = StaticResolver({"shop.uz": ["127.0.0.1"], "other.uz": ["127.0.0.1"]})
    names: list[str | None] = []
    context = authority.context("shop.uz")
    context.sni_callback = lambda _, name, __: names.append(name)
    trusting = GuardedHttp(
        allow_private=True, resolver=resolver, extra_ca_pem=authority.pem, connect_timeout_ms=500
    )
    strict = GuardedHttp(allow_private=True, resolver=resolver)
    async with Peer(tls=context) as peer:
        assert (await call(trusting, peer.url("shop.uz"))).status == 200
        assert names == ["shop.uz"]
        with pytest.raises(NotSent, match="certificate"):
            await call(trusting, peer.url("other.uz"))
        with pytest.raises(NotSent, match="certificate"):
            await call(strict, peer.url("shop.uz"))
        assert len(peer.requests) == 1
    async with Peer(tls=authority.context("shop.uz", expired=True)) as peer:
        with pytest.raises(NotSent, match="certificate"):
            await call(trusting, peer.url("shop.uz"))
    async with Peer() as peer:
        with pytest.raises(NotSent, match="not connected"):
            await call(trusting, f"https://shop.uz:{peer.port}/")
    await trusting.close()
    await strict.close()


async def test_old_tls_is_refused(authority: Authority, recwarn: pytest.WarningsRecorder) -> None:
    context = authority.context("127.0.0.1")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    http = GuardedHttp(allow_private=True, extra_ca_pem=authority.pem)
    async with Peer(tls=context) as peer:
        with pytest.raises(NotSent, match="not connected"):
            await call(http, peer.url())
    await http.close()
    assert recwarn


async def test_time_that_ends_before_sending_was_not_sent() -> None:
    class Stuck:
        async def resolve(self, host: str, port: int) -> list[str]:
            await asyncio.sleep(60)
            return [f"{host}:{port}"]

    http = GuardedHttp(allow_private=True, resolver=Stuck())
    with pytest.raises(NotSent, match="before anything was sent"):
        await call(http, "http://shop.uz/", timeout_ms=50)
    await http.close()


async def test_calls_to_one_host_wait_their_turn_and_others_do_not() -> None:
    http = GuardedHttp(allow_private=True, calls_per_host_max=2, calls_max=4)
    async with Peer(silent) as slow, Peer() as quick:
        stuck = [asyncio.create_task(call(http, slow.url(), timeout_ms=400)) for _ in range(2)]
        third = asyncio.create_task(call(http, slow.url(), timeout_ms=100))
        with pytest.raises(NotSent, match="before anything was sent"):
            await third
        assert (await call(http, quick.url())).status == 200
        more = [asyncio.create_task(call(http, slow.url(), timeout_ms=200)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(NotSent, match="4 calls are in flight"):
            await call(http, quick.url())
        failures = await asyncio.gather(*stuck, *more, return_exceptions=True)
        assert [type(failure) for failure in failures] == [NoAnswer, NoAnswer, NotSent, NotSent]
        assert len(slow.requests) == 2
    await http.close()


async def test_hosts_that_were_not_called_for_long_are_let_go() -> None:
    http = GuardedHttp(
        allow_private=True, hosts_max=3, resolver=StaticResolver({f"h{n}": ["127.0.0.1"] for n in range(9)})
    )
    async with Peer() as peer:
        for n in range(9):
            await call(http, peer.url(f"h{n}"))
        assert [key[1] for key in http._hosts] == ["h6", "h7", "h8"]  # noqa: SLF001 - what is kept is not seen outside
    await http.close()


async def test_failed_hosts_do_not_pile_up() -> None:
    http = GuardedHttp(allow_private=True, hosts_max=3, resolver=NOBODY)
    for n in range(20):
        with pytest.raises(NotSent):
            await call(http, f"http://h{n}/")
    assert len(http._hosts) <= 3  # noqa: SLF001 - what is kept is not seen outside
    await http.close()


async def test_nothing_is_sent_after_closing(http: GuardedHttp) -> None:
    async with Peer(silent) as peer:
        task = asyncio.create_task(call(http, peer.url()))
        await peer.asked()
        await http.close()
        with pytest.raises(NoAnswer):
            await task
        with pytest.raises(NotSent, match="closed"):
            await call(http, peer.url())


async def test_errors_hold_no_path_and_no_secret(http: GuardedHttp) -> None:
    async with Peer(raw(b"")) as peer:
        with pytest.raises(NoAnswer) as failed:
            await call(http, peer.url(path="/secret-path?key=abc"), headers={"X-Auth": "id:abc"})
        text = repr(failed.value) + str(failed.value.__cause__)
        assert "secret-path" not in text
        assert "abc" not in text


async def test_a_machine_without_certificates_still_calls_the_loopback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bare container has no authorities installed; the emulator must run there."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    http = GuardedHttp(allow_private=True)
    async with Peer() as peer:
        assert (await call(http, peer.url())).status == 200
    await http.close()
