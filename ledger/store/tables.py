"""Tables of the ledger's database.

Rows of the mirror name the block that made them, one row a version, so that a rollback is exact
and queries may be as of a block.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, MetaData, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from certledger.ledger.core.acts import ActState

Big = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits; SQLite numbers rows by itself only in a column of type INTEGER."""

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
    """Identity of the database: `ledger` (32 bytes) and `pepper` (HMAC under the home's secret)."""

    __tablename__ = "database_identity"

    name: str = Field(max_length=16, primary_key=True)
    value: bytes = Field(sa_type=LargeBinary)


# Intake -----------------------------------------------------------------------------------------


class ActRow(Row, table=True):
    """A submitted act.  `signatures` are 65 bytes each, concatenated."""

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
    """A reorganisation that removed final blocks; see `Reorganisation`."""

    __tablename__ = "reorganisations"

    number: int | None = Field(default=None, sa_type=Big, primary_key=True)
    fork: int = Field(sa_type=Big)
    final: int = Field(sa_type=Big)
    head: int = Field(sa_type=Big)
    time: int = Field(sa_type=Big)


class ReceiptChainRow(Row, table=True):
    """The newest operator receipt of one kind: its number, and the SHA-256 of its file.

    Each receipt names the one before, so that none can be removed unnoticed; this row is the end.
    """

    __tablename__ = "receipt_chains"

    name: str = Field(max_length=16, primary_key=True)
    number: int = Field(sa_type=Big)
    digest: bytes = Field(sa_type=LargeBinary)


class BatchRow(Row, table=True):
    """A batch with stored records, by its root; `leaves` are 32 bytes each, concatenated."""

    __tablename__ = "batches"
    __table_args__ = (Index("ix_batches_issuer_first", "issuer", "first"),)

    number: int | None = Field(default=None, sa_type=Big, primary_key=True)
    root: bytes = Field(sa_type=LargeBinary, unique=True)
    issuer: str = Field(max_length=18)
    first: int = Field(sa_type=Big)
    size: int
    leaves: bytes = Field(sa_type=LargeBinary)


class FrameRow(Row, table=True):
    """A frame of up to 256 records of a batch; see `record_chunks` for the layout."""

    __tablename__ = "record_frames"

    batch: int = Field(
        sa_type=Big, primary_key=True, foreign_key="batches.number", ondelete="CASCADE"
    )
    frame: int = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class CertificateRow(Row, table=True):
    """Search keys of a certificate: 16 bytes each of its leaf, lookup digest and id.

    `place` is the number of its batch times 65,536 plus its place there, so rows are appended.
    Callers compare the full value with the record: a prefix alone proves nothing.
    """

    __tablename__ = "certificates"

    place: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    leaf: bytes = Field(sa_type=LargeBinary, index=True)
    lookup: bytes = Field(sa_type=LargeBinary, index=True)
    id: bytes = Field(sa_type=LargeBinary, index=True)
    edition: int


class CatalogRow(Row, table=True):
    """A submitted catalog by its root: compressed canonical JSON."""

    __tablename__ = "catalogs"

    root: bytes = Field(sa_type=LargeBinary, primary_key=True)
    entries: bytes = Field(sa_type=LargeBinary)


# Outbox ---------------------------------------------------------------------------------------


class TransactionRow(Row, table=True):
    """A signed transaction, stored before it is sent."""

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
    """That a transaction contains an act."""

    __tablename__ = "carriages"

    tx: bytes = Field(
        sa_type=LargeBinary,
        primary_key=True,
        foreign_key="transactions.hash",
        ondelete="CASCADE",
    )
    act: int = Field(sa_type=Big, primary_key=True, foreign_key="acts.number", index=True)


class LeaseRow(Row, table=True):
    """A lease: `holder` may work until `until`; `token` rises with each change of holder."""

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
    """The state of an issuer since a block, as canonical JSON."""

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
    """A batch in its issuer's tree."""

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
    """A status statement that was included."""

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
    """An issuer's name by its SHA-256, which is all that the chain stores."""

    __tablename__ = "names"

    digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    name: str = Field(max_length=128)


class CheckpointRow(Row, table=True):
    """A final block that evidence refers to; `account` is a JSON list of trie nodes."""

    __tablename__ = "checkpoints"

    number: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    hash: bytes = Field(sa_type=LargeBinary)
    state_root: bytes = Field(sa_type=LargeBinary)
    time: int = Field(sa_type=Big)
    note: str
    account: bytes = Field(sa_type=LargeBinary)


class SlotProofRow(Row, table=True):
    """The EIP-1186 proof of an issuer's slot at a checkpoint: a JSON list of trie nodes."""

    __tablename__ = "slot_proofs"

    number: int = Field(
        sa_type=Big, primary_key=True, foreign_key="checkpoints.number", ondelete="CASCADE"
    )
    issuer: str = Field(max_length=18, primary_key=True)
    nodes: bytes = Field(sa_type=LargeBinary)
