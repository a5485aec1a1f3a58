"""Export published data for auditors elsewhere (`certledger audit --data FOLDER`)."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.store.tables import BATCHES, CATALOGS, NAMES
from certledger.verifier.audit.sources import pack_lines
from certledger.verifier.files import write_atomically


def publish(stored: StoredFiles, folder: Path) -> int:
    """Write published data into `folder`; return how many batches were new.

    These are records, catalogs, checkpoints and the names of issuers.  Batches and catalogs never
    change, so existing files stay as they are.
    """
    for name in ("records", "catalogs", "checkpoints", "names"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with stored.open() as connection:
        batches = list(connection.execute(select(BATCHES.c.number, BATCHES.c.root)))
        roots = list(connection.execute(select(CATALOGS.c.root)).scalars())
        names = list(connection.execute(select(NAMES.c.digest, NAMES.c.name)))
    written = 0
    for number, root in batches:
        path = folder / "records" / f"{root.hex()}.jsonl.gz"
        if not path.exists():
            records = (record for chunk in stored.frames(number) for record in chunk)
            write_atomically(path, pack_lines(records))
            written += 1
    for root in roots:
        path = folder / "catalogs" / f"{root.hex()}.json"
        if not path.exists():
            write_atomically(path, stored.catalog(root) or b"")
    for digest, name in names:
        write_atomically(folder / "names" / f"{digest.hex()}.txt", name.encode())
    for where, note in stored.notes():
        write_atomically(folder / "checkpoints" / where.replace("/", "-"), note.encode())
    return written
