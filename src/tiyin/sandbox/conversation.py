"""How a check talks to a merchant's server: as Payme's own sandbox does."""

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tiyin.protocol.authorization import write_basic
from tiyin.protocol.values import Text, account_key
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import Ids
from tiyin.sandbox.accounts import Accounts
from tiyin.sandbox.caller import Caller
from tiyin.sandbox.exchange import Answer, Exchange, Headers, Request
from tiyin.sandbox.problems import Kind, Problem, Skip, Wrong
from tiyin.sandbox.talk import DEFAULT, Reply, _Default
from tiyin.sandbox.target import AccountKind, Target
from tiyin.sandbox.transport import problem_of

__all__ = ["Conversation", "Run", "read_reply"]

_FIRST_KEPT: Final = 8
_LAST_KEPT: Final = 4
_HEADERS: Final[Headers] = (
    ("Content-Type", "application/json; charset=UTF-8"),
    ("Test-Operation", "Paycom"),
    ("Referer", "http://test.paycom.uz"),
)
_CANCELLED: Final = -1
_REASON_FAILED: Final = 3
"""The debit failed in the processing centre: what Payme says most often of an unpaid transaction."""

_BOUND_REACHED: Final = Text(
    ru="Достигнут предел числа запросов",
    uz="Soʻrovlar soni chegarasiga yetildi",
    en="The bound on the number of requests was reached",
)


class Run:
    """What the conversations of one run share.

    Args:
        target: What is tested.
        caller: Sends the requests.
        clock: The time.
        ids: Makes transactions' ids.
        accounts: The accounts that may be paid.
        calls_max: How many requests the whole run may send.
        on_reply: Is told each reply to a call: as it came, and the exchange as it may be shown.
    """

    def __init__(
        self,
        target: Target,
        caller: Caller,
        *,
        clock: Clock,
        ids: Ids,
        accounts: Accounts,
        calls_max: int = 5000,
        on_reply: Callable[[Reply, Answer, Mapping[str, Any]], None] | None = None,
    ) -> None:
        self.target = target
        self.caller = caller
        self.clock = clock
        self.ids = ids
        self.accounts = accounts
        self.on_reply = on_reply
        self.numbers = itertools.count(1)
        self._calls_left = calls_max
        self.authorization = write_basic(target.login, target.key)

    def count_call(self) -> None:
        """Count one request.

        Raises:
            Skip: If no more may be sent.
        """
        if self._calls_left <= 0:
            raise Skip(_BOUND_REACHED)
        self._calls_left -= 1


