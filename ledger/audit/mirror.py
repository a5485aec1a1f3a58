"""Compare the mirror with the replayed chain: missing, extra and changed rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import orjson
from sqlalchemy import Connection, Table, func, select

from certledger.ledger.chain.follower import MAX_STORED_BLOCKS
from certledger.ledger.core.acts import ACTS as KINDS
from certledger.ledger.core.acts import ActState, counter_of, kind_of, subject_of
from certledger.ledger.core.values import (
    AnchoredBatch,
    CatalogRow,
    IssuerRow,
    MirroredStatusChange,
)
from certledger.ledger.store import rows
from certledger.ledger.store.tables import (
    ACTS,
    ANCHORED,
    BLOCKS,
    CATALOG_CHANGES,
    ISSUERS,
    NAMES,
    REGISTRARS,
    STATUS_CHANGES,
    STATUS_WORDS,
)
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.audit.replay import Replay, ReplayedAct
from certledger.verifier.audit.rules import ReplayedIssuer
from certledger.verifier.contract_state import Seat
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.formats.canonical_json import Json, format_canonical
from certledger.verifier.formats.signed_act import statement_to_json
from certledger.verifier.formats.statements import Batch, CatalogChange, Register, StatusChange

STANDS = (ActState.INCLUDED, ActState.FINAL)
PREFIX = 16
_Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the database has followed the chain: its newest block; older versions are pruned.

    `time` is that block's, in seconds, 0 if no block is stored.
    """

    head: int
    time: int = 0

    @classmethod
    def of(cls, connection: Connection) -> Reach:
        """Return the newest block of a database, by its rows if it has no block."""
        head = connection.execute(select(func.max(BLOCKS.c.number))).scalar_one_or_none()
        statement = (ISSUERS, REGISTRARS, ANCHORED, STATUS_CHANGES, CATALOG_CHANGES)
        if head is None:
            newest = [
                connection.execute(select(func.max(of.c.block))).scalar_one() for of in statement
            ]
            head = max((block for block in newest if block is not None), default=0)
        query = select(BLOCKS.c.time).where(BLOCKS.c.number == head)
        time = connection.execute(query).scalar_one_or_none()
        return cls(head, time if isinstance(time, int) else 0)

    @property
    def first_stored_block(self) -> int:
        """The block since which every version of a row must be stored."""
        return self.head - MAX_STORED_BLOCKS


