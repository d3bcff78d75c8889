"""Write the first migration's SQL anew from the tables, for as long as no release has it."""

from pathlib import Path

import tiyin.gateway.migrations
from tiyin.gateway.ledger.protection import protection_sql
from tiyin.gateway.migrations.tables import gateway_metadata
from tiyin.storage.schema import OWN_METADATA, creation_sql

VERSIONS = Path(tiyin.gateway.migrations.__file__).parent / "versions"


def tidied(statement: str) -> str:
    """Write a statement without tabs and trailing spaces."""
    return statement.replace("\t", "    ").replace(" \n", "\n") + ";"


for dialect in ("sqlite", "postgresql"):
    statements = creation_sql(OWN_METADATA, dialect) + creation_sql(gateway_metadata(), dialect)
    statements += protection_sql(dialect)
    text = "\n\n".join(tidied(statement) for statement in statements)
    head = "-- The tables of the first release, as tiyin.storage.schema.creation_sql wrote them."
    (VERSIONS / f"0001_first.{dialect}.sql").write_text(f"{head}\n\n{text}\n")
