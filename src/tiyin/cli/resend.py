"""`tiyin resend`: a recorded request once more."""

from pathlib import Path

from tiyin.cli.dev_client import DevClient, DevSilent
from tiyin.cli.ending import out, stop
from tiyin.cli.exchanges import block

__all__ = ["run"]


def run(*, number: int, data: Path, dev: str | None) -> None:
    """Send a request once more and show what came of it.

    Args:
        number: The exchange's number, as `tiyin listen` shows it.
        data: The emulator's directory.
        dev: The address of its `/dev`, instead.
    """
    try:
        exchange = DevClient(data=data, dev=dev).ask("POST", f"/traffic/{number}/resend", {})
    except DevSilent as silent:
        stop(str(silent))
    out.print(block(exchange), end="")
