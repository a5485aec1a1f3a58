"""What a case of the conformance suite is, and the small world that cases are cut from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.checkpoint import Note
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.vocabulary import CheckName
from tests.world import ENTRY, LICENCE, NOW, Issued, World, WorldIssuer, signed_policy

NAMES = [str(check) for check in CheckName]
EXITS = {"valid": 0, "not_in_force": 1, "not_genuine": 1, "cannot_tell": 3, "refused": 2}
"""Exit status by verdict; `refused` is for arguments that no verdict can be reached with."""

BLOCKED = dict.fromkeys(
    ("anchor", "signature", "entitlement", "freshness", "status"), "block.needed"
)
UNANCHORED = dict.fromkeys(("signature", "entitlement", "status"), "anchor.needed")
UNREADABLE = dict.fromkeys(NAMES, "evidence.unusable")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One question to a verifier, and the answer it must give.

    `codes` are those of the checks that do not pass; `at` is the instant of the question;
    `policies_before` are those that `policy` follows, oldest first.
    """

    name: str
    why: str
    evidence: bytes
    verdict: str = "valid"
    codes: Mapping[str, str] = field(default_factory=dict)
    policy: bytes = field(default_factory=lambda: signed_policy().format())
    policies_before: Sequence[bytes] = ()
    documents: Mapping[str, bytes] = field(default_factory=dict)
    at: int = NOW
    request: tuple[str, str] | None = None
    snapshots: Mapping[str, bytes] = field(default_factory=dict)
    evidence_name: str = "evidence.json"

    @property
    def folder(self) -> str:
        """The name of the case's directory."""
        return self.name if self.verdict == "valid" else f"{self.name}_fail"

    @property
    def arguments(self) -> list[str]:
        """What the verifier is called with; files lie in the case's directory."""
        found = ["--evidence", self.evidence_name]
        for name in [*self._before, "policy.json"]:
            found += ["--policy", name]
        for name in self.documents:
            found += ["--document", name]
        for name in self.snapshots:
            found += ["--snapshot", name]
        if self.request is not None:
            found += ["--audience", self.request[0], "--nonce", self.request[1]]
        return [*found, "--at", format_time(self.at)]

    @property
    def _before(self) -> dict[str, bytes]:
        return {f"policy{n}.json": data for n, data in enumerate(self.policies_before)}

    @property
    def expected(self) -> dict[str, Any]:
        """What must come out."""
        value: dict[str, Any] = {"exit": EXITS[self.verdict]}
        if self.verdict != "refused":
            value["verdict"] = self.verdict
            value["codes"] = [self.codes.get(name, "ok") for name in NAMES]
        return value

    def files(self) -> dict[str, bytes]:
        """Return the files of the case's directory, without what a result says besides codes."""
        return {
            self.evidence_name: self.evidence,
            **self._before,
            "policy.json": self.policy,
            "README.md": f"# {self.folder}\n\n{self.why}\n".encode(),
            **self.documents,
            **self.snapshots,
        }


def case_json(case: Case, result: Mapping[str, Any] | None) -> bytes:
    """Return `case.json`; `result` gives what a result says besides verdict and codes."""
    expected = case.expected
    if result is not None:
        besides = ("as_of", "basis", "certificate", "warnings")
        expected |= {name: result[name] for name in besides if name in result}
    whole = {"arguments": case.arguments, "expected": expected}
    return json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


class Scene:
    """Two issuers, a batch with one certificate that matters, and the chain they stand on."""

    def __init__(
        self,
        *,
        entry: Entry = ENTRY,
        entries: Sequence[Entry] = (ENTRY, LICENCE),
        before: int = 2,
        after: int = 2,
        first_batches: int = 0,
        block: int | None = None,
        **issue: Any,
    ) -> None:
        self.issuer = WorldIssuer.of(entries=entries)
        self.other = WorldIssuer.of("12320000MB2F00001A", "江苏省住房和城乡建设厅")
        self.world = World(issuers=[self.other, self.issuer])
        self.other.anchor([self.other.issue(f"苏{n}", index=n) for n in range(3)])
        for n in range(first_batches):
            self.issuer.anchor([self.issuer.issue(f"沪先{n}")])
        start = self.issuer.state.certificates
        certificates = [
            self.issuer.issue(f"沪示{n}", index=start + n, entry=entries[0])
            for n in range(before + 1 + after)
        ]
        issue.setdefault("index", start + before)
        self.mine = self.issuer.issue("沪示0100", entry=entry, **issue)
        certificates[before] = self.mine
        self.batch = self.issuer.anchor(certificates, block=block)

    @property
    def certificates(self) -> list[Issued]:
        """The certificates of the batch."""
        return self.batch.issued

    def evidence(
        self,
        *,
        show: Sequence[str] = ("certificate_number", "holder_name"),
        note: Note | None = None,
    ) -> Evidence:
        """Return the evidence of the certificate that matters."""
        return self.world.evidence(self.issuer, self.mine, show=show, note=note)

    def file(self, **wishes: Any) -> bytes:
        """Return the bytes of that evidence."""
        return self.evidence(**wishes).format()
