"""Who has entered: a bounded memory by a cookie of chance, and a bounded count of wrong tries.

Nothing here is durable, on purpose: a session is a developer's afternoon. The TEST_KEY itself is not kept,
only its hash, so that a key which was changed meanwhile is noticed.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from tiyin.runtime.clock import Clock
from tiyin.web.sandbox.runs import SandboxRun

if TYPE_CHECKING:
    from tiyin.web.sandbox.parameters import Typed

__all__ = ["RUNS_KEPT", "Session", "Sessions", "Tries"]

RUNS_KEPT: Final = 20
"""How many runs a session's history holds."""

_DETAILED_KEPT: Final = 5
_SESSIONS_MAX: Final = 200
_IDLE_S: Final = 2 * 60 * 60.0
_COOKIE_BYTES: Final = 32
_WRONG_MAX: Final = 10
_WRONG_OF_DESK_MAX: Final = 100
_WRONG_S: Final = 10 * 60.0
_WRONG_KEPT: Final = 10_000


class Session:
    """What is remembered of a visitor who entered.

    Args:
        desk_id: The cash desk.
        key: Its TEST_KEY, of which only a hash is kept.
    """

    def __init__(self, desk_id: str, key: str) -> None:
        self.desk_id: Final = desk_id
        self._key_hash = _hash(key)
        self.typed: Typed | None = None
        self.runs: list[SandboxRun] = []
        self._numbered = 0

    def __repr__(self) -> str:
        return f"Session(desk_id={self.desk_id!r}, {len(self.runs)} runs)"

    def is_key(self, key: str) -> bool:
        """Tell whether the desk's key is still the one that was entered."""
        return hmac.compare_digest(self._key_hash, _hash(key))

    def current(self) -> SandboxRun | None:
        """The run that goes on, or None."""
        return next((run for run in self.runs if run.running), None)

    def next_number(self) -> int:
        """Return the number of the next run."""
        self._numbered += 1
        return self._numbered

    def remember(self, run: SandboxRun) -> None:
        """Put a run into the history; the oldest fall out, and older ones keep only how they ended."""
        self.runs.insert(0, run)
        del self.runs[RUNS_KEPT:]
        for old in self.runs[_DETAILED_KEPT:]:
            old.forget()

    def find(self, number: int) -> SandboxRun | None:
        """Return the run with this number, or None."""
        return next((run for run in self.runs if run.number == number), None)


class Sessions:
    """All sessions.

    Args:
        clock: For how long a session has been idle; its turning does not end one.
        encrypted: Whether the outside reaches us by https; then the cookie is bound to it.
        count_max: How many are kept; the one that is idle longest falls out.
    """

    def __init__(self, clock: Clock, *, encrypted: bool, count_max: int = _SESSIONS_MAX) -> None:
        self._clock = clock
        self._encrypted = encrypted
        self._count_max = count_max
        self._known: OrderedDict[bytes, tuple[float, Session]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, request: Request) -> Session | None:
        """Return the session of a request, or None."""
        name = _hash(request.cookies.get(self._cookie, ""))
        self._expire()
        known = self._known.pop(name, None)
        if known is None:
            return None
        self._known[name] = (self._clock.monotonic() + _IDLE_S, known[1])
        return known[1]

    def begin(self, request: Request, response: Response, session: Session) -> tuple[Session, ...]:
        """Begin a session under a new cookie.

        Args:
            request: Its browser's session before, if any, ends.
            response: Takes the cookie.
            session: The session.

        Returns:
            The sessions that ended by it, so that their runs can be stopped.
        """
        ended = [old] if (old := self._pop(request)) else []
        self._expire()
        while len(self._known) >= self._count_max:
            ended.append(self._known.popitem(last=False)[1][1])
        secret = secrets.token_urlsafe(_COOKIE_BYTES)
        self._known[_hash(secret)] = (self._clock.monotonic() + _IDLE_S, session)
        response.set_cookie(
            self._cookie,
            secret,
            path="/sandbox",
            secure=self._encrypted,
            httponly=True,
            samesite="lax",
        )
        return tuple(ended)

    def end(self, request: Request, response: Response) -> Session | None:
        """End a request's session, and return it."""
        response.delete_cookie(
            self._cookie, path="/sandbox", secure=self._encrypted, httponly=True, samesite="lax"
        )
        return self._pop(request)

    @property
    def _cookie(self) -> str:
        # With the prefix browsers take the cookie by https only, and from nobody but this host over it.
        return "__Secure-tiyin-sandbox" if self._encrypted else "tiyin-sandbox"

    def _pop(self, request: Request) -> Session | None:
        known = self._known.pop(_hash(request.cookies.get(self._cookie, "")), None)
        return None if known is None else known[1]

    def _expire(self) -> None:
        now_s = self._clock.monotonic()
        while self._known:
            name, (until_s, session) = next(iter(self._known.items()))
            if until_s > now_s or session.current():
                return
            del self._known[name]


class Tries:
    """Counts wrong keys, so that a key is not found by trying.

    Args:
        clock: When they are forgotten.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def allowed(self, client: str, desk_id: str) -> bool:
        """Tell whether a client may try a desk's key now."""
        return self._count((client, desk_id)) < _WRONG_MAX and self._count(("", desk_id)) < _WRONG_OF_DESK_MAX

    def note_wrong(self, client: str, desk_id: str) -> None:
        """Count a wrong key."""
        for name in ((client, desk_id), ("", desk_id)):
            count = self._count(name)
            until_s = self._wrong.pop(name)[1] if count else self._clock.monotonic() + _WRONG_S
            self._wrong[name] = (count + 1, until_s)
        while len(self._wrong) > _WRONG_KEPT:
            self._wrong.popitem(last=False)

    def _count(self, name: tuple[str, str]) -> int:
        count, until_s = self._wrong.get(name, (0, 0.0))
        if count and until_s <= self._clock.monotonic():
            del self._wrong[name]
            return 0
        return count


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
