"""Entries are never changed or deleted: the databases themselves refuse it."""

from typing import Literal

from tiyin.gateway.ledger.entries import ENTRIES

__all__ = ["protection_sql"]

_NAME = ENTRIES.name
_SAYS = "ledger entries are never changed or deleted"


def protection_sql(dialect: Literal["sqlite", "postgresql"]) -> list[str]:
    """Write the statements that make a database refuse any change of an entry.

    They may be run again. On PostgreSQL a trigger of the partitioned table stands on each of its partitions,
    also on those that are made later; emptying the table (TRUNCATE) is refused for the table itself.

    Args:
        dialect: Which database.

    Returns:
        One statement each, without semicolons at their ends.
    """
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {_NAME}_no_{verb.lower()} BEFORE {verb} ON {_NAME} "
            f"BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    refuses = (
        f"CREATE OR REPLACE FUNCTION {_NAME}_stay() RETURNS trigger LANGUAGE plpgsql AS $body$ "
        f"BEGIN RAISE EXCEPTION '{_SAYS}' USING ERRCODE = 'restrict_violation'; END $body$"
    )
    triggers = (
        f"CREATE OR REPLACE TRIGGER {_NAME}_no_{name} BEFORE {verbs} ON {_NAME} "
        f"FOR EACH {each} EXECUTE FUNCTION {_NAME}_stay()"
        for name, verbs, each in (
            ("change", "UPDATE OR DELETE", "ROW"),
            ("truncate", "TRUNCATE", "STATEMENT"),
        )
    )
    return [refuses, *triggers]
