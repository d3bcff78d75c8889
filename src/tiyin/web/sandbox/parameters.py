"""The parameters of a test: what a visitor typed, what is wrong with it, and the target that it makes.

Documentation: sandbox (the kind of account and its state, the account, the amount in tiyin)
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.checkout_link import read_amount_text
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Account, FieldError, Language, is_clean_text, read_account
from tiyin.sandbox.problems import CannotRun
from tiyin.sandbox.target import AccountKind, NewAccount, Target
from tiyin.web.sandbox.states import AccountState
from tiyin.web.words import N_

__all__ = ["FRESH_MAX", "FieldView", "Typed", "field_views", "first_typed", "read_typed", "target_of"]

FRESH_MAX: Final = 200
"""How many further accounts may be typed."""

_TYPED_MAX: Final = 256
_FRESH_LENGTH_MAX: Final = 20_000
_TIMEOUT_MS: Final = 10_000
_AMOUNT_TIYIN: Final = 500_000
_FIELD_WITHOUT_NAME: Final = "order_id"

_REQUIRED: Final = N_("Enter the value of an account that can be paid.")
_BAD_VALUE: Final = N_("At most 256 characters, none of them a control character.")


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters as typed.

    Args:
        account: The account's fields.
        amount: The amount in tiyin, as text.
        kind: How often the account takes money.
        state: The account's state.
        fresh: Further accounts: values of the main field, one a line.
        make_orders: Whether the demo shop makes the accounts.
        change_password: Whether ChangePassword may be called.
    """

    account: dict[str, str]
    amount: str
    kind: AccountKind = AccountKind.ONE_TIME
    state: AccountState = AccountState.WAITING
    fresh: str = ""
    make_orders: bool = False
    change_password: bool = False

    @property
    def amount_tiyin(self) -> int | None:
        """The amount in tiyin, or None where none can be read."""
        try:
            return read_amount_text(self.amount)
        except ValueError:
            return None

    @property
    def fresh_values(self) -> list[str]:
        """The further accounts' values, each once, in their order."""
        return list(dict.fromkeys(line.strip() for line in self.fresh.splitlines() if line.strip()))


class FieldView(msgspec.Struct, frozen=True):
    """An account field as the page shows it."""

    name: str
    title: str
    value: str
    main: bool


def _names(desk: Desk, account: Mapping[str, object]) -> list[str]:
    """Return the names of the fields: the desk's, or for a desk that takes any the ones that came."""
    if desk.account_fields:
        return [field.name for field in desk.account_fields]
    return list(account) or [_FIELD_WITHOUT_NAME]


def _main(desk: Desk, names: Sequence[str]) -> str:
    return next((field.name for field in desk.account_fields if field.main), names[0])


def first_typed(desk: Desk, *, account: Account, amount_tiyin: int | None, can_make: bool) -> Typed:
    """Return what the parameters hold before anything was typed.

    Args:
        desk: The cash desk.
        account: What a shop's link or form named; may be empty.
        amount_tiyin: Its amount, in tiyin.
        can_make: Whether there is a shop that makes orders for this desk.
    """
    amount_tiyin = amount_tiyin or min(max(_AMOUNT_TIYIN, desk.amount_tiyin_min), desk.amount_tiyin_max)
    return Typed(
        account={name: str(account.get(name, "")) for name in _names(desk, account)},
        amount=str(amount_tiyin),
        make_orders=can_make,
    )


def field_views(desk: Desk, typed: Typed, language: Language) -> list[FieldView]:
    """Return the account's fields with their titles.

    Args:
        desk: The cash desk.
        typed: What was typed.
        language: The page's language.
    """
    titles = {field.name: field.title.in_language(language) for field in desk.account_fields}
    names = _names(desk, typed.account)
    main = _main(desk, names)
    return [
        FieldView(name, titles.get(name, name), typed.account.get(name, ""), name == main) for name in names
    ]


