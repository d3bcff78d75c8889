"""A run as a file, in the formats of `tiyin.sandbox.reports`."""

import importlib
from typing import Final

from tiyin.protocol.values import Language
from tiyin.sandbox.findings import Report

__all__ = ["FORMATS", "render_report"]

FORMATS: Final = {
    "html": ("html_report", "text/html; charset=utf-8"),
    "json": ("json_report", "application/json"),
    "xml": ("junit_report", "application/xml"),
}
"""By the file's ending: the module of `tiyin.sandbox.reports`, and the media type."""


def render_report(report: Report, name: str, language: Language) -> tuple[bytes, str]:
    """Write a report.

    Args:
        report: The run.
        name: One of `FORMATS`.
        language: In which language.

    Returns:
        The file, and its media type.
    """
    module, media_type = FORMATS[name]
    body: bytes = importlib.import_module(f"tiyin.sandbox.reports.{module}").render(report, language)
    return body, media_type
