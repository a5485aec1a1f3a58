"""`certledger rebuild`: rebuild the database from the chain, audit it, and commit at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certledger.verifier.console import print_line
from certledger.verifier.errors import CertledgerError, ExitStatus

if TYPE_CHECKING:
    from certledger.ledger.audit.database_source import StoredFiles
    from certledger.ledger.node import Ledger
    from certledger.ledger.publish.missing_data import Missing
    from certledger.ledger.repair.chain_acts import ChainActs
    from certledger.ledger.repair.sources import BatchFiles
    from certledger.ledger.store.unit_of_work import Unit
    from certledger.verifier.audit.findings import AuditFault
    from certledger.verifier.audit.report import AuditReport
    from certledger.verifier.formats.canonical_json import Json


class RebuildUnprovedError(CertledgerError):
    """The rebuilt database could not be audited; the old one was left as it was."""

    code = "rebuild.unproved"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilt:
    """The rebuilt database, up to `block`.

    `checkpoint` is the newest block with stored proofs, None if no final block has any yet.
    `missing` is data that the chain has only a hash of; `left` the faults that an audit still
    finds.
    """

    block: int
    issuers: int
    batches: int
    certificates: int
    checkpoint: int | None
    missing: Sequence[Missing]
    left: Sequence[AuditFault]

    @property
    def exit_status(self) -> ExitStatus:
        """Exit status of the command: OK only if nothing is missing or left."""
        return ExitStatus.UNDECIDED if self.missing or self.left else ExitStatus.OK

    def to_json(self) -> Json:
        """Return the JSON form."""
        value: dict[str, Json] = {
            "batches": self.batches,
            "block": self.block,
            "bodies": self.issuers,
            "certificates": self.certificates,
            "left": [one.to_json() for one in self.left],
            "missing": [one.to_json() for one in self.missing],
        }
        return value if self.checkpoint is None else value | {"checkpoint": self.checkpoint}


def rebuild(ledger: Ledger, folders: Sequence[Path] = ()) -> Rebuilt:
    """Rebuild the database from the chain, from what it has and from batch files.

    All of it is one transaction, audited before it is committed, so that a crash at any point
    leaves the database as it was.  `folders` have sealed batches, catalogs, registrations, or data
    that an audit exported.

    Raises:
        ChainUnreachableError, NodeFailedError: the node does not answer; run again.
        MirrorDiffersError: the node's events contradict each other or its proofs.
        RebuildUnprovedError: the audit could not be completed.
    """
    from certledger.ledger.publish.missing_data import missing_of
    from certledger.ledger.repair.sources import BatchFiles
    from certledger.ledger.repair.transaction import TransactionFiles, prepare

    files = BatchFiles(folders)
    with ledger.store.begin() as unit:
        prepare(unit)
        settings = ledger.settings
        stored_files = TransactionFiles(settings.database, settings.home, unit.connection)
        _renew(ledger, unit, stored_files, files)
        report = _audit(ledger, stored_files)
        head, last = unit.head(), unit.checkpoint()
        states = [issuer.state for issuer in unit.issuers()]
        rebuilt = Rebuilt(
            block=0 if head is None else head.number,
            issuers=len(states),
            batches=sum(state.batches for state in states),
            certificates=sum(state.certificates for state in states),
            checkpoint=None if last is None else last.number,
            missing=missing_of(unit),
            left=report.faults,
        )
    # The old follower caches trees of the old mirror.
    ledger.follower = ledger.make_follower(ledger.store)
    return rebuilt


def _renew(ledger: Ledger, unit: Unit, stored_files: StoredFiles, files: BatchFiles) -> None:
    """Repair what only the database has, and make the rest from the chain."""
    from certledger.ledger.publish.checkpoints import Cadence, checkpoint
    from certledger.ledger.repair.acts import repair_rejected
    from certledger.ledger.repair.chain_acts import read_chain
    from certledger.ledger.repair.checkpoints import CheckpointRepair
    from certledger.ledger.repair.records import RecordRepair
    from certledger.ledger.repair.registry import find_names, repair_catalogs
    from certledger.ledger.repair.service_rows import (
        repair_transactions,
        repair_verifications,
        repair_watches,
    )
    from certledger.ledger.repair.transaction import SingleTransaction
    from certledger.verifier.node_rpc import MAX_LOG_RESPONSE_BYTES, RpcClient

    node = RpcClient(_address(ledger), timeout=60.0, longest=MAX_LOG_RESPONSE_BYTES)
    chain = read_chain(node, ledger.pin, ledger.deployment.block or 0, unit.connection)
    names = find_names(unit) | files.names
    checkpoints = CheckpointRepair(unit, ledger.chain, ledger.pin)
    rejected_at = _repair_handed_in(ledger, unit, chain, names, files)
    single = SingleTransaction(unit)
    unit.clear_mirror()
    ledger.make_follower(single).rebuild()
    repair_rejected(unit, ledger.pin.identity, rejected_at)
    repair_catalogs(unit, files)
    RecordRepair(unit, stored_files, files).run()
    repair_transactions(unit, ledger.operator.address)
    repair_verifications(unit, ledger.operator.address)
    repair_watches(unit)
    notes = [*stored_files.file_notes(), *files.notes()]
    checkpoints.run(notes, None if ledger.policy is None else ledger.policy.policy)
    checkpoint(single, ledger.chain, ledger.pin, Cadence(seconds=0))


def _repair_handed_in(
    ledger: Ledger, unit: Unit, chain: ChainActs, names: set[str], files: BatchFiles
) -> Mapping[int, int]:
    """Repair acts, receipts and names; return the blocks of rejections, by number of the act."""
    from certledger.ledger.repair.acts import ActRepair
    from certledger.ledger.repair.registry import repair_names
    from certledger.ledger.repair.submission_receipts import ReceiptRepair

    acts = ActRepair(unit, chain, files, ledger.pin.identity, ledger.operator.address)
    acts.run()
    ReceiptRepair(unit, ledger.intake, chain.absent).run()
    repair_names(unit, names, chain.names)
    return acts.rejected_at


def _audit(ledger: Ledger, stored_files: StoredFiles) -> AuditReport:
    """Audit the rebuilt database.

    Raises:
        RebuildUnprovedError: it could not be completed.
    """
    from certledger.ledger.audit.home import audit_open
    from certledger.ledger.repair.transaction import InlineExecutor

    with stored_files.open() as connection:
        report = audit_open(
            ledger.settings,
            stored_files,
            connection,
            InlineExecutor(),
            url=_address(ledger),
            now=ledger.clock(),
        )
    for gap in report.gaps:
        if gap.code.startswith(("node.", "work.", "deployment.")):
            raise RebuildUnprovedError(f"the rebuilt database could not be audited: {gap.detail}")
    return report


def _address(ledger: Ledger) -> str:
    """Return the address of one node of the ledger's chain."""
    if ledger.settings.chain is not None:
        return ledger.settings.chain.partition(",")[0].strip()
    return "" if ledger.embedded is None else ledger.embedded.url


