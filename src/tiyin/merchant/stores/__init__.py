"""Where transactions are kept: the port, and the kit's own store over SQLite or PostgreSQL."""
