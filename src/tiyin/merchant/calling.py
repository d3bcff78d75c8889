"""How a shop's hooks are called: awaited, at once, or in a thread; with an account or with an order.

What cannot work is refused here, when the api is made, with a sentence that says what to change.
"""

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import msgspec

from tiyin.merchant.billing import Account, Billing, FiscalNotice, Order, Transaction
from tiyin.merchant.order_billing import AsyncOrderBilling, OrderBilling
from tiyin.merchant.refusals import AccountNotFound
from tiyin.merchant.rules import Hooks
from tiyin.merchant.stores.unit import UNIT
from tiyin.merchant.sync_billing import SyncBilling
from tiyin.protocol.values import account_key

__all__ = ["AnyBilling", "Calling", "calling"]

AnyBilling: TypeAlias = Billing | SyncBilling | OrderBilling[Any] | AsyncOrderBilling[Any]
"""A shop: hooks that await or plain functions, about accounts or about orders of its own database."""

_KINDS = (Billing, SyncBilling, OrderBilling, AsyncOrderBilling)
_HOOKS = ("check", "create", "perform", "may_cancel", "cancel", "fiscal_data", "change_password")
_THREADS_MAX = 32


class Calling(msgspec.Struct, frozen=True):
    """How a shop is called.

    Attributes:
        call: Calls a hook by its name.
        hooks: Which effects the shop does anything for: those whose hooks it has overridden.
        account_fields: Names of the cash desk's account fields.
        cuttable: Whether a hook that takes too long can be cut.
    """

    call: Callable[..., Coroutine[Any, Any, Any]]
    hooks: Hooks
    account_fields: tuple[str, ...]
    cuttable: bool


def calling(billing: object, *, blocking: bool, detached: bool) -> Calling:
    """Find out how a shop is to be called with a store.

    Args:
        billing: The shop.
        blocking: Whether the store blocks; see `TransactionStore`.
        detached: Whether the store is kept apart from the shop's data.

    Raises:
        TypeError: If this shop cannot be called with that store.
        ValueError: If its account fields are not names.
    """
    base = _base_of(billing)
    awaits = base in {Billing, AsyncOrderBilling}
    by_order = base in {OrderBilling, AsyncOrderBilling}
    name = type(billing).__name__
    if blocking and awaits:
        raise TypeError(
            f"{name} has hooks that await, and its store works in plain functions: "
            f"derive it from {'OrderBilling' if by_order else 'SyncBilling'}"
        )
    if not blocking and not detached and not awaits:
        raise TypeError(
            f"{name} has hooks that are plain functions, and its store awaits: "
            f"derive it from {'AsyncOrderBilling' if by_order else 'Billing'}"
        )
    if by_order and detached:
        raise TypeError(
            f"{name} works on orders inside of database transactions, and the kit's own store is apart from "
            "them: give a store in the shop's own database, or derive it from Billing"
        )
    _check_hooks(billing, base, awaits=awaits)
    hooks = Hooks(**{hook: _overridden(billing, base, hook) for hook in Hooks.__struct_fields__})
    fields = _account_fields(billing)
    check_settings = getattr(billing, "check_settings", None)
    if by_order and check_settings is not None:
        # A store's own base class knows what its orders must be.
        check_settings()
    if by_order:
        billing = _AsyncByOrder(billing) if isinstance(billing, AsyncOrderBilling) else _ByOrder(billing)  # type: ignore[arg-type]  # `_base_of` told
    if awaits:
        return Calling(_awaited(billing), hooks, fields, cuttable=True)
    if blocking:
        return Calling(_called(billing), hooks, fields, cuttable=True)
    return Calling(_in_thread(billing), hooks, fields, cuttable=False)


def _base_of(billing: object) -> type:
    if isinstance(billing, type) and issubclass(billing, _KINDS):
        raise TypeError(f"give a shop, not its class: {billing.__name__}()")
    for kind in _KINDS:
        if isinstance(billing, kind):
            return kind
    raise TypeError(
        f"a shop is derived from Billing, SyncBilling or an order billing: {type(billing).__name__} is not"
    )


def _overridden(billing: object, base: type, hook: str) -> bool:
    return getattr(type(billing), hook) is not getattr(base, hook)


def _check_hooks(billing: object, base: type, *, awaits: bool) -> None:
    name = type(billing).__name__
    if not _overridden(billing, base, "check"):
        raise TypeError(f"{name} must say what may be paid: write its hook check")
    for hook in _HOOKS:
        function = getattr(type(billing), hook)
        if inspect.iscoroutinefunction(inspect.unwrap(function)) and not awaits:
            raise TypeError(f"{name}.{hook} is 'async def', and {base.__name__}'s hooks are plain functions")


def _account_fields(billing: object) -> tuple[str, ...]:
    fields: object = getattr(billing, "account_fields", ())
    if isinstance(fields, str):
        raise ValueError(f'account_fields is a tuple of names: write ("{fields}",) with its comma')  # noqa: TRY004 - as for any other wrong value
    names = tuple(fields) if isinstance(fields, tuple | list) else None
    if names is None or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"account_fields is a tuple of the cash desk's field names, not {fields!r}")
    if len(set(names)) != len(names):
        raise ValueError(f"account_fields names a field twice: {fields!r}")
    return names


