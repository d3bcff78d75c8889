"""Every planted bug is found by the seeds that every change is tested with."""

import pytest

from simulation.planted import PLANTED
from simulation.run import run_seeds
from simulation.test_simulation import SEEDS


@pytest.mark.parametrize("name", PLANTED)
def test_found(name: str) -> None:
    with PLANTED[name]():
        assert any(outcome.problems for outcome in run_seeds(range(SEEDS)))


def test_there_are_many_kinds() -> None:
    assert len(PLANTED) >= 40
