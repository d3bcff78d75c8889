"""Answers that nobody expects: whatever a server says, a run ends with findings, and shows no key."""

import asyncio
import json
import random
from typing import Any
from xml.etree import ElementTree as ET

from sandbox.zoo.edge import KEY
from sandbox.zoo.merchant import Merchant
from sandbox.zoo.species import Species, opened
from sandbox.zoo.wire import Response
from tiyin.protocol.values import LANGUAGES
from tiyin.sandbox.findings import Report
from tiyin.sandbox.reports import html_report, json_report, junit_report
from tiyin.sandbox.runner import run

NASTY = (
    "null", "[]", "{}", '"x"', "1e400", "-1", "9" * 30, "NaN", "true", '"\\ud800"', '"\\u0000"', "[[[]]]",
    '{"a":{}}', "1.5", '""', '{"ru":1}', '"<script>alert(1)</script>"',
)  # fmt: skip
SEEDS = 12


def nasty(seed: int) -> type[Merchant]:
    """Make a merchant that spoils every fourth answer, and sometimes answers depth alone."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret

    class Nasty(Merchant):
        def respond(self, reply: dict[str, Any]) -> Response:
            told = json.loads(json.dumps(reply))
            if chance.random() >= 0.25:
                return super().respond(told)
            place = told
            name = chance.choice(list(place))
            while isinstance(place[name], dict) and place[name] and chance.random() < 0.8:
                place = place[name]
                name = chance.choice(list(place))
            place[name] = "@"
            response = super().respond(told)
            if chance.random() < 0.05:
                return response._replace(body=b"[" * 100_000)
            body = response.body.replace(b'"@"', chance.choice(NASTY).encode())
            # The right key is told too: whatever repeats it must be hidden.
            return response._replace(body=body.replace(b'"jsonrpc"', f'"k": "{KEY}", "jsonrpc"'.encode()))

    return Nasty


async def visited(seed: int) -> Report:
    async with opened(Species("nasty", "", nasty(seed))) as (target, _):
        return await run(target)


async def test_nasty_answers_are_findings_and_nothing_else() -> None:
    """Goal: no check breaks, every report can be written and read, and the key stands in none of them."""
    for report in await asyncio.gather(*(visited(seed) for seed in range(SEEDS))):
        broken = [f.check for f in report.findings if f.problem and f.problem.kind.code == "check-broken"]
        assert broken == []
        assert not report.passed
        for language in LANGUAGES:
            pages = [made.render(report, language) for made in (json_report, junit_report, html_report)]
            assert not any(KEY.encode() in page for page in pages)
            assert b"<script>alert" not in pages[2]
            assert json.loads(pages[0])["format"]
            assert ET.fromstring(pages[1]).tag == "testsuites"  # noqa: S314 - our own
