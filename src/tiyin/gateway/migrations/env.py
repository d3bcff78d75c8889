"""What Alembic runs to write a script of SQL; see `tiyin.gateway.migrations.script`."""

from alembic import context

# The script is run in one transaction by whoever asked for it, so it holds no BEGIN and COMMIT of its own.
context.configure(
    dialect_name=context.config.attributes["dialect"],
    transactional_ddl=False,
)
with context.begin_transaction():
    context.run_migrations()
