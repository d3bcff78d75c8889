"""The SMS codes that confirm cards: sent, counted, compared.

- Six digits, stored as a keyed hash, sent outside of the commit that stored it.
- Good for `wait` and five seconds more, for what the way takes; asked for again after `wait`.
- Every try is counted in the database *before* it is compared, so that tries in parallel, also against
  several processes, are never more than three.
- Single use: once given rightly, the code only confirms again what it has confirmed.

Documentation: subscribe-api/cards.get_verify_code, subscribe-api/cards.verify
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from tiyin.gateway.cards.limits import Limit, TooOften, count_until
from tiyin.gateway.cards.records import CODES, CodeRow
from tiyin.gateway.notifications.port import Messages
from tiyin.gateway.vault import Vault
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.storage.store import Store
from tiyin.storage.tables import Decision

__all__ = ["GRACE_MS", "TRIES_MAX", "WAIT_MS", "Codes"]

WAIT_MS: Final = 60_000
GRACE_MS: Final = 5_000
TRIES_MAX: Final = 3


class _Begun(msgspec.Struct, frozen=True):
    """Whether a code is to be sent now, and how long until another may be asked for."""

    send: bool
    wait_ms: int


class Codes:
    """Sends codes and judges tries.

    Args:
        store: Keeps the codes.
        clock: Tells when they end.
        vault: Hashes them.
        messages: Sends them.
        wait_ms: How long until another may be asked for, milliseconds.
    """

    def __init__(
        self, store: Store, clock: Clock, vault: Vault, messages: Messages, *, wait_ms: int = WAIT_MS
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._messages = messages
        self._wait_ms = wait_ms
        self._log = get_logger("tiyin.cards")

    async def wait_of(self, token_id: str) -> int:
        """Tell how long until another code may be asked for, in milliseconds; 0 means now."""
        held = await self._store.get(CODES, token_id)
        return 0 if held is None else max(0, held.again_at_ms - self._clock.now_ms())

    async def allow(self, subjects: Sequence[tuple[str, Limit]]) -> None:
        """Count one more code for each of these subjects.

        Raises:
            TooOften: -31110 if one of them has had as many as it may have.
        """
        now_ms = self._clock.now_ms()
        for subject, limit in subjects:
            until_ms = await count_until(self._store, f"code:{subject}", limit, now_ms)
            if until_ms:
                self._log.warning("code_limit_reached", limit=subject.partition(":")[0])
                raise TooOften(SubscribeCode.CODE_NOT_SENT, until_ms)

    async def send(self, token_id: str, code: str, phone: str, text: str) -> int:
        """Store a code and send it, unless one was sent that still has to be waited for.

        Args:
            token_id: For which token.
            code: Six digits.
            phone: To whom.
            text: The message that holds the code.

        Returns:
            How long until another may be asked for, milliseconds.

        Raises:
            RpcError: -31110 if it could not be sent; another may be asked for at once.
        """
        code_hash = self._hash(token_id, code)
        now_ms = self._clock.now_ms()
        again_at_ms = now_ms + self._wait_ms
        fresh = CodeRow(token_id, code_hash, 0, 0, again_at_ms + GRACE_MS, again_at_ms)

        def begin(held: CodeRow | None) -> Decision[_Begun]:
            if held is not None and now_ms < held.again_at_ms:
                return Decision(_Begun(send=False, wait_ms=held.again_at_ms - now_ms))
            return Decision(_Begun(send=True, wait_ms=self._wait_ms), fresh)

        begun = await self._store.change(CODES, token_id, begin)
        if not begun.send:
            return begun.wait_ms
        try:
            await self._messages.send_sms(phone, text)
        except Exception as error:
            # Whatever kept it from being sent is for the operator; the payer may ask again without waiting.
            # What a sender says of itself is left out: it may quote the message, and with it the code.
            self._log.warning("code_not_sent", token_id=token_id, error=type(error).__name__)
            await self._give_up(token_id, code_hash)
            raise RpcError(SubscribeCode.CODE_NOT_SENT) from error
        return begun.wait_ms

    async def judge(self, token_id: str, code: str) -> str:
        """Count a try, then compare.

        Args:
            token_id: For which token.
            code: What the payer typed, whatever it is.

        Returns:
            A mark of the code that was right, for `close`.

        Raises:
            RpcError: -31101 (no code, or it has expired), -31102 (it was tried too often), -31103 (wrong).
        """
        now_ms = self._clock.now_ms()

        def count_try(held: CodeRow | None) -> Decision[CodeRow]:
            if held is None or (not held.used and now_ms > held.expires_at_ms):
                raise RpcError(SubscribeCode.CODE_EXPIRED)
            row = msgspec.structs.replace(held, tries=held.tries + 1)
            return Decision(row, row)

        held = await self._store.change(CODES, token_id, count_try)
        if held.tries > TRIES_MAX:
            raise RpcError(SubscribeCode.CODE_TRIES_EXCEEDED)
        if not self._vault.has_fingerprint(held.code_hash, _secret(token_id, code), "code"):
            raise RpcError(SubscribeCode.CODE_WRONG)
        return held.code_hash

    async def close(self, token_id: str, mark: str) -> None:
        """Use a code up, once what it confirms is stored; a repeat of the same try is answered the same."""

        def use(held: CodeRow | None) -> Decision[None]:
            if held is None or held.code_hash != mark:
                return Decision(None)
            return Decision(None, msgspec.structs.replace(held, used=1, tries=0))

        await self._store.change(CODES, token_id, use)

    def _hash(self, token_id: str, code: str) -> str:
        return self._vault.fingerprint(_secret(token_id, code), "code")

    async def _give_up(self, token_id: str, code_hash: str) -> None:
        """Let another code be asked for at once, the last one not having arrived."""
        now_ms = self._clock.now_ms()

        def end(held: CodeRow | None) -> Decision[None]:
            if held is None or held.code_hash != code_hash:
                return Decision(None)
            return Decision(None, msgspec.structs.replace(held, again_at_ms=now_ms))

        await self._store.change(CODES, token_id, end)


def _secret(token_id: str, code: str) -> str:
    """Bind a code to its token, so that equal codes of two tokens have nothing in common."""
    return f"{token_id}:{code}"
