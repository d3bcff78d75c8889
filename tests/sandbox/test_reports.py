"""Reports as files: what they hold, that they read back, and that nothing in them can break out."""
# ruff: noqa: S314 - our own files

import json
import re
import shlex
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from helpers_reports import exchange, finding, hostile, kind_of, report, sample
from tiyin.protocol.values import LANGUAGES, Language
from tiyin.sandbox.curl import curl
from tiyin.sandbox.exchange import Answer
from tiyin.sandbox.findings import Verdict
from tiyin.sandbox.problems import Problem
from tiyin.sandbox.reports import html_report, json_report, junit_report
from tiyin.sandbox.reports.showing import causes
from tiyin.sandbox.words import last_word, summary

WEB = Path(__file__).parents[2] / "src/tiyin/web/static/tokens.css"
CSS = Path(html_report.__file__).parent / "report.css"
VOID = {"meta", "circle", "path"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_json_has_its_documented_shape(language: Language) -> None:
    told = json.loads(json_report.render(sample(), language))
    assert (told["format"], told["passed"], told["language"]) == (1, False, language)
    assert told["counts"] == {"pass": 2, "warn": 3, "fail": 2, "skipped": 2}
    by_check = {one["check"]: one for one in told["findings"]}
    assert by_check["create.repeat"]["primary"]
    assert by_check["create.repeat"]["problem"]["code"] == "create-repeat-differs"
    assert by_check["perform.repeat"]["caused_by"] == "create.repeat"
    assert not by_check["perform.repeat"]["primary"]
    assert by_check["perform.repeat"]["exchanges"][0]["failure"] == "timeout"
    first = by_check["create.good"]["exchanges"][0]
    assert json.loads(first["body"])["method"] == "CreateTransaction"
    assert first["answer"]["status"] == 200


def test_junit_has_one_case_a_check() -> None:
    root = ET.fromstring(junit_report.render(sample(), "en"))
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert len(cases) == 8
    assert root.attrib["failures"] == "2"
    assert cases["create.repeat"].attrib["classname"] == "tiyin.sandbox.create"
    failure = cases["create.repeat"].find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "create-repeat-differs"
    assert "result.create_time 1399114284512" in (failure.text or "")
    skipped = cases["fiscal.set"].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "no such method"
    loose = cases["envelope.loose"]
    assert loose.find("failure") is None
    said = loose.findtext("system-out") or ""
    assert "[message-not-localized]" in said
    assert "[time-null]" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_server_says_breaks_out_of_no_report(language: Language) -> None:
    made = hostile()
    root = ET.fromstring(junit_report.render(made, language))
    assert len(list(root.iter("testcase"))) == 2
    json.loads(json_report.render(made, language))
    page = html_report.render(made, language).decode()
    assert "<script" not in page
    for control in ("\x00", "\x1b", "\u202e"):
        assert control not in page
        assert control.encode() not in json_report.render(made, language)


def test_the_page_stands_alone_and_is_well_formed() -> None:
    page = html_report.render(sample(), "en").decode()
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(", page)
    opened: list[str] = []
    for close, tag in re.findall(r"<(/?)([a-z][a-z0-9]*)", page.partition("<body>")[2]):
        if close:
            assert opened.pop() == tag if opened else tag in {"body", "html"}
        elif tag not in VOID:
            opened.append(tag)
    assert opened == []
    assert page.count('id="envelope.loose"') == 1
    assert "perform.repeat" in page
    assert "no byte in 10000 ms" in page


def test_the_pages_tokens_are_those_of_the_house() -> None:
    def tokens(path: Path) -> list[dict[str, str]]:
        text = path.read_text(encoding="utf-8")
        light, _, dark = text.partition("@media (prefers-color-scheme: dark)")
        dark = dark[: dark.index("\n}\n")]
        return [dict(re.findall(r"(--[a-z0-9-]+): ([^;]+);", part)) for part in (light, dark)]

    for mine, house in zip(tokens(CSS), tokens(WEB), strict=True):
        assert mine
        assert mine.items() <= house.items()


def test_an_empty_run_is_no_success() -> None:
    assert summary(report()) == "nothing"
    assert "No check was made" in html_report.render(report(), "en").decode()


def test_problems_come_with_what_follows_from_them() -> None:
    grouped = causes(sample())
    assert [one.finding.check for one in grouped] == [
        "create.repeat", "checktransaction.fields", "envelope.loose", "envelope.loose",
    ]  # fmt: skip
    assert [one.check for one in grouped[0].consequences] == ["perform.repeat", "cancel.after"]
    lost = finding("a.b", Verdict.FAIL, problem=Problem(kind_of("x-y"), "1", "2"), caused_by="not.there")
    assert [one.finding.check for one in causes(report(lost))] == ["a.b"]
    assert last_word(report(lost), "en")


def test_curl_sends_the_same_again(tmp_path: Path) -> None:
    """The command is run with a curl that only writes down its arguments."""
    (tmp_path / "curl").write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
    (tmp_path / "curl").chmod(0o755)
    body = b'{"a":"it\'s $HOME `x`","password":"***","card":"860006******6311"}'
    command = curl(exchange(body=body, url="http://x.example/?a=1&b='2'"))
    assert command is not None
    ran = subprocess.run(
        ["bash", "-c", command],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "KEY": "se'c\"ret"},
        capture_output=True,
        check=True,
    )
    given = ran.stdout.decode().split("\0")[:-1]
    assert given == [
        "-i", "http://x.example/?a=1&b='2'", "-H", "Content-Type: application/json",
        "-u", "Paycom:se'c\"ret", "-H", "Test-Operation: Paycom",
        "--data-binary", body.decode().replace('"***"', '"se\'c"ret"'),
    ]  # fmt: skip


def test_curl_knows_bytes_methods_and_bounds() -> None:
    assert curl(exchange(body=b"x" * 40_000)) is None
    got = curl(exchange(method="GET", body=b"", headers=())) or ""
    assert shlex.split(got) == ["curl", "-i", "http://127.0.0.1:8000/payme"]
    assert "$'\\x00\\xff\\'x'" in (curl(exchange(body=b"\x00\xff'x")) or "")
    wrong = curl(exchange(headers=(("Authorization", "Basic UGF5Y29tOndyb25n"),))) or ""
    assert "Authorization: Basic UGF5Y29tOndyb25n" in wrong


def test_a_long_answer_is_cut_in_the_page() -> None:
    long = exchange(answer=Answer(200, (), b"y" * 50_000))
    page = html_report.render(report(finding("create.long", exchanges=(long,))), "en").decode()
    assert "30000 more bytes" in page
    assert len(page) < 100_000
    assert msgspec.json.decode(json_report.render(report(finding("a.b", exchanges=(long,))), "en"))
