"""Forgeries of the demo: changed papers, forged files, stale and damaged evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from certledger.ledger.demo.issuers import DemoCertificate
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.record import Disclosure, Value, format_disclosure
from certledger.verifier.vocabulary import Verdict

_MONTHS = 100 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgery:
    """A bad evidence file with its papers, and the expected verdict.

    `later` is the number of seconds from now at which it is shown.
    """

    file: str
    what: str
    evidence: bytes
    documents: tuple[bytes, ...]
    expected: Verdict
    why: str
    later: int = 0


def forgeries(good: Sequence[tuple[DemoCertificate, bytes]], home: Path) -> list[Forgery]:
    """Make bad evidence from good certificates, and write it to `bad/` in the home."""
    (home / "bad").mkdir(exist_ok=True)
    made = []
    for forge, (one, data), (_, other) in zip(
        FORGERIES, good, [*good[1:], *good[:1]], strict=False
    ):
        paper = (home / "documents" / f"{one.stem}.pdf").read_bytes()
        forgery = forge(data, other, paper)
        name = f"bad/{forge.__name__.strip('_')}.json"
        (home / name).write_bytes(forgery.evidence)
        made.append(replace(forgery, file=name))
    return made


def _changed_paper(data: bytes, other: bytes, paper: bytes) -> Forgery:
    return Forgery(
        file="",
        what="one byte of the PDF was changed",
        evidence=data,
        documents=(bytes([*paper[:-1], paper[-1] ^ 1]),),
        expected=Verdict.NOT_GENUINE,
        why="content.document_differs",
    )


def _changed_name(data: bytes, other: bytes, paper: bytes) -> Forgery:
    evidence = Evidence.parse(data)
    shown = [_rewrite(part, "李四") if at else part for at, part in enumerate(evidence.disclosures)]
    return Forgery(
        file="",
        what="the holder's name was replaced in the file",
        evidence=replace(evidence, disclosures=tuple(shown)).format(),
        documents=(),
        expected=Verdict.NOT_GENUINE,
        why="content.field_differs",
    )


def _rewrite(part: Disclosure, value: Value) -> Disclosure:
    return Disclosure.parse(format_disclosure(part.salt, part.name, value))


def _longer_validity(data: bytes, other: bytes, paper: bytes) -> Forgery:
    evidence = Evidence.parse(data)
    record = replace(evidence.record, expires=evidence.record.issued.replace(year=2099))
    return Forgery(
        file="",
        what="the expiry date was moved to 2099",
        evidence=replace(evidence, record=record).format(),
        documents=(),
        expected=Verdict.NOT_GENUINE,
        why="inclusion.path_differs",
    )


def _foreign_chain_part(data: bytes, other: bytes, paper: bytes) -> Forgery:
    evidence, stranger = Evidence.parse(data), Evidence.parse(other)
    mixed = replace(
        evidence, statement=stranger.statement, anchor=stranger.anchor, path=stranger.path
    )
    return Forgery(
        file="",
        what="an invented record stands beside another certificate's proof",
        evidence=mixed.format(),
        documents=(),
        expected=Verdict.NOT_GENUINE,
        why="inclusion.path_differs",
    )


def _months_old(data: bytes, other: bytes, paper: bytes) -> Forgery:
    return Forgery(
        file="",
        what="the same file, shown a hundred days later",
        evidence=data,
        documents=(),
        expected=Verdict.CANNOT_TELL,
        why="freshness.stale",
        later=_MONTHS,
    )


def _cut_short(data: bytes, other: bytes, paper: bytes) -> Forgery:
    return Forgery(
        file="",
        what="the file was cut short on its way",
        evidence=data[: len(data) // 2],
        documents=(),
        expected=Verdict.CANNOT_TELL,
        why="evidence.unusable",
    )


def _without_cosignatures(data: bytes, other: bytes, paper: bytes) -> Forgery:
    evidence = Evidence.parse(data)
    body = evidence.checkpoint.split("\n\n")[0] + "\n\n"
    return Forgery(
        file="",
        what="the witnesses' signatures were left out",
        evidence=replace(evidence, checkpoint=body).format(),
        documents=(),
        expected=Verdict.CANNOT_TELL,
        why="block.witnesses_too_few",
    )


FORGERIES: Sequence[Callable[[bytes, bytes, bytes], Forgery]] = (
    _changed_paper,
    _changed_name,
    _longer_validity,
    _foreign_chain_part,
    _months_old,
    _cut_short,
    _without_cosignatures,
)
