"""`certledger audit`: replay the whole ledger from its deployment and report every fault."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from certledger.verifier.audit.findings import AuditFault
from certledger.verifier.audit.last_audit import AuditMemory
from certledger.verifier.audit.replay import Watch
from certledger.verifier.audit.report import AuditReport, AuditVerdict
from certledger.verifier.audit.runner import Job, audit, unwatched
from certledger.verifier.audit.sources import open_published
from certledger.verifier.cli.address_options import DATA, NODE
from certledger.verifier.cli.policy_options import PolicyChoice, policy_options
from certledger.verifier.console import print_json
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.node_rpc import MAX_LOG_RESPONSE_BYTES, RpcClient

HOMES = "certledger.homes"
"""Entry-point group of the functions that audit a home with a database."""
ALONE_SECONDS = 2.0
"""Seconds of work in this process before others are started; most ledgers need less."""
MAX_PRINTED_FAULTS = 20

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
    help="Write the report as one HTML page too.",
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
    home: Path | None,
    rpc: str | None,
    policy: PolicyChoice,
    data: str | None,
    key: str | None,
    report_file: Path | None,
    notes: Path | None,
    publish: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Replay the whole ledger from its deployment and report every fault.

    Exits with 0 if it is clean, 1 if there are faults, 3 if the audit could not finish, and 2 if
    the arguments are unusable.
    """
    if (home is None) == (rpc is None):
        raise click.UsageError("name either --home, or --rpc and --policy")
    if publish is not None and home is None:
        raise click.UsageError("--publish exports a --home, so name one")
    trusted = policy.open() if home is None or not policy.is_empty else None
    if trusted is None:
        click.echo("the home's own policy is trusted; name yours: --policy", err=True)
    console = Console(stderr=True)
    with PatientExecutor(workers or os.cpu_count() or 1) as executor, _watching(console) as watch:
        try:
            if home is not None:
                now, audited = int(time.time()), _home_audit()
                report = audited(
                    home, executor, now=now, watch=watch, to=publish, policy=trusted, notes=notes
                )
            else:
                assert rpc is not None, "a home or a node was named"
                assert trusted is not None, "without a home a policy was named"
                report = _remote(rpc, trusted, (data, key), notes, executor, watch)
        except CertledgerError as error:
            _stopped(error, as_json=as_json)
    if report_file is not None:
        report_file.write_text(report.to_html(), encoding="utf-8")
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)
    raise SystemExit(report.verdict.exit_code)


def _remote(
    rpc: str,
    policy: TrustPolicy,
    data: tuple[str | None, str | None],
    notes: Path | None,
    executor: Executor,
    watch: Watch,
) -> AuditReport:
    try:
        node = RpcClient(rpc, timeout=60.0, longest=MAX_LOG_RESPONSE_BYTES)
        published = open_published(*data)
    except CertledgerError as error:
        raise click.UsageError(f"{error} ({error.code})") from error
    pin = _pin(policy, node)
    job = Job(
        pin=pin,
        policy=policy,
        published=published,
        now=int(time.time()),
        confirmations=policy.trust.confirmations,
        folder=notes,
        memory=None if notes is None else AuditMemory(notes, pin.identity),
    )
    return audit(node, job, executor, watch=watch)


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
def _watching(console: Console) -> Iterator[Watch]:
    """Show the audit's progress on a terminal."""
    if not console.is_terminal:
        yield unwatched
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, Any] = {}

        def watch(what: str, done: int, of: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=of or None)
            progress.update(bars[what], completed=done, total=of or None)

        yield watch


def _print(report: AuditReport) -> None:
    console = Console(soft_wrap=True, highlight=False)
    style = {"clean": "bold green", "faults": "bold red", "incomplete": "bold yellow"}
    block = report.block
    as_of = "" if block is None else f" as of block {block.number}"
    console.print(f"{report.verdict}{as_of}", style=style[report.verdict])
    response = ", ".join(f"{number:,} {name}" for name, number in report.counts.items())
    console.print(response.replace("_", " "))
    for listed, colour in ((report.faults, "red"), (report.gaps, "yellow"), (report.findings, "")):
        _print_some(console, listed, colour)


def _print_some(console: Console, listed: Any, colour: str) -> None:
    shown: list[AuditFault] = list(listed[:MAX_PRINTED_FAULTS])
    for one in shown:
        console.print(f"{one.code}  {one.where}", style=colour or None, markup=False)
        console.print(f"    {one.detail}", markup=False)
    if len(listed) > len(shown):
        console.print(f"… and {len(listed) - len(shown)} more; see --json or --report")
