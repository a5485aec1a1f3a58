"""The tables of the ledger's database.

Rows that mirror the chain carry the block that made them, and what changes is kept once a
version, so that a reorganisation is rolled back exactly and a question may be asked as of a block.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, MetaData, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from certledger.ledger.core.acts import ActState

Big = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; SQLite numbers rows by itself only in a column called INTEGER."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

_ALIVE = text(
    "state NOT IN ({})".format(", ".join(f"'{state}'" for state in ActState if not state.alive))
)


class Row(SQLModel, registry=registry(metadata=MetaData(naming_convention=NAMES))):
    """A row of the ledger's database."""


class DatabaseIdentityRow(Row, table=True):
    """What a database is: `ledger` (the identity), `pepper` (a digest under the home's secret)."""

    __tablename__ = "database_identity"

    name: str = Field(max_length=16, primary_key=True)
    value: bytes = Field(sa_type=LargeBinary)


# Intake -----------------------------------------------------------------------------------------


class ActRow(Row, table=True):
    """A signed act that was taken in.  `signatures` are 65 bytes each, one after another."""

    __tablename__ = "acts"
    __table_args__ = (
        Index(
            "ux_acts_living",
            "subject",
            "lane",
            "counter",
            unique=True,
            sqlite_where=_ALIVE,
            postgresql_where=_ALIVE,
        ),
        Index("ix_acts_subject_lane_counter", "subject", "lane", "counter"),
        Index("ix_acts_state_not_after", "state", "not_after"),
    )

    number: int | None = Field(default=None, sa_type=Big, primary_key=True)
    kind: str = Field(max_length=16)
    subject: str = Field(max_length=18)
    lane: str = Field(max_length=16)
    counter: int = Field(sa_type=Big)
    digest: bytes = Field(sa_type=LargeBinary, unique=True)
    root: bytes | None = Field(sa_type=LargeBinary, index=True)
    statement: bytes = Field(sa_type=LargeBinary)
    signatures: bytes = Field(sa_type=LargeBinary)
    state: str = Field(max_length=16)
    accepted: int = Field(sa_type=Big)
    not_after: int = Field(sa_type=Big)
    receipt: bytes = Field(sa_type=LargeBinary)
    certificates: int
    block: int | None = Field(sa_type=Big, index=True)
    tx: bytes | None = Field(sa_type=LargeBinary)
    reason: str | None = Field(max_length=64)


class ReorganisationRow(Row, table=True):
    """That the chain took back blocks which had been final; see `Reorganisation`."""

    __tablename__ = "reorganisations"

    number: int | None = Field(default=None, sa_type=Big, primary_key=True)
    fork: int = Field(sa_type=Big)
    final: int = Field(sa_type=Big)
    head: int = Field(sa_type=Big)
    time: int = Field(sa_type=Big)


class ReceiptChainRow(Row, table=True):
    """The newest of the operator's receipts of one kind: its number, and the SHA-256 of its file.

    Each receipt names the one before, so that none can be taken out of the middle, and this row
    says where they end.
    """

    __tablename__ = "receipt_chains"

    name: str = Field(max_length=16, primary_key=True)
    number: int = Field(sa_type=Big)
    digest: bytes = Field(sa_type=LargeBinary)


class BatchRow(Row, table=True):
    """The records of a batch, named by their root; `leaves` are 32 bytes each."""

    __tablename__ = "batches"
    __table_args__ = (Index("ix_batches_issuer_first", "issuer", "first"),)

    number: int | None = Field(default=None, sa_type=Big, primary_key=True)
    root: bytes = Field(sa_type=LargeBinary, unique=True)
    issuer: str = Field(max_length=18)
    first: int = Field(sa_type=Big)
    size: int
    leaves: bytes = Field(sa_type=LargeBinary)


class FrameRow(Row, table=True):
    """Up to 256 records of a batch as compressed JSON lines, so that one is read without all."""

    __tablename__ = "record_frames"

    batch: int = Field(
        sa_type=Big, primary_key=True, foreign_key="batches.number", ondelete="CASCADE"
    )
    frame: int = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class CertificateRow(Row, table=True):
    """What a certificate is found by: the first 16 bytes of its leaf, lookup digest and id.

    `place` is the number of its batch times 65,536 plus its place there, so rows are appended.
    128 bits find it; whether it is the one asked for, the record itself answers.
    """

    __tablename__ = "certificates"

    place: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    leaf: bytes = Field(sa_type=LargeBinary, index=True)
    lookup: bytes = Field(sa_type=LargeBinary, index=True)
    id: bytes = Field(sa_type=LargeBinary, index=True)
    edition: int


class CatalogRow(Row, table=True):
    """A catalog that was handed in, named by its root: compressed canonical JSON."""

    __tablename__ = "catalogs"

    root: bytes = Field(sa_type=LargeBinary, primary_key=True)
    entries: bytes = Field(sa_type=LargeBinary)


# The road to the chain --------------------------------------------------------------------------


class TransactionRow(Row, table=True):
    """A signed transaction, recorded before it is sent."""

    __tablename__ = "transactions"
    __table_args__ = (Index("ix_transactions_state_nonce", "state", "nonce"),)

    hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    raw: bytes = Field(sa_type=LargeBinary)
    nonce: int = Field(sa_type=Big)
    sender: bytes = Field(sa_type=LargeBinary)
    state: str = Field(max_length=16)
    signed: int = Field(sa_type=Big)
    block: int | None = Field(sa_type=Big)


