"""The same seed is the same run, event for event, in any process."""

import os
import subprocess
import sys
from pathlib import Path

from simulation.run import run_seed, story

TESTS = Path(__file__).parents[1]
SCRIPT = """
import hashlib
from simulation.run import run_seed, story
for seed in range(40, 70):
    print(seed, hashlib.sha256(story(run_seed(seed, traced=True)).encode()).hexdigest())
"""


def test_twice_in_one_process() -> None:
    for seed in range(20):
        first, second = (run_seed(seed, traced=True) for _ in range(2))
        assert len(first.trace) > 10
        assert story(first) == story(second)
        assert first.steps == second.steps


def test_the_trace_changes_nothing() -> None:
    for seed in range(20):
        told, untold = run_seed(seed, traced=True), run_seed(seed)
        assert (told.steps, told.states) == (untold.steps, untold.states)


def test_in_processes_whose_hashes_differ() -> None:
    printed = {_run(hash_seed) for hash_seed in ("0", "1", "4242")}
    assert len(printed) == 1
    assert len(printed.pop().splitlines()) == 30


def _run(hash_seed: str) -> str:
    path = os.pathsep.join((str(TESTS), str(TESTS.parent / "src")))
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout
