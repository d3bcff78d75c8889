"""The checks, by what they look at, in the order in which they run."""

from typing import Final

from tiyin.sandbox.registry import Check

__all__ = ["ALL"]

ALL: Final[tuple[Check, ...]] = ()
