"""The store over SQLite: one writer thread, one commit for all that wait."""
