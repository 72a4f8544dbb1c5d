"""The DDL of the SQLite store."""
