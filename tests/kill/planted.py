"""Bugs that a kill brings to light, to prove that the tests of this folder find what they look for.

    work_apart         the work row is written in a commit of its own, just after the receipt's
    new_key            who takes up a payment debits with a key of his own
    create_is_refused  a CreateTransaction whose answer was lost counts as one that never left

Without a kill none of them shows.
"""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from tiyin.gateway.acquiring.port import (
    Acquirer,
    CaptureAnswer,
    CardNumber,
    DebitAnswer,
    HoldAnswer,
    Reversed,
    StatusAnswer,
)
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.runtime.http import Http, HttpAnswer, NoAnswer, NotSent
from tiyin.storage import Decision, Lease, Schedule, Store, Table

__all__ = ["plant", "plant_in_http"]


def plant(bug: str | None, store: Store, acquirer: Acquirer, *, worker: bool) -> tuple[Store, Acquirer]:
    """Plant a bug of the ports."""
    if bug == "work_apart":
        return cast("Store", _WorkApart(store)), acquirer
    if bug == "new_key" and worker:
        return cast("Store", _NewKeyInStore(store)), _NewKeyAtAcquirer(acquirer)
    return store, acquirer


def plant_in_http(bug: str | None, http: Http) -> Http:
    """Plant a bug in how calls to merchants are taken."""
    return _CreateIsRefused(http) if bug == "create_is_refused" else http


class _WorkApart:
    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def change_and_lease(
        self, table: Table[Any], key: str, rule: Any, *, lease: Lease | None = None
    ) -> tuple[Any, Lease | None]:
        work: list[Schedule] = []

        def without(row: Any) -> Decision[Any]:
            decision: Decision[Any] = rule(row)
            work[:] = [decision.work] if isinstance(decision.work, Schedule) and lease is None else []
            return msgspec.structs.replace(decision, work=None) if work else decision

        answer, taken = await self._inner.change_and_lease(table, key, without, lease=lease)
        if table is RECEIPTS and work:
            _, taken = await self._inner.change_and_lease(table, key, lambda _: Decision(None, work=work[0]))
        return answer, taken


class _NewKeyAtAcquirer:
    def __init__(self, inner: Acquirer) -> None:
        self._inner = inner

    @property
    def timeout_ms(self) -> int:
        return self._inner.timeout_ms

    async def debit(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> DebitAnswer:
        return await self._inner.debit(_next(key), card, amount_tiyin, terminal)

    async def hold(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> HoldAnswer:
        return await self._inner.hold(_next(key), card, amount_tiyin, terminal)

    async def capture(self, key: str) -> CaptureAnswer:
        return await self._inner.capture(_next(key))

    async def status(self, key: str) -> StatusAnswer:
        return await self._inner.status(_next(key))

    async def reverse(self, key: str) -> Reversed:
        return await self._inner.reverse(_next(key))


class _NewKeyInStore:
    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def change_and_lease(
        self, table: Table[Any], key: str, rule: Any, *, lease: Lease | None = None
    ) -> tuple[Any, Lease | None]:
        def renamed(row: Any) -> Decision[Any]:
            decision: Decision[Any] = rule(row)
            if not isinstance(decision.record, Receipt) or decision.record.attempt_key is None:
                return decision
            record = msgspec.structs.replace(decision.record, attempt_key=_next(decision.record.attempt_key))
            return msgspec.structs.replace(decision, record=record)

        return await self._inner.change_and_lease(table, key, renamed, lease=lease)


def _next(key: str) -> str:
    receipt_id, _, attempt = key.partition("-")
    return f"{receipt_id}-{int(attempt) + 1}"


class _CreateIsRefused:
    def __init__(self, inner: Http) -> None:
        self._inner = inner

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        try:
            return await self._inner.post(
                url, body=body, headers=headers, timeout_ms=timeout_ms, body_max=body_max
            )
        except NoAnswer as error:
            if b"CreateTransaction" in body:
                raise NotSent(str(error)) from error
            raise

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        return await self._inner.get(url, headers=headers, timeout_ms=timeout_ms, body_max=body_max)
