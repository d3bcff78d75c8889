"""Whether anybody still waits for what a blocking store is about to commit."""

import contextvars
import threading

from tiyin.merchant.stores.port import StillRunningError

__all__ = ["WANTED", "Wanted", "check_wanted", "still_wanted"]


class Wanted:
    """A call's agreement with its caller: it is either committed, or given up, and never both."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._settled: str | None = None

    def commit(self) -> bool:
        """Claim that what was done will be committed; False if it was given up."""
        with self._guard:
            if self._settled != "given up":
                self._settled = "committed"
            return self._settled == "committed"

    def give_up(self) -> bool:
        """Claim that nobody waits any more; False if it is being committed already."""
        with self._guard:
            if self._settled != "committed":
                self._settled = "given up"
            return self._settled == "given up"

    def reopen(self) -> None:
        """Take a commit back that the database refused: it is done again, for as long as somebody waits."""
        with self._guard:
            if self._settled == "committed":
                self._settled = None

    @property
    def given_up(self) -> bool:
        """Whether nobody waits any more."""
        return self._settled == "given up"


WANTED: contextvars.ContextVar[Wanted | None] = contextvars.ContextVar("tiyin_wanted", default=None)


def check_wanted() -> None:
    """Go on only if somebody waits for the commit.

    Raises:
        StillRunningError: If nobody does: the call was answered -32400 already.
    """
    wanted = WANTED.get()
    if wanted is not None and not wanted.commit():
        raise StillRunningError("nobody waits for this any more: it is undone")


def still_wanted() -> None:
    """Go on trying only if somebody waits; nothing is claimed.

    Raises:
        StillRunningError: If nobody does: the call was answered -32400 already.
    """
    wanted = WANTED.get()
    if wanted is not None and wanted.given_up:
        raise StillRunningError("nobody waits for this any more: it is not tried again")
