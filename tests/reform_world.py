"""A decision and a sample of the reform on the made-up chain of `tests.world`, without a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import orjson
import rlp

from certledger.ledger.keys import Signer, signer_of
from certledger.verifier.crypto.hashing import keccak, sha256
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.checkpoint import Checkpoint
from certledger.verifier.formats.issuer_state import Key
from certledger.verifier.formats.record import Record
from certledger.verifier.reform.book import ApplicantKind
from certledger.verifier.reform.book_edition import NO_EDITION, BookEdition
from certledger.verifier.reform.decision import DecisionBasis, decide
from certledger.verifier.reform.operator_record import (
    DECISION_TYPE,
    SAMPLE,
    SAMPLE_TYPE,
    OperatorRecord,
    record_content,
    record_digest,
)
from certledger.verifier.reform.sample import SampleFile, candidates_digest
from certledger.verifier.verify.full import Question
from certledger.verifier.verify.receipt import RECEIPT_ENTRY, disclosures_of
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.vocabulary import HolderKind, IssuerKind
from tests.record_rules import certificate_id
from tests.world import ENTRY, EVERY, IDENTITY, NOW, Issued, World, WorldIssuer, draw, signed_policy

FIELDS = ("certificate_number", "holder_name", "id_number", "birth_date", "address")
CARD = replace(ENTRY, fields=FIELDS, shown=("holder_name", "id_number"))
OPERATOR: Signer = signer_of(bytes(31) + b"\x09")
OPERATOR_ISSUER = "91310000XX0001361J"
CATEGORY = [
    *("ID-RESIDENT", "居民身份证", "Resident identity card", "证件", "natural", "department"),
    *("上海市公安局", "Police", "240", "7", "yes", ";".join(FIELDS)),
]
TABLES: dict[str, list[list[str]]] = {
    "regions": [],
    "categories": [CATEGORY],
    "service_items": [
        [
            *("NOCRIME-APPLY", "无犯罪记录", "No crime", "D", "D", "public_service", "personal"),
            *("yes", "yes", "yes"),
        ]
    ],
    "materials": [["NOCRIME-APPLY", "1", "身份证", "Card", "yes", "ID-RESIDENT", "yes"]],
    "issuers": [["11310000XX00000196", "上海市公安局", "Police", "department", "310000"]],
    **{name: [] for name in ("counters", "bundles", "overrides", "restrictions")},
    "delta_scenarios": [],
    "rules": [
        [
            *("NOCRIME-APPLY", "3", "1", "years(m1.birth_date, today) >= 18", "refused"),
            *("未满18周岁", "Younger than 18"),
        ]
    ],
}
EDITION = BookEdition(
    number=1, holds_from="2026-01-01", region="310000", previous=NO_EDITION, tables=TABLES
)
DELAY = 8


def question() -> Question:
    """Return a question of now under the policy of the made-up chain."""
    policy = signed_policy().policy
    return Question(policy=policy, judge=choose_judge(policy), now=NOW)


def card(born: str, shown: Sequence[str] = FIELDS[:4]) -> bytes:
    """Return evidence of an identity card with this birthday."""
    issuer = WorldIssuer.of(entries=(CARD,))
    fields = {"id_number": "310101199001010019", "birth_date": born}
    issued = issuer.issue("SH20260001", entry=CARD, fields=fields, index=0)
    issuer.anchor([issued])
    world = World(issuers=[issuer], accounts=8)
    return world.evidence(issuer, issued, show=shown).format()


def cards(categories: Sequence[str]) -> Sequence[bytes]:
    """Return evidence of one holder's certificates, one of each category, from one batch."""
    entries = [replace(CARD, category=one) for one in categories]
    issuer = WorldIssuer.of(entries=entries)
    fields = {"id_number": "310101199001010019", "birth_date": "1990-01-01"}
    issued = [
        issuer.issue(f"SH2026{at:04}", entry=entry, fields=fields, index=at)
        for at, entry in enumerate(entries)
    ]
    issuer.anchor(issued)
    world = World(issuers=[issuer], accounts=8)
    return [world.evidence(issuer, one, show=FIELDS[:4]).format() for one in issued]


def signed(content: dict[str, Json], number: int = 1) -> OperatorRecord:
    """Return a record of the operator with this content, the first of its chain by default."""
    whole = content | {"number": number, "previous": bytes(32).hex()}
    return OperatorRecord(content=whole, signature=OPERATOR.sign(record_digest(whole)))


