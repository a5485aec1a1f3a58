"""Store queries of the follower: rows of blocks, rollback, finality and checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, tuple_, update

from certledger.ledger.core.acts import ActKind, ActState, Lane
from certledger.ledger.core.issuer_names import is_placeholder, placeholder
from certledger.ledger.core.service_values import CHECKPOINT_REPLACED, REORGANISED
from certledger.ledger.core.values import (
    AnchoredBatch,
    Block,
    CatalogRow,
    IssuerRow,
    MirroredStatusChange,
    RegistrarRow,
    Reorganisation,
    StoredCheckpoint,
    TxState,
)
from certledger.ledger.store import rows
from certledger.ledger.store.base import Base, value_of, values_of
from certledger.ledger.store.mirror_queries import SIGNATURE_LINE
from certledger.ledger.store.tables import (
    ACTS,
    ANCHORED,
    BLOCKS,
    CATALOG_CHANGES,
    CHECKPOINTS,
    EVENTS,
    ISSUERS,
    NAMES,
    REGISTRARS,
    REORGANISATIONS,
    SLOT_PROOFS,
    STATUS_CHANGES,
    STATUS_WORDS,
    TRANSACTIONS,
    WATCHES,
)
from certledger.verifier.formats.statements import Batch

BLOCK_TABLES = (ISSUERS, REGISTRARS, ANCHORED, STATUS_WORDS, STATUS_CHANGES, CATALOG_CHANGES)
"""Tables whose rows name the block that made them; a rollback deletes by it."""
VERSIONED: Mapping[Table, tuple[str, ...]] = {
    ISSUERS: ("issuer",),
    REGISTRARS: ("region",),
    STATUS_WORDS: ("issuer", "position"),
}
"""Tables with one row a version, and the columns that identify a thing across versions."""


class MirrorPart(Base):
    """Write the mirror of the chain."""

    def head(self) -> Block | None:
        """Return the newest block that the mirror follows."""
        query = select(BLOCKS).order_by(BLOCKS.c.number.desc()).limit(1)
        return self.find_one(query, partial(value_of, Block))

    def block(self, number: int) -> Block | None:
        """Return a followed block, if it has not been pruned."""
        query = select(BLOCKS).where(BLOCKS.c.number == number)
        return self.find_one(query, partial(value_of, Block))

    def add_block(self, block: Block) -> None:
        """Add a followed block.  Blocks without acts may be left out."""
        values = values_of(BLOCKS, block)
        self.put(BLOCKS, [values])

    def rollback(self, number: int) -> None:
        """Undo blocks after `number`; acts that they included or displaced are accepted again."""
        for statement in BLOCK_TABLES:
            self.connection.execute(delete(statement).where(statement.c.block > number))
        self.connection.execute(delete(BLOCKS).where(BLOCKS.c.number > number))
        self.connection.execute(delete(CHECKPOINTS).where(CHECKPOINTS.c.number > number))
        self._reopen(number)
        self.connection.execute(
            update(TRANSACTIONS)
            .where(TRANSACTIONS.c.block > number)
            .values(state=str(TxState.BROADCAST), block=None)
        )

    def clear_mirror(self) -> None:
        """Delete the whole mirror, including rows with a wrong block number."""
        for of in (*BLOCK_TABLES, BLOCKS, SLOT_PROOFS, CHECKPOINTS):
            self.connection.execute(delete(of))

    def _reopen(self, number: int) -> None:
        """Set acts that later blocks included, displaced or rejected back to accepted."""
        waits = {"state": str(ActState.ACCEPTED), "block": None, "tx": None, "reason": None}
        taken_back = ACTS.c.block > number
        # Included acts first: a counter has one living act, and theirs was the chain's choice.
        dead = (ActState.DISPLACED, ActState.REJECTED)
        for state in (ActState.INCLUDED, ActState.FINAL, *dead):
            for row in self.connection.execute(
                select(ACTS).where(taken_back, ACTS.c.state == str(state)).order_by(ACTS.c.number)
            ).all():
                if state not in dead or self._place_is_free(row):
                    self.connection.execute(
                        update(ACTS).where(ACTS.c.number == row.number).values(waits)
                    )

    def _place_is_free(self, row: rows.Found) -> bool:
        living = select(func.count()).where(*_same_place(row.subject, row.lane, row.counter))
        return not self.connection.execute(living).scalar_one()

    def has_unfinalized(self, number: int) -> bool:
        """Return whether an act or transaction of blocks up to `number` is not marked final."""
        acts = select(ACTS.c.number).where(
            ACTS.c.state == str(ActState.INCLUDED), ACTS.c.block <= number
        )
        sent = select(TRANSACTIONS.c.hash).where(
            TRANSACTIONS.c.state == str(TxState.INCLUDED), TRANSACTIONS.c.block <= number
        )
        return self.exists(acts) or self.exists(sent)

    def finalize(self, number: int) -> int:
        """Mark acts and transactions of blocks up to `number` final; return how many acts."""
        final = update(ACTS).where(ACTS.c.state == str(ActState.INCLUDED), ACTS.c.block <= number)
        self.connection.execute(
            update(TRANSACTIONS)
            .where(TRANSACTIONS.c.state == str(TxState.INCLUDED), TRANSACTIONS.c.block <= number)
            .values(state=str(TxState.FINAL))
        )
        return self.connection.execute(final.values(state=str(ActState.FINAL))).rowcount

    def final_block(self) -> int:
        """Return the newest block with final acts or a checkpoint, -1 for none."""
        acts = select(func.max(ACTS.c.block)).where(ACTS.c.state == str(ActState.FINAL))
        checkpoints = select(func.max(CHECKPOINTS.c.number))
        found = [self.connection.execute(query).scalar_one() for query in (acts, checkpoints)]
        return max(-1 if number is None else int(number) for number in found)

    def add_reorganisation(self, reorganisation: Reorganisation) -> None:
        """Record, before the rollback, that final blocks are rolled back.

        Callers who got events of a final batch, or of a status at a checkpoint, in these blocks get
        new events once a later checkpoint shows the outcome.
        """
        values = values_of(REORGANISATIONS, reorganisation)
        del values["number"]
        added = insert(REORGANISATIONS).values(values).returning(REORGANISATIONS.c.number)
        number = self.connection.execute(added).scalar_one()
        taken_back = select(ACTS.c.subject, ACTS.c.counter).where(
            ACTS.c.kind == str(ActKind.BATCH),
            ACTS.c.state == str(ActState.FINAL),
            ACTS.c.block > reorganisation.fork,
        )
        for row in self.connection.execute(taken_back).all():
            about = f"batch/{row.subject}/{row.counter}"
            response = [EVENTS.c.caller == f"body:{row.subject}", EVENTS.c.about == about]
            self.connection.execute(
                update(EVENTS).where(*response).values(about=f"{about}{REORGANISED}{number}")
            )
        self.connection.execute(
            update(WATCHES)
            .where(WATCHES.c.block > reorganisation.fork)
            .values(block=CHECKPOINT_REPLACED)
        )

    def reorganisations(self) -> Sequence[Reorganisation]:
        """Return all reorganisations of final blocks, newest first."""
        query = select(REORGANISATIONS).order_by(REORGANISATIONS.c.number.desc())
        return self.find_all(query, partial(value_of, Reorganisation))

    def prune(self, number: int) -> None:
        """Delete versions that only blocks before `number` need; the newest state stays."""
        for statement, names in VERSIONED.items():
            keys = [statement.c[name] for name in names]
            last = (
                select(*keys, func.max(statement.c.block).label("last"))
                .where(statement.c.block <= number)
                .group_by(*keys)
                .subquery()
            )
            stored = select(*(last.c[name] for name in names), last.c.last)
            old = tuple_(*keys, statement.c.block).not_in(stored)
            self.connection.execute(delete(statement).where(statement.c.block < number, old))
        self.connection.execute(delete(BLOCKS).where(BLOCKS.c.number < number))

    # Rows of blocks --------------------------------------------------------------------------

    def put_issuer(self, issuer: IssuerRow) -> None:
        """Store an issuer's state since its block."""
        self.put(ISSUERS, [rows.issuer_values(issuer)])
        self.connection.execute(
            update(ACTS)
            .where(*_waiting_of(issuer.state.issuer), ACTS.c.reason.is_not(None))
            .values(reason=None)
        )

    def put_registrar(self, registrar: RegistrarRow) -> None:
        """Store a region's registrar since its block."""
        values = values_of(REGISTRARS, registrar)
        self.put(REGISTRARS, [values])

    def put_words(self, issuer: str, words: Mapping[int, bytes], block: int) -> None:
        """Store status words (position to 32 bytes) since `block`."""
        self.put(
            STATUS_WORDS,
            [
                {"issuer": issuer, "position": position, "block": block, "word": word}
                for position, word in words.items()
            ],
        )

    def add_anchored(self, batches: Iterable[AnchoredBatch]) -> None:
        """Store batches that were anchored."""
        self.put(ANCHORED, [rows.anchored_values(batch) for batch in batches])

    def add_status(self, change: MirroredStatusChange) -> None:
        """Store a status statement that was included."""
        self.put(STATUS_CHANGES, [rows.status_values(change)])

    def add_catalog_change(self, change: CatalogRow) -> None:
        """Store that a catalog came into force."""
        values = values_of(CATALOG_CHANGES, change)
        self.put(CATALOG_CHANGES, [values])

    def add_name(self, name: str) -> None:
        """Store a name under its SHA-256, and give it to issuers mirrored without a name."""
        digest = sha256(name.encode()).digest()
        if self.name(digest) == name:
            return
        self.put(NAMES, [{"digest": digest, "name": name}])
        if not is_placeholder(name):
            self._rename(placeholder(digest), name)

    def _rename(self, unknown: str, name: str) -> None:
        """Replace the placeholder name in the states of issuers whose name is now known."""
        for row in self.connection.execute(select(ISSUERS)).all():
            if unknown.encode() in row.state:
                issuer = rows.issuer_of(row)
                self.put_issuer(replace(issuer, state=issuer.state.named(name)))

    def name(self, digest: bytes) -> str | None:
        """Return the name whose SHA-256 is `digest`, checked against the digest."""
        query = select(NAMES.c.name).where(NAMES.c.digest == digest)
        found: str | None = self.connection.execute(query).scalar_one_or_none()
        edited = found is not None and sha256(found.encode()).digest() != digest
        return None if edited else found

    def mark_included(
        self, subject: str, lane: Lane, counter: int, digest: bytes, *, block: int, tx: bytes
    ) -> None:
        """Record that the chain included the statement `digest` at this counter.

        An act with this digest becomes included, even if expired or displaced; a living act with
        another digest at the same counter becomes displaced, and so do waiting batches behind it
        that name another predecessor.
        """
        gone = {"state": str(ActState.DISPLACED), "block": block}
        others = [*_same_place(subject, lane, counter), ACTS.c.digest != digest]
        self.connection.execute(update(ACTS).where(*others).values(gone))
        self.connection.execute(
            update(ACTS)
            .where(ACTS.c.digest == digest, ACTS.c.state != str(ActState.FINAL))
            .values(state=str(ActState.INCLUDED), block=block, tx=tx, reason=None)
        )
        if lane is Lane.SEQUENCE and self._builds_on_another(subject, counter + 1, digest):
            behind = [*_waiting_in(subject, lane), ACTS.c.counter > counter]
            self.connection.execute(update(ACTS).where(*behind).values(gone))

    def _builds_on_another(self, issuer: str, sequence: int, digest: bytes) -> bool:
        """Return whether the batch that waits at `sequence` names another predecessor."""
        query = select(ACTS).where(*_waiting_in(issuer, Lane.SEQUENCE), ACTS.c.counter == sequence)
        row = self.connection.execute(query).one_or_none()
        if row is None:
            return False
        statement = rows.act_of(row).statement
        return isinstance(statement, Batch) and statement.previous != digest

    # Checkpoints ----------------------------------------------------------------------------

    def add_checkpoint(
        self, checkpoint: StoredCheckpoint, proofs: Mapping[str, Sequence[bytes]]
    ) -> None:
        """Store a checkpoint with the proof of each issuer's slot (trie nodes)."""
        values = values_of(CHECKPOINTS, checkpoint)
        self.put(CHECKPOINTS, [values | {"account": rows.pack_nodes(checkpoint.account)}])
        self.put(
            SLOT_PROOFS,
            [
                {"number": checkpoint.number, "issuer": issuer, "nodes": rows.pack_nodes(nodes)}
                for issuer, nodes in proofs.items()
            ],
        )

    def set_note(self, number: int, note: str) -> None:
        """Replace the note of a checkpoint, once witnesses have cosigned it."""
        self.connection.execute(
            update(CHECKPOINTS).where(CHECKPOINTS.c.number == number).values(note=note)
        )

    def drop_checkpoints(self, before: int) -> None:
        """Delete checkpoints of blocks before `before`, except the newest that is cosigned."""
        cosigned = CHECKPOINTS.c.note.contains(SIGNATURE_LINE, autoescape=True)
        newest = select(func.max(CHECKPOINTS.c.number)).where(cosigned).scalar_subquery()
        old = [CHECKPOINTS.c.number < before, CHECKPOINTS.c.number != func.coalesce(newest, -1)]
        self.connection.execute(delete(CHECKPOINTS).where(*old))

    def drop_checkpoints_after(self, last: int) -> None:
        """Delete checkpoints of blocks after `last`, the final one of a retired ledger."""
        self.connection.execute(delete(CHECKPOINTS).where(CHECKPOINTS.c.number > last))


def _waiting_of(subject: str) -> list[ColumnElement[bool]]:
    return [ACTS.c.subject == subject, ACTS.c.state == str(ActState.ACCEPTED)]


def _waiting_in(subject: str, lane: str) -> list[ColumnElement[bool]]:
    return [*_waiting_of(subject), ACTS.c.lane == str(lane)]


def _same_place(subject: str, lane: str, counter: int) -> list[ColumnElement[bool]]:
    """Return the conditions for the living acts at one value of a counter."""
    return [
        ACTS.c.subject == subject,
        ACTS.c.lane == str(lane),
        ACTS.c.counter == counter,
        ACTS.c.state.in_([str(state) for state in ActState if state.alive]),
    ]
