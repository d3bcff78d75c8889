"""How much the proofs of reality do: a little with every test run, much in `make prove`."""

import os
from pathlib import Path

__all__ = ["payments", "report", "rounds"]


def payments(few: int) -> int:
    """How many payments to make: `TIYIN_PROOF_PAYMENTS`, or a few."""
    return int(os.environ.get("TIYIN_PROOF_PAYMENTS", few))


def rounds(few: int) -> int:
    """How often to repeat a disaster: `TIYIN_PROOF_ROUNDS`, or a few times."""
    return int(os.environ.get("TIYIN_PROOF_ROUNDS", few))


def report(line: str) -> None:
    """Add a line to what `make prove` prints; without it nobody asks."""
    if path := os.environ.get("TIYIN_PROOF_REPORT"):
        with Path(path).open("a") as file:
            file.write(f"{line}\n")