class CarriageRow(Row, table=True):
    """That a transaction carries an act."""

    __tablename__ = "carriages"

    tx: bytes = Field(
        sa_type=LargeBinary,
        primary_key=True,
        foreign_key="transactions.hash",
        ondelete="CASCADE",
    )
    act: int = Field(sa_type=Big, primary_key=True, foreign_key="acts.number", index=True)


class LeaseRow(Row, table=True):
    """Whose turn it is; `token` rises with each take-over."""

    __tablename__ = "leases"

    name: str = Field(max_length=64, primary_key=True)
    holder: str = Field(max_length=128)
    token: int = Field(sa_type=Big)
    until: int = Field(sa_type=Big)


# The mirror of the chain ------------------------------------------------------------------------


class BlockRow(Row, table=True):
    """A block that the mirror followed."""

    __tablename__ = "blocks"

    number: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    hash: bytes = Field(sa_type=LargeBinary)
    parent: bytes = Field(sa_type=LargeBinary)
    time: int = Field(sa_type=Big)
    state_root: bytes = Field(sa_type=LargeBinary)


class BodyRow(Row, table=True):
    """The state of a body since a block, as canonical JSON."""

    __tablename__ = "bodies"

    issuer: str = Field(max_length=18, primary_key=True)
    block: int = Field(sa_type=Big, primary_key=True, index=True)
    state: bytes = Field(sa_type=LargeBinary)
    held: bool
    slot: bytes = Field(sa_type=LargeBinary)


class RegistrarRow(Row, table=True):
    """The registrar of a region since a block."""

    __tablename__ = "registrars"

    region: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    block: int = Field(sa_type=Big, primary_key=True, index=True)
    account: bytes = Field(sa_type=LargeBinary)
    term: int = Field(sa_type=Big)
    nonce: int = Field(sa_type=Big)
    recovery: bytes = Field(sa_type=LargeBinary)
    turn: int = Field(sa_type=Big)
    challenged: int = Field(sa_type=Big)
    rotated: int = Field(sa_type=Big)


class AnchoredRow(Row, table=True):
    """A batch that stands in its body's tree."""

    __tablename__ = "anchored"
    __table_args__ = (Index("ix_anchored_issuer_root", "issuer", "root"),)

    issuer: str = Field(max_length=18, primary_key=True)
    sequence: int = Field(sa_type=Big, primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary)
    root: bytes = Field(sa_type=LargeBinary)
    first: int = Field(sa_type=Big)
    size: int
    catalog: bytes = Field(sa_type=LargeBinary)
    statement: bytes = Field(sa_type=LargeBinary)
    signature: bytes = Field(sa_type=LargeBinary)
    key: int
    leaf: bytes = Field(sa_type=LargeBinary)
    block: int = Field(sa_type=Big, index=True)
    tx: bytes = Field(sa_type=LargeBinary)


class StatusWordRow(Row, table=True):
    """A status word since a block."""

    __tablename__ = "status_words"

    issuer: str = Field(max_length=18, primary_key=True)
    position: int = Field(primary_key=True)
    block: int = Field(sa_type=Big, primary_key=True, index=True)
    word: bytes = Field(sa_type=LargeBinary)


class StatusChangeRow(Row, table=True):
    """A status statement that was carried out."""

    __tablename__ = "status_changes"

    issuer: str = Field(max_length=18, primary_key=True)
    epoch: int = Field(sa_type=Big, primary_key=True)
    statement: bytes = Field(sa_type=LargeBinary)
    digest: bytes = Field(sa_type=LargeBinary)
    signatures: bytes = Field(sa_type=LargeBinary)
    block: int = Field(sa_type=Big, index=True)
    tx: bytes = Field(sa_type=LargeBinary)


class CatalogChangeRow(Row, table=True):
    """A catalog that came into force."""

    __tablename__ = "catalog_changes"

    issuer: str = Field(max_length=18, primary_key=True)
    version: int = Field(sa_type=Big, primary_key=True)
    root: bytes = Field(sa_type=LargeBinary)
    digest: bytes = Field(sa_type=LargeBinary)
    block: int = Field(sa_type=Big, index=True)
    tx: bytes = Field(sa_type=LargeBinary)


class NameRow(Row, table=True):
    """A body's name under its SHA-256: the chain holds only that."""

    __tablename__ = "names"

    digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    name: str = Field(max_length=128)


class CheckpointRow(Row, table=True):
    """A final block that evidence speaks of; `account` is a JSON list of trie nodes."""

    __tablename__ = "checkpoints"

    number: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    hash: bytes = Field(sa_type=LargeBinary)
    state_root: bytes = Field(sa_type=LargeBinary)
    time: int = Field(sa_type=Big)
    note: str
    account: bytes = Field(sa_type=LargeBinary)


class SlotProofRow(Row, table=True):
    """The trie nodes of a body's slot at a checkpoint, as a JSON list."""

    __tablename__ = "slot_proofs"

    number: int = Field(
        sa_type=Big, primary_key=True, foreign_key="checkpoints.number", ondelete="CASCADE"
    )
    issuer: str = Field(max_length=18, primary_key=True)
    nodes: bytes = Field(sa_type=LargeBinary)
