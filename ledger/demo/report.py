"""Report of the demo: one JSON document, or a summary for newcomers."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from certledger.ledger.demo.operator import OPERATOR
from certledger.ledger.demo.reform_report import print_reform
from certledger.ledger.demo.runner import DemoReport, DemoVerdict
from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.regions import region_named
from certledger.verifier.verify.codes import BANNERS, CODES
from certledger.verifier.vocabulary import IssuerKind, Verdict

_KINDS = {
    IssuerKind.DEPARTMENT: "departments 政府部门",
    IssuerKind.INSTITUTION: "public institutions 事业单位",
    IssuerKind.ASSOCIATION: "industry associations 行业协会",
    IssuerKind.APPRAISAL: "appraisal bodies 评估机构",
    IssuerKind.CONSULTING: "consulting bodies 咨询机构",
}
_REGIONS = {
    str(number): f"{region_named(number).en} {region_named(number).zh}"
    for number in (31, 32, 33, 34)
}


PAGES = "http://127.0.0.1:8080/"
PAGE_LIST = (
    ("/v", "check a certificate 公众核验"),
    ("/desk", "counter desk 窗口核验"),
    ("/holder", "show my certificate 持证人出示"),
    ("/offline", "offline desk 离线核验"),
    ("/issuer", "issuers: batches, status, catalog, keys 发证机构"),
    ("/registrar", "registrars: what waits for a signature 登记机关"),
    ("/audit", "audit: any certificate traced to its block 审计"),
    ("/explorer", "the ledger in numbers 账本概况"),
    ("/office", "reform office: coverage, cases 改革办"),
    ("/docs", "the API, with examples that run 接口文档"),
)
"""The pages of the service, for the demo's last words."""


def to_json(report: DemoReport) -> Json:
    """Return the content of `demo.json`."""
    kinds = Counter(str(office.profile.kind) for office in report.offices)
    regions = Counter(office.profile.uscc[2:4] for office in report.offices)
    verdicts = Counter(str(one.result.verdict) for one in report.verdicts)
    return {
        "home": str(report.home),
        "holds": report.holds,
        "ledger": {
            "identity": report.ledger.pin.identity.hex(),
            "chain_id": report.ledger.pin.chain_id,
            "address": "0x" + report.ledger.pin.address.hex(),
        },
        "bodies": {
            "count": len(report.offices),
            "kinds": dict(sorted(kinds.items())),
            "regions": {f"region-{code}": count for code, count in sorted(regions.items())},
        },
        "operator": {
            "issuer": OPERATOR.uscc,
            "address": "0x" + report.ledger.operator.address.hex(),
        },
        "certificates": len(report.made),
        "categories": len({one.sample.category.code for one in report.made}),
        "as_of": _as_of(report.verdicts),
        "audit": {"verdict": str(report.audit.verdict), "counts": dict(report.audit.counts)},
        "verdicts": dict(sorted(verdicts.items())),
        "reform": report.reform.to_json(),
        "results": [one.to_json() for one in report.verdicts],
        "milliseconds": int(report.seconds * 1000),
    }


def _as_of(verdicts: Sequence[DemoVerdict]) -> str:
    times = [one.result.as_of for one in verdicts if one.result.as_of is not None]
    return format_time(max(times)) if times else ""


def print_report(report: DemoReport, console: Console) -> None:
    """Print the summary."""
    _print_issuers(report, console)
    _print_verdicts(report, console)
    _print_bad(report, console)
    print_reform(report.reform, console)
    counts = report.audit.counts
    console.print(
        f"\nAn audit that replays the chain from its first block: [b]{report.audit.verdict}[/b], "
        f"{counts.get('events', 0)} events, {counts.get('records', 0)} records."
    )
    failed = [one for one in report.verdicts if not one.holds]
    decided = (*report.reform.applications, *report.reform.decisions)
    wrong = [one for one in decided if not one.holds]
    for decision in wrong:
        console.print(f"[red]✖[/red] {decision.asked.name}: {decision.outcome} ({decision.code})")
    for one in failed:
        console.print(
            f"[red]✖[/red] {one.file}: expected {one.expected} ({one.why}), "
            f"got {one.result.verdict}"
        )
    total = len(report.verdicts) + len(decided)
    console.print(
        f"Every expectation held: {total} of {total}."
        if report.reform.holds and not failed
        else f"\n{len(failed) + len(wrong)} of {total} expectations did not hold."
    )
    _tell_files(report, console)


