"""What a client asked for under an `Idempotency-Key`: done once, however often it is asked for.

The first call claims the key: in one commit it stores a mark of the request and the name of what will be made
(a receipt's id, a card's token). The thing is then made under that name, if there is none of it yet, and the
answer is stored. So there is one effect, whatever happens in between:

- A repeat that comes later is answered the stored answer, byte for byte, in the language of the first.
- One that comes while the first is running waits for it, but not for ever: then -31700, and nothing was done.
- One that comes after a crash finds what was made by its name, or makes it under that name.
- Another request under the same key is -31610.

A refusal made nothing. It is not stored: the same request may be tried again under the same key, and succeeds
once its reason is gone. The key stays bound to its request all the same.

Answers and names are sealed: a card's token is among them, and tokens are stored nowhere else but hashed.

An answer is repeated for `KEPT_MS`; then the key is forgotten. docs/subscribe-api.md tells clients so.
"""

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.metadata import metadata
from tiyin.gateway.vault import Vault
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import Text
from tiyin.runtime.clock import Clock
from tiyin.storage import (
    BYTES,
    INTEGER,
    TEXT,
    Decision,
    StorageError,
    Store,
    Table,
    define,
    version_column,
)

__all__ = [
    "HEADER",
    "IDEMPOTENCY",
    "KEPT_MS",
    "KEY_LENGTH_MAX",
    "Claim",
    "Idempotency",
    "IdempotencyRow",
    "check_key",
]

HEADER: Final = "Idempotency-Key"
KEY_LENGTH_MAX: Final = 255

KEPT_MS: Final = 48 * 3600 * 1000
"""How long an answer is repeated, milliseconds; afterwards the key is free."""

RUNNING_MS: Final = 40_000
"""How long a call that claimed a key is believed to run without having answered; longer than any does."""

WAIT_MS: Final = 10_000
"""How long a repeat waits for the first call's answer."""

_POLL_S: Final = 0.05
_POLL_S_MAX: Final = 1.0

_WRONG_KEY: Final = Text(
    ru=f"Заголовок {HEADER} должен содержать от 1 до {KEY_LENGTH_MAX} печатных символов ASCII.",
    uz=f"{HEADER} sarlavhasi 1 tadan {KEY_LENGTH_MAX} tagacha ASCII bosma belgidan iborat boʻlishi kerak.",
    en=f"The header {HEADER} must have 1 to {KEY_LENGTH_MAX} printable ASCII characters.",
)
_OTHER_REQUEST: Final = Text(
    ru="С этим ключом идемпотентности уже был отправлен другой запрос. Возьмите новый ключ.",
    uz="Bu idempotentlik kaliti bilan boshqa soʻrov yuborilgan. Yangi kalit oling.",
    en="Another request was sent with this idempotency key. Take a new key.",
)
_STILL_RUNNING: Final = Text(
    ru="Такой же запрос ещё выполняется. Повторите его позже с тем же ключом.",
    uz="Xuddi shu soʻrov hali bajarilmoqda. Uni keyinroq oʻsha kalit bilan takrorlang.",
    en="The same request is still being carried out. Repeat it later with the same key.",
)


class IdempotencyRow(msgspec.Struct, frozen=True):
    """A key that was used.

    Attributes:
        id: A hash of cash desk, method and key.
        request: A keyed mark of the parameters, which may hold a card's number.
        made_sealed: The name of what is made under the key.
        answer_sealed: The answer, once there is one.
        runner: Who is doing it; empty when nobody is.
        running_until_ms: Until when he is believed to, milliseconds since 1970.
        at_ms: When the key was claimed.
        version: Counted by storage.
    """

    id: str
    request: str
    made_sealed: bytes
    answer_sealed: bytes | None
    runner: str
    running_until_ms: int
    at_ms: int
    version: int = 1

    def __repr__(self) -> str:
        return f"IdempotencyRow(answered={self.answer_sealed is not None})"

    __rich_repr__ = rich_repr


IDEMPOTENCY: Final = Table(
    define(
        "idempotency_keys",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("request", TEXT, nullable=False),
        sa.Column("made_sealed", BYTES, nullable=False),
        sa.Column("answer_sealed", BYTES),
        sa.Column("runner", TEXT, nullable=False),
        sa.Column("running_until_ms", INTEGER, nullable=False),
        sa.Column("at_ms", INTEGER, nullable=False),
        version_column(),
        sa.Index("idempotency_keys_at", "at_ms"),
    ),
    IdempotencyRow,
    forgets_by="at_ms",
)


class Claim(msgspec.Struct, frozen=True):
    """A key that is ours to act under.

    Attributes:
        made: The name of what is to be made.
        fresh: Whether nobody acted under this key before, so that nothing can be there by that name.
    """

    made: str
    fresh: bool

    def __repr__(self) -> str:
        return f"Claim(made=<hidden>, fresh={self.fresh})"

    __rich_repr__ = rich_repr


def check_key(key: str) -> str:
    """Check the header's value.

    Args:
        key: As it was sent.

    Raises:
        RpcError: -31610 with data `Idempotency-Key` unless it is 1 to 255 printable ASCII characters.
    """
    if not 0 < len(key) <= KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
        raise RpcError(SubscribeCode.WRONG_FIELD, _WRONG_KEY, data=HEADER)
    return key


