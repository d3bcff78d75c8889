"""Tables that the storage tests share: accounts that change, entries that are appended with each change."""

import itertools
from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from tiyin.storage import INTEGER, TEXT, Decision, Store, Table, define, version_column

__all__ = [
    "ACCOUNTS",
    "ENTRIES",
    "METADATA",
    "Account",
    "Entry",
    "account_id",
    "add",
    "adding",
    "becoming",
    "counting",
    "numbered",
    "sums",
]

METADATA = sa.MetaData()


class Account(msgspec.Struct, frozen=True):
    id: str
    version: int
    owner: str
    state: str
    balance: int
    note: str | None = None


class Entry(msgspec.Struct, frozen=True):
    id: str
    account_id: str
    amount: int


ENTRIES = Table(
    define(
        "entries",
        METADATA,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("amount", INTEGER, nullable=False),
        sa.Index("entries_account", "account_id"),
        grows=True,
    ),
    Entry,
)
ACCOUNTS = Table(
    define(
        "accounts",
        METADATA,
        sa.Column("id", TEXT, primary_key=True),
        version_column(),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("balance", INTEGER, nullable=False),
        sa.Column("note", TEXT),
        sa.CheckConstraint("balance >= -1000000", name="accounts_bounded"),
        # The guard: one waiting account for each owner.
        sa.Index(
            "accounts_one_waiting",
            "owner",
            unique=True,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        ),
    ),
    Account,
    appends=(ENTRIES,),
)


def account_id(number: int) -> str:
    """Make an id that sorts by its number."""
    return f"{number:024x}"


def add(row: Account | None, key: str, amount: int, entry_id: str) -> Decision[int]:
    """Add to an account's balance, with an entry, opening the account if need be; answers the balance."""
    old = row or Account(key, 0, f"owner of {key}", "open", 0)
    balance = old.balance + amount
    entry = Entry(entry_id, key, amount)
    return Decision(balance, msgspec.structs.replace(old, balance=balance), [(ENTRIES, entry)])


def adding(key: str, amount: int, entry_id: str) -> Callable[[Account | None], Decision[int]]:
    """Make the rule that adds to one account."""
    return lambda row: add(row, key, amount, entry_id)


def counting(key: str, new_id: Callable[[], str]) -> Callable[[Account | None], Decision[int]]:
    """Make a rule that counts one up, with a new entry whenever it decides."""
    return lambda row: add(row, key, 1, new_id())


def becoming(account: Account) -> Callable[[Account | None], Decision[str]]:
    """Make a rule that opens an account, or makes it what is given."""
    return lambda row: Decision("opened" if row is None else "changed", account)


def numbered(prefix: str) -> Callable[[], str]:
    """Make a source of ids that never repeat."""
    numbers = itertools.count()
    return lambda: f"{prefix}{next(numbers):08d}"


async def sums(store: Store) -> tuple[int, int, int]:
    """Read the sum of all balances, the sum of all versions, and the number of entries."""
    accounts, entries = ACCOUNTS.schema.c, ENTRIES.schema
    [(balance, version)] = await store.query(
        sa.select(sa.func.sum(accounts.balance), sa.func.sum(accounts.version))
    )
    [(count,)] = await store.query(sa.select(sa.func.count()).select_from(entries))
    return balance, version, count
