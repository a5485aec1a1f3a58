"""The SQL store: one schema on SQLite and PostgreSQL, chosen by URL."""

from certledger.ledger.store.engine import SqlStore, check_unnamed, open_store

__all__ = ["SqlStore", "check_unnamed", "open_store"]
