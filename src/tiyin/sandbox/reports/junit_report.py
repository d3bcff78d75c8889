"""A run as JUnit XML, for CI: one test case a check, named by its lasting id."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from tiyin.protocol.values import Language
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.reports.showing import clean, explanation, transcript, verdict_of

__all__ = ["render"]


def render(report: Report, language: Language) -> bytes:
    """Write a run as JUnit XML.

    A failure's text is the explanation, `system-out` holds the exchanges; a check that only warned passes and
    its warnings stand in `system-out`.

    Args:
        report: The run.
        language: Of the texts for people.
    """
    checks: dict[str, list[Finding]] = {}
    for finding in report.findings:
        checks.setdefault(finding.check, []).append(finding)
    verdicts = [verdict_of(found) for found in checks.values()]
    counts = {
        "tests": str(len(checks)),
        "failures": str(verdicts.count(Verdict.FAIL)),
        "errors": "0",
        "skipped": str(verdicts.count(Verdict.SKIPPED)),
        "time": _seconds(report.took_ms),
    }
    root = ET.Element("testsuites", {"name": "tiyin sandbox", **counts})
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": "tiyin.sandbox",
            **counts,
            "timestamp": datetime.fromtimestamp(report.started_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("endpoint", report.endpoint), ("kind", report.kind)):
        ET.SubElement(properties, "property", {"name": name, "value": clean(value)})
    for check, findings in checks.items():
        _case(suite, check, findings, language)
    ET.indent(root, " ")
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(suite: ET.Element, check: str, findings: list[Finding], language: Language) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": clean(f"tiyin.sandbox.{findings[0].group}"),
            "name": clean(check),
            "time": _seconds(max(one.took_ms for one in findings)),
        },
    )
    said = [findings[0].title.in_language(language)]
    verdict = verdict_of(findings)
    for finding in findings:
        rows = explanation(finding, language)
        told = "\n".join(f"{name}: {value}" for name, value in rows)
        if finding.verdict is Verdict.FAIL and finding.problem is not None:
            title = finding.problem.kind.title.in_language(language)
            ET.SubElement(
                case, "failure", {"type": finding.problem.kind.code, "message": clean(title)}
            ).text = clean(f"{title}\n{told}")
        elif finding.verdict is Verdict.WARN and finding.problem is not None:
            said.append(
                f"[{finding.problem.kind.code}] {finding.problem.kind.title.in_language(language)}\n{told}"
            )
        elif (
            finding.verdict is Verdict.SKIPPED and verdict is Verdict.SKIPPED and case.find("skipped") is None
        ):
            reason = "" if finding.reason is None else finding.reason.in_language(language)
            ET.SubElement(case, "skipped", {"message": clean(reason)})
    exchanges = next((one.exchanges for one in findings if one.exchanges), ())
    if exchanges:
        said.append(transcript(exchanges, language))
    ET.SubElement(case, "system-out").text = clean("\n\n".join(said))


def _seconds(took_ms: float) -> str:
    return f"{max(took_ms, 0.0) / 1000:.3f}"
