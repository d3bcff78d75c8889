"""A run as JSON, for programs: format 1.

```
{"format": 1, "tool": "tiyin", "version": "…", "language": "en",
 "endpoint": "…", "kind": "one-time", "started_ms": n, "took_ms": n, "passed": true,
 "counts": {"pass": n, "warn": n, "fail": n, "skipped": n},
 "findings": [
  {"check": "create.repeat", "group": "create", "title": "…", "page": "merchant-api/CreateTransaction",
   "verdict": "pass|warn|fail|skipped", "primary": bool, "caused_by": "check"|null, "took_ms": n,
   "problem": null | {"code": "create-repeat-differs", "severity": "fail|warn", "page": "…", "title": "…",
                      "expected": "…", "got": "…", "why": "…", "mend": "…"},
   "reason": "…"|null,
   "exchanges": [
    {"method": "POST", "url": "…", "headers": [["name", "value"]], "body": "…", "curl": "…"|null,
     "answer": null | {"status": 200, "headers": [["name", "value"]], "body": "…", "bytes": n},
     "failure": "timeout"|null, "detail": "…", "took_ms": n, "connection": n}]}]}
```

`check`, `group`, `verdict`, `code`, `failure` and the fields' names last; a change that a reader could trip
over raises `format`, new fields do not. A check that warned more than once has a finding for each. Bodies are
text: bytes that are none, and control characters, stand as U+FFFD; of one longer than 65,536 bytes the
beginning stands, and `bytes` says how long it was. Keys are hidden.
"""

from importlib.metadata import version
from typing import Any, Final

import msgspec

from tiyin.protocol.values import Language
from tiyin.sandbox.curl import curl
from tiyin.sandbox.exchange import Exchange, Headers
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.reports.showing import clean

__all__ = ["FORMAT", "render"]

FORMAT: Final = 1
_BODY_MAX: Final = 65_536


def render(report: Report, language: Language) -> bytes:
    """Write a run as JSON; the shape is described above.

    Args:
        report: The run.
        language: Of the texts for people.
    """
    told = {
        "format": FORMAT,
        "tool": "tiyin",
        "version": version("tiyin"),
        "language": language,
        "endpoint": clean(report.endpoint),
        "kind": report.kind,
        "started_ms": report.started_ms,
        "took_ms": round(report.took_ms, 1),
        "passed": report.passed,
        "counts": {verdict.value: report.count(verdict) for verdict in Verdict},
        "findings": [_finding(one, language) for one in report.findings],
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _finding(finding: Finding, language: Language) -> dict[str, Any]:
    problem = finding.problem
    return {
        "check": finding.check,
        "group": finding.group,
        "title": finding.title.in_language(language),
        "page": finding.page,
        "verdict": finding.verdict.value,
        "primary": problem is not None and finding.caused_by is None,
        "caused_by": finding.caused_by,
        "took_ms": round(finding.took_ms, 1),
        "problem": None
        if problem is None
        else {
            "code": problem.kind.code,
            "severity": problem.kind.severity.value,
            "page": problem.kind.page,
            "title": problem.kind.title.in_language(language),
            "expected": clean(problem.expected),
            "got": clean(problem.got),
            "why": problem.kind.why.in_language(language),
            "mend": problem.kind.mend.in_language(language),
        },
        "reason": None if finding.reason is None else clean(finding.reason.in_language(language)),
        "exchanges": [_exchange(one) for one in finding.exchanges],
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    answer = exchange.answer
    command = curl(exchange)
    return {
        "method": clean(exchange.method),
        "url": clean(exchange.url),
        "headers": _headers(exchange.headers),
        "body": _body(exchange.body),
        "curl": None if command is None else clean(command),
        "answer": None
        if answer is None
        else {
            "status": answer.status,
            "headers": _headers(answer.headers),
            "body": _body(answer.body),
            "bytes": len(answer.body),
        },
        "failure": None if exchange.failure is None else exchange.failure.value,
        "detail": clean(exchange.detail),
        "took_ms": round(exchange.took_ms, 1),
        "connection": exchange.connection,
    }


def _headers(headers: Headers) -> list[list[str]]:
    return [[clean(name), clean(value)] for name, value in headers]


def _body(body: bytes) -> str:
    return clean(body[:_BODY_MAX].decode("utf-8", "replace"))
