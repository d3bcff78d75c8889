# ruff: noqa: E501 - texts as long as real ones
"""Runs made by hand, for the tests of what shows them."""

from typing import Any

import msgspec

from tiyin.protocol.values import Text
from tiyin.sandbox.exchange import Answer, Exchange, Failure
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.problems import Kind, Problem, Severity

HOSTILE = "</pre><script>alert(1)</script>&\"'\x00\x1b[31m\ud800\u202e]]>"


def kind_of(
    code: str, severity: Severity = Severity.FAIL, title: str = "Повторный вызов отвечает иначе"
) -> Kind:
    """Make a kind without declaring it."""
    return Kind(
        code=code,
        severity=severity,
        page="merchant-api/CreateTransaction",
        title=Text(
            ru=title + ".",
            uz="Takroriy chaqiruv boshqacha javob beradi.",
            en=f"A repeat is answered otherwise ({code}).",
        ),
        why=Text(
            ru="Документация требует на повторный вызов того же ответа. Иначе деньги могут быть списаны, а заказ не оплачен.",
            uz="Hujjat takroriy chaqiruvga oʻsha javobni talab qiladi. Aks holda pul yechilib, buyurtma toʻlanmay qolishi mumkin.",
            en="The documentation asks for the same answer again. Otherwise money may be taken and the order stay unpaid.",
        ),
        mend=Text(
            ru="Ищите транзакцию по id до всех остальных проверок и отвечайте сохранёнными значениями.",
            uz="Tranzaksiyani boshqa tekshiruvlardan oldin id boʻyicha qidiring va saqlangan qiymatlar bilan javob bering.",
            en="Look the transaction up by its id before any other check, and answer the stored values.",
        ),
    )


def exchange(**changes: Any) -> Exchange:
    """Make an exchange; the key is hidden as the caller hides it."""
    made = Exchange(
        method="POST",
        url="http://127.0.0.1:8000/payme",
        headers=(
            ("Content-Type", "application/json"),
            ("Authorization", "Basic ***"),
            ("Test-Operation", "Paycom"),
        ),
        body=b'{"jsonrpc":"2.0","id":7,"method":"CreateTransaction","params":{"id":"5305e3bab097f420a62ced0b","time":1399114284039,"amount":500000,"account":{"order_id":"1"}}}',
        answer=Answer(
            200,
            (("content-type", "application/json"), ("server", "shop")),
            b'{"jsonrpc":"2.0","id":7,"result":{"create_time":1399114284039,"transaction":"5123","state":1}}',
        ),
        took_ms=12.4,
        connection=1,
    )
    return msgspec.structs.replace(made, **changes)


def finding(check: str, verdict: Verdict = Verdict.PASS, **changes: Any) -> Finding:
    """Make a finding of a check."""
    made = Finding(
        check=check,
        group=check.partition(".")[0],
        title=Text(ru=f"Проверка {check}", uz=f"Tekshiruv {check}", en=f"Check {check}"),
        page="merchant-api/CreateTransaction",
        verdict=verdict,
        exchanges=(exchange(), exchange(took_ms=8.0)),
        took_ms=31.0,
    )
    return msgspec.structs.replace(made, **changes)


def report(*findings: Finding) -> Report:
    """Make a run of some findings."""
    return Report(
        endpoint="http://127.0.0.1:8000/payme",
        kind="one-time",
        started_ms=1_780_000_000_000,
        took_ms=9_800.0,
        findings=findings,
    )


def sample() -> Report:
    """Make a run with everything in it: passed, warned twice, failed with consequences, skipped."""
    first = Problem(
        kind_of("create-repeat-differs"),
        "result.create_time 1399114284039",
        "result.create_time 1399114284512",
    )
    loose = Problem(
        kind_of("message-not-localized", Severity.WARN, "Текст ошибки без трёх языков"),
        "error.message {ru, uz, en}",
        'error.message "not found"',
    )
    extra = Problem(kind_of("time-null", Severity.WARN), "perform_time 0", "perform_time null")
    lost = exchange(answer=None, failure=Failure.TIMEOUT, detail="no byte in 10000 ms", took_ms=10_000.0)
    return report(
        finding("scenario.first", documented_page := Verdict.PASS),
        finding("create.good", documented_page),
        finding("create.repeat", Verdict.FAIL, problem=first),
        finding("perform.repeat", Verdict.FAIL, problem=first, caused_by="create.repeat", exchanges=(lost,)),
        finding(
            "cancel.after",
            Verdict.SKIPPED,
            reason=Text(
                ru="не прошла create.repeat", uz="create.repeat oʻtmadi", en="create.repeat did not pass"
            ),
            caused_by="create.repeat",
            exchanges=(),
        ),
        finding("checktransaction.fields", Verdict.WARN, problem=extra),
        finding("envelope.loose", Verdict.WARN, problem=loose),
        finding("envelope.loose", Verdict.WARN, problem=extra),
        finding(
            "fiscal.set", Verdict.SKIPPED, reason=Text(ru="нет метода", uz="usul yoʻq", en="no such method")
        ),
    )


def hostile() -> Report:
    """Make a run in which the server chose every text it could."""
    wild = exchange(
        url="http://x.example/" + HOSTILE,
        headers=(("X-" + HOSTILE, HOSTILE),),
        body=HOSTILE.encode("utf-8", "surrogatepass") + b"\xff\x00\x80",
        answer=Answer(200, (("x", HOSTILE),), HOSTILE.encode("utf-8", "surrogatepass") + b"\xff" * 30_000),
    )
    deep = exchange(answer=Answer(200, (), b"[" * 15_000 + b"]" * 15_000))
    broken = exchange(answer=None, failure=Failure.NOT_HTTP, detail=HOSTILE)
    problem = Problem(kind_of("id-differs"), HOSTILE, HOSTILE)
    return report(
        finding("create.wild", Verdict.FAIL, problem=problem, exchanges=(wild, deep, broken)),
        finding("create.reason", Verdict.SKIPPED, reason=Text.same(HOSTILE), exchanges=(wild,)),
    )
