"""How the server treats its connections."""

import asyncio

import pytest

from helpers_wire import Handler, Seen, answer, answering, json_answer, raw_server, read_request
from tiyin.sandbox import runner
from tiyin.sandbox.findings import Report
from tiyin.sandbox.target import Target

BODY = b'{"id": 1, "result": {"allow": true}}'


async def run(handle: Handler) -> Report:
    async with raw_server(handle) as seen:
        target = Target(endpoint=seen.url, key="k" * 36, account={"order_id": "1"}, amount_tiyin=500_000)
        return await runner.run(target, only={"transport"})


def one_each(headers: str, *, silent: bool) -> Handler:
    """Answer one request of each connection, then read one more without answering, or close at once."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        await read_request(reader, seen)
        writer.write(answer(BODY, headers=f"Content-Type: application/json\r\n{headers}"))
        await writer.drain()
        if silent:
            await read_request(reader, seen)

    return handle


@pytest.mark.parametrize(
    ("handle", "codes"),
    [
        pytest.param(answering(lambda _: json_answer({"result": {}})), set(), id="kept"),
        pytest.param(one_each("Connection: close\r\n", silent=False), {"connection-closed"}, id="says-close"),
        pytest.param(one_each("", silent=False), {"connection-closed"}, id="closes-without-a-word"),
        pytest.param(one_each("", silent=True), {"keep-alive"}, id="breaks-the-second"),
    ],
)
async def test_a_connection(handle: Handler, codes: set[str]) -> None:
    report = await run(handle)
    told = {finding.problem.kind.code for finding in report.findings if finding.problem is not None}
    assert told == codes
    assert report.passed is ("keep-alive" not in codes)
