"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ALIVE = sa.text("state NOT IN ('displaced', 'expired')")


revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _acts() -> None:
    op.create_table(
        "acts",
        sa.Column("number", BIG, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(18), nullable=False),
        sa.Column("lane", sa.String(16), nullable=False),
        sa.Column("counter", BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=True),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signatures", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("accepted", BIG, nullable=False),
        sa.Column("not_after", BIG, nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", sa.Integer(), nullable=False),
        sa.Column("block", BIG, nullable=True),
        sa.Column("tx", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_acts"),
        sa.UniqueConstraint("digest", name="uq_acts_digest"),
    )
    op.create_index("ix_acts_block", "acts", ["block"], unique=False)
    op.create_index("ix_acts_root", "acts", ["root"], unique=False)
    op.create_index("ix_acts_state_not_after", "acts", ["state", "not_after"], unique=False)
    op.create_index(
        "ix_acts_subject_lane_counter", "acts", ["subject", "lane", "counter"], unique=False
    )
    op.create_index(
        "ux_acts_living",
        "acts",
        ["subject", "lane", "counter"],
        unique=True,
        sqlite_where=ALIVE,
        postgresql_where=ALIVE,
    )


def _anchored() -> None:
    op.create_table(
        "anchored",
        sa.Column("issuer", sa.String(18), nullable=False),
        sa.Column("sequence", BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("first", BIG, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("catalog", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("block", BIG, nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "sequence", name="pk_anchored"),
    )
    op.create_index("ix_anchored_block", "anchored", ["block"], unique=False)
    op.create_index("ix_anchored_issuer_root", "anchored", ["issuer", "root"], unique=False)


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("number", BIG, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("issuer", sa.String(18), nullable=False),
        sa.Column("first", BIG, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_batches"),
        sa.UniqueConstraint("root", name="uq_batches_root"),
    )
    op.create_index("ix_batches_issuer_first", "batches", ["issuer", "first"], unique=False)


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("parent", sa.LargeBinary(), nullable=False),
        sa.Column("time", BIG, nullable=False),
        sa.Column("state_root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_blocks"),
    )


def _bodies() -> None:
    op.create_table(
        "bodies",
        sa.Column("issuer", sa.String(18), nullable=False),
        sa.Column("block", BIG, nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("slot", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "block", name="pk_bodies"),
    )
    op.create_index("ix_bodies_block", "bodies", ["block"], unique=False)


def _catalog_changes() -> None:
    op.create_table(
        "catalog_changes",
        sa.Column("issuer", sa.String(18), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("block", BIG, nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "version", name="pk_catalog_changes"),
    )
    op.create_index("ix_catalog_changes_block", "catalog_changes", ["block"], unique=False)


def _catalogs() -> None:
    op.create_table(
        "catalogs",
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("root", name="pk_catalogs"),
    )


def _certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("place", BIG, autoincrement=False, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("lookup", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_certificates"),
    )
    op.create_index("ix_certificates_id", "certificates", ["id"], unique=False)
    op.create_index("ix_certificates_leaf", "certificates", ["leaf"], unique=False)
    op.create_index("ix_certificates_lookup", "certificates", ["lookup"], unique=False)


def _checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("number", BIG, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("state_root", sa.LargeBinary(), nullable=False),
        sa.Column("time", BIG, nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_checkpoints"),
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(128), nullable=False),
        sa.Column("token", BIG, nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def _names() -> None:
    op.create_table(
        "names",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_names"),
    )


def _registrars() -> None:
    op.create_table(
        "registrars",
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("block", BIG, nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("term", BIG, nullable=False),
        sa.Column("nonce", BIG, nullable=False),
        sa.Column("recovery", sa.LargeBinary(), nullable=False),
        sa.Column("turn", BIG, nullable=False),
        sa.Column("challenged", BIG, nullable=False),
        sa.Column("rotated", BIG, nullable=False),
        sa.PrimaryKeyConstraint("region", "block", name="pk_registrars"),
    )
    op.create_index("ix_registrars_block", "registrars", ["block"], unique=False)


def _status_changes() -> None:
    op.create_table(
        "status_changes",
        sa.Column("issuer", sa.String(18), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("signatures", sa.LargeBinary(), nullable=False),
        sa.Column("block", BIG, nullable=False),
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "epoch", name="pk_status_changes"),
    )
    op.create_index("ix_status_changes_block", "status_changes", ["block"], unique=False)


def _status_words() -> None:
    op.create_table(
        "status_words",
        sa.Column("issuer", sa.String(18), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("block", BIG, nullable=False),
        sa.Column("word", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "position", "block", name="pk_status_words"),
    )
    op.create_index("ix_status_words_block", "status_words", ["block"], unique=False)


def _transactions() -> None:
    op.create_table(
        "transactions",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", BIG, nullable=False),
        sa.Column("sender", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("signed", BIG, nullable=False),
        sa.Column("block", BIG, nullable=True),
        sa.PrimaryKeyConstraint("hash", name="pk_transactions"),
    )
    op.create_index("ix_transactions_state_nonce", "transactions", ["state", "nonce"], unique=False)


def _carriages() -> None:
    op.create_table(
        "carriages",
        sa.Column("tx", sa.LargeBinary(), nullable=False),
        sa.Column("act", BIG, nullable=False),
        sa.ForeignKeyConstraint(["act"], ["acts.number"], name="fk_carriages_act"),
        sa.ForeignKeyConstraint(
            ["tx"], ["transactions.hash"], name="fk_carriages_tx", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tx", "act", name="pk_carriages"),
    )
    op.create_index("ix_carriages_act", "carriages", ["act"], unique=False)


def _record_frames() -> None:
    op.create_table(
        "record_frames",
        sa.Column("batch", BIG, nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch"], ["batches.number"], name="fk_record_frames_batch", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch", "frame", name="pk_record_frames"),
    )


def _slot_proofs() -> None:
    op.create_table(
        "slot_proofs",
        sa.Column("number", BIG, nullable=False),
        sa.Column("issuer", sa.String(18), nullable=False),
        sa.Column("nodes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["checkpoints.number"], name="fk_slot_proofs_number", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", "issuer", name="pk_slot_proofs"),
    )


def upgrade() -> None:
    _acts()
    _anchored()
    _batches()
    _blocks()
    _bodies()
    _catalog_changes()
    _catalogs()
    _certificates()
    _checkpoints()
    _leases()
    _names()
    _registrars()
    _status_changes()
    _status_words()
    _transactions()
    _carriages()
    _record_frames()
    _slot_proofs()


def downgrade() -> None:
    for name in (
        "slot_proofs",
        "record_frames",
        "carriages",
        "transactions",
        "status_words",
        "status_changes",
        "registrars",
        "names",
        "leases",
        "checkpoints",
        "certificates",
        "catalogs",
        "catalog_changes",
        "bodies",
        "blocks",
        "batches",
        "anchored",
        "acts",
    ):
        op.drop_table(name)