class Conversation:
    """One check's talk; see `tiyin.sandbox.talk.Talk`, which it is.

    Args:
        run: What all conversations of the run share.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._first: list[Exchange] = []
        self._last: list[Exchange] = []
        self._taken: list[dict[str, str | int]] = []
        self._open: dict[str, str] = {}
        self._held: set[str] = set()
        self._spent: set[str] = set()
        self.problems: list[Problem] = []

    @property
    def target(self) -> Target:
        """What is tested."""
        return self._run.target

    @property
    def scarce(self) -> bool:
        """Whether there is nothing to pay beyond the target's own one-time account."""
        return self._run.accounts.scarce

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What was sent and answered; of a long row the first ones and the last."""
        return (*self._first, *self._last)

    def now_ms(self) -> int:
        """Return the time, in milliseconds since 1970."""
        return self._run.clock.now_ms()

    def new_id(self) -> str:
        """Return a new id of Payme's for a transaction."""
        return self._run.ids.new(self._run.clock.now_ms())

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await self._run.clock.sleep(seconds)

    async def account(self) -> dict[str, str | int]:
        """Return an account that this check may pay.

        Raises:
            Skip: If there is none.
        """
        account = await self._run.accounts.take()
        self._taken.append(account)
        return dict(account)

    def give_back(self, account: Mapping[str, str | int]) -> None:
        """Say that an account can still be paid.

        Args:
            account: What `account` returned.
        """
        key = account_key(account)
        self._taken = [one for one in self._taken if account_key(one) != key]
        self._run.accounts.give_back(account)

    async def call(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        id: int | str | _Default | None = DEFAULT,  # noqa: A002 - the wire's own word
        authorization: str | _Default | None = DEFAULT,
        cut: bool = False,
        headers: Headers = (),
    ) -> Reply:
        """Call a method as the real sandbox does; arguments are those of `Talk.call`.

        Raises:
            Wrong: If the server cannot be talked to.
            Skip: If the run may send no more requests.
        """
        number = next(self._run.numbers) if isinstance(id, _Default) else id
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params)}
        password = params.get("password")
        if method == "ChangePassword" and isinstance(password, str):
            self._run.caller.hiding.add(password)
            self._run.caller.hiding.add(f"{self.target.login}:{password}")
        self._note_asked(method, params)
        reply = await self._send(
            Request(
                body=json.dumps(request, ensure_ascii=False).encode(),
                headers=self._headers(headers, authorization),
                cut=cut,
                timeout_ms=self.target.timeout_ms,
            ),
            request,
        )
        self._note_answered(method, params, reply)
        if not cut and (wrong := problem_of(reply)) is not None:
            raise wrong
        return reply

    async def send(
        self,
        body: bytes,
        *,
        method: str = "POST",
        headers: Headers = (),
        authorization: str | _Default | None = DEFAULT,
    ) -> Reply:
        """Send bytes as they are; arguments are those of `Talk.send`.

        Raises:
            Skip: If the run may send no more requests.
        """
        return await self._send(
            Request(
                body=body,
                method=method,
                headers=self._headers(headers, authorization),
                timeout_ms=self.target.timeout_ms,
            ),
            None,
        )

    def warn(self, kind: Kind, *, expected: str, got: str) -> None:
        """Note a problem and go on; arguments are those of `Talk.warn`."""
        self.note(Problem(kind, expected, got))

    def note(self, problem: Problem) -> None:
        """Note a problem, with what is secret in it hidden; the same one only once."""
        told = self._run.caller.hiding.told
        problem = Problem(problem.kind, told(problem.expected), told(problem.got))
        if problem not in self.problems:
            self.problems.append(problem)

    async def end(self) -> None:
        """Leave the accounts as they may be used again: cancel what is waiting, give back what is unpaid.

        Only where accounts are scarce: elsewhere nothing is lost, and nothing is sent.
        """
        if not self._run.accounts.scarce:
            return
        for transaction in list(self._open):
            params = {"id": transaction, "reason": _REASON_FAILED}
            try:
                await self.call("CancelTransaction", params)
            except (Wrong, Skip):
                break
        unpaid = set(self._open.values()) | self._spent
        for account in list(self._taken):
            if account_key(account) not in unpaid:
                self.give_back(account)

    async def _send(self, request: Request, asked: Mapping[str, Any] | None) -> Reply:
        self._run.count_call()
        sent = await self._run.caller.send_raw(self.target.endpoint, request)
        self._keep(sent.exchange)
        reply = read_reply(sent.exchange, sent.answer, self._run.caller.hiding.text)
        if asked is not None and sent.answer is not None and self._run.on_reply is not None:
            self._run.on_reply(reply, sent.answer, asked)
        return reply

    def _headers(self, headers: Headers, authorization: str | _Default | None) -> Headers:
        given = {name.lower() for name, _ in headers}
        ours = list(_HEADERS)
        if isinstance(authorization, _Default):
            ours.append(("Authorization", self._run.authorization))
        elif authorization is not None:
            ours.append(("Authorization", authorization))
        return (*(one for one in ours if one[0].lower() not in given), *headers)

    def _keep(self, exchange: Exchange) -> None:
        if len(self._first) < _FIRST_KEPT:
            self._first.append(exchange)
            return
        self._last.append(exchange)
        del self._last[:-_LAST_KEPT]

    def _note_asked(self, method: str, params: Mapping[str, Any]) -> None:
        """Remember a transaction before its answer: where that is lost, the account may be held already."""
        transaction, account = params.get("id"), params.get("account")
        if self.target.kind is AccountKind.ACCUMULATING or not isinstance(transaction, str):
            return
        if method == "CreateTransaction" and isinstance(account, Mapping):
            self._open.setdefault(transaction, account_key(account))
        elif method == "PerformTransaction" and transaction in self._open:
            self._spent.add(self._open[transaction])

    def _note_answered(self, method: str, params: Mapping[str, Any], reply: Reply) -> None:
        transaction = params.get("id")
        if not isinstance(transaction, str) or transaction not in self._open:
            return
        if method == "CreateTransaction" and (reply.body is None or reply.result is not None):
            self._held.add(transaction)
        elif method == "CreateTransaction" and reply.error is not None and reply.result is None:
            # Refused outright; what an earlier call may have created under the same id is still there.
            if transaction not in self._held:
                self._open.pop(transaction, None)
        elif method == "CancelTransaction" and (reply.result or {}).get("state") == _CANCELLED:
            self._open.pop(transaction, None)


def read_reply(exchange: Exchange, answer: Answer | None, hide: Callable[[str], str] = str) -> Reply:
    """Read an answer as loosely as it can be.

    Args:
        exchange: What may be shown of it.
        answer: The answer as it came, or None.
        hide: Hides secrets in what the reply tells.
    """
    body = None if answer is None else _object(answer.body)
    if body is None:
        return Reply(exchange=exchange)
    result, error = body.get("result"), body.get("error")
    if not isinstance(error, dict):
        error = None
    return Reply(
        exchange=exchange,
        body=body,
        result=result if isinstance(result, dict) else None,
        error=error,
        code=None if error is None else _whole(error.get("code")),
        hide=hide,
    )


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _whole(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
