"""Tables of the ledger's database.

Rows of the mirror name the block that made them, one row a version, so that a rollback is exact
and queries may be as of a block.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)

from certledger.ledger.core.acts import ActState

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits; SQLite numbers rows by itself only in a column of type INTEGER."""

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ALIVE = text(
    "state NOT IN ({})".format(", ".join(f"'{state}'" for state in ActState if not state.alive))
)

not_null = partial(Column, nullable=False)

IDENTITY = Table(
    "database_identity",
    METADATA,
    Column("name", String(16), primary_key=True),
    not_null("value", LargeBinary),
)
"""Identity of the database: `ledger` (32 bytes) and `pepper` (HMAC under the home's secret)."""

# Intake -----------------------------------------------------------------------------------------

ACTS = Table(
    "acts",
    METADATA,
    Column("number", BIG, primary_key=True),
    not_null("kind", String(16)),
    not_null("subject", String(18)),
    not_null("lane", String(16)),
    not_null("counter", BIG),
    not_null("digest", LargeBinary, unique=True),
    Column("root", LargeBinary, index=True),
    not_null("statement", LargeBinary),
    not_null("signatures", LargeBinary),
    not_null("state", String(16)),
    not_null("accepted", BIG),
    not_null("not_after", BIG),
    not_null("receipt", LargeBinary),
    not_null("certificates", Integer),
    Column("block", BIG, index=True),
    Column("tx", LargeBinary),
    Column("reason", String(64)),
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
"""A submitted act.  `signatures` are 65 bytes each, concatenated."""

REORGANISATIONS = Table(
    "reorganisations",
    METADATA,
    Column("number", BIG, primary_key=True),
    not_null("fork", BIG),
    not_null("final", BIG),
    not_null("head", BIG),
    not_null("time", BIG),
)
"""A reorganisation that removed final blocks; see `Reorganisation`."""

PROPOSALS = Table(
    "proposals",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    not_null("subject", String(18)),
    not_null("party", String(80)),
    not_null("created", BIG, index=True),
    not_null("not_after", BIG),
    not_null("file", LargeBinary),
)
"""An act that waits for signatures; see `StoredProposal`."""

PAGE_SESSIONS = Table(
    "page_sessions",
    METADATA,
    Column("id", LargeBinary(16), primary_key=True),
    not_null("caller", String(80), index=True),
    not_null("began", BIG),
    not_null("ends", BIG),
)
"""An open session of the pages; see `PageSession`."""

RECEIPT_CHAINS = Table(
    "receipt_chains",
    METADATA,
    Column("name", String(16), primary_key=True),
    not_null("number", BIG),
    not_null("digest", LargeBinary),
)
"""The newest operator receipt of one kind: its number, and the SHA-256 of its file.

Each receipt names the one before, so that none can be removed unnoticed; this row is the end.
"""

BATCHES = Table(
    "batches",
    METADATA,
    Column("number", BIG, primary_key=True),
    not_null("root", LargeBinary, unique=True),
    not_null("issuer", String(18)),
    not_null("first", BIG),
    not_null("size", Integer),
    not_null("leaves", LargeBinary),
    Index("ix_batches_issuer_first", "issuer", "first"),
)
"""A batch with stored records, by its root; `leaves` are 32 bytes each, concatenated."""

FRAMES = Table(
    "record_frames",
    METADATA,
    Column("batch", BIG, ForeignKey("batches.number", ondelete="CASCADE"), primary_key=True),
    Column("frame", Integer, primary_key=True),
    not_null("data", LargeBinary),
)
"""A frame of up to 256 records of a batch; see `record_chunks` for the layout."""

CERTIFICATES = Table(
    "certificates",
    METADATA,
    Column("place", BIG, primary_key=True, autoincrement=False),
    not_null("leaf", LargeBinary, index=True),
    not_null("lookup", LargeBinary, index=True),
    not_null("id", LargeBinary, index=True),
    not_null("edition", Integer),
)
"""Search keys of a certificate: 16 bytes each of its leaf, lookup digest and id.

`place` is the number of its batch times 65,536 plus its place there, so rows are appended.
Callers compare the full value with the record: a prefix alone proves nothing.
"""

CATALOGS = Table(
    "catalogs",
    METADATA,
    Column("root", LargeBinary, primary_key=True),
    not_null("entries", LargeBinary),
)
"""A submitted catalog by its root: compressed canonical JSON."""

# Outbox ---------------------------------------------------------------------------------------

TRANSACTIONS = Table(
    "transactions",
    METADATA,
    Column("hash", LargeBinary, primary_key=True),
    not_null("raw", LargeBinary),
    not_null("nonce", BIG),
    not_null("sender", LargeBinary),
    not_null("state", String(16)),
    not_null("signed", BIG),
    Column("block", BIG),
    Index("ix_transactions_state_nonce", "state", "nonce"),
)
"""A signed transaction, stored before it is sent."""

CARRIAGES = Table(
    "carriages",
    METADATA,
    Column(
        "tx", LargeBinary, ForeignKey("transactions.hash", ondelete="CASCADE"), primary_key=True
    ),
    Column("act", BIG, ForeignKey("acts.number"), primary_key=True, index=True),
)
"""That a transaction contains an act."""

LEASES = Table(
    "leases",
    METADATA,
    Column("name", String(64), primary_key=True),
    not_null("holder", String(128)),
    not_null("token", BIG),
    not_null("until", BIG),
)
"""A lease: `holder` may work until `until`; `token` rises with each change of holder."""

# The mirror of the chain ------------------------------------------------------------------------

BLOCKS = Table(
    "blocks",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=False),
    not_null("hash", LargeBinary),
    not_null("parent", LargeBinary),
    not_null("time", BIG),
    not_null("state_root", LargeBinary),
)
"""A block that the mirror followed."""

