"""Take back what was sealed or signed and the ledger does not have: its counters are free again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from certledger.ledger.client.transport import ServerClient, ServerRefusedError
from certledger.ledger.intake.batch_submission import MAX_SUBMISSION_BYTES
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.certificate_register import BatchSubmittedError
from certledger.ledger.issuer.chain_submission import read_batch
from certledger.ledger.issuer.folder import IssuerFolder
from certledger.ledger.issuer.submission_client import is_batch
from certledger.ledger.issuer.synchronisation import EPOCH, VERSION, fetch_digest
from certledger.ledger.issuer.workspace import Workspace
from certledger.verifier.errors import MalformedError
from certledger.verifier.files import read_file
from certledger.verifier.formats.statements import CatalogChange, StatusChange

RECEIPT = "receipt.json"
JUDGED = frozenset({400, 409, 410, 422})
"""Statuses of HTTP by which a service refuses the statement, and not its bearer or its size."""


def batches_in(folder: Path) -> list[Workspace]:
    """Return the sealed batches in a folder, the last first.

    Raises:
        MalformedError: `batch.missing`, there is none.
    """
    folders = [folder, *sorted(path for path in folder.glob("[0-9]*") if path.is_dir())]
    found = [Workspace(folder=path) for path in folders if (path / "seal.json").exists()]
    if not found:
        raise MalformedError("batch.missing", f"there is no sealed batch in {folder}")
    return found[::-1]


def undo_seal(
    folder: IssuerFolder, sealed: Path, client: ServerClient | None
) -> list[tuple[int, int]]:
    """Withdraw what was sealed into a folder; return sequence and first index of each batch.

    With `client`, the service is asked whether it has them.  The folder keeps none of its files.

    Raises:
        BatchSubmittedError: a batch has a receipt, or the service knows it.
        BatchFollowedError: a later batch, in another folder, builds on it.
        MalformedError: there is no sealed batch, or it is damaged.
    """
    issuer, register = folder.profile().issuer, folder.register
    spaces = batches_in(sealed)
    for space in spaces:
        if (space.folder / RECEIPT).exists() or (sealed / RECEIPT).exists():
            raise BatchSubmittedError(f"{space.folder} was submitted: there is a receipt")
    withdrawn = []
    for space in spaces:
        plan = space.plan()
        assert plan is not None
        if space.batch_file is not None:
            statement = read_batch(space.folder).statement
            digest = statement.digest(plan.ledger)
            if client is not None and fetch_digest(client, issuer, statement.sequence) == digest:
                register.mark_submitted(statement.sequence, digest)
                raise BatchSubmittedError(f"the ledger has batch {statement.sequence}")
            register.withdraw(statement.sequence, digest)
        space.remove()
        withdrawn.append((plan.head.sequence, plan.head.first))
    (sealed / "sheet.json").unlink(missing_ok=True)
    for path in (*(space.folder for space in spaces), sealed):
        if path.is_dir() and not any(path.iterdir()):
            shutil.rmtree(path)
    return withdrawn[::-1]


def note_submitted(folder: IssuerFolder, what: Path) -> None:
    """Store that a service has taken a batch or an act of this issuer.

    Raises:
        MalformedError: it is neither.
    """
    profile, register = folder.profile(), folder.register
    if is_batch(what):
        statement = read_batch(what).statement
        if statement.issuer.decode() == profile.issuer:
            register.mark_submitted(statement.sequence, statement.digest(profile.ledger))
        return
    for name, value in _counter_of(what, profile.issuer):
        register.reach(name, max(value, register.counter(name)))


def note_refused(folder: IssuerFolder, what: Path, refusal: ServerRefusedError) -> list[str]:
    """Forget a batch or act of this issuer that the service refused, and what builds on it.

    Returns what was forgotten, for people; nothing where the refusal is not about the statement.

    Raises:
        MalformedError: it is neither batch nor act.
    """
    if refusal.status not in JUDGED:
        return []
    profile, register = folder.profile(), folder.register
    if is_batch(what):
        statement = read_batch(what).statement
        if statement.issuer.decode() != profile.issuer:
            return []
        gone = register.refuse(statement.sequence, statement.digest(profile.ledger))
        return [f"batch {sequence}" for sequence in gone]
    forgotten: list[str] = []
    for name, value in _counter_of(what, profile.issuer):
        if (register.first_signed(name) or value) >= value:  # Else one before it waits here.
            forgotten += register.drop_signed(name, value)
    return forgotten


def _counter_of(what: Path, issuer: str) -> Sequence[tuple[str, int]]:
    """Return name and value of the counter of an act of this issuer, nothing for other acts."""
    statement = Envelope.parse(read_file(what, MAX_SUBMISSION_BYTES)).act.statement
    if isinstance(statement, StatusChange) and statement.issuer.decode() == issuer:
        return [(EPOCH, statement.epoch)]
    if isinstance(statement, CatalogChange) and statement.issuer.decode() == issuer:
        return [(VERSION, statement.version)]
    return []
