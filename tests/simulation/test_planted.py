"""Every planted bug is found by the seeds that every change is tested with."""

from contextlib import AbstractContextManager
from typing import Any

import pytest

from simulation.planted import PLANTED
from simulation.run import run_seeds
from simulation.test_simulation import SEEDS

Planted = Any


@pytest.mark.parametrize("name", PLANTED)
def test_found(name: str) -> None:
    planted: AbstractContextManager[None] = PLANTED[name]()
    with planted:
        assert any(outcome.problems for outcome in run_seeds(range(SEEDS)))


def test_there_are_many_kinds() -> None:
    assert len(PLANTED) >= 12
