"""An exchange as a terminal shows it: one block, with colours where there are any."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from tiyin.runtime.tashkent import TASHKENT

__all__ = ["block"]

_LINES_MAX: Final = 60
_DIRECTIONS: Final = {"merchant": "gateway → shop", "api": "caller → API"}


def block(exchange: dict[str, Any]) -> Text:
    """Lay out one exchange.

    Args:
        exchange: As `GET /dev/traffic` tells it.
    """
    request, answer = exchange["request"], exchange["answer"]
    at = datetime.fromtimestamp(exchange["at_ms"] / 1000, UTC).astimezone(TASHKENT)
    text = Text()
    text.append(f"#{exchange['number']} ", style="bold")
    text.append(f"{at:%H:%M:%S} {_DIRECTIONS.get(exchange['direction'], exchange['direction'])}  ")
    text.append(_clean(exchange["method"] or request["http_method"]), style="bold cyan")
    text.append(f"  {_clean(exchange['desk_name'] or 'no known cash desk')}  ")
    text.append(*_outcome(exchange))
    text.append(f"  {exchange['took_ms']} ms", style="dim")
    fault = exchange["fault"]
    if fault is not None:
        text.append(f"  rule {fault['rule']}: {fault['fault']}", style="magenta")
    if exchange["resent_from"] is not None:
        text.append(f"  repeats #{exchange['resent_from']}", style="magenta")
    text.append(f"\n  {request['http_method']} {_clean(request['url'])}\n", style="dim")
    text.append(_body("  > ", request["body"]))
    if answer is not None:
        text.append(_body("  < ", answer["body"]))
    if exchange["problem"] is not None:
        text.append(f"  ! {_clean(exchange['problem'])}\n", style="red")
    return text


def _outcome(exchange: dict[str, Any]) -> tuple[str, str]:
    if exchange["problem"] is not None:
        return "no answer", "red"
    if exchange["code"] is not None:
        return f"error {exchange['code']}", "yellow"
    status = exchange["answer"]["status"]
    return (f"HTTP {status}", "red") if status != 200 else ("answered", "green")


def _body(mark: str, body: str) -> str:
    if not body:
        return ""
    with contextlib.suppress(ValueError, RecursionError):
        body = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    lines = body.splitlines()
    shown = [f"{mark}{_clean(line)}" for line in lines[:_LINES_MAX]]
    if len(lines) > _LINES_MAX:
        shown.append(f"{mark}... and {len(lines) - _LINES_MAX} lines more")
    return "\n".join(shown) + "\n"


def _clean(text: str) -> str:
    """Show what would move a terminal's cursor or change its colours as text: bodies are other people's."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
