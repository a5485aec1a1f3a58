"""Compare the tables besides the mirror with the replayed chain and with each other."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from sqlalchemy import Connection, exists, func, select

from certledger.ledger.audit.acts import ActComparison
from certledger.ledger.audit.batch_rows import check_unanchored
from certledger.ledger.audit.checkpoints import CheckpointComparison, block_of_row
from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.audit.documents import Leaves
from certledger.ledger.audit.mirror import MirrorObserver
from certledger.ledger.audit.transactions import TravelComparison
from certledger.ledger.audit.verification_receipts import EventComparison
from certledger.ledger.core.acts import ACTS as KINDS
from certledger.ledger.core.acts import ActKind
from certledger.ledger.store.bulk_queries import PLACES
from certledger.ledger.store.tables import (
    ACTS,
    ANCHORED,
    BATCHES,
    BLOCKS,
    CATALOG_CHANGES,
    CATALOGS,
    CERTIFICATES,
    FRAMES,
    NAMES,
    WATCHES,
)
from certledger.verifier.audit.batches import read_catalog
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.audit.replay import Replay
from certledger.verifier.audit.runner import Job
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.signed_act import statement_from_json
from certledger.verifier.formats.statements import Batch
from certledger.verifier.node_rpc import NodeBlock, RpcClient


class Comparison:
    """The comparisons at the end of an audit.

    `operator` (20 bytes) signs receipts, None if unknown.
    """

    def __init__(
        self,
        stored: StoredFiles,
        connection: Connection,
        observer: MirrorObserver,
        *,
        job: Job,
        node: RpcClient,
        operator: bytes | None,
    ) -> None:
        self._files_at, self._connection, self._observer = stored, connection, observer
        self._node, self._job, self._pin, self._operator = node, job, job.pin, operator

    def run(self, replay: Replay, final: NodeBlock) -> Iterator[AuditFault]:
        """Yield every difference.

        Raises:
            NodeFailedError: the node does not answer.
        """
        newest = self._node.block("latest")
        self._observer.end_at(final.number, final.number if newest is None else newest.number)
        if self._is_node_behind():
            detail = f"the database has followed block {self._observer.reach.head}"
            yield fault("node.behind", f"blocks/{self._observer.newest}", detail)
            return
        acts = ActComparison(
            self._connection,
            self._observer,
            node=self._node,
            pin=self._pin,
            operator=self._operator,
            now=self._job.now,
        )
        receipts = EventComparison(self._connection, operator=self._operator, now=self._job.now)
        seen = self._job.memory.read() if self._job.memory is not None else None
        for chain in (acts.chain, receipts.chain):
            if seen is not None and isinstance(seen.noted, dict):
                chain.expected = seen.noted.get(chain.name)
        travels = TravelComparison(self._connection)
        checkpoints = CheckpointComparison(self._files_at, self._connection, self._job, replay)
        parts = {
            "mirror": self._observer.finish(replay),
            "acts": acts.run(replay, final),
            "transactions": travels.run(),
            "verifications": receipts.run(replay),
            "batches": self._batches(),
            "certificates": self._certificates_of_nothing(),
            "catalogs": self._catalogs(),
            "names": self._names(replay),
            "blocks": self._blocks(),
            "checkpoints": checkpoints.run(),
            "watches": self._watches(),
        }
        for name, part in parts.items():
            yield from guarded(f"database/{name}", part)
        self._observer.notes = {chain.name: chain.noted() for chain in (acts.chain, receipts.chain)}

    def _is_node_behind(self) -> bool:
        """Return whether the node lacks blocks that the database has; then nothing is compared.

        The embedded chain has no other node that could be ahead, so there it is a fault.
        """
        return self._observer.reach.head > self._observer.newest and not self._job.own_chain

    # Records ----------------------------------------------------------------------------------

    def _batches(self) -> Iterator[AuditFault]:
        """Yield the faults of batches that are not on the chain; `check_stored` does the others."""
        anchored = exists().where(ANCHORED.c.root == BATCHES.c.root)
        for row in self._connection.execute(select(BATCHES).where(~anchored)).all():
            where = f"database/batches/{row.root.hex()}"
            query = select(ACTS.c.statement).where(ACTS.c.root == row.root)
            statements = self._connection.execute(query).scalars().all()
            statement = [statement_from_json(Batch, orjson.loads(data)) for data in statements]
            if not statement:
                yield fault("database.row_extra", where, row.issuer)
            elif (row.issuer, row.first, row.size) not in {
                (one.issuer.decode("ascii"), one.first, one.count) for one in statement
            }:
                yield fault("database.row_changed", where, "it differs from its statement")
            yield from check_unanchored(self._files_at, row)

        handed_in = select(ACTS.c.number, ACTS.c.root).where(ACTS.c.kind == str(ActKind.BATCH))
        stored = exists().where(BATCHES.c.root == ACTS.c.root)
        for number, root in self._connection.execute(handed_in.where(~stored)).all():
            where = f"database/batches/{'' if root is None else root.hex()}"
            yield fault("database.row_missing", where, f"of act {number}")

    def _certificates_of_nothing(self) -> Iterator[AuditFault]:
        """Yield lookup rows and frames that belong to no batch."""
        for of, number, name in (
            (CERTIFICATES, CERTIFICATES.c.place // PLACES, "certificates"),
            (FRAMES, FRAMES.c.batch, "record_frames"),
        ):
            owned = exists().where(BATCHES.c.number == number)
            query = select(number, func.count()).select_from(of).where(~owned).group_by(number)
            for batch, count in self._connection.execute(query):
                where = f"database/{name}/{batch}"
                yield fault("database.row_extra", where, f"{count} rows of no batch")

    def _catalogs(self) -> Iterator[AuditFault]:
        """Yield catalogs that are damaged, that no act filed, or that an act filed and are gone."""
        changed = select(CATALOG_CHANGES.c.root)
        filed = set(self._connection.execute(changed).scalars())
        filed |= {statement["root"] for statement in self._statements(ActKind.CATALOG)}
        stored = set(self._connection.execute(select(CATALOGS.c.root)).scalars())
        for root in sorted(stored):
            where = f"database/catalogs/{root.hex()}"
            try:
                read_catalog(self._files_at, root)
            except CertledgerError as error:
                yield fault("database.row_changed", where, str(error))
            if root not in filed:
                yield fault("database.row_extra", where, "no change of a catalog names it")
        handed_in = {statement["root"] for statement in self._statements(ActKind.CATALOG)}
        for root in sorted(handed_in - stored):
            yield fault("database.row_missing", f"database/catalogs/{root.hex()}")

    def _statements(self, kind: ActKind) -> Iterator[dict[str, bytes]]:
        """Yield root and name of the submitted statements of one kind."""
        query = select(ACTS.c.statement).where(ACTS.c.kind == str(kind))
        for data in self._connection.execute(query).scalars():
            statement = statement_from_json(KINDS[kind].statement, orjson.loads(data))
            yield {name: getattr(statement, name, b"") for name in ("root", "name")}

    def _names(self, replay: Replay) -> Iterator[AuditFault]:
        """Yield names under another's digest, and names of no registered issuer."""
        known = {issuer.name for issuer in replay.issuers.values()}
        handed_in = {statement["name"] for statement in self._statements(ActKind.REGISTER)}
        stored = set()
        for row in self._connection.execute(select(NAMES)):
            where = f"database/names/{row.digest.hex()}"
            stored.add(row.digest)
            if sha256(row.name.encode()) != row.digest:
                yield fault("database.row_changed", where, row.name)
            elif row.digest not in known | handed_in:
                yield fault("database.row_extra", where, row.name)
        for digest in sorted(handed_in - stored):
            yield fault("database.row_missing", f"database/names/{digest.hex()}")

    def _watches(self) -> Iterator[AuditFault]:
        """Yield watches whose leaf is not the one anchored at their index."""
        leaves = Leaves(self._connection)
        for row in self._connection.execute(select(WATCHES)).all():
            if row.leaf != leaves.at(row.issuer, row._mapping["index"]):
                where = f"database/watches/{row.caller}/{row._mapping['index']}"
                yield fault("database.row_changed", where, "it has another leaf")

    # Blocks -------------------------------------------------------------------

    def _blocks(self) -> Iterator[AuditFault]:
        for row in self._connection.execute(select(BLOCKS).order_by(BLOCKS.c.number)).all():
            before = self._node.block(row.number - 1)
            same = self._node.block(row.number) == block_of_row(row)
            if not same or before is None or before.hash != row.parent:
                where = f"database/blocks/{row.number}"
                yield fault("database.row_changed", where, row.hash.hex())


def guarded(where: str, part: Iterator[AuditFault]) -> Iterator[AuditFault]:
    """Yield the faults of a part; a value of another type than its column is a fault too.

    SQLite does not enforce column types, so an edited row may have any.
    """
    try:
        yield from part
    except (AttributeError, TypeError, ValueError) as error:
        yield fault("database.unreadable", where, f"{type(error).__name__}: {error}")
