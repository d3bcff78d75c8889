"""Chance as a port: what happens sometimes must happen again alike in a simulation."""

import random
from typing import Protocol

__all__ = ["Chance", "SeededChance", "SystemChance"]


class Chance(Protocol):
    """Decides what happens sometimes. Nothing that must not be guessed is drawn here."""

    def happens(self, probability: float) -> bool:
        """Draw once.

        Args:
            probability: From 0, never, to 1, always.
        """
        ...

    def up_to(self, limit: float) -> float:
        """Draw a number from 0 to a limit, each as likely as the others: full jitter.

        Args:
            limit: The limit.
        """
        ...


class _Drawn:
    def __init__(self, source: random.Random) -> None:
        self._source = source

    def happens(self, probability: float) -> bool:
        """Draw once; see `Chance.happens`."""
        # random() is below 1, so that 1 is always; and never below 0, so that 0 is never.
        return self._source.random() < probability

    def up_to(self, limit: float) -> float:
        """Draw a number; see `Chance.up_to`."""
        return self._source.random() * limit


class SystemChance(_Drawn):
    """Chance from the operating system."""

    def __init__(self) -> None:
        super().__init__(random.SystemRandom())


class SeededChance(_Drawn):
    """Chance that falls the same way for the same seed: for tests and simulations.

    Args:
        seed: What the row of draws depends on.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(random.Random(seed))  # noqa: S311 - to be repeated, not a secret
