"""Durable change by key, batched, over SQLite and PostgreSQL, and a work queue with leases.

It knows nothing of payments.

`open_store` opens a `Store`; `tables` says what a `Table`, a `Decision` and a `Lease` are; `schema` describes
tables for both databases; `errors` draws the tree of what can go wrong.
"""

from tiyin.storage.errors import (
    LeaseLost,
    OutcomeUnknown,
    StorageError,
    StorageUnavailable,
    Taken,
    TooContended,
    Unstorable,
)
from tiyin.storage.open import open_store
from tiyin.storage.schema import BYTES, INTEGER, OWN_METADATA, TEXT, creation_sql, define, version_column
from tiyin.storage.store import Store, WorkQueue
from tiyin.storage.tables import Decision, Done, Lease, Rule, Schedule, Table, WorkChange

__all__ = [
    "BYTES",
    "INTEGER",
    "OWN_METADATA",
    "TEXT",
    "Decision",
    "Done",
    "Lease",
    "LeaseLost",
    "OutcomeUnknown",
    "Rule",
    "Schedule",
    "StorageError",
    "StorageUnavailable",
    "Store",
    "Table",
    "Taken",
    "TooContended",
    "Unstorable",
    "WorkChange",
    "WorkQueue",
    "creation_sql",
    "define",
    "open_store",
    "version_column",
]
