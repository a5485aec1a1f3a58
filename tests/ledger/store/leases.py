"""What tests of leases share."""

from sqlalchemy import text

from certledger.ledger.store import SqlStore


def end_lease(store: SqlStore, name: str) -> None:
    """Let a lease have run out, as the database's own time would have it."""
    with store.begin() as unit:
        done = unit.connection.execute(
            text("UPDATE leases SET until = until - 100000 WHERE name = :name"), {"name": name}
        )
        assert done.rowcount == 1