@click.command(name="rebuild")
@click.option(
    "--home",
    required=True,
    envvar="CERTLEDGER_HOME",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The home of the ledger; nothing else may be running on it.",
)
@click.option(
    "--files",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of sealed batches, catalogs and registrations, or of audit --data.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def command(home: Path, files: tuple[Path, ...], as_json: bool) -> int:
    """Make the database anew from the chain, and mend what was edited or deleted.

    The old database stays whole until the new one has been audited.  Exits with 3 where that
    cannot be done, and where something is missing or wrong all the same.
    """
    from certledger.ledger.logging import quiet
    from certledger.ledger.node import open_ledger
    from certledger.ledger.settings import load_settings
    from certledger.verifier.formats.canonical_json import format_canonical

    quiet()
    with open_ledger(load_settings(home=home.absolute())) as ledger:
        rebuilt = rebuild(ledger, files)
    if as_json:
        print_line(format_canonical(rebuilt.to_json()))
    else:
        _print(rebuilt)
    return rebuilt.exit_status


def _print(rebuilt: Rebuilt) -> None:
    print_line(
        f"{rebuilt.issuers} issuers, {rebuilt.batches} batches, {rebuilt.certificates} certificates"
        f" up to block {rebuilt.block}"
    )
    if not rebuilt.left:
        print_line("audited: the database is equal to the chain and to what was signed")
    for one in rebuilt.missing:
        print_line(one.sentence())
    for fault in rebuilt.left:
        print_line(f"left: {fault.where}: {fault.detail} ({fault.code})")