ISSUERS = Table(
    "bodies",
    METADATA,
    Column("issuer", String(18), primary_key=True),
    Column("block", BIG, primary_key=True, index=True),
    not_null("state", LargeBinary),
    not_null("held", Boolean),
    not_null("slot", LargeBinary),
)
"""The state of an issuer since a block, as canonical JSON."""

REGISTRARS = Table(
    "registrars",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("block", BIG, primary_key=True, index=True),
    not_null("account", LargeBinary),
    not_null("term", BIG),
    not_null("nonce", BIG),
    not_null("recovery", LargeBinary),
    not_null("turn", BIG),
    not_null("challenged", BIG),
    not_null("rotated", BIG),
)
"""The registrar of a region since a block."""

ANCHORED = Table(
    "anchored",
    METADATA,
    Column("issuer", String(18), primary_key=True),
    Column("sequence", BIG, primary_key=True),
    not_null("digest", LargeBinary),
    not_null("root", LargeBinary),
    not_null("first", BIG),
    not_null("size", Integer),
    not_null("catalog", LargeBinary),
    not_null("statement", LargeBinary),
    not_null("signature", LargeBinary),
    not_null("key", Integer),
    not_null("leaf", LargeBinary),
    not_null("block", BIG, index=True),
    not_null("tx", LargeBinary),
    Index("ix_anchored_issuer_root", "issuer", "root"),
)
"""A batch in its issuer's tree."""

STATUS_WORDS = Table(
    "status_words",
    METADATA,
    Column("issuer", String(18), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("block", BIG, primary_key=True, index=True),
    not_null("word", LargeBinary),
)
"""A status word since a block."""

STATUS_CHANGES = Table(
    "status_changes",
    METADATA,
    Column("issuer", String(18), primary_key=True),
    Column("epoch", BIG, primary_key=True),
    not_null("statement", LargeBinary),
    not_null("digest", LargeBinary),
    not_null("signatures", LargeBinary),
    not_null("block", BIG, index=True),
    not_null("tx", LargeBinary),
)
"""A status statement that was included."""

CATALOG_CHANGES = Table(
    "catalog_changes",
    METADATA,
    Column("issuer", String(18), primary_key=True),
    Column("version", BIG, primary_key=True),
    not_null("root", LargeBinary),
    not_null("digest", LargeBinary),
    not_null("block", BIG, index=True),
    not_null("tx", LargeBinary),
)
"""A catalog that came into force."""

NAMES = Table(
    "names",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    not_null("name", String(128)),
)
"""An issuer's name by its SHA-256, which is all that the chain stores."""

CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=False),
    not_null("hash", LargeBinary),
    not_null("state_root", LargeBinary),
    not_null("time", BIG),
    not_null("note", String),
    not_null("account", LargeBinary),
)
"""A final block that evidence refers to; `account` is a JSON list of trie nodes."""

SLOT_PROOFS = Table(
    "slot_proofs",
    METADATA,
    Column("number", BIG, ForeignKey("checkpoints.number", ondelete="CASCADE"), primary_key=True),
    Column("issuer", String(18), primary_key=True),
    not_null("nodes", LargeBinary),
)
"""The EIP-1186 proof of an issuer's slot at a checkpoint: a JSON list of trie nodes."""

# The service ------------------------------------------------------------------------------------

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("prefix", String(16), primary_key=True),
    not_null("digest", LargeBinary),
    not_null("name", String(128)),
    not_null("role", String(16)),
    Column("issuer", String(18)),
    Column("counter", String(64)),
    Column("region", Integer),
    not_null("scopes", String(512)),
    not_null("created", BIG),
    Column("expires", BIG),
    Column("revoked", BIG),
)
"""An API key: `digest` is a keyed hash of it, `prefix` its public beginning."""

VERIFICATIONS = Table(
    "verifications",
    METADATA,
    Column("number", BIG, primary_key=True),
    not_null("reference", String(16), unique=True),
    not_null("caller", String(80)),
    not_null("party", String(80)),
    not_null("checked", BIG),
    not_null("verdict", String(16)),
    Column("leaves", LargeBinary),
    not_null("receipt", LargeBinary),
    Column("sequence", BIG, index=True),
    Index("ix_verifications_caller_checked", "caller", "checked"),
    Index("ix_verifications_party_checked", "party", "checked"),
)
"""A verification: the signed receipt and its search keys, without personal data.

`sequence` is that of the operator's batch that anchors the receipt, None until it is sealed.
"""

