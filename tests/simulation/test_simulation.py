"""Thousands of runs with troubles of every kind: in none of them anything is lost, doubled or forgotten."""

from collections import Counter

import pytest

from simulation.run import Outcome, run_seed, run_seeds, story

SEEDS = 3_000
CHUNK = 200


def told(outcome: Outcome) -> str:
    """Run a failing seed once more, with its trace, and tell it."""
    return story(run_seed(outcome.seed, traced=True))


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_nothing_goes_wrong(first: int) -> None:
    failed = [outcome for outcome in run_seeds(range(first, first + CHUNK)) if outcome.problems]
    assert not failed, f"{len(failed)} seeds of {CHUNK} fail; the first of them:\n{told(failed[0])}"


def test_the_runs_come_to_every_end() -> None:
    """A simulation in which nobody pays, holds or cancels would find nothing."""
    ends: Counter[int] = Counter()
    for outcome in run_seeds(range(300)):
        ends.update(outcome.states)
    assert {0, 4, 50} <= {state for state, count in ends.items() if count > 50}
    assert ends[5]
