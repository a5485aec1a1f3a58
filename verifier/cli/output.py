"""Output of results: text for people, or one JSON document for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from certledger.verifier.cli.evidence_file import EvidenceFile
from certledger.verifier.console import bilingual, print_json, print_line
from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.formats.foreign_formats import FORMATS, words_of
from certledger.verifier.plain_text import plain_text
from certledger.verifier.regions import issuer_in_words
from certledger.verifier.verify.basis import in_chinese
from certledger.verifier.verify.codes import ADVICE, BANNERS, CODES, WARNINGS, banner_of
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Outcome, Verdict

_MARKS = {Outcome.PASS: "✔", Outcome.FAIL: "✖", Outcome.UNKNOWN: "?"}


def print_results(
    results: Sequence[tuple[EvidenceFile, Result]], *, now: int, as_json: bool
) -> None:
    """Print results on standard output: one result in full, several a line each."""
    if as_json:
        listed = [
            {"file": str(file.path), **_look_in_json(file, result), **result.to_json()}
            for file, result in results
        ]
        print_json({"results": listed})
        return
    if len(results) == 1:
        _print_one(*results[0], now=now)
    else:
        _print_many(results)


def _look(file: EvidenceFile, result: Result) -> str | None:
    """Return the name in `FORMATS` of the file type that was recognised instead of evidence."""
    return file.looks_like if result.findings[0].code == "evidence.unusable" else None


def _look_in_json(file: EvidenceFile, result: Result) -> dict[str, str]:
    """Return the same as members of the result: `looks_like` and the `command` for it."""
    found = _look(file, result)
    if found is None:
        return {}
    command = FORMATS[found].command
    return {"looks_like": found} | ({"command": command} if command else {})


def _look_in_words(file: EvidenceFile, result: Result) -> str:
    found = _look(file, result)
    return "" if found is None else words_of(found)


def age(seconds: int) -> str:
    """Return a duration in its largest whole unit."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{max(seconds, 0)} seconds"


def plain(text: str) -> str:
    """Return `text` with control and invisible characters escaped, against spoofed output."""
    return plain_text(text, "<", ">")


def warning_in_words(code: str) -> str:
    """Return the sentence of a warning, with its code."""
    return f"{bilingual(*reversed(WARNINGS[code]))} ({code})"


def _banner(result: Result) -> str:
    banner = banner_of(result.verdict, (finding.code for finding in result.findings))
    words = bilingual(banner.zh, banner.en)
    return click.style(f"{banner.mark} {words}", fg=banner.colour, bold=True)


def reasons(result: Result) -> list[str]:
    """Return the sentences for a result that is not valid, and the advice."""
    found = []
    for finding in result.findings:
        code = CODES[finding.code]
        if finding.outcome is Outcome.PASS or finding.code.endswith(".needed"):
            continue
        sentence = bilingual(code.zh, finding.detail or code.en)
        if sentence not in found:
            found.append(sentence)
        if (
            code.advice is not None
            and (do := bilingual(*reversed(ADVICE[code.advice]))) not in found
        ):
            found.append(do)
    return found


def _print_one(file: EvidenceFile, result: Result, *, now: int) -> None:
    print_line(_banner(result))
    for line in filter(None, [_look_in_words(file, result), *reasons(result)]):
        print_line(f"  {line}")
    if result.as_of is not None:
        when = format_time(result.as_of)
        as_of = bilingual("截至", "As of")
        print_line(f"  {as_of} {when}, from data {age(now - result.as_of)} old")
    if result.basis:
        basis = bilingual(plain(in_chinese(result.basis)), plain(result.basis))
        print_line(f"  {bilingual('区块依据', 'The block rests on')}: {basis}")
    _print_certificate(result.certificate)
    for warning in result.warnings:
        print_line(f"  {warning_in_words(warning)}")
    print_line(f"  {plain(str(file.path))}")
    for finding in result.findings:
        mark = _MARKS[finding.outcome]
        print_line(f"  {mark} {finding.check.number:>2} {finding.check:<12} {finding.code}")


def _print_certificate(certificate: Mapping[str, Json]) -> None:
    if (issuer := issuer_in_words(certificate)) is not None:
        print_line(f"  {bilingual('签发机构', 'Issuer')}: {plain(bilingual(*issuer))}")
    for name in ("name_zh", "name_en", "category", "issued", "expires"):
        if name in certificate:
            print_line(f"  {name:<10} {plain(certificate[name])}")
    for part in certificate.get("shown", []):
        print_line(f"  {part['name']:<24} {plain(str(part['value']))}")
    if withheld := certificate.get("withheld"):
        print_line(f"  withheld   {', '.join(withheld)}")


def _deciding_reason(result: Result) -> str:
    """Return the sentence of the check that decided a verdict."""
    # A verdict against a certificate rests on failed checks only. CANNOT_TELL rests on unknown
    # checks, or on failed ones where none is unknown: the evidence is stale.
    unknown = result.verdict is Verdict.CANNOT_TELL
    for decisive in (Outcome.UNKNOWN, Outcome.FAIL) if unknown else (Outcome.FAIL,):
        for finding in result.findings:
            if finding.outcome is decisive and not finding.code.endswith(".needed"):
                code = CODES[finding.code]
                return f"{bilingual(code.zh, finding.detail or code.en)} ({finding.code})"
    return ""


def _print_many(results: Sequence[tuple[EvidenceFile, Result]]) -> None:
    for file, result in results:
        why = _look_in_words(file, result) or _deciding_reason(result)
        as_of = "" if result.as_of is None else format_time(result.as_of)
        print_line(f"{_banner(result)}  {plain(file.path.name)}  {plain(why)}  {as_of}".rstrip())
    for warning in sorted({code for _, result in results for code in result.warnings}):
        count = sum(warning in result.warnings for _, result in results)
        print_line(f"{warning_in_words(warning)}: {count}")
    counts = {banner.en: 0 for banner in BANNERS.values()}
    for _, result in results:
        counts[BANNERS[result.verdict].en] += 1
    print_line(", ".join(f"{count} {words.lower()}" for words, count in counts.items() if count))
