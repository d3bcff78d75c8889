"""Logs: structlog for the house's own lines, led into the standard library's logging to meet uvicorn's.

Every line of the house is redacted before it leaves for `logging`, so the kit inside somebody's shop shows
no card whatever the shop's own logging does. A process of ours calls `configure_logs` once; then other
libraries' lines are redacted too, and all come out in one form. Tracebacks are plain: they never hold local
variables.
"""

import contextlib
import importlib.util
import json
import logging
import os
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, Literal, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from tiyin.runtime.redaction import redact

__all__ = ["LogFormat", "Logger", "configure_logs", "get_logger", "log_context"]

LogFormat = Literal["console", "json"]
Logger = structlog.stdlib.BoundLogger

_SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


class _Line(dict[str, Any]):
    """A line's fields; as a text it is readable for a logging that knows nothing of structlog."""

    def __str__(self) -> str:
        rest = (f"{name}={value!r}" for name, value in self.items() if name not in ("event", "exception"))
        line = " ".join((str(self.get("event", "")), *rest))
        return f"{line}\n{self['exception']}" if "exception" in self else line


def _redact_line(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Hide cards and secrets in every field; what structlog itself needs begins with an underscore."""
    kept = {name: value for name, value in line.items() if name.startswith("_")}
    shown = {name: value for name, value in line.items() if not name.startswith("_")}
    return {**redact(shown), **kept}


def _hand_over(logger: WrappedLogger, name: str, line: EventDict) -> tuple[tuple[_Line], dict[str, Any]]:
    """Give the finished line to `logging`, as `structlog.stdlib.ProcessorFormatter` expects it."""
    return (_Line(line),), {"extra": {"_logger": logger, "_name": name}}


_COMMON: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    structlog.processors.format_exc_info,
    _redact_line,
)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines, whatever characters are in them, and is discreet about lines that cannot be made."""

    def format(self, record: logging.LogRecord) -> str:
        """Make the line out of characters that the stream can write."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return super().format(record).encode(encoding, "backslashreplace").decode(encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - named by `logging`
        """Tell that a line was lost, without the arguments, which nobody has redacted."""
        kind = getattr(sys.exc_info()[0], "__name__", "error")
        line = {"event": "log_line_lost", "logger": record.name, "line": record.lineno, "error": kind}
        # The stream itself may be what failed, and then there is nobody left to tell.
        with contextlib.suppress(Exception):
            self.stream.write(f"{_render_json(None, '', line)}\n")


def get_logger(name: str) -> Logger:
    """Return the logger of a part of the house.

    Args:
        name: A dotted name under `tiyin`, such as `tiyin.receipts`.

    Returns:
        A structlog logger: `log.info("receipt_paid", receipt=receipt_id)`. The event is a fixed word, what
        varies are fields.
    """
    return cast(
        "Logger",
        structlog.wrap_logger(
            logging.getLogger(name),
            processors=[structlog.stdlib.filter_by_level, *_COMMON, _hand_over],
            wrapper_class=structlog.stdlib.BoundLogger,
            context_class=dict,
            cache_logger_on_first_use=True,
        ),
    )


def log_context(**fields: Any) -> AbstractContextManager[Any]:
    """Add fields (a request's id) to every line logged within the `with` block and by tasks begun in it."""
    return structlog.contextvars.bound_contextvars(**fields)


def configure_logs(
    format: LogFormat = "console",  # noqa: A002 - the operator's word for it
    level: str = "INFO",
    *,
    stream: TextIO | None = None,
) -> None:
    """Lead every line of this process through redaction to one stream; the last call counts.

    Start uvicorn with `log_config=None`, or it takes its own loggers back.

    Args:
        format: `console` for people (in colour on a terminal, unless `NO_COLOR` is set), `json` for
            machines: one object a line.
        level: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
        stream: Where to write; the standard error stream by default.

    Raises:
        ValueError: If there is no such level.
    """
    out = sys.stderr if stream is None else stream
    handler = _Handler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_COMMON,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(format, out)],
        )
    )
    root = logging.getLogger()
    root.setLevel(level.upper())
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    for name in _SERVER_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def _renderer(format: LogFormat, out: TextIO) -> Processor:  # noqa: A002 - as in `configure_logs`
    if format == "json":
        return _render_json
    return structlog.dev.ConsoleRenderer(
        colors=_wants_colour(out), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )


def _render_json(_: WrappedLogger, __: str, line: MutableMapping[str, Any]) -> str:
    try:
        return msgspec.json.encode(line, enc_hook=str).decode()
    except UnicodeEncodeError:
        # Half of a surrogate pair is no character, and JSON written as ASCII can still carry it.
        return json.dumps(line, default=str)


def _wants_colour(out: TextIO) -> bool:
    if not out.isatty() or os.environ.get("NO_COLOR"):
        return False
    return sys.platform != "win32" or importlib.util.find_spec("colorama") is not None
