"""People who hand things in: a registrar a region, issuers with keys and catalogs, sealed batches.

The mirror is filled as the follower of the chain would fill it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from typing import Any

import orjson

from certledger.ledger.core.acts import Lane
from certledger.ledger.core.values import AnchoredBatch, Block, IssuerRow, RegistrarRow
from certledger.ledger.intake.pending_state import Intake, IntakeLimits
from certledger.ledger.keys import Signer, signer_of
from certledger.ledger.store.unit_of_work import Store
from certledger.verifier.formats.canonical_json import format_canonical, to_base64url
from certledger.verifier.formats.catalog import Catalog, Entry
from certledger.verifier.formats.issuer_state import IssuerState, Key, batch_leaf
from certledger.verifier.formats.merkle import leaf_hash, root
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.signed_act import Act, statement_to_json
from certledger.verifier.formats.statements import Batch, Statement
from certledger.verifier.formats.status_tree import EMPTY_ROOT
from certledger.verifier.vocabulary import EntryKind, HolderKind, IssuerKind, Purpose

IDENTITY = sha256(b"a ledger").digest()
NOW = 1_795_500_000
DAY = 86_400
REGIONS = (31, 32, 33, 34)
ALL = Purpose.BATCHES | Purpose.STATUS | Purpose.CATALOG | Purpose.KEYS
FIRST_BLOCK = 5


def person(name: str) -> Signer:
    """Return the key pair of somebody, always the same for a name."""
    return signer_of(sha256(name.encode()).digest())


OPERATOR = person("operator")


def entry(category: str = "SH-TAXI", version: int = 1, **changes: Any) -> Entry:
    made = Entry(
        category=category,
        version=version,
        kind=EntryKind.LICENCE,
        holder=HolderKind.LEGAL,
        name_zh="出租汽车经营许可证",
        name_en="Taxi licence",
        fields=("certificate_number", "holder_name", "valid_area"),
        shown=("holder_name",),
        months=48,
        lag_days=30,
    )
    return replace(made, **changes)


CATALOG = Catalog.of([entry(), entry("SH-FOOD", months=None)])


def digest_of(*parts: object) -> bytes:
    return sha256(repr(parts).encode()).digest()


@dataclass
class Office:
    """An issuer at work: what it has sealed so far, and its next statement."""

    issuer: str = "11310000000000AB01"
    sequence: int = 0
    certificates: int = 0
    last: bytes = bytes(32)
    catalog: bytes = field(default_factory=CATALOG.root)

    @property
    def key(self) -> Signer:
        return person(f"key of {self.issuer}")

    def record(self, index: int, **changes: Any) -> Record:
        made = Record(
            issuer=self.issuer,
            index=index,
            id=digest_of("id", self.issuer, index),
            category="SH-TAXI",
            entry=1,
            holder=HolderKind.LEGAL,
            issued=date(2026, 11, 20),
            expires=date(2028, 11, 20),
            digests=tuple(digest_of("field", self.issuer, index, place) for place in range(3)),
        )
        return replace(made, **changes)

    def records(self, count: int) -> list[Record]:
        return [self.record(self.certificates + place) for place in range(count)]

    def statement(self, records: Sequence[Record], **changes: Any) -> Batch:
        made = Batch(
            issuer=self.issuer.encode(),
            sequence=self.sequence + 1,
            previous=self.last,
            root=root([record.leaf() for record in records]),
            first=self.certificates,
            count=len(records),
            catalog=self.catalog,
            not_after=NOW + 3 * DAY,
        )
        return replace(made, **changes)

    def sign(self, statement: Statement, *, by: Signer | None = None) -> bytes:
        return (by or self.key).sign(statement.digest(IDENTITY))

    def seal(self, records: Sequence[Record] | int = 3, **changes: Any) -> bytes:
        """Return a submission and go on to the next batch."""
        listed = self.records(records) if isinstance(records, int) else records
        statement = self.statement(listed, **changes)
        self.go_on(statement)
        return submission(statement, self.sign(statement), listed)

    def go_on(self, statement: Batch) -> None:
        self.sequence, self.last = statement.sequence, statement.digest(IDENTITY)
        self.certificates = statement.first + statement.count

    def state(self, **changes: Any) -> IssuerState:
        """Return the issuer's state as it was when it was registered."""
        made = IssuerState(
            issuer=self.issuer,
            kind=IssuerKind.DEPARTMENT,
            name="交通运输部门",
            keys=(Key(address=self.key.address, purposes=ALL, start=1),),
            since=1,
            catalog=self.catalog,
            catalog_version=1,
            status=EMPTY_ROOT,
        )
        return replace(made, **changes)


