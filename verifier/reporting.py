"""How results are printed: words for people, or one JSON document for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from unicodedata import category

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from verifier.codes import ADVICE, BANNERS, CODES, WARNINGS
from verifier.encoding import format_time
from verifier.verdict import Result
from verifier.vocabulary import Outcome

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, format characters (overrides of direction among them), lone surrogates, separators."""
_MARKS = {Outcome.PASS: "✔", Outcome.FAIL: "✖", Outcome.UNKNOWN: "?"}


def print_results(results: Sequence[tuple[Path, Result]], *, now: int, as_json: bool) -> None:
    """Print results on standard output: one is told in full, several in a table."""
    if as_json:
        listed = [{"file": str(file), **result.to_json()} for file, result in results]
        click.echo(orjson.dumps({"results": listed}, option=orjson.OPT_SORT_KEYS))
        return
    console = Console(soft_wrap=True, markup=False, emoji=False, highlight=False)
    if len(results) == 1:
        _print_one(console, *results[0], now=now)
    else:
        _print_many(console, results)


def age(seconds: int) -> str:
    """Return how long ago, in the largest unit that says it."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{max(seconds, 0)} seconds"


def plain(text: str) -> str:
    """Return `text` with escapes for what would make a terminal show something else."""
    return "".join(
        character if category(character) not in _UNSEEN else f"<U+{ord(character):04X}>"
        for character in text
    )


def _banner(result: Result) -> Text:
    banner = BANNERS[result.verdict]
    return Text(f"{banner.mark} {banner.zh} / {banner.en}", style=f"bold {banner.colour}")


def reasons(result: Result) -> list[str]:
    """Return what to say of a result that is not valid, and what to do next."""
    found = []
    for finding in result.findings:
        code = CODES[finding.code]
        if finding.outcome is Outcome.PASS or finding.code.endswith(".needed"):
            continue
        sentence = f"{code.zh} / {finding.detail or code.en}"
        if sentence not in found:
            found.append(sentence)
        if (
            code.advice is not None
            and (do := " / ".join(reversed(ADVICE[code.advice]))) not in found
        ):
            found.append(do)
    return found


def _print_one(console: Console, file: Path, result: Result, *, now: int) -> None:
    console.print(_banner(result))
    for line in reasons(result):
        console.print(f"  {line}")
    if result.as_of is not None:
        when = format_time(result.as_of)
        console.print(f"  截至 / As of {when}, from data {age(now - result.as_of)} old")
    for name in ("body", "name_zh", "name_en", "category", "issued", "expires"):
        if name in result.certificate:
            console.print(f"  {name:<10} {plain(result.certificate[name])}")
    for part in result.certificate.get("shown", []):
        console.print(f"  {part['name']:<24} {plain(str(part['value']))}")
    if withheld := result.certificate.get("withheld"):
        console.print(f"  withheld   {', '.join(withheld)}")
    for warning in result.warnings:
        console.print(f"  {WARNINGS[warning][1]} / {WARNINGS[warning][0]} ({warning})")
    console.print(f"  {plain(str(file))}")
    for finding in result.findings:
        mark = _MARKS[finding.outcome]
        console.print(f"  {mark} {finding.check.number:>2} {finding.check:<12} {finding.code}")


def _print_many(console: Console, results: Sequence[tuple[Path, Result]]) -> None:
    table = Table("file", "verdict", "why", "as of", box=None, pad_edge=False)
    for file, result in results:
        why = next((f.code for f in result.findings if f.outcome is not Outcome.PASS), "")
        as_of = "" if result.as_of is None else format_time(result.as_of)
        table.add_row(Text(plain(file.name)), _banner(result), why, as_of)
    console.print(table)
    counts = {banner.en: 0 for banner in BANNERS.values()}
    for _, result in results:
        counts[BANNERS[result.verdict].en] += 1
    console.print(", ".join(f"{count} {words.lower()}" for words, count in counts.items() if count))