def _tell_files(report: DemoReport, console: Console) -> None:
    home = report.home
    console.print(f"Took {report.seconds:.1f} s. In {home}:", highlight=False)
    console.print("  evidence/   one file a certificate, which proves itself without this machine")
    console.print("  documents/  the PDF that goes with each")
    console.print("  book/       the reform's book: items, materials, counters, bundles, rules")
    console.print("  decisions/  what a counter keeps of each decision, to replay it years later")
    console.print("  sample.json decisions that a block drew; anybody draws them again")
    console.print("  policy.json whom a verifier trusts: three of four regional witnesses")
    command = _command()
    console.print("Try it, also without a network:")
    for line in (
        f"  {command} verify {home}/evidence/00001-*.json --policy {home}/policy.json",
        f"  {command} coverage --home {home} --json",
        "Open the pages 打开页面: leave this running,",
        f"  {command} serve --home {home}",
        f"and open {PAGES} in a browser. The first page has numbers, codes and files to try, and",
        "enters every other page without a key on this computer:",
        *(f"  {path:<11} {what}" for path, what in PAGE_LIST),
        "An issuer's own desk, from a sheet to the holders' files, in a second terminal:",
        "  make issuer-desk",
        "It prints a link; the passphrase of the key is in the file",
        f"  {home}/keys/passphrase",
        "and a sheet to drop is",
        f"  {home}/example/sheet.csv",
    ):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _command() -> str:
    """Return how the command was called: what a terminal that knows no more finds too."""
    called = Path(sys.argv[0])
    found = shutil.which("certledger")
    is_on_path = found is not None and called.resolve() == Path(found).resolve()
    if called.name != "certledger" or is_on_path:
        return "certledger"
    return str(called)


def _print_issuers(report: DemoReport, console: Console) -> None:
    table = Table("issuers", *_REGIONS.values(), box=None, pad_edge=False)
    for kind, label in _KINDS.items():
        counts = [
            sum(
                office.profile.kind is kind and office.profile.uscc[2:4] == code
                for office in report.offices
            )
            for code in _REGIONS
        ]
        table.add_row(label, *[str(count) if count else "·" for count in counts])
    console.print(table)
    console.print(
        f"\nThe operator is a registered issuer too ({OPERATOR.uscc}): its receipts "
        "are anchored in batches of its own."
    )
    categories = len({one.sample.category.code for one in report.made})
    console.print(
        f"\n{len(report.made)} certificates of {categories} categories, each a PDF whose digest is "
        "anchored; nothing of them is on the chain or in the database in the clear.\n"
    )


def _print_verdicts(report: DemoReport, console: Console) -> None:
    table = Table("certificates as issued", "verdict", "because", box=None, pad_edge=False)
    issued = [one for one in report.verdicts if one.what == "as issued"]
    for (verdict, why), count in sorted(Counter((o.result.verdict, o.why) for o in issued).items()):
        banner = BANNERS[Verdict(verdict)]
        because = "" if why == "ok" else f"{CODES[why].en} {CODES[why].zh}"
        words = f"[{banner.colour}]{banner.mark} {banner.en} {banner.zh}[/]"
        table.add_row(str(count), words, because)
    console.print(table)


def _print_bad(report: DemoReport, console: Console) -> None:
    table = Table("what somebody else shows", "verdict", "because", box=None, pad_edge=False)
    for one in report.verdicts:
        if one.what == "as issued":
            continue
        banner = BANNERS[one.result.verdict]
        words = f"[{banner.colour}]{banner.mark} {banner.en} {banner.zh}[/]"
        table.add_row(one.what, words, f"{CODES[one.why].en} {CODES[one.why].zh}")
    console.print()
    console.print(table)