def submission(statement: Batch, signature: bytes, records: Sequence[Record]) -> bytes:
    return format_canonical(
        {
            "type": "certledger/submission/1",
            "statement": statement_to_json(statement),
            "signature": to_base64url(signature),
            "records": [record.to_json() for record in records],
        }
    )


def act_file(statement: Statement, *signers: Signer, ledger: bytes = IDENTITY) -> bytes:
    """Return the file of an act under the signatures of `signers`."""
    digest = statement.digest(ledger)
    signatures = tuple(signer.sign(digest) for signer in signers)
    return Act(ledger=ledger, statement=statement, signatures=signatures).canonical()


def with_entries(act: bytes, entries: Sequence[Entry]) -> bytes:
    return orjson.dumps(
        {
            "type": "certledger/catalog-submission/1",
            "act": orjson.loads(act),
            "entries": [one.to_json() for one in entries],
        }
    )


def with_name(act: bytes, name: str) -> bytes:
    value = {"type": "certledger/registration/1", "act": orjson.loads(act), "name": name}
    return orjson.dumps(value)


def block(number: int, fork: int = 0) -> Block:
    return Block(
        number=number,
        hash=digest_of("block", number, fork),
        parent=digest_of("block", number - 1, fork),
        time=NOW - DAY + number,
        state_root=digest_of("state", number, fork),
    )


def seen(state: IssuerState, number: int = FIRST_BLOCK, *, held: bool = False) -> IssuerRow:
    slot = state.digest()
    slot = slot[:-1] + bytes([slot[-1] | held])
    return IssuerRow(state=state, on_hold=held, slot=slot, block=number)


def anchored(statement: Batch, signature: bytes, number: int, key: int = 0) -> AnchoredBatch:
    digest = statement.digest(IDENTITY)
    return AnchoredBatch(
        issuer=statement.issuer.decode(),
        sequence=statement.sequence,
        digest=digest,
        root=statement.root,
        first=statement.first,
        count=statement.count,
        catalog=statement.catalog,
        statement=statement,
        signature=signature,
        key=key,
        leaf=batch_leaf(digest=digest, catalog=statement.catalog, key=key, block=number),
        block=number,
        tx=digest_of("tx", number),
    )


def found(store: Store, *states: IssuerState) -> None:
    """Fill the mirror with the registrars of the regions, issuers, and the catalog they have."""
    with store.begin() as unit:
        unit.add_block(block(FIRST_BLOCK))
        for region in REGIONS:
            unit.put_registrar(
                RegistrarRow(
                    region=region,
                    account=person(f"registrar {region}").address,
                    term=0,
                    nonce=0,
                    block=1,
                )
            )
        for state in states:
            unit.put_issuer(seen(state))
        unit.add_catalog(CATALOG.root(), format_canonical(CATALOG.to_json()))


def chain_anchors(store: Store, office: Office, statement: Batch, number: int) -> AnchoredBatch:
    """Let the chain anchor a batch in block `number`, as the follower would record it."""
    batch = anchored(statement, office.sign(statement), number)
    with store.begin() as unit:
        issuer = unit.issuer(office.issuer)
        assert issuer is not None
        state = issuer.state.after_batch(digest=batch.digest, count=batch.count, leaf=batch.leaf)
        unit.add_block(block(number))
        unit.put_issuer(seen(state, number))
        unit.add_anchored([batch])
        unit.mark_included(
            batch.issuer, Lane.SEQUENCE, batch.sequence, batch.digest, block=number, tx=batch.tx
        )
    return batch


def desk(store: Store, now: int = NOW, **limits: int) -> Intake:
    return Intake(
        store=store,
        identity=IDENTITY,
        operator=OPERATOR,
        clock=lambda: now,
        limits=IntakeLimits(**limits),
    )


def leaf_of(record: Record) -> bytes:
    return leaf_hash(record.canonical())
