"""What a fork leaves behind: a child process has its parent's objects, and none of its threads or loops."""

import os
import weakref
from typing import Protocol

__all__ = ["ForgetsParent", "forget_after_fork"]


class ForgetsParent(Protocol):
    """Something that must begin anew in a child process."""

    def forget_parent(self) -> None:
        """Forget, without closing it, what belongs to the parent: threads, loops, locks, connections."""
        ...


_known: "weakref.WeakSet[ForgetsParent]" = weakref.WeakSet()


def forget_after_fork(one: ForgetsParent) -> None:
    """Have something begin anew in every child process that is forked from now on.

    Args:
        one: What begins anew; it is not kept alive by this.
    """
    _known.add(one)


def _forget() -> None:
    for one in list(_known):
        one.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
