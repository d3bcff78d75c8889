"""The one set of tables of the gateway's database; every module group declares its tables on it."""

import sqlalchemy as sa

__all__ = ["metadata"]

metadata = sa.MetaData()
