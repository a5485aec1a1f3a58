"""The store behind the port: one schema on SQLite and PostgreSQL, chosen by URL."""

from ledger.store.engine import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