RECEIPT_BATCHES = Table(
    "receipt_batches",
    METADATA,
    Column("sequence", BIG, primary_key=True, autoincrement=False),
    not_null("submission", LargeBinary),
    not_null("handed_in", Boolean),
)
"""A batch of receipts that the operator sealed, stored before it is submitted.

`submission` is the submission, then the digest of its statement, and empty once it is final.
"""

PRESENTATIONS = Table(
    "presentations",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    not_null("until", BIG, index=True),
    not_null("caller", String(80), server_default=""),
)
"""An accepted presentation of a holder, by the SHA-256 of its signature, and who was shown it.

It is accepted once until `until` (seconds), after which it is too old to be accepted at all.
"""

IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("caller", String(80), primary_key=True),
    Column("key", String(255), primary_key=True),
    not_null("request", LargeBinary),
    not_null("created", BIG, index=True),
    not_null("status", Integer),
    not_null("answer", LargeBinary),
)
"""A request under a caller's idempotency key, with its response; `status` 0 while running."""

HOOKS = Table(
    "hooks",
    METADATA,
    Column("id", String(32), primary_key=True),
    not_null("caller", String(80), index=True),
    not_null("url", String(2048)),
    not_null("kinds", String(512)),
    not_null("created", BIG),
    Column("removed", BIG),
)
"""A webhook; its secret is derived from the pepper, not stored."""

WATCHES = Table(
    "watches",
    METADATA,
    Column("caller", String(80), primary_key=True),
    Column("issuer", String(18), primary_key=True),
    Column("index", BIG, primary_key=True),
    not_null("leaf", LargeBinary),
    not_null("status", String(16)),
    not_null("created", BIG),
    Column("block", BIG),
    Index("ix_watches_issuer_index", "issuer", "index"),
)
"""A watched certificate; `status` is what the last event reported.

`block` is the checkpoint that the last event named, -1 if that checkpoint was replaced.
"""

EVENTS = Table(
    "events",
    METADATA,
    Column("number", BIG, primary_key=True),
    not_null("caller", String(80)),
    not_null("kind", String(32)),
    not_null("about", String(128)),
    not_null("created", BIG),
    not_null("body", LargeBinary),
    Index("ux_events_caller_about", "caller", "about", unique=True),
)
"""An event for a caller; `about` is unique a caller, so that none is created twice."""

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("event", BIG, ForeignKey("events.number", ondelete="CASCADE"), primary_key=True),
    Column(
        "hook", String(32), ForeignKey("hooks.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    not_null("state", String(16)),
    not_null("tries", Integer),
    not_null("due", BIG),
    not_null("fault", String(200)),
    Index("ix_deliveries_state_due", "state", "due"),
)
"""Delivery of an event to a webhook: tries so far, and when the next one is due."""

BOOK_EDITIONS = Table(
    "book_editions",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=False),
    not_null("holds_from", String(10), unique=True),
    not_null("digest", LargeBinary, unique=True),
    not_null("reference", String(16)),
    not_null("created", BIG),
    not_null("content", LargeBinary),
)
"""An edition of the reform's book: its file, and what it is found by."""

COVERAGE_DAYS = Table(
    "coverage_days",
    METADATA,
    Column("day", String(10), primary_key=True),
    not_null("figures", LargeBinary),
)
"""The reform's figures as they were on a day, as canonical JSON."""

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("reference", String(16), primary_key=True),
    not_null("item", String(24)),
    not_null("outcome", String(16)),
    not_null("party", String(80)),
    not_null("checked", BIG, index=True),
)
"""An unattended decision; its record is in `verifications`, under the same reference."""

DECISION_LEAVES = Table(
    "decision_leaves",
    METADATA,
    Column("reference", String(16), primary_key=True),
    Column("leaf", LargeBinary(32), primary_key=True),
    not_null("issuer", String(18)),
    not_null("index", BIG),
    Index("ix_decision_leaves_issuer_index", "issuer", "index"),
)
"""A certificate that a decision rests on."""

CASES = Table(
    "cases",
    METADATA,
    Column("reference", String(16), primary_key=True),
    Column("leaf", LargeBinary(32), primary_key=True),
    Column("cause", String(16), primary_key=True),
    not_null("item", String(24)),
    not_null("party", String(80)),
    not_null("opened", BIG),
    not_null("block", BIG),
    Column("closed", BIG),
    Column("closed_by", String(80)),
    Column("reason", String(200)),
    Index("ix_cases_closed_opened", "closed", "opened"),
)
"""A decision that rested on a certificate which is no longer in force."""

SAMPLES = Table(
    "samples",
    METADATA,
    Column("reference", String(16), primary_key=True),
    not_null("first", BIG, unique=True),
    not_null("last", BIG),
    not_null("created", BIG),
    Column("file", LargeBinary),
)
"""A sample of the decisions from record `first` to `last`; its record is in `verifications`."""
