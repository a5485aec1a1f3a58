"""`certledger audit`: replay the whole ledger from its deployment and report every fault."""

from __future__ import annotations

import multiprocessing
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import click

from certledger.verifier.audit.court_page import format_page, read_report
from certledger.verifier.audit.court_report import (
    LANGUAGES,
    Examination,
    Repetition,
    block_of_report,
    compare,
    make_document,
)
from certledger.verifier.audit.findings import AuditFault
from certledger.verifier.audit.last_audit import AuditMemory
from certledger.verifier.audit.replay import Watch
from certledger.verifier.audit.report import AuditReport, AuditVerdict
from certledger.verifier.audit.runner import Job, audit, unwatched
from certledger.verifier.audit.sources import open_published
from certledger.verifier.cli.address_options import DATA, NODE
from certledger.verifier.cli.policy_options import HOME, PolicyChoice, policy_options
from certledger.verifier.console import print_json, print_line
from certledger.verifier.errors import CertledgerError
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.node_rpc import MAX_LOG_RESPONSE_BYTES, NodeBlock, RpcClient

HOMES = "certledger.homes"
"""Entry-point group of the functions that audit a home with a database."""
ALONE_SECONDS = 2.0
"""Seconds of work in this process before others are started; most ledgers need less."""
MAX_PRINTED_FAULTS = 20
_TO_LINE_END = "\x1b[K"
"""Tells a terminal to erase the rest of the line."""

_Found = TypeVar("_Found")


class PatientExecutor(Executor):
    """Executor that runs the first work in this process and starts a pool only for more."""

    def __init__(self, workers: int, *, alone: float = ALONE_SECONDS) -> None:
        self._workers, self._left = workers, alone
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[..., _Found], /, *args: Any, **kwargs: Any) -> Future[_Found]:
        """Run the work here, or submit it to the pool."""
        if self._left <= 0 and self._workers > 1:
            if self._pool is None:
                # Spawn, not fork: a fork while other threads run may copy a locked lock.
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(self._workers, mp_context=context)
            return self._pool.submit(fn, *args, **kwargs)
        started, done = time.monotonic(), Future[_Found]()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        self._left -= time.monotonic() - started
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop the pool."""
        if self._pool is not None:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)


@click.command("audit")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="A ledger's home.")
@click.option("--rpc", type=NODE, help="A node of the chain, where there is no home.")
@policy_options()
@click.option(
    "--data",
    type=DATA,
    help="Published records and catalogs: a folder, an address, or the ledger's service.",
)
@click.option(
    "--key",
    envvar="CERTLEDGER_API_KEY",
    help="An auditor's key, where --data is a ledger's service (also CERTLEDGER_API_KEY).",
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report for a court too: one page that prints on A4, with its own digest.",
)
@click.option(
    "--lang",
    "language",
    type=click.Choice(LANGUAGES),
    default="zh",
    show_default=True,
    help="The language of --report.",
)
@click.option("--by", "auditor", help="Who audits, as --report names it; by default this machine.")
@click.option(
    "--repeat",
    "repeated",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with an earlier --report: the same, or each difference.",
)
@click.option(
    "--notes",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to keep notes, so that a stopped audit goes on, and the newest block seen, so that"
    " the next audit notices a ledger that was put back (by default DIR/audit of a home).",
)
@click.option(
    "--publish",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write the home's records and catalogs out, as --data of auditors elsewhere.",
)
@click.option("--workers", type=click.IntRange(1), help="Processes; by default one a core.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def command(
    report_file: Path | None,
    language: str,
    auditor: str | None,
    repeated: Path | None,
    workers: int | None,
    as_json: bool,
    **sources: Any,
) -> None:
    """Replay the whole ledger from its deployment and report every fault.

    Exits with 0 if it is clean, 1 if there are faults, 3 if the audit could not finish, and 2 if
    the arguments are unusable.  With --repeat it exits with 0 if the earlier report is confirmed,
    faults and all, and with 1 if anything differs.
    """
    began, asked = int(time.time()), _AuditRequest(**sources)
    asked.check()
    earlier = None if repeated is None else read_report(repeated)
    known = None if earlier is None else block_of_report(earlier)
    trusted = asked.open_policy()
    with PatientExecutor(workers or os.cpu_count() or 1) as executor, _watching() as watch:
        try:
            report = asked.run(trusted, known, executor, watch)
        except CertledgerError as error:
            _stopped(error, as_json=as_json)
    if report_file is not None:
        who = auditor or platform.node()
        examination = asked.examination(who, language, began, report_file.name)
        page = format_page(make_document(report, examination))
        write_atomically(report_file, page.encode())
    if earlier is not None:
        _tell_repetition(compare(earlier, report), as_json=as_json)
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)
    raise SystemExit(report.verdict.exit_code)


@dataclass(frozen=True, kw_only=True, slots=True)
class _AuditRequest:
    """What is audited, and from where."""

    home: Path | None
    rpc: str | None
    policy: PolicyChoice
    data: str | None
    key: str | None
    notes: Path | None
    publish: Path | None

    def check(self) -> None:
        """Check that the options go together."""
        if (self.home is None) == (self.rpc is None):
            raise click.UsageError("name either --home, or --rpc and --policy")
        if self.publish is not None and self.home is None:
            raise click.UsageError("--publish exports a --home, so name one")

    def open_policy(self) -> TrustPolicy | None:
        """Return the auditor's policy, None to trust the home's own."""
        if self.home is None or not self.policy.is_empty:
            return self.policy.open()
        click.echo("the home's own policy is trusted; name yours: --policy", err=True)
        return None

    def run(
        self, policy: TrustPolicy | None, known: NodeBlock | None, executor: Executor, watch: Watch
    ) -> AuditReport:
        """Return the report; `known` is the block of an earlier one."""
        if self.home is None:
            assert policy is not None, "without a home a policy was named"
            return self._remote(policy, known, executor, watch)
        return _home_audit()(
            self.home,
            executor,
            now=int(time.time()),
            watch=watch,
            to=self.publish,
            policy=policy,
            notes=self.notes,
            known=known,
        )

    def _remote(
        self, policy: TrustPolicy, known: NodeBlock | None, executor: Executor, watch: Watch
    ) -> AuditReport:
        try:
            node = RpcClient(self.rpc or "", timeout=60.0, longest=MAX_LOG_RESPONSE_BYTES)
            published = open_published(self.data, self.key)
        except CertledgerError as error:
            raise click.UsageError(f"{error} ({error.code})") from error
        pin = _pin(policy, node)
        job = Job(
            pin=pin,
            policy=policy,
            published=published,
            now=int(time.time()),
            confirmations=policy.trust.confirmations,
            folder=self.notes,
            memory=None if self.notes is None else AuditMemory(self.notes, pin.identity),
            known=known,
        )
        return audit(node, job, executor, watch=watch)

    def examination(self, auditor: str, language: str, began: int, report_name: str) -> Examination:
        """Return who audited what and when, for a report; addresses without credentials."""
        return Examination(
            auditor=auditor,
            language=language,
            version=version("certledger"),
            began=began,
            ended=int(time.time()),
            node=_source(self.rpc) if self.rpc else f"{self.home}/chain",
            data=_source(self.data) if self.data else str(self.home or "-"),
            command=self._command(report_name),
        )

    def _command(self, report_name: str) -> str:
        """Return the command that repeats the audit, without credentials."""
        words = ["certledger", "audit"]
        words += ["--home", str(self.home)] if self.home else ["--rpc", _source(self.rpc or "")]
        for file in self.policy.files:
            words += ["--policy", str(file)]
        words += [HOME, str(self.policy.home)] if self.policy.home is not None else []
        words += ["--data", _source(self.data)] if self.data is not None else []
        return shlex.join([*words, "--repeat", report_name])


def _source(address: str) -> str:
    """Return an address or folder without what may be a credential."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else address


