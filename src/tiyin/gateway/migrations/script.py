"""Writes the SQL that leads from one revision to the newest: Alembic in its offline mode."""

import io
from pathlib import Path
from typing import Final, Literal

from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory

__all__ = ["Dialect", "run_file", "upgrade_script", "upgrade_steps"]

Dialect = Literal["sqlite", "postgresql"]

_HERE: Final = Path(__file__).parent


def upgrade_script(dialect: Dialect, revision: str | None) -> str:
    """Write the statements that bring a database up to date, Alembic's own table included.

    Args:
        dialect: Which database.
        revision: Where the database stands; None when it is empty.

    Returns:
        Statements that end with semicolons; empty of any BEGIN and COMMIT.
    """
    written = io.StringIO()
    config = _config(written)
    config.attributes["dialect"] = dialect
    command.upgrade(config, "head" if revision is None else f"{revision}:head", sql=True)
    return written.getvalue()


def upgrade_steps(revision: str | None) -> list[str]:
    """Name what an upgrade would do, oldest first.

    Args:
        revision: Where the database stands; None when it is empty.
    """
    directory = ScriptDirectory.from_config(_config(io.StringIO()))
    steps = list(directory.iterate_revisions("head", revision or "base"))
    return [f"{step.revision}: {step.doc}" for step in reversed(steps)]


def run_file(name: str) -> None:
    """Run the statements of a file beside the migration that calls this, for the database at hand.

    Args:
        name: The file's name without its ending: `0001_first` stands for `versions/0001_first.sqlite.sql` and
            `versions/0001_first.postgresql.sql`. A statement ends with a semicolon at the end of its line.
    """
    dialect = op.get_context().dialect.name
    script = (_HERE / "versions" / f"{name}.{dialect}.sql").read_text(encoding="utf-8")
    for statement in script.split(";\n"):
        if statement.strip():
            # Alembic takes `:name` for a value to fill in; there are none here.
            op.execute(statement.strip().replace(":", r"\:"))


def _config(written: io.StringIO) -> Config:
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
