"""Findings of an audit: the table of codes, and each finding with its place and evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.node_rpc import Log

MAX_LISTED_FAULTS = 200
"""Findings of one code that are listed; all are counted."""


class Weight(StrEnum):
    """How a finding counts in the verdict of an audit."""

    FAULT = "fault"
    FINDING = "finding"
    GAP = "gap"


FAULTS: Mapping[str, str] = {
    # The node and the contract.
    "node.proof_unusable": "the node's proof does not lead from the block's state root",
    "node.state_differs": "the state proved under the block is not what the events lead to",
    "node.roll_differs": "the proved list of issuers is not what the events lead to",
    "node.registrars_differ": "the proved registrars are not those the events lead to",
    "node.event_malformed": "an event is none that the contract can tell",
    "node.event_unplaced": "an event stands in a block that the chain does not have",
    "node.history_changed": "a block that was read before is another one now",
    "deployment.transaction_differs": "the deployment is not the transaction that the policy pins",
    "deployment.creation_differs": "the contract was created with other code than the pinned",
    "deployment.address_differs": "the pinned transaction created another account, or none",
    "deployment.code_differs": "the code at the contract's address is not the pinned",
    "deployment.identity_differs": "the contract names another ledger than the pinned",
    "chain.rolled_back": "the ledger's own chain ends before a block that was final",
    # What the contract accepted.
    "act.signature": "a statement is not signed by whom it must be",
    "act.key": "the key that signed had no right to, at that block",
    "act.counter": "a statement does not move its counter by one",
    "act.time": "a statement was included after its notAfter, or too long before it",
    "act.standing": "the issuer's standing forbids the act",
    "act.held": "the issuer is on hold, and its registrar did not sign",
    "act.content": "the contract allows no act with this content",
    "act.body_unknown": "an act of an issuer that was never registered",
    "batch.sequence_gap": "a batch does not follow the one before it",
    "batch.first_differs": "a batch does not begin where the one before it ended",
    "batch.count": "a batch has no possible number of certificates",
    "batch.key_lost": "a batch was signed by a key that was lost by then, and is still in force",
    "status.step_forbidden": "a certificate took a step that its status forbids",
    "status.reason_missing": "a certificate was reinstated for no reason on record",
    "state.differs": "the state emitted after an act is not what the act leads to",
    # What was published.
    "catalog.withheld": "a catalog in force was not published",
    "catalog.root_differs": "the published entries are not the catalog in force",
    "catalog.entry_changed": "a catalog entry changed under the same version",
    "records.withheld": "the records of an anchored batch were not submitted within a day",
    "records.root_differs": "the records of a batch do not lead to the root its issuer signed",
    "record.malformed": "a record is malformed, or not in its canonical bytes",
    "record.other_body": "a record names another issuer than its batch",
    "record.index_differs": "a record is at another index than it names",
    "record.category_absent": "a record is of a category outside the catalog in force",
    "record.disobeys_entry": "a record breaks the rules of its catalog entry",
    "certificate.issued_twice": "one number and edition was issued twice",
    "certificate.edition_gap": "a certificate replaces one that is not its edition before",
    "certificate.predecessor_valid": "a certificate was replaced, and its predecessor is valid",
    "checkpoint.unusable": "a checkpoint is not a note that witnesses of the policy signed",
    "checkpoint.not_on_chain": "a checkpoint names a block that is not on the chain",
    "checkpoint.cosignature_missing": "the database lacks a cosignature that other files have",
    "checkpoint.two_at_height": "two checkpoints name different blocks at one height",
    # What the ledger keeps.
    "database.row_missing": "the database lacks a row for something on the chain",
    "database.row_extra": "the database has a row for nothing on the chain",
    "database.row_changed": "a row of the database differs from the chain",
    "database.unreadable": "the database has a value that its column cannot have",
    "database.leaf_differs": "a stored leaf or lookup row is not that of its record",
    "database.record_differs": "a stored record is not the one that was anchored",
    "database.act_not_on_chain": "an act is shown as anchored that is not on the chain",
    "database.proof_differs": "a stored state proof does not verify",
    "receipt.unusable": "a receipt is not signed by the operator for the row it is stored in, or a"
    " sample leaves decisions out",
    "receipt.unanchored": "a verification receipt was not anchored within two days",
    "receipt.gap": "the operator's numbered receipts have a gap, or were rolled back",
    "receipt.broken": "an act was not anchored within the time its receipt promised",
    "receipt.rejected_wrongly": "an act was rejected that the contract would have accepted",
    "document.swapped": "a document is not the one in the record",
    "evidence.differs": "an evidence file differs from the chain",
}
"""Sentences of open faults by code: the audit ends with exit status 1."""

FINDINGS: Mapping[str, str] = {
    "batch.key_lost_resolved": "a batch was signed by a lost key; all of it is out of force",
    "status.corrected": "a certificate was reinstated, its registrar having signed",
    "issuer.name_in_use": "an issuer was registered under the name of another one",
    "issuer.name_alike": "the names of two issuers look the same",
    "records.awaited": "the records of a batch are not submitted yet; a day has not passed",
    "anchoring.late": "records were anchored later than their entry's lag allows",
    "database.behind": "the database has not followed the chain to its final block",
    "receipt.late": "an act was anchored after the time its receipt promised",
    "receipt.expired": "an act expired or was rejected before it was anchored",
    "receipt.unregistered": "receipts were given that no registered issuer of the operator anchors",
}
"""Sentences of findings that do not change the verdict: resolved on the chain, or not due yet."""

GAPS: Mapping[str, str] = {
    "node.unreachable": "the node gave no usable answer",
    "node.behind": "the node does not return a block known to be final: it lags, or hides it",
    "node.history_missing": "the node no longer returns the events of the deployment: it is pruned",
    "node.proof_missing": "the node has no proof of this block",
    "node.chain_differs": "the node is of another chain than the policy's",
    "deployment.unknown": "the node does not know the deployment transaction",
    "checkpoint.uncosigned": "no available checkpoint of the block has enough cosignatures",
    "data.missing": "no published records or catalogs were given to compare",
    "data.unreachable": "published data could not be fetched",
    "work.lost": "a process that checked batches was lost",
}
"""Sentences of gaps that left the audit incomplete: without faults it ends with exit status 3."""

WEIGHT: Mapping[str, Weight] = (
    dict.fromkeys(FAULTS, Weight.FAULT)
    | dict.fromkeys(FINDINGS, Weight.FINDING)
    | dict.fromkeys(GAPS, Weight.GAP)
)
SENTENCE: Mapping[str, str] = {**FAULTS, **FINDINGS, **GAPS}


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFault:
    """One finding: code, place, detail, and evidence that convinces a third party.

    `where` is a path such as `11310000XX00000196/batches/3`; `evidence` contains statements,
    signatures, positions on the chain, records and proofs, bytes in hexadecimal.
    """

    code: str
    where: str
    detail: str
    evidence: Mapping[str, Json] = field(default_factory=dict)

    @property
    def weight(self) -> Weight:
        """How it counts in the audit's verdict."""
        return WEIGHT[self.code]

    def to_json(self) -> Json:
        """Return the finding as a member of the report."""
        return {
            "code": self.code,
            "where": self.where,
            "detail": self.detail,
            "evidence": dict(self.evidence),
        }

    @classmethod
    def from_json(cls, value: Json) -> AuditFault:
        """Parse the output of `to_json`."""
        return cls(**value)