def read_typed(
    pairs: Sequence[tuple[str, str]], desk: Desk, *, can_make: bool
) -> tuple[Typed, dict[str, str]]:
    """Read the parameters' form.

    Args:
        pairs: The form.
        desk: The cash desk.
        can_make: Whether there is a shop that makes orders for this desk.

    Returns:
        What was typed, and errors by field, to be translated.
    """
    fields = dict(pairs)
    sent = {
        name[len("account[") : -1]: value
        for name, value in pairs
        if name.startswith("account[") and name.endswith("]")
    }
    kind, state = fields.get("kind", ""), fields.get("state", "")
    typed = Typed(
        account={name: sent.get(name, "").strip() for name in _names(desk, sent)},
        amount=fields.get("amount", "").strip(),
        kind=AccountKind(kind) if kind in set(AccountKind) else AccountKind.ONE_TIME,
        state=AccountState(state) if state in set(AccountState) else AccountState.WAITING,
        fresh=fields.get("fresh", ""),
        make_orders=can_make and "make_orders" in fields,
        change_password="change_password" in fields,
    )
    return typed, _errors(typed)


def _errors(typed: Typed) -> dict[str, str]:
    errors = {}
    made = typed.make_orders and typed.kind is AccountKind.ONE_TIME and typed.state is AccountState.WAITING
    for name, value in typed.account.items():
        if not value and not made:
            errors[f"account[{name}]"] = _REQUIRED
        elif len(value) > _TYPED_MAX or not is_clean_text(value):
            errors[f"account[{name}]"] = _BAD_VALUE
    if not errors:
        try:
            read_account(typed.account)
        except FieldError as error:
            errors[f"account[{error.field or next(iter(typed.account))}]"] = _BAD_VALUE
    if typed.amount_tiyin is None:
        errors["amount"] = N_("A whole number of tiyin, more than 0: 500000 is 5 000 sums.")
    lines = typed.fresh_values
    if len(typed.fresh) > _FRESH_LENGTH_MAX or len(lines) > FRESH_MAX:
        errors["fresh"] = N_("At most 200 lines.")
    elif any(len(line) > _TYPED_MAX or not is_clean_text(line) for line in lines):
        errors["fresh"] = _BAD_VALUE
    return errors


async def target_of(
    typed: Typed,
    desk: Desk,
    *,
    endpoint: str,
    key: str,
    allow_private: bool,
    make: Callable[[int], Awaitable[Mapping[str, str | int]]] | None,
) -> Target:
    """Make the target of a run.

    Args:
        typed: What was typed, without errors.
        desk: The cash desk.
        endpoint: Its endpoint.
        key: Its TEST_KEY.
        allow_private: Whether loopback and private addresses may be called.
        make: Makes a new order in the demo shop for an amount in tiyin, or None.

    Raises:
        CannotRun: If no order could be made.
    """
    amount_tiyin = min(typed.amount_tiyin or 0, AMOUNT_TIYIN_MAX)
    account: dict[str, str | int] = {name: value for name, value in typed.account.items() if value}
    one_time = typed.kind is AccountKind.ONE_TIME
    new_account: NewAccount | None = None
    if one_time and typed.make_orders and make is not None:
        shop = make

        async def made() -> Mapping[str, str | int]:
            return await shop(amount_tiyin)

        new_account = made
        if len(account) < len(typed.account):
            account = dict(await made())
    elif one_time and typed.fresh_values:
        new_account = _from_lines(typed, _main(desk, list(typed.account)))
    return Target(
        endpoint=endpoint,
        key=key,
        account=account,
        amount_tiyin=amount_tiyin,
        kind=typed.kind,
        new_account=new_account,
        allow_private=allow_private,
        timeout_ms=_TIMEOUT_MS,
        change_password=typed.change_password,
    )


def _from_lines(typed: Typed, main: str) -> NewAccount:
    """Give the typed accounts one after another, each once."""
    left = iter([value for value in typed.fresh_values if value != typed.account[main]])

    async def next_one() -> Mapping[str, str | int]:
        value = next(left, None)
        if value is None:
            raise CannotRun("all the further accounts that were typed are used up")
        return {**typed.account, main: value}

    return next_one
