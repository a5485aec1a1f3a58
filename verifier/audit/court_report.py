"""Report of an audit for a court: what was examined, how and by whom, and what follows.

One JSON document, with its digest, from which the page is made; a later audit is compared with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from certledger.verifier.audit.findings import SENTENCE, AuditFault
from certledger.verifier.audit.meanings import (
    MEANINGS,
    TOUCHING_ALL,
    TOUCHING_NONE,
    Consequence,
)
from certledger.verifier.audit.report import AuditedIssuer, AuditReport, AuditVerdict
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.canonical_json import Json, format_time, parse_time
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words
from certledger.verifier.node_rpc import NodeBlock

TYPE = "certledger/audit-report/1"
LANGUAGES = ("zh", "en")
OPENING = '<script type="application/json" id="certledger-audit-report">'
CLOSING = "</script>"
_ISSUER = re.compile(r"[0-9A-Z]{18}")


class AuditReportUnusableError(CertledgerError):
    """The file is no report of an audit, or was changed after it was written."""

    code = "report.unusable"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """Who audited what, with which tool and when; times are in seconds since 1970.

    `node` and `data` name the sources, without credentials; `command` repeats the audit.
    """

    auditor: str
    language: str
    version: str
    began: int
    ended: int
    node: str
    data: str
    command: str


def make_document(report: AuditReport, examination: Examination) -> dict[str, Json]:
    """Return the report as JSON; `digest` is the SHA-256 of all other members."""
    document: dict[str, Json] = {
        "type": TYPE,
        "auditor": examination.auditor,
        "language": examination.language,
        "tool": {"name": "certledger", "version": examination.version},
        "began": format_time(examination.began),
        "ended": format_time(examination.ended),
        "node": examination.node,
        "data": examination.data,
        "command": examination.command,
        "policy": _policy(report.policy),
        "first_block": report.start,
        "genesis": f"0x{report.pin.genesis.hex()}",
        "deployment": f"0x{report.pin.deployment.hex()}",
        "issuers": [_issuer(one) for one in report.issuers],
        "result": report.to_json(),
        "touched": {
            kind: [_touched(one, report.issuers) for one in listed]
            for kind, listed in (
                ("faults", report.faults),
                ("incomplete", report.gaps),
                ("findings", report.findings),
            )
        },
    }
    return {**document, "digest": digest_of(document)}


def digest_of(document: Mapping[str, Json]) -> str:
    """Return the SHA-256 (hex) of a document without its digest: JSON, names sorted, no spaces."""
    rest = {name: value for name, value in document.items() if name != "digest"}
    return sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hex()


def _policy(policy: TrustPolicy | None) -> Json:
    if policy is None:
        return None
    fingerprint = fingerprint_of(policy)
    return {
        "version": policy.version,
        "ends": format_time(policy.ends),
        "fingerprint": fingerprint.hex(),
        "words": format_words(fingerprint),
        "operators": sorted({one.operator for one in policy.witnesses}),
        "threshold": policy.trust.threshold,
    }


def _issuer(one: AuditedIssuer) -> Json:
    return {
        "issuer": one.issuer,
        "name": one.name,
        "kind": one.kind,
        "standing": one.standing,
        "held": one.on_hold,
        "batches": len(one.batches),
        "certificates": one.certificates,
    }


# Certificates that a finding touches ------------------------------------------------------------


def _touched(found: AuditFault, issuers: Sequence[AuditedIssuer]) -> Json:
    """Return which certificates a finding touches: `all`, `none`, or ranges of an issuer's."""
    consequence = MEANINGS[found.code].consequence
    if consequence in TOUCHING_ALL:
        return "all"
    if consequence in TOUCHING_NONE:
        return "none"
    code, *path = found.where.split("/")
    known = {one.issuer: one for one in issuers}
    if consequence is Consequence.DOCUMENT and code not in known:
        return {"file": found.where}
    ranges: list[Json] = []
    for issuer in _ISSUER.findall(code):
        ranges += _ranges(issuer, path, known.get(issuer))
    return ranges or "none"


def _ranges(issuer: str, path: Sequence[str], known: AuditedIssuer | None) -> Iterator[Json]:
    """Yield the ranges of an issuer's certificates that a path names: first and last index."""
    kind, number = (path[0], path[1]) if len(path) > 1 and path[1].isdecimal() else ("", "")
    if kind == "certificates":
        yield {"issuer": issuer, "first": int(number), "last": int(number)}
        return
    batches = known.batches if known is not None else ()
    chosen = [one for one in batches if kind != "batches" or one[0] == int(number)]
    if chosen:
        first = min(first for _, first, _ in chosen)
        last = max(first + count for _, first, count in chosen) - 1
        yield {"issuer": issuer, "first": first, "last": last}


