"""The partitions of the tables that grow, made ahead of their months; PostgreSQL alone has them."""

from typing import Final

from tiyin.gateway.migrations.tables import gateway_metadata
from tiyin.storage.schema import partition_sql

__all__ = ["MONTHS_AHEAD", "partition_script"]

MONTHS_AHEAD: Final = 12
"""How many months ahead partitions are made; each `tiyin db upgrade` makes the ones that are missing."""


def partition_script(dialect: str, now_ms: int) -> str:
    """Write the statements that make the missing partitions.

    Args:
        dialect: Which database.
        now_ms: The present moment, in milliseconds since 1970.

    Returns:
        Statements that end with semicolons; empty on SQLite.
    """
    if dialect != "postgresql":
        return ""
    growing = [table for table in gateway_metadata().sorted_tables if table.info.get("partition_by_id")]
    return "\n".join(
        # A month that nobody made in time has its rows in the default partition, and they stay there.
        f"DO $do$ BEGIN {statement}; EXCEPTION WHEN check_violation THEN NULL; END $do$;"
        for table in growing
        for statement in partition_sql(table, now_ms, MONTHS_AHEAD)
    )
