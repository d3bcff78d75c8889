"""The methods of the Merchant API, from parameters to a result: ask, decide by the rules, answer."""

from collections.abc import AsyncIterator

import msgspec

from tiyin.merchant import answers, rules
from tiyin.merchant.billing import FiscalNotice, Order, OrderState
from tiyin.merchant.keys import KeyRing
from tiyin.merchant.orders import guard_of, judge_fields, judge_holder, judge_order
from tiyin.merchant.records import Row, State, view, write_receivers
from tiyin.merchant.refusals import CannotPerform
from tiyin.merchant.rules import Answer, Ask, AskDelivered, Refuse, Rule
from tiyin.merchant.shop import Shop
from tiyin.merchant.stores.port import FiscalRow, GuardTakenError, StillRunningError, TransactionStore
from tiyin.merchant.stores.unit import UNIT
from tiyin.protocol.errors import MerchantCode, RpcError
from tiyin.protocol.merchant_api import (
    TRANSACTION_TIMEOUT_MS,
    CancelTransactionParams,
    CancelTransactionResult,
    ChangePasswordParams,
    ChangePasswordResult,
    CheckPerformTransactionParams,
    CheckPerformTransactionResult,
    CheckTransactionParams,
    CheckTransactionResult,
    CreateTransactionParams,
    CreateTransactionResult,
    GetStatementParams,
    PerformTransactionParams,
    PerformTransactionResult,
    SetFiscalDataParams,
    SetFiscalDataResult,
    StatementTransaction,
)
from tiyin.runtime.clock import Clock

__all__ = ["STATEMENT_PAGE", "Methods"]

STATEMENT_PAGE = 1000
"""How many transactions of a statement are in memory at a time."""

_GUARD_TRIES = 3
_encode = msgspec.json.Encoder().encode


