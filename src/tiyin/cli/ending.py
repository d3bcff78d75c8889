"""How a command ends: with a sentence a person can act on, and an exit code a script can read."""

from typing import Final, NoReturn

from rich.console import Console

__all__ = ["COULD_NOT_RUN", "FINDINGS", "err", "out", "stop"]

FINDINGS: Final = 1
"""The command ran and found something wrong."""
COULD_NOT_RUN: Final = 2
"""The command could not do what it is for; a sentence said why."""

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def stop(sentence: str, code: int = COULD_NOT_RUN) -> NoReturn:
    """Say a sentence and end the process.

    Args:
        sentence: What is wrong and what to do; it may have several lines.
        code: The exit code.

    Raises:
        SystemExit: Always.
    """
    err.print(sentence, style="red", markup=False)
    raise SystemExit(code)
