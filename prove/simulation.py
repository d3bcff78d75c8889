"""The deterministic simulation: payments with troubles of every kind, by the hundred thousand seeds.

Gateways, a merchant, an acquirer, a tax service and their clients run in one process on virtual time
(`tests/simulation`; `make test` runs the first three thousand seeds). `make simulate SEEDS=17` replays a seed
and tells its story; `SEEDS=0-9999` runs a range, `SEEDS=3,8,100-200` a list.
"""

import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests", "src")]

from simulation.run import run_seed, run_seeds, story  # noqa: E402 - found on the path that was set above

__all__ = ["SEEDS", "main", "simulate"]

SEEDS = 300_000
_CHUNK = 500
_TOLD_MAX = 20

_Chunk = tuple[int, list[tuple[int, list[str]]], Counter[int], int]


def simulate(seeds: range = range(SEEDS)) -> bool:
    """Run seeds on all cores, and print what came of it.

    Args:
        seeds: Which.

    Returns:
        Whether nothing went wrong in any of them.
    """
    began = time.monotonic()
    failed: list[tuple[int, list[str]]] = []
    ends: Counter[int] = Counter()
    count = steps = 0
    chunks = [
        range(first, min(first + _CHUNK, seeds.stop)) for first in range(seeds.start, seeds.stop, _CHUNK)
    ]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count() or 1) as pool:
        for ran, found, states, taken in pool.imap_unordered(_run_chunk, chunks):
            count, steps = count + ran, steps + taken
            ends.update(states)
            for seed, problems in found:
                failed.append((seed, problems))
                if len(failed) <= _TOLD_MAX:
                    print(f"simulation  seed {seed}: {problems[0]}  (make simulate SEEDS={seed})", flush=True)
    shown = ", ".join(f"{ends[state]} in {state}" for state in sorted(ends))
    result = "nothing went wrong" if not failed else f"{len(failed)} seeds went wrong"
    took = time.monotonic() - began
    print(f"simulation  {count:>7} seeds  {steps:>11} steps  {result}  {took:.0f} s  receipts ended: {shown}")
    return not failed


def _run_chunk(seeds: range) -> _Chunk:
    """Run some seeds in a process of their own."""
    found, ends, steps = [], Counter[int](), 0
    for outcome in run_seeds(seeds):
        ends.update(outcome.states)
        steps += outcome.steps
        if outcome.problems:
            found.append((outcome.seed, outcome.problems[:3]))
    return len(seeds), found, ends, steps


def ranges_of(text: str) -> Iterator[range]:
    """Read "17", "0-9999" or a list of them, divided by commas."""
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        yield range(int(first), int(last or first) + 1)


def main() -> None:
    """Run the seeds of the command line; a single one tells its story."""
    text = " ".join(sys.argv[1:]) or f"0-{_CHUNK * 2 - 1}"
    holds = True
    for seeds in ranges_of(text):
        if len(seeds) == 1:
            outcome = run_seed(seeds[0], traced=True)
            print(story(outcome))
            holds = holds and not outcome.problems
        else:
            holds = simulate(seeds) and holds
    sys.exit(not holds)


if __name__ == "__main__":
    main()
