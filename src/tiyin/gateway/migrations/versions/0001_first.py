"""The first tables."""

from tiyin.gateway.migrations.script import run_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    run_file("0001_first")