class MirrorObserver:
    """Compares each row of the mirror with the act that made it, during the replay."""

    def __init__(self, connection: Connection, reach: Reach) -> None:
        self._connection, self._reach = connection, reach
        self.acts: set[bytes] = set()
        self.accounts: set[bytes] = set()
        self.final = self.newest = reach.head
        self._eventful: set[int] = set()
        self.notes: dict[str, Json] = {}
        self._versions: dict[str, set[_Key]] = {"bodies": set(), "registrars": set()}
        self._pending: dict[_Key, tuple[Table, Mapping[str, Any]]] = {}
        self._states: dict[str, list[int]] | None = None
        self._block = 0
        self.behind = 0

    @property
    def reach(self) -> Reach:
        """How far the database has followed the chain."""
        return self._reach

    def end_at(self, final: int, newest: int) -> None:
        """Set the last block of the audit, and the newest that the node has.

        Rows of blocks between them are not audited yet.
        """
        self.final, self.newest = final, newest

    def _is_beyond(self, block: int) -> bool:
        """Return whether neither database nor node has a row's block."""
        return block > self._reach.head or block > max(self.final, self.newest)

    def _is_pending(self, block: int) -> bool:
        """Return whether a row is of a block after the audited ones, which may be rolled back."""
        return self.final < block and not self._is_beyond(block)

    # Callbacks of the replay ------------------------------------------------------------------

    def observe_act(self, act: ReplayedAct) -> list[AuditFault]:
        found = self._turn(act.log.block)
        self.acts.add(act.digest[:PREFIX])
        if act.log.block > self._reach.head:
            self.behind += 1
            return found
        try:
            found += self.compare_act(act)
        except (AttributeError, TypeError, ValueError) as error:
            where = f"database/acts/{act.digest.hex()}"
            found.append(fault("database.unreadable", where, str(error)))
        statement = act.statement
        if isinstance(statement, Batch):
            found += self._compare(ANCHORED, rows.anchored_values(_anchored(act, statement)))
        elif isinstance(statement, StatusChange):
            seen = MirroredStatusChange(
                issuer=statement.issuer.decode(),
                epoch=statement.epoch,
                statement=statement,
                digest=act.digest,
                signatures=act.signatures,
                block=act.log.block,
                tx=act.log.tx,
            )
            found += self._compare(STATUS_CHANGES, rows.status_values(seen))
        elif isinstance(statement, CatalogChange):
            catalog = CatalogRow(
                issuer=statement.issuer.decode(),
                version=statement.version,
                root=statement.root,
                digest=act.digest,
                block=act.log.block,
                tx=act.log.tx,
            )
            names = CATALOG_CHANGES.columns.keys()
            found += self._compare(CATALOG_CHANGES, {n: getattr(catalog, n) for n in names})
        elif isinstance(statement, Register) and self._name(statement.name) is None:
            where = f"database/names/{statement.name.hex()}"
            found.append(fault("database.row_missing", where, f"of {statement.issuer.decode()}"))
        return found

    def words(self, issuer: str, words: dict[int, bytes], block: int) -> list[AuditFault]:
        found = self._turn(block)
        for position, word in words.items() if block <= self._reach.head else ():
            values = {"issuer": issuer, "position": position, "block": block, "word": word}
            self._pending["status_words", issuer, position] = (STATUS_WORDS, values)
        return found

    def observe_state(self, issuer: ReplayedIssuer, block: int) -> list[AuditFault]:
        found = self._turn(block)
        code = issuer.state.issuer
        self._versions["bodies"].add((code, block))
        name = self._name(issuer.name)
        if name is not None and block <= self._reach.head:
            state = replace(issuer.state, name=name)
            seen = IssuerRow(state=state, on_hold=issuer.on_hold, slot=issuer.slot(), block=block)
            self._pending["bodies", code] = (ISSUERS, rows.issuer_values(seen))
        return found

    def seated(self, region: int, seat: Seat, term: int, block: int) -> list[AuditFault]:
        found = self._turn(block)
        self._versions["registrars"].add((region, block))
        values_of_seat = [getattr(seat, one.name) for one in fields(Seat)]
        self.accounts |= {value for value in values_of_seat if isinstance(value, bytes)}
        values = {
            "region": region,
            "block": block,
            "term": term,
            **{one.name: getattr(seat, one.name) for one in fields(Seat)},
        }
        if block <= self._reach.head:
            self._pending["registrars", region] = (REGISTRARS, values)
        return found

    def noted(self) -> Json:
        """Return the heads of the receipt chains, which the next audit expects (`expected`)."""
        return self.notes

    def to_json(self) -> Json:
        return {
            "acts": [digest.hex() for digest in self.acts],
            "accounts": [account.hex() for account in self.accounts],
            "behind": self.behind,
            "eventful": sorted(self._eventful),
            "versions": {name: sorted(keys) for name, keys in self._versions.items()},
        }

    def from_json(self, value: Json) -> None:
        self.acts = {bytes.fromhex(digest) for digest in value["acts"]}
        self.accounts = {bytes.fromhex(account) for account in value["accounts"]}
        self.behind = value["behind"]
        self._eventful = set(value["eventful"])
        self._versions = {
            name: {tuple(key) for key in keys} for name, keys in value["versions"].items()
        }

    # Versions ---------------------------------------------------------------------------------

    def version_at(self, issuer: str, block: int) -> int | None:
        """Return the block since which an issuer had its state of `block`, None if before."""
        if self._states is None:
            self._states = {}
            for name, at in sorted(self._versions["bodies"]):
                self._states.setdefault(str(name), []).append(int(at))
        blocks = self._states.get(issuer, [])
        place = bisect_right(blocks, block)
        return blocks[place - 1] if place else None

    # Comparisons ------------------------------------------------------------------------------

    def _turn(self, block: int) -> list[AuditFault]:
        """Compare the rows of the block before: the store has one version a block, the last."""
        if block == self._block:
            return []
        self._block = block
        if block >= self._reach.first_stored_block and block >= 0:
            self._eventful.add(block)
        waiting, self._pending = self._pending, {}
        return [found for of, values in waiting.values() for found in self._compare(of, values)]

    def _compare(self, of: Table, values: Mapping[str, Any]) -> list[AuditFault]:
        """Return a fault unless the row with this key exists and has these values."""
        keys = [column.name for column in of.primary_key]
        query = select(of).where(*(of.c[name] == values[name] for name in keys))
        row = self._connection.execute(query).one_or_none()
        where = "/".join(["database", of.name, *(str(values[name]) for name in keys)])
        if row is None:
            if self._pruned(of, keys, values):
                return []
            return [fault("database.row_missing", where, "", **_readable(values))]
        changed = [name for name, value in values.items() if getattr(row, name) != value]
        if not changed:
            return []
        stored_values = _readable({name: getattr(row, name) for name in changed})
        wanted = _readable({name: values[name] for name in changed})
        detail = f"it has another {', '.join(changed)}"
        return [
            fault("database.row_changed", where, detail, **{"held": stored_values, "chain": wanted})
        ]

    def _pruned(self, of: Table, keys: list[str], values: Mapping[str, Any]) -> bool:
        """Return whether an old version may be pruned, because a newer one exists."""
        if "block" not in keys or values["block"] >= self._reach.first_stored_block:
            return False
        same = [of.c[name] == values[name] for name in keys if name != "block"]
        newer = select(of.c.block).where(*same, of.c.block > values["block"]).limit(1)
        return self._connection.execute(newer).first() is not None

    def _name(self, digest: bytes) -> str | None:
        query = select(NAMES.c.name).where(NAMES.c.digest == digest)
        name = self._connection.execute(query).scalar_one_or_none()
        return name if isinstance(name, str) and sha256(name.encode()) == digest else None

    def compare_act(self, act: ReplayedAct) -> list[AuditFault]:
        """Return the faults of the row of an included act, if it was submitted here."""
        query = select(ACTS).where(ACTS.c.digest == act.digest)
        row = self._connection.execute(query).one_or_none()
        kind = kind_of(act.statement)
        if row is None or kind is None:
            return []
        wanted = {
            "kind": str(kind),
            "subject": subject_of(act.statement),
            "lane": str(KINDS[kind].lane),
            "counter": counter_of(kind, act.statement),
            "statement": format_canonical(statement_to_json(act.statement)),
            "block": act.log.block,
            "tx": act.log.tx,
        }
        changed = [name for name, value in wanted.items() if getattr(row, name) != value]
        if row.state not in STANDS:
            changed.append("state")
        if not self._same_signers(row.signatures, act):
            changed.append("signatures")
        if not changed:
            return []
        where = f"database/acts/{row.number}"
        detail = f"it has another {', '.join(changed)}"
        stored_values = _readable({name: getattr(row, name) for name in changed})
        chain = _readable({name: value for name, value in wanted.items() if name in changed})
        return [
            fault("database.row_changed", where, detail, **{"held": stored_values, "chain": chain})
        ]

    def _same_signers(self, signatures: bytes, act: ReplayedAct) -> bool:
        """Return whether the same keys signed: a key may have other signatures of the same act."""
        joined = b"".join(act.signatures)
        if signatures == joined:
            return True
        return len(signatures) == len(joined) and all(
            recover_address(act.digest, signatures[at : at + 65])
            == recover_address(act.digest, joined[at : at + 65])
            for at in range(0, len(joined), 65)
        )

    # The end ----------------------------------------------------------------------------------

    def finish(self, replay: Replay) -> Iterator[AuditFault]:
        """Yield the rows that nothing on the chain made."""
        yield from self._turn(-1)
        if self.behind:
            detail = f"{self.behind} acts came after block {self._reach.head}"
            yield fault("database.behind", "database", detail)
        states = {code: issuer.state for code, issuer in replay.issuers.items()}
        for of, counter, most in (
            (ANCHORED, "sequence", {name: state.batches for name, state in states.items()}),
            (STATUS_CHANGES, "epoch", {name: state.epoch for name, state in states.items()}),
            (
                CATALOG_CHANGES,
                "version",
                {name: state.catalog_version for name, state in states.items()},
            ),
        ):
            query = select(of.c.issuer, of.c[counter], of.c.block)
            for issuer, number, block in self._connection.execute(query):
                expected = 0 < number <= most.get(issuer, 0) and not self._is_beyond(block)
                if not expected and not self._is_pending(block):
                    yield _extra(of, issuer, number)
        for of, key in ((ISSUERS, "issuer"), (REGISTRARS, "region")):
            for name, block in self._connection.execute(select(of.c[key], of.c.block)):
                known = (name, block) in self._versions[of.name] and not self._is_beyond(block)
                if not known and not self._is_pending(block):
                    yield _extra(of, name, block)
        yield from self._blocks_missing()
        yield from self._unclaimed_words(replay)
        for issuer in replay.issuers:
            yield from self._words_over(issuer)

    def _unclaimed_words(self, replay: Replay) -> Iterator[AuditFault]:
        for issuer in self._connection.execute(select(STATUS_WORDS.c.issuer).distinct()).scalars():
            if issuer not in replay.issuers:
                query = select(func.min(STATUS_WORDS.c.block)).where(
                    STATUS_WORDS.c.issuer == issuer
                )
                if not self._is_pending(self._connection.execute(query).scalar_one()):
                    yield _extra(STATUS_WORDS, issuer)

    def _blocks_missing(self) -> Iterator[AuditFault]:
        """Yield the blocks with events that the database lacks."""
        stored = set(self._connection.execute(select(BLOCKS.c.number)).scalars())
        for number in sorted(self._eventful - stored):
            if self._reach.first_stored_block <= number <= self._reach.head:
                yield fault("database.row_missing", f"database/blocks/{number}")

    def _words_over(self, issuer: str) -> Iterator[AuditFault]:
        """Yield the status words that no statement made; the statements are checked by now."""
        changes = select(STATUS_CHANGES).where(STATUS_CHANGES.c.issuer == issuer)
        made: set[tuple[int, int]] = set()
        for row in self._connection.execute(changes):
            statement = orjson.loads(row.statement)
            made |= {(position, row.block) for position in statement["words"]}
        words = select(STATUS_WORDS.c.position, STATUS_WORDS.c.block)
        for position, block in self._connection.execute(
            words.where(STATUS_WORDS.c.issuer == issuer)
        ):
            known = (position, block) in made and not self._is_beyond(block)
            if not known and not self._is_pending(block):
                yield _extra(STATUS_WORDS, issuer, position, block)


def _extra(of: Table, *key: str | int) -> AuditFault:
    where = "/".join(["database", of.name, *map(str, key)])
    return fault("database.row_extra", where)


def _anchored(act: ReplayedAct, statement: Batch) -> AnchoredBatch:
    return AnchoredBatch(
        issuer=statement.issuer.decode(),
        sequence=statement.sequence,
        digest=act.digest,
        root=statement.root,
        first=statement.first,
        count=statement.count,
        catalog=statement.catalog,
        statement=statement,
        signature=act.signatures[0],
        key=act.key or 0,
        leaf=act.leaf,
        block=act.log.block,
        tx=act.log.tx,
    )


def _plain(value: Any) -> Json:
    return value.hex() if isinstance(value, bytes) else value


def _readable(values: Mapping[str, Any]) -> dict[str, Json]:
    # Names of columns are of a subclass of str, which orjson does not take as a key.
    return {str(name): _plain(value) for name, value in values.items()}
