"""`tiyin ...`: the emulator, the gateway, and the small tools around them.

The commands live in `tiyin.cli.commands`; this door only makes sure that somebody who installed the
merchant kit alone reads a sentence instead of a traceback.
"""

import sys
from importlib.util import find_spec

__all__ = ["main"]

NEEDED = ("typer", "rich", "uvicorn", "starlette", "httptools", "jinja2", "pyreqwest", "segno", "alembic")
NOT_INSTALLED = (
    "The `tiyin` command needs the gateway's dependencies, and {missing} is not installed.\n"
    "Install them with:  pip install 'tiyin[gateway]'"
)


def main() -> None:
    """Run the command line; never returns normally (typer exits with the command's code)."""
    missing = next((name for name in NEEDED if find_spec(name) is None), None)
    if missing is not None:
        sys.stderr.write(NOT_INSTALLED.format(missing=missing) + "\n")
        raise SystemExit(2)
    from tiyin.cli.commands import app  # noqa: PLC0415  # typer itself may be missing

    app(prog_name="tiyin")