def _awaited(billing: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
    def call(hook: str, *given: Any) -> Coroutine[Any, Any, Any]:
        return getattr(billing, hook)(*given)  # type: ignore[no-any-return]  # `within` refuses what is no coroutine

    return call


def _called(billing: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def call(hook: str, *given: Any) -> Any:
        return getattr(billing, hook)(*given)

    return call


def _in_thread(billing: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
    threads = ThreadPoolExecutor(_THREADS_MAX, thread_name_prefix="payme-hook")

    async def call(hook: str, *given: Any) -> Any:
        context = contextvars.copy_context()
        work = getattr(billing, hook)
        loop = asyncio.get_running_loop()
        answer, error = await loop.run_in_executor(threads, context.run, _caught, work, given)
        if error is not None:
            raise error
        return answer

    return call


def _caught(work: Callable[..., Any], given: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    """Call a hook in a thread; whatever it raises comes out as an ordinary exception.

    A future takes no StopIteration, and a SystemExit or a CancelledError would end the loop that waits.
    """
    try:
        return work(*given), None
    except (StopIteration, FutureCancelledError) as error:
        return None, _wrapped(error)
    except Exception as error:  # noqa: BLE001 - raised again by whoever waits
        return None, error
    except BaseException as error:  # noqa: BLE001 - the same
        return None, _wrapped(error)


def _wrapped(error: BaseException) -> Exception:
    wrapped = RuntimeError(f"a hook raised {type(error).__name__}")
    wrapped.__cause__ = error
    return wrapped


def _keyed(offer: object, key: str) -> object:
    """Let an order be reserved by what names it for good, whatever the payer typed to find it."""
    if isinstance(offer, Order) and offer.one_time and offer.key is None:
        return msgspec.structs.replace(offer, key=key)
    return offer


class _ByOrder:
    """A shop of orders, seen as one of accounts."""

    def __init__(self, billing: OrderBilling[Any]) -> None:
        self._billing = billing

    def check(self, account: Account, amount_tiyin: int) -> object:
        order = self._find(account)
        offer: object = self._billing.check(order, amount_tiyin)
        return _keyed(offer, self._billing.key_of(order))

    def create(self, transaction: Transaction) -> object:
        return self._billing.create(self._find(transaction.account), transaction)

    def perform(self, transaction: Transaction) -> object:
        return self._billing.perform(self._find(transaction.account), transaction)  # type: ignore[func-returns-value]  # a shop may break its promise

    def may_cancel(self, transaction: Transaction) -> object:
        try:
            order = self._find(transaction.account)
        except AccountNotFound:
            return True
        return self._billing.may_cancel(order, transaction)

    def cancel(self, transaction: Transaction) -> object:
        try:
            order = self._find(transaction.account)
        except AccountNotFound:
            # The order is gone, and with it all that could be undone. The transaction must not stay open.
            return None
        return self._billing.cancel(order, transaction)  # type: ignore[func-returns-value]  # the same

    def fiscal_data(self, notice: FiscalNotice) -> object:
        return self._billing.fiscal_data(notice)

    def change_password(self, password: str) -> object:
        return self._billing.change_password(password)  # type: ignore[func-returns-value]  # the same

    def _find(self, account: Account) -> Any:
        unit = UNIT.get()
        if unit is None or not unit.locks:
            return self._billing.find(account, lock=False)
        key = account_key(account)
        if key not in unit.found:
            unit.found[key] = self._billing.find(account, lock=True)
        return unit.found[key]


class _AsyncByOrder:
    """The same for a shop that awaits."""

    def __init__(self, billing: AsyncOrderBilling[Any]) -> None:
        self._billing = billing

    async def check(self, account: Account, amount_tiyin: int) -> object:
        order = await self._find(account)
        offer: object = await self._billing.check(order, amount_tiyin)
        return _keyed(offer, self._billing.key_of(order))

    async def create(self, transaction: Transaction) -> object:
        return await self._billing.create(await self._find(transaction.account), transaction)

    async def perform(self, transaction: Transaction) -> object:
        return await self._billing.perform(await self._find(transaction.account), transaction)  # type: ignore[func-returns-value]  # a shop may break its promise

    async def may_cancel(self, transaction: Transaction) -> object:
        try:
            order = await self._find(transaction.account)
        except AccountNotFound:
            return True
        return await self._billing.may_cancel(order, transaction)

    async def cancel(self, transaction: Transaction) -> object:
        try:
            order = await self._find(transaction.account)
        except AccountNotFound:
            # The order is gone, and with it all that could be undone. The transaction must not stay open.
            return None
        return await self._billing.cancel(order, transaction)  # type: ignore[func-returns-value]  # the same

    async def fiscal_data(self, notice: FiscalNotice) -> object:
        return await self._billing.fiscal_data(notice)

    async def change_password(self, password: str) -> object:
        return await self._billing.change_password(password)  # type: ignore[func-returns-value]  # the same

    async def _find(self, account: Account) -> Any:
        unit = UNIT.get()
        if unit is None or not unit.locks:
            return await self._billing.find(account, lock=False)
        key = account_key(account)
        if key not in unit.found:
            unit.found[key] = await self._billing.find(account, lock=True)
        return unit.found[key]
