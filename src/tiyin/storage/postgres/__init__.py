"""The store over PostgreSQL: batches of one statement, several in flight."""