def claim_key(stored: IdempotencyRow | None, row: IdempotencyRow, now_ms: int) -> Decision[IdempotencyRow]:
    """Decide who acts under a key.

    Args:
        stored: What stands at the key; its request is the same one.
        row: What to store where the key is free or left.
        now_ms: The present moment.

    Returns:
        The row as it stands now: with the caller's own `runner` and no answer when it is his to act.
    """
    if stored is None:
        return Decision(row, row)
    if stored.answer_sealed is not None or (stored.runner and now_ms < stored.running_until_ms):
        return Decision(stored)
    taken = msgspec.structs.replace(stored, runner=row.runner, running_until_ms=row.running_until_ms)
    return Decision(taken, taken)


def answer_key(stored: IdempotencyRow | None, answer_sealed: bytes) -> Decision[bytes]:
    """Store an answer, unless there is one; answer what is stored."""
    if stored is None:
        return Decision(answer_sealed)  # Forgotten meanwhile.
    if stored.answer_sealed is not None:
        return Decision(stored.answer_sealed)
    return Decision(answer_sealed, msgspec.structs.replace(stored, answer_sealed=answer_sealed, runner=""))


def leave_key(stored: IdempotencyRow | None, runner: str) -> Decision[None]:
    """Let the next one try: nothing was made, or nobody knows."""
    if stored is None or stored.runner != runner:
        return Decision(None)
    return Decision(None, msgspec.structs.replace(stored, runner=""))


class Idempotency:
    """Keeps keys and answers.

    Args:
        store: Where they are kept.
        clock: Waits, and tells how old they are.
        vault: Seals them.
        wait_ms: How long a repeat waits for the first call, milliseconds.
        running_ms: How long a call is believed to run without a sign, milliseconds.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        *,
        wait_ms: int = WAIT_MS,
        running_ms: int = RUNNING_MS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._wait_ms = wait_ms
        self._running_ms = running_ms

    async def once(
        self,
        key: str,
        *,
        desk_id: str,
        method: str,
        params: Any,
        name: Callable[[], str],
        act: Callable[[Claim], Awaitable[bytes]],
        repeated: Callable[[str], Awaitable[None]] | None = None,
    ) -> bytes:
        """Do what a request asks for, once for its key.

        Args:
            key: The header's value.
            desk_id: Whose request it is; each desk has keys of its own.
            method: The method; each has keys of its own, too.
            params: The parameters as they were sent, decoded. The order of an object's keys means nothing.
            name: Gives a name to what will be made.
            act: Makes it under the claim's name, if there is none of it yet, and answers; what it raises is
                raised here, and is not stored.
            repeated: Judges, by the name of what was made, whether a stored answer may still be told.

        Returns:
            The answer: what `act` answered, now or the first time.

        Raises:
            RpcError: -31610 with data `Idempotency-Key` (no such key can be, or another request has it);
                -31700 with the same data while the first call is still running.
        """
        row_id = hashlib.sha256(f"{desk_id}\n{method}\n{check_key(key)}".encode()).hexdigest()
        runner = secrets.token_hex(8)
        made_sealed = self._vault.seal(name(), _place(row_id, "made"))
        request = msgspec.json.encode(params, order="deterministic").decode("utf-8", "surrogatepass")
        claimed = await self._claim(row_id, runner, request, made_sealed)
        made = self._vault.open(claimed.made_sealed, _place(row_id, "made"))
        if claimed.answer_sealed is not None:
            if repeated is not None:
                await repeated(made)
            return self._opened(claimed.answer_sealed, row_id)
        try:
            # No two seals are equal: the name is ours only if it was free.
            answer = await act(Claim(made, fresh=claimed.made_sealed == made_sealed))
        except BaseException:
            # A database that is away leaves the key claimed: then the claim runs out.
            with contextlib.suppress(StorageError):
                await self._store.change(IDEMPOTENCY, row_id, lambda stored: leave_key(stored, runner))
            raise
        sealed = self._vault.seal(answer.decode(), _place(row_id, "answer"))
        told = await self._store.change(IDEMPOTENCY, row_id, lambda stored: answer_key(stored, sealed))
        return self._opened(told, row_id)

    async def _claim(self, row_id: str, runner: str, request: str, made_sealed: bytes) -> IdempotencyRow:
        """Claim the key, waiting for whoever acts under it; the row answered is his answer, or our claim."""
        mark = self._vault.fingerprint(request, "idempotency")
        deadline_ms = self._clock.now_ms() + self._wait_ms
        pause_s = _POLL_S

        while True:
            now_ms = self._clock.now_ms()
            new = IdempotencyRow(row_id, mark, made_sealed, None, runner, now_ms + self._running_ms, now_ms)

            def rule(
                stored: IdempotencyRow | None, new: IdempotencyRow = new, now_ms: int = now_ms
            ) -> Decision[IdempotencyRow]:
                if stored is not None and not self._is_same(stored.request, mark, request):
                    raise RpcError(SubscribeCode.WRONG_FIELD, _OTHER_REQUEST, data=HEADER)
                return claim_key(stored, new, now_ms)

            row = await self._store.change(IDEMPOTENCY, row_id, rule)
            if row.answer_sealed is not None or row.runner == runner:
                return row
            if now_ms >= deadline_ms:
                raise RpcError(SubscribeCode.MAINTENANCE, _STILL_RUNNING, data=HEADER)
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, _POLL_S_MAX)

    def _is_same(self, stored: str, mark: str, request: str) -> bool:
        """Compare marks; one made under an older key of the vault, too."""
        return hmac.compare_digest(stored, mark) or self._vault.has_fingerprint(
            stored, request, "idempotency"
        )

    def _opened(self, sealed: bytes, row_id: str) -> bytes:
        return self._vault.open(sealed, _place(row_id, "answer")).encode()


def _place(row_id: str, what: str) -> str:
    return f"idempotency:{row_id}:{what}"
