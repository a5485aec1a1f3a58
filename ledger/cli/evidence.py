"""`certledger evidence`: the holders' folders of a batch, with evidence as it is now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from certledger.ledger.cli.ask import server_options
from certledger.ledger.cli.console import (
    FOLDER,
    Answer,
    answers,
    issuer_folder_option,
    notice,
    open_issuer,
    watch,
)
from certledger.verifier.errors import ExitStatus

if TYPE_CHECKING:
    from certledger.ledger.client.transport import ServerClient
    from certledger.ledger.issuer.holder_folders import HolderFolders

FOR_HOLDERS = "for-holders"
MAX_PAUSE_SECONDS = 10


@click.command()
@click.option("--batch", "sequence", type=click.IntRange(1), help="A batch that was sealed here.")
@click.option("--sealed", type=FOLDER, help="The folder it was sealed into; else the one known.")
@click.option("--documents", type=FOLDER, help="Where its documents are; else the folder known.")
@click.option("--out", type=FOLDER, help="Where to write; else `for-holders` in the sealed folder.")
@click.option("--zip", "zipped", is_flag=True, help="An encrypted ZIP of each folder too.")
@server_options
@issuer_folder_option
@answers
def evidence(
    sequence: int | None,
    sealed: Path | None,
    documents: Path | None,
    out: Path | None,
    zipped: bool,
    server: str,
    token: str | None,
    patience: float,
    issuer_folder: Path,
) -> Answer:
    """Write one folder a holder: evidence, the holder's file, documents, a sheet to print.

    Run it when a batch is final, and again when a status has changed: evidence is fetched anew,
    and what has not changed stays untouched. --zip writes each folder as a ZIP too, encrypted by
    AES-256; its password is the holder's access code as it is printed, with hyphens. Exits 3 while
    certificates are not final, or fewer witnesses have signed than the ledger's policy asks for.
    """
    from certledger.ledger.client.transport import ServerClient

    if (sequence is None) == (sealed is None):
        raise click.UsageError("name a --batch or the folder with --sealed, one of both")
    if sealed is None:
        assert sequence is not None
        known = open_issuer(issuer_folder).register.folders_of(sequence)
        if known is None:
            raise click.UsageError(f"batch {sequence} was not sealed here: name --sealed")
        sealed, documents = known[0], documents or known[1]
    client = ServerClient(url=server, token=token, patience=patience, notice=notice)
    made = write_holder_folders(client, sealed, out, documents, zipped=zipped)
    return holders_answer(made)


def write_holder_folders(
    client: ServerClient,
    sealed: Path,
    out: Path | None,
    documents: Path | None,
    *,
    zipped: bool = False,
) -> HolderFolders:
    """Write the folders of a sealed batch; by default next to its holders' files.

    Raises:
        CertledgerError: as `write_folders`.
    """
    from certledger.ledger.issuer.holder_folders import Writer, write_folders
    from certledger.ledger.issuer.workspace import Workspace

    writer = Writer(
        out=out or sealed / FOR_HOLDERS,
        address=client.url.rstrip("/"),
        documents=documents,
        zipped=zipped,
    )
    return write_folders(client, Workspace(folder=sealed).holders, writer, watch)


def await_holder_folders(client: ServerClient, sealed: Path) -> HolderFolders:
    """Write the folders of every batch in a sealed folder, once all are final and witnessed.

    It gives up when the client's patience is over.

    Raises:
        CertledgerError: as `write_folders`.
    """
    from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential_jitter

    waiting = Retrying(
        retry=retry_if_result(lambda made: not made.is_complete),
        stop=stop_after_delay(client.patience),
        wait=wait_exponential_jitter(multiplier=0.2, max=MAX_PAUSE_SECONDS),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    made: HolderFolders = waiting(write_holder_folders, client, sealed, None, None)
    return made


def holders_answer(made: HolderFolders) -> Answer:
    """Return the answer about folders that were written."""
    if made.unwitnessed:
        notice(
            f"the evidence of {len(made.unwitnessed)} certificates lacks cosignatures: while fewer"
            " witnesses have signed its checkpoint than the ledger's policy asks for, verifiers say"
            ' "cannot tell"; fetch it again later'
        )
    document = {
        "certificates": made.certificates,
        "changed": made.changed,
        "folder": str(made.folder),
        "pending": list(made.pending),
        "unwitnessed": list(made.unwitnessed),
        "without_document": made.without_document,
    }
    status = ExitStatus.OK if made.is_complete else ExitStatus.UNDECIDED
    return Answer(document=document, status=status)