def decision(bundle: Sequence[bytes], reference: str = "7Q2M-9XKD-A0F3") -> OperatorRecord:
    """Return the record of the decision on evidence files."""
    basis = DecisionBasis(
        edition=EDITION,
        item="NOCRIME-APPLY",
        applicant=ApplicantKind.PERSON,
        files=bundle,
        question=question(),
    )
    result = decide(basis)
    content = record_content(
        DECISION_TYPE,
        result.details,
        outcome=result.decision.outcome,
        identity=IDENTITY,
        operator=OPERATOR.address,
        reference=reference,
        caller="key:clk_7Q2M9XKD",
        checked=NOW,
        leaves=result.leaves,
    )
    return signed(content)


def answer(bundle: Sequence[bytes]) -> dict[str, Any]:
    """Return what a service answers for a decision."""
    record = decision(bundle)
    return {
        "bundle": [orjson.loads(one) for one in bundle],
        "record": orjson.loads(record.format()),
        "reference": record.reference,
    }


# A sample --------------------------------------------------------------------------------------


@dataclass
class HeaderWorld(World):
    """A chain whose last blocks have real headers; `number` is the last."""

    last: int = 3
    headers: list[bytes] = field(default_factory=list)

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint of the last block, whose hash is that of its header."""
        made = super().checkpoint()
        self.headers, parent = [], bytes(32)
        for number in range(self.number - self.last + 1, self.number + 1):
            root = made.state_root if number == self.number else bytes(32)
            self.headers.append(_header(number, parent, root, self.time))
            parent = keccak(self.headers[-1])
        return replace(made, block_hash=parent)


def _header(number: int, parent: bytes, root: bytes, time: int) -> bytes:
    empty = bytes(32)
    fields: list[bytes | int] = [parent, empty, bytes(20), root, empty, empty, bytes(256), b""]
    fields += [number, 30_000_000, 0, time, b"", empty, bytes(8), 7]
    return bytes(rlp.encode(fields))


def sample(records: Sequence[OperatorRecord], size: int) -> SampleFile:
    """Return the published sample of some decisions."""
    candidates = sorted(sha256(one.format()) for one in records)
    details: dict[str, Json] = {
        "candidates": candidates_digest(candidates).hex(),
        "count": len(candidates),
        "delay": DELAY,
        "first": 1,
        "last": len(candidates),
        "size": size,
    }
    content = record_content(
        SAMPLE_TYPE,
        details,
        outcome=SAMPLE,
        identity=IDENTITY,
        operator=OPERATOR.address,
        reference="A7XK-1B2C-3D4E",
        caller="operator:samples",
        checked=NOW,
    )
    record = signed(content, len(candidates) + 1)
    world, issuer, issued = _anchored(record)
    evidence = world.evidence(issuer, issued, show=()).format()
    return SampleFile(
        record=record, candidates=candidates, evidence=evidence, headers=world.headers
    )


class _OperatorKey:
    """The operator's key as the made-up chain signs with it: 64 bytes."""

    address, public = OPERATOR.address, OPERATOR.public_key

    def sign(self, digest: bytes) -> bytes:
        return OPERATOR.sign(digest)[:64]


def record_evidence(record: OperatorRecord) -> bytes:
    """Return evidence that a record of the operator is anchored."""
    world, issuer, issued = _anchored(record)
    return world.evidence(issuer, issued, show=()).format()


def _anchored(record: OperatorRecord) -> tuple[HeaderWorld, WorldIssuer, Issued]:
    """Return a chain with the operator's record in a batch of the operator's own."""
    issuer = WorldIssuer.of(OPERATOR_ISSUER, "示例运营", (RECEIPT_ENTRY,), IssuerKind.OPERATOR)
    key = Key(address=OPERATOR.address, purposes=EVERY, start=10)
    issuer.state = replace(issuer.state, keys=(key,))
    issuer.signer = _OperatorKey()  # type: ignore[assignment]
    parts = disclosures_of(record.format(), record.reference)
    issued = Issued(
        record=Record(
            issuer=OPERATOR_ISSUER,
            index=0,
            id=certificate_id(draw("operator"), OPERATOR_ISSUER, "OP-RECEIPT", record.reference),
            edition=0,
            replaces=None,
            category=RECEIPT_ENTRY.category,
            entry=RECEIPT_ENTRY.version,
            holder=HolderKind.OBJECT,
            issued=date(2026, 11, 18),
            expires=None,
            bound=False,
            digests=tuple(part.digest for part in parts),
        ),
        disclosures=parts,
        code=parts[0].salt,
    )
    world = HeaderWorld(issuers=[issuer], accounts=8)
    issuer.anchor([issued], block=world.number - world.last + 1 - DELAY)
    return world, issuer, issued