class Methods:
    """The methods, over a shop and a store.

    Args:
        shop: The shop's hooks.
        store: Where transactions are.
        keys: Takes new keys in.
        clock: The time.
    """

    def __init__(self, shop: Shop, store: TransactionStore, keys: KeyRing, clock: Clock) -> None:
        self._shop = shop
        self._hooks = shop.hooks
        self._store = store
        self._keys = keys
        self._clock = clock

    async def check_perform(self, params: CheckPerformTransactionParams) -> CheckPerformTransactionResult:
        """Say whether an account can be paid. Documentation: merchant-api/CheckPerformTransaction."""

        async def look() -> Order:
            order = await self._payable(params.account, params.amount, creating=False)
            guard = guard_of(order, params.account)
            if guard is not None:
                judge_holder(await self._holder(guard), order, params.account, creating=False)
            return order

        for _ in range(_GUARD_TRIES):
            try:
                return answers.allowed(await self._store.together(look, locks=False))
            except _ExpiredError as expired:
                # Looking must not write: what holds the order is cancelled by timeout, and looked at again.
                await self.expire(expired.id)
        raise StillRunningError("the transactions of this order changed each time that they were looked at")

    async def create(self, params: CreateTransactionParams) -> CreateTransactionResult:
        """Take a transaction in and reserve its order. Documentation: merchant-api/CreateTransaction."""
        ask = Ask(params.id, params.time, params.amount, params.account)
        if not self._store.detached:
            return answers.created(await self._create_beside_orders(ask))
        # The id first: a known transaction is answered as it stands, and the shop is not asked again.
        step = await self._create_step(ask)
        if isinstance(step.outcome, rules.Fresh):
            try:
                return answers.created(
                    await self._store.together(lambda: self._create_fresh(ask), locks=True)
                )
            except RpcError:
                # A call of the same id at the same moment may have been quicker: then the order is refused
                # because this very transaction holds it.
                step = await self._create_step(ask)
                if isinstance(step.outcome, rules.Fresh):
                    raise
        if isinstance(step.outcome, Answer) and step.write is None:
            return answers.created(step.outcome.row)
        return answers.created(
            await self._decided(ask.id, lambda row, now_ms: rules.create(row, now_ms, ask, self._hooks))
        )

    async def perform(self, params: PerformTransactionParams) -> PerformTransactionResult:
        """Mark a transaction paid. Documentation: merchant-api/PerformTransaction."""
        row = await self._decided(params.id, lambda row, now_ms: rules.perform(row, now_ms, self._hooks))
        return answers.performed(row)

    async def cancel(self, params: CancelTransactionParams) -> CancelTransactionResult:
        """Undo a transaction. Documentation: merchant-api/CancelTransaction."""
        reason = int(params.reason)

        async def undo() -> rules.Outcome:
            outcome = await self._store.carry_out(
                params.id, lambda row, now_ms: rules.cancel(row, now_ms, reason, self._hooks), self._shop
            )
            if not isinstance(outcome, AskDelivered):
                return outcome
            may_cancel = await self._shop.may_cancel(outcome.row, reason)
            return await self._store.carry_out(
                params.id,
                lambda row, now_ms: rules.cancel(row, now_ms, reason, self._hooks, may_cancel=may_cancel),
                self._shop,
            )

        return answers.cancelled(_row_of(await self._store.together(undo, locks=True)))

    async def check(self, params: CheckTransactionParams) -> CheckTransactionResult:
        """Say how a transaction stands. Documentation: merchant-api/CheckTransaction."""
        step = rules.check(await self._store.read(params.id), self._clock.now_ms(), self._hooks)
        if isinstance(step.outcome, Answer | Refuse) and step.write is None:
            return answers.checked(_row_of(step.outcome))
        row = await self._decided(params.id, lambda row, now_ms: rules.check(row, now_ms, self._hooks))
        return answers.checked(row)

    async def statement(self, params: GetStatementParams) -> AsyncIterator[list[StatementTransaction]]:
        """List transactions, a page at a time. Documentation: merchant-api/GetStatement."""
        after: Row | None = None
        while True:
            page = await self._store.statement(params.from_ms, params.to_ms, after, STATEMENT_PAGE)
            yield answers.statement_rows(page)
            if len(page) < STATEMENT_PAGE:
                return
            after = page[-1]

    async def set_fiscal_data(self, params: SetFiscalDataParams) -> SetFiscalDataResult:
        """Take fiscal data in. Documentation: merchant-api/SetFiscalData."""
        data = {
            name: value
            for name, value in msgspec.to_builtins(params.fiscal_data).items()
            if value is not None
        }

        async def take_in() -> None:
            row = await self._store.read(params.id)
            known = None if row is None or not row.accepted else row
            notice = FiscalNotice(
                id=params.id,
                type=params.type,
                fiscal_data=data,
                transaction=None if known is None else view(known),
            )
            if not await self._shop.fiscal_data(notice):
                if known is None:
                    raise RpcError(MerchantCode.RECEIPT_NOT_FOUND)
                kept = FiscalRow(f"{params.id}:{params.type}", _encode(data).decode(), self._clock.now_ms())
                await self._store.keep_fiscal(kept)

        await self._store.together(take_in, locks=True)
        return SetFiscalDataResult()

    async def change_password(self, params: ChangePasswordParams) -> ChangePasswordResult:
        """Take a new key in; the old one stays good until the new one is used."""

        async def take_over() -> None:
            await self._shop.change_password(params.password)
            await self._keys.change(params.password)

        await self._store.together(take_over, locks=True)
        return ChangePasswordResult()

    async def expire(self, key: str) -> None:
        """Cancel a transaction by timeout if its twelve hours are over."""
        await self._store.carry_out(
            key, lambda row, now_ms: rules.expire(row, now_ms, self._hooks), self._shop
        )

    async def _decided(self, key: str, rule: Rule) -> Row:
        return _row_of(await self._store.carry_out(key, rule, self._shop))

    async def _payable(self, account: dict[str, str | int], amount_tiyin: int, *, creating: bool) -> Order:
        judge_fields(account, self._shop.account_fields)
        order = await self._shop.check(account, amount_tiyin)
        if isinstance(order, Order) and order.state == OrderState.RESERVED:
            guard = guard_of(order, account)
            if guard is not None and await self._freed(await self._store.holder(guard)):
                order = await self._shop.check(account, amount_tiyin)
        return judge_order(order, account, amount_tiyin, creating=creating)

    async def _create_beside_orders(self, ask: Ask) -> Row:
        """Look, lock the order and take the transaction in, all in one database transaction.

        The id first here, too; but where the rows stand together there is no need to look twice.
        """

        def rule(row: Row | None, now_ms: int) -> rules.Step:
            return rules.create(row, now_ms, ask, self._hooks)

        async def take_in() -> rules.Outcome:
            outcome = await self._store.carry_out(ask.id, rule, self._shop)
            return Answer(await self._create_fresh(ask)) if isinstance(outcome, rules.Fresh) else outcome

        try:
            # What a known one is answered is told outside: what time did to it must not be undone with a
            # refusal.
            return _row_of(await self._store.together(take_in, locks=True))
        except RpcError:
            # A call of the same id at the same moment may have been quicker: then the order is refused
            # because this very transaction holds it.
            if isinstance((await self._create_step(ask)).outcome, rules.Fresh):
                raise
        return await self._decided(ask.id, rule)

    async def _create_step(self, ask: Ask) -> rules.Step:
        """Look what a repeated CreateTransaction would meet, without doing any of it."""
        return rules.create(await self._store.read(ask.id), self._clock.now_ms(), ask, self._hooks)

    async def _create_fresh(self, ask: Ask) -> Row:
        order = await self._payable(ask.account, ask.amount_tiyin, creating=True)
        now_ms = self._clock.now_ms()
        new = Row(
            id=ask.id,
            time_ms=ask.time_ms,
            amount_tiyin=ask.amount_tiyin,
            account=_encode(ask.account).decode(),
            guard=guard_of(order, ask.account),
            number=ask.id,
            state=State.CREATING,
            create_time_ms=now_ms,
            receivers=write_receivers(order.receivers),
            due_ms=ask.time_ms + TRANSACTION_TIMEOUT_MS,
        )
        for _ in range(_GUARD_TRIES):
            try:
                return await self._decided(
                    ask.id, lambda row, at_ms: rules.create(row, at_ms, ask, self._hooks, new)
                )
            except GuardTakenError:
                # Who holds it may have expired without anybody noticing; then it is free after all.
                judge_holder(await self._holder(new.guard or ""), order, ask.account, creating=True)
        raise CannotPerform

    async def _holder(self, guard: str) -> Row | None:
        """Return who holds a guard, after the passing of time has had its say."""
        holder = await self._store.holder(guard)
        return await self._store.holder(guard) if await self._freed(holder) else holder

    async def _freed(self, holder: Row | None) -> bool:
        """Cancel what holds an order by timeout, if its twelve hours are over and nobody has noticed yet."""
        if holder is None or not rules.expired(holder, self._clock.now_ms()):
            return False
        unit = UNIT.get()
        if unit is not None and not unit.locks:
            raise _ExpiredError(holder.id)
        await self.expire(holder.id)
        if unit is not None:
            # The shop's hook has changed what was found before.
            unit.found.clear()
        return True


class _ExpiredError(Exception):
    """A transaction's twelve hours are over, and where that was noticed nothing may be written."""

    def __init__(self, id_: str) -> None:
        super().__init__(id_)
        self.id = id_


def _row_of(outcome: rules.Outcome) -> Row:
    if isinstance(outcome, Answer):
        return outcome.row
    if isinstance(outcome, Refuse):
        raise RpcError(outcome.code)
    raise StillRunningError(f"the transaction changed while it was decided ({type(outcome).__name__})")