# Reading and repeating --------------------------------------------------------------------------


def parse_report(data: bytes, path: Path) -> dict[str, Any]:
    """Parse the document in a report's page, or in its JSON, and check its digest.

    Raises:
        AuditReportUnusableError: it is none, or does not have the digest that it names.
    """
    text = data.decode("utf-8", "replace")
    start = text.find(OPENING)
    if start >= 0:
        text = text[start + len(OPENING) : text.find(CLOSING, start)]
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise AuditReportUnusableError(f"{path} has no report of an audit") from error
    if type(document) is not dict or document.get("type") != TYPE:
        raise AuditReportUnusableError(f"{path} is no report of an audit")
    if digest_of(document) != document.get("digest"):
        raise AuditReportUnusableError(f"{path} was changed: its digest is another one")
    try:
        result = document["result"]
        block_of_report(document)
        for kind in _COMPARED:
            _places(result, kind)
        shaped = type(result["ledger"]["identity"]) is str and type(result["verdict"]) is str
        shaped = shaped and type(result["counts"]) is dict
    except (KeyError, TypeError, ValueError, AttributeError, CertledgerError) as error:
        raise AuditReportUnusableError(f"{path} lacks what a report has") from error
    if not shaped:
        raise AuditReportUnusableError(f"{path} lacks what a report has")
    return document


_COMPARED = ("faults", "incomplete")


def _places(result: Mapping[str, Any], kind: str) -> set[tuple[str, str]]:
    return {(str(one["code"]), str(one["where"])) for one in result[kind]}


def block_of_report(document: Mapping[str, Any]) -> NodeBlock | None:
    """Return the block that a report was made as of, None where it had none."""
    as_of = document["result"]["as_of"]
    if as_of is None:
        return None
    return NodeBlock(
        number=as_of["block"],
        hash=bytes.fromhex(as_of["hash"][2:]),
        state_root=bytes.fromhex(as_of["state_root"][2:]),
        time=parse_time(as_of["time"]),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Repetition:
    """What a repeated audit says of an earlier report: nothing different, or each difference."""

    digest: str
    block: int
    since: int
    differences: Sequence[str]
    complete: bool

    @property
    def exit_code(self) -> int:
        """0 where it is confirmed, 1 where it differs, 3 where the repetition is not whole."""
        if self.differences:
            return AuditVerdict.FAULTS.exit_code
        return 0 if self.complete else AuditVerdict.INCOMPLETE.exit_code

    def sentence(self) -> str:
        """Return the outcome in a sentence."""
        ahead = f" {self.since} blocks have come since." if self.since else ""
        if self.differences:
            return f"the report {self.digest} differs from what is found now.{ahead}"
        if not self.complete:
            return f"the report {self.digest} could not be repeated whole.{ahead}"
        return f"the report {self.digest} is confirmed.{ahead}"

    def to_json(self) -> Json:
        """Return the outcome as JSON."""
        return {
            "report": self.digest,
            "block": self.block,
            "blocks_since": self.since,
            "confirmed": self.exit_code == 0,
            "differences": list(self.differences),
        }


def compare(earlier: Mapping[str, Any], report: AuditReport) -> Repetition:
    """Compare an earlier report with an audit of now, for which its block was a known one."""
    result, now = earlier["result"], report.to_json()
    as_of, block = result["as_of"] or {"block": 0}, report.block
    differences = []
    if result["ledger"] != now["ledger"]:
        differences.append(f"it is of another ledger, {result['ledger']['identity']}")
    for kind in _COMPARED:
        old, new = _places(result, kind), _places(now, kind)
        differences += [f"found no more: {code} at {where}" for code, where in sorted(old - new)]
        differences += [
            f"not in the report: {code} at {where}" for code, where in sorted(new - old)
        ]
    if block is not None and block.number == as_of["block"] and result["counts"] != now["counts"]:
        differences.append("the counts are others at the same block")
    return Repetition(
        digest=earlier["digest"],
        block=as_of["block"],
        since=max(0, (block.number if block else 0) - as_of["block"]),
        differences=differences,
        complete=report.verdict is not AuditVerdict.INCOMPLETE or result["verdict"] == "incomplete",
    )


def meaning_of(code: str, language: str) -> str:
    """Return the sentence of a code in a language."""
    return MEANINGS[code].zh if language == "zh" else SENTENCE[code]