def fault(code: str, where: str, detail: str = "", **evidence: Json) -> AuditFault:
    """Return a finding; `detail` follows the sentence of the code."""
    sentence = SENTENCE[code]
    return AuditFault(
        code=code,
        where=where,
        detail=f"{sentence}: {detail}" if detail else sentence,
        evidence=evidence,
    )


class AuditFaults:
    """All findings, counted; at most `MAX_LISTED_FAULTS` of each code are listed."""

    def __init__(self) -> None:
        self.listed: list[AuditFault] = []
        self.counts: Counter[str] = Counter()

    def add(self, found: AuditFault) -> None:
        """Add a finding."""
        self.counts[found.code] += 1
        if self.counts[found.code] <= MAX_LISTED_FAULTS:
            self.listed.append(found)

    def extend(self, found: Iterable[AuditFault]) -> None:
        """Add several findings."""
        for one in found:
            self.add(one)

    def of(self, weight: Weight) -> list[AuditFault]:
        """Return those of one weight, by order of the table and then by place."""
        order = {code: place for place, code in enumerate(SENTENCE)}
        listed = [one for one in self.listed if one.weight is weight]
        return sorted(listed, key=lambda one: (order[one.code], one.where, one.detail))

    def to_json(self) -> Json:
        """Return all findings and counts for the progress notes."""
        return {"kept": [one.to_json() for one in self.listed], "counts": dict(self.counts)}

    @classmethod
    def from_json(cls, value: Json) -> AuditFaults:
        """Parse the output of `to_json`."""
        faults = cls()
        faults.listed = [AuditFault.from_json(one) for one in value["kept"]]
        faults.counts = Counter(value["counts"])
        return faults


def log_evidence(log: Log) -> dict[str, Json]:
    """Return an event as evidence: its place on the chain, and its bytes."""
    return {
        "block": log.block,
        "block_hash": log.block_hash.hex(),
        "transaction": log.tx.hex(),
        "position": log.position,
        "topics": [topic.hex() for topic in log.topics],
        "data": log.data.hex(),
    }
