"""Report of an audit: one JSON document, or one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from string import Template

import orjson

from certledger.verifier.audit.findings import AuditFault, AuditFaults, Weight
from certledger.verifier.audit.replay import Replay
from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.node_rpc import NodeBlock


class AuditVerdict(StrEnum):
    """How an audit ended."""

    CLEAN = "clean"
    FAULTS = "faults"
    INCOMPLETE = "incomplete"

    @property
    def exit_code(self) -> int:
        """The exit status of the command."""
        return {AuditVerdict.CLEAN: 0, AuditVerdict.FAULTS: 1, AuditVerdict.INCOMPLETE: 3}[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditReport:
    """The report of an audit as of a block, None where the audit failed before it had one."""

    pin: LedgerPin
    block: NodeBlock | None
    faults: Sequence[AuditFault]
    findings: Sequence[AuditFault]
    gaps: Sequence[AuditFault]
    counts: dict[str, int]
    found: dict[str, int]

    @classmethod
    def of(cls, pin: LedgerPin, block: NodeBlock | None, replay: Replay) -> AuditReport:
        """Return the report of a replay."""
        found: AuditFaults = replay.faults
        return cls(
            pin=pin,
            block=block,
            faults=found.of(Weight.FAULT),
            findings=found.of(Weight.FINDING),
            gaps=found.of(Weight.GAP),
            counts=dict(sorted(replay.counts.items())),
            found=dict(sorted(found.counts.items())),
        )

    @property
    def verdict(self) -> AuditVerdict:
        """Faults take precedence over gaps."""
        if self.faults:
            return AuditVerdict.FAULTS
        return AuditVerdict.INCOMPLETE if self.gaps else AuditVerdict.CLEAN

    def to_json(self) -> dict[str, Json]:
        """Return the report as JSON; `found` counts every code, also beyond those listed."""
        block = self.block
        return {
            "verdict": str(self.verdict),
            "faults": [one.to_json() for one in self.faults],
            "findings": [one.to_json() for one in self.findings],
            "incomplete": [one.to_json() for one in self.gaps],
            "found": self.found,
            "counts": self.counts,
            "ledger": {
                "name": self.pin.name,
                "identity": f"0x{self.pin.identity.hex()}",
                "address": f"0x{self.pin.address.hex()}",
                "chain_id": self.pin.chain_id,
            },
            "as_of": None
            if block is None
            else {
                "block": block.number,
                "hash": f"0x{block.hash.hex()}",
                "time": format_time(block.time),
            },
        }

    def to_html(self) -> str:
        """Return the report as one self-contained page."""
        block, verdict = self.block, self.verdict
        as_of = "no block" if block is None else f"block {block.number}, {format_time(block.time)}"
        return _PAGE.substitute(
            verdict=verdict,
            title=_TITLES[verdict],
            ledger=escape(f"{self.pin.name} · 0x{self.pin.identity.hex()}"),
            as_of=escape(as_of),
            counts="".join(
                f"<div><dt>{escape(name.replace('_', ' '))}</dt><dd>{number:,}</dd></div>"
                for name, number in self.counts.items()
            ),
            sections="".join(
                _section(title, listed)
                for title, listed in (
                    ("AuditFaults", self.faults),
                    ("What kept the audit from being whole", self.gaps),
                    ("Findings without effect", self.findings),
                )
            ),
        )


_TITLES = {
    AuditVerdict.CLEAN: "Nothing is wrong",
    AuditVerdict.FAULTS: "Something is wrong",
    AuditVerdict.INCOMPLETE: "The audit could not finish",
}


def _section(title: str, listed: Sequence[AuditFault]) -> str:
    if not listed:
        return ""
    return f"<section><h2>{escape(title)}</h2>{''.join(map(_item, listed))}</section>"


def _item(one: AuditFault) -> str:
    indented = orjson.dumps(dict(one.evidence), option=orjson.OPT_INDENT_2).decode()
    evidence = f"<details><summary>Evidence</summary><pre>{escape(indented)}</pre></details>"
    return (
        f"<article><p><code>{escape(one.code)}</code> <b>{escape(one.where)}</b></p>"
        f"<p>{escape(one.detail)}</p>{evidence if one.evidence else ''}</article>"
    )


_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit: $title</title>
<style>
:root { color-scheme: light dark; --line: #8884; --good: #137a3b; --bad: #b3261e; --open: #8a5a00 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { border-left: .5rem solid var(--open); padding-left: .75rem; margin-bottom: .25rem }
.clean h1 { border-color: var(--good) } .faults h1 { border-color: var(--bad) }
.of { color: GrayText; overflow-wrap: anywhere }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem } dl div { min-width: 7rem }
dt { color: GrayText; font-size: .85rem } dd { margin: 0; font-size: 1.4rem }
article { border: 1px solid var(--line); border-radius: .5rem }
article { padding: .25rem 1rem; margin: 1rem 0 }
article p { margin: .5rem 0; overflow-wrap: anywhere }
code { background: #8882; padding: .1rem .35rem; border-radius: .25rem }
pre { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem }
summary { cursor: pointer; margin-bottom: .5rem }
</style></head>
<body class="$verdict"><h1>$title</h1>
<p class="of">$ledger<br>as of $as_of</p>
<dl>$counts</dl>
$sections
</body></html>
""")
