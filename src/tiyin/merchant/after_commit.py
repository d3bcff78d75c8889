"""`after_commit`: what a hook wants done once its work is durable, such as a mail or a call elsewhere.

A hook may run and be undone (the database refuses, the process dies), and it holds the order while it runs.
So whatever cannot be undone, or takes long, is left for afterwards:

```python
def perform(self, order, transaction):
    order.paid = True
    order.save()
    after_commit(send_receipt, order.email)
```
"""

import contextvars
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, TypeAlias

from tiyin.runtime.logs import get_logger

__all__ = ["Afterwards", "after_commit", "collecting", "run_afterwards", "run_afterwards_async"]

P = ParamSpec("P")

Afterwards: TypeAlias = tuple[Callable[[], object], ...]
"""What hooks left to be done, in order."""

_KEPT_MAX = 1000
_kept: contextvars.ContextVar[list[Callable[[], object]] | None] = contextvars.ContextVar(
    "tiyin_after_commit", default=None
)


def after_commit(
    work: Callable[P, object] | Callable[P, Awaitable[object]], *args: P.args, **kwargs: P.kwargs
) -> None:
    """Have a function called once what this hook does is durable; not at all if it is undone.

    It is called at most once, by the process that ran the hook, after Payme may already have its answer. If
    it fails, the failure is logged and nothing else happens; if the process dies first, it is not called.
    What must happen whatever happens is written into the shop's database by the hook, and done from there.

    Args:
        work: The function; one that awaits only in a shop that awaits.
        args: Its arguments.
        kwargs: The same, by name.

    Raises:
        RuntimeError: If it is called elsewhere than in `create`, `perform` or `cancel`.
    """
    kept = _kept.get()
    if kept is None:
        raise RuntimeError(
            "after_commit is for the hooks create, perform and cancel: nothing is committed here"
        )
    if len(kept) >= _KEPT_MAX:
        raise RuntimeError(f"a hook left more than {_KEPT_MAX} things to be done after its commit")
    kept.append(partial(work, *args, **kwargs))


class collecting:  # noqa: N801  # read as a verb: `with collecting() as left`
    """Collect what the hook inside leaves to be done."""

    __slots__ = ("_token",)

    def __enter__(self) -> list[Callable[[], object]]:
        kept: list[Callable[[], object]] = []
        self._token = _kept.set(kept)
        return kept

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _kept.reset(self._token)


def run_afterwards(afterwards: Afterwards) -> None:
    """Do what hooks of a shop of plain functions left to be done. What fails is logged."""
    for work in afterwards:
        try:
            answer: Any = work()
        except Exception as error:  # noqa: BLE001 - the payment stands, whatever becomes of this
            _log_failure(work, error)
        else:
            if hasattr(answer, "__await__"):
                if hasattr(answer, "close"):
                    answer.close()
                _log_failure(work, TypeError("a shop of plain functions can only leave plain functions"))


async def run_afterwards_async(afterwards: Afterwards) -> None:
    """Do what hooks of a shop that awaits left to be done. What fails is logged."""
    for work in afterwards:
        try:
            answer: Any = work()
            if hasattr(answer, "__await__"):
                await answer
        except Exception as error:  # noqa: BLE001 - the payment stands, whatever becomes of this
            _log_failure(work, error)


def _log_failure(work: Callable[[], object], error: Exception) -> None:
    named = work.func if isinstance(work, partial) else work
    get_logger("tiyin.merchant").error(
        "payme_after_commit_failed", work=getattr(named, "__qualname__", type(named).__name__), exc_info=error
    )
