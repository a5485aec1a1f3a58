"""Identity of a database: the ledger it belongs to, and the pepper of its API keys.

Both are written once; only a lost pepper is replaced.  A database of another ledger is refused
before anything else is read: following another chain would roll its mirror back to nothing.
"""

from __future__ import annotations

from sqlalchemy import Engine, delete, inspect, select

from certledger.ledger.store import rows
from certledger.ledger.store.base import Base
from certledger.ledger.store.tables import ACTS, IDENTITY
from certledger.verifier.errors import CertledgerError

LEDGER = "ledger"
PEPPER = "pepper"


class DatabaseLedgerError(CertledgerError):
    """The database belongs to another ledger than the home that opens it."""

    code = "store.other_ledger"


class IdentityPart(Base):
    """Named values of the database itself."""

    def identity(self, name: str) -> bytes | None:
        """Return the value stored under `ledger` or `pepper`, None if not set."""
        query = select(IDENTITY.c.value).where(IDENTITY.c.name == name)
        found: bytes | None = self.connection.execute(query).scalar_one_or_none()
        return found

    def claim_identity(self, name: str, value: bytes) -> bytes:
        """Set a value unless it is set; return the stored one."""
        self.insert_new(IDENTITY, {"name": name, "value": value})
        return self.identity(name) or value

    def replace_identity(self, name: str, value: bytes) -> None:
        """Replace a value."""
        self.connection.execute(delete(IDENTITY).where(IDENTITY.c.name == name))
        self.insert_new(IDENTITY, {"name": name, "value": value})

    def check_ledger(self, ledger: bytes) -> None:
        """Check that the database is this ledger's; without a stored identity, by its first act.

        Raises:
            DatabaseLedgerError: it is another's.
        """
        named = self.identity(LEDGER)
        if named is None:
            act = self.connection.execute(select(ACTS).limit(1)).one_or_none()
            if act is None or rows.act_of(act).statement.digest(ledger) == act.digest:
                return
            raise DatabaseLedgerError(
                f"the database has acts of another ledger than {_hex(ledger)}"
            )
        if named != ledger:
            raise DatabaseLedgerError(
                f"the database belongs to the ledger {_hex(named)}, not to {_hex(ledger)}"
            )


def check_before(engine: Engine, ledger: bytes | None) -> None:
    """Check before migrating that the database is not another ledger's.

    Raises:
        DatabaseLedgerError: it is; with `ledger` None, if it is any ledger's.
    """
    with engine.connect() as connection:
        if not inspect(connection).has_table(IDENTITY.name):
            return
        named = IdentityPart(connection).identity(LEDGER)
    if named is not None and named != ledger:
        ours = "this home, which has none yet" if ledger is None else _hex(ledger)
        raise DatabaseLedgerError(
            f"the database belongs to the ledger {_hex(named)}, not to {ours}"
        )


def _hex(ledger: bytes) -> str:
    return f"0x{ledger.hex()}"