def _tell_repetition(repetition: Repetition, *, as_json: bool) -> NoReturn:
    """Print what a repeated audit says of an earlier report, and exit."""
    if as_json:
        print_json(repetition.to_json())
    else:
        print_line(repetition.sentence())
        for one in repetition.differences[:MAX_PRINTED_FAULTS]:
            print_line(f"    {one}")
        if len(repetition.differences) > MAX_PRINTED_FAULTS:
            print_line(f"… and {len(repetition.differences) - MAX_PRINTED_FAULTS} more; see --json")
    sys.exit(repetition.exit_code)


def _pin(policy: TrustPolicy, node: RpcClient) -> LedgerPin:
    """Return the policy's ledger on the node's chain, preferably one in service."""
    chain = node.chain_id()
    here = [pin for pin in policy.ledgers if pin.chain_id == chain]
    return min(here or policy.ledgers, key=lambda pin: pin.retired is not None)


def _home_audit() -> Callable[..., AuditReport]:
    """Return the function that audits a home, from the server's package."""
    for point in entry_points(group=HOMES, name="audit"):
        found: Callable[..., AuditReport] = point.load()
        return found
    raise click.UsageError("a home is audited where the server is installed; name --rpc here")


def _stopped(error: CertledgerError, *, as_json: bool) -> NoReturn:
    """Print why there is no report, and exit."""
    gap = {"code": error.code, "where": "audit", "detail": str(error)}
    if as_json:
        value = {
            "verdict": str(AuditVerdict.INCOMPLETE),
            "faults": [],
            "incomplete": [gap],
            "counts": {},
        }
        print_json(value)
    click.echo(f"the audit could not begin: {error} ({error.code})", err=True)
    sys.exit(AuditVerdict.INCOMPLETE.exit_code)


@contextmanager
def _watching() -> Iterator[Watch]:
    """Show the audit's progress on a terminal, in one line that is gone at the end."""
    if not sys.stderr.isatty():
        yield unwatched
        return

    def watch(what: str, done: int, of: int) -> None:
        total = f" of {of:,}" if of else ""
        click.echo(f"\r{what} {done:,}{total}{_TO_LINE_END}", nl=False, err=True)

    try:
        yield watch
    finally:
        click.echo(f"\r{_TO_LINE_END}", nl=False, err=True)


def _print(report: AuditReport) -> None:
    colours = {"clean": "green", "faults": "red", "incomplete": "yellow"}
    block = report.block
    as_of = "" if block is None else f" as of block {block.number}"
    print_line(f"{report.verdict}{as_of}", bold=True, colour=colours[report.verdict])
    response = ", ".join(f"{number:,} {name}" for name, number in report.counts.items())
    print_line(response.replace("_", " "))
    _print_some(report.faults, "red")
    _print_some(report.gaps, "yellow")
    _print_some(report.findings, None)


def _print_some(listed: Sequence[AuditFault], colour: str | None) -> None:
    shown = listed[:MAX_PRINTED_FAULTS]
    for one in shown:
        print_line(f"{one.code}  {one.where}", colour=colour)
        print_line(f"    {one.detail}")
    if len(listed) > len(shown):
        print_line(f"… and {len(listed) - len(shown)} more; see --json or --report")
