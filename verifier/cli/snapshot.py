"""`certledger snapshot`: the file that a counter fetches each morning to check offline all day."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certledger.verifier.cli.address_options import SERVER, NodeChoice, node_options
from certledger.verifier.cli.policy_options import PolicyChoice, policy_options
from certledger.verifier.console import bilingual, print_json, print_line
from certledger.verifier.errors import CertledgerError

if TYPE_CHECKING:
    from certledger.verifier.formats.policy import TrustPolicy
    from certledger.verifier.formats.snapshot import Snapshot, SnapshotIssuer
    from certledger.verifier.snapshot_sync import SnapshotSource

HOMES = "certledger.homes"
"""Entry-point group of the function that makes a snapshot from a home with a database."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_AT = click.option("--at", "instant", metavar="TIME", help="Judge as of 2026-11-24T06:00:00Z.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


class BlockUntrustedError(CertledgerError):
    """The block of a proved snapshot is not trusted; the code is that of check 6."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@click.group("snapshot")
def snapshot() -> None:
    """What a counter needs to check offline all day.

    Exits with 0 where all is well, 2 where a snapshot or another argument is unusable, and 3 where
    its block cannot be trusted or the server not be reached.
    """


@snapshot.command()
@click.argument("file", type=_NEW_FILE)
@click.option("--from", "url", type=SERVER, help="The address of a ledger's API.")
@click.option("--home", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="A ledger's home on this machine.")  # fmt: skip
@click.option("--token", envvar="CERTLEDGER_TOKEN", help="Your key there (or CERTLEDGER_TOKEN).")
@policy_options()
@node_options
@_AT
@_JSON
def fetch(
    file: Path,
    url: str | None,
    token: str | None,
    home: Path | None,
    policy: PolicyChoice,
    nodes: NodeChoice,
    instant: str | None,
    as_json: bool,
) -> None:
    """Bring FILE up to date: by a delta where FILE exists, and never to an older block.

    A snapshot that is not proved, or whose block is not trusted, does not replace FILE.  One of a
    --home only needs the proof: its chain is your own, and `verify` checks the block later.
    """
    from certledger.verifier.files import write_atomically
    from certledger.verifier.snapshot_sync import pin_of, refresh

    if (url is None) == (home is None):
        raise click.UsageError("name either --from or --home")
    trusted = policy.open()
    current = _read(file) if file.exists() else None
    if current is not None:
        current.check(pin_of(trusted, current))
    newest = refresh(_source(url, token, home), trusted, current)
    warnings = [] if home is not None else _judge(newest, trusted, nodes, instant)
    write_atomically(file, newest.format(), private=True)
    _tell(newest, warnings, as_json=as_json)


@snapshot.command()
@click.argument("file", type=_FILE)
@_JSON
def show(file: Path, as_json: bool) -> None:
    """Print what the snapshot in FILE claims; `check` proves it."""
    _tell(_read(file), as_json=as_json)


@snapshot.command()
@click.argument("file", type=_FILE)
@click.argument("deltas", nargs=-1, type=_FILE)
@policy_options()
@node_options
@_AT
@click.option("--out", type=_NEW_FILE, help="Where to write the snapshot the deltas lead to.")
@_JSON
def check(
    file: Path,
    deltas: Sequence[Path],
    policy: PolicyChoice,
    nodes: NodeChoice,
    instant: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Prove the snapshot in FILE, and those that DELTAS lead to from it, in order."""
    from certledger.verifier.files import read_file, write_atomically
    from certledger.verifier.formats.snapshot import MAX_SNAPSHOT_BYTES
    from certledger.verifier.formats.snapshot_delta import apply_delta
    from certledger.verifier.snapshot_sync import pin_of

    trusted, found = policy.open(), _read(file)
    ledger = pin_of(trusted, found)
    found.check(ledger)
    for delta in deltas:
        found = apply_delta(found, read_file(delta, MAX_SNAPSHOT_BYTES), ledger)
    warnings = _judge(found, trusted, nodes, instant)
    if out is not None:
        write_atomically(out, found.format(), private=True)
    _tell(found, warnings, as_json=as_json)


@snapshot.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.argument("out", type=_NEW_FILE)
def delta(old: Path, new: Path, out: Path) -> None:
    """Write to OUT the delta from the snapshot in OLD to the one in NEW."""
    from certledger.verifier.files import write_atomically
    from certledger.verifier.formats.snapshot_delta import format_delta

    data = format_delta(_read(old), _read(new))
    write_atomically(out, data, private=True)
    print_line(f"{len(data):,} bytes")


@snapshot.command()
@click.argument("file", type=_FILE)
@click.argument("issuer")
@policy_options()
@click.option(
    "--as", "form", type=click.Choice(["token", "revocation", "suspension"]), default="token",
    show_default=True,
    help="IETF Token Status List, or W3C Bitstring Status List of this purpose.",
)  # fmt: skip
def export(
    file: Path,
    issuer: str,
    policy: PolicyChoice,
    form: str,
) -> None:
    """Write an issuer's proved statuses as a token or bitstring status list."""
    import orjson

    from certledger.verifier.formats.status_list import bitstring_status_list, token_status_list
    from certledger.verifier.snapshot_sync import pin_of

    trusted, found = policy.open(), _read(file)
    found.check(pin_of(trusted, found))
    row = found.by_issuer.get(issuer)
    if row is None:
        raise click.UsageError(f"the snapshot has no issuer {issuer}")
    count = row.state.certificates
    if form == "token":
        value = token_status_list(row.words, count)
    else:
        value = bitstring_status_list(row.words, count, form)
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n")


def _read(file: Path) -> Snapshot:
    from certledger.verifier.files import read_file
    from certledger.verifier.formats.snapshot import MAX_SNAPSHOT_BYTES, Snapshot

    return Snapshot.parse(read_file(file, MAX_SNAPSHOT_BYTES))


def _source(url: str | None, token: str | None, home: Path | None) -> SnapshotSource:
    from functools import partial

    from certledger.verifier.snapshot_sync import SnapshotService, Whole

    if home is None:
        return SnapshotService(url or "", token)
    for point in entry_points(group=HOMES, name="snapshot"):
        return Whole(partial(point.load(), home))
    raise click.UsageError("a home is read where the server is installed; name --from here")


def _judge(found: Snapshot, policy: TrustPolicy, nodes: NodeChoice, at: str | None) -> list[str]:
    """Check the block of a proved snapshot; return warning codes."""
    from certledger.verifier.formats.canonical_json import parse_time
    from certledger.verifier.snapshot_sync import pin_of
    from certledger.verifier.verify.codes import CODES

    judge = nodes.judge(policy)
    now = parse_time(at) if at else int(time.time())
    judgement = judge(found.note, pin_of(policy, found), None)
    code = judgement.code
    if policy.ended(now):
        code = "policy.ended"
    if code != "ok":
        raise BlockUntrustedError(code, bilingual(CODES[code].zh, CODES[code].en))
    return ["node.adds_nothing"] if judgement.unanswered else []


def _tell(found: Snapshot, warnings: Sequence[str] = (), *, as_json: bool) -> None:

    from certledger.verifier.cli.output import plain, warning_in_words
    from certledger.verifier.formats.canonical_json import format_time

    checkpoint = found.note.checkpoint
    issuers = [_describe(issuer) for issuer in found.issuers]
    if as_json:
        value = {
            "ledger": checkpoint.identity.hex(),
            "block": checkpoint.number,
            "time": format_time(checkpoint.time),
            "digest": found.digest().hex(),
            "bodies": issuers,
            "warnings": list(warnings),
        }
        print_json(value)
        return
    print_line(f"block {checkpoint.number} of {format_time(checkpoint.time)}")
    print_line(f"digest {found.digest().hex()}")
    for issuer in issuers:
        counts = ", ".join(f"{name} {issuer[name]:,}" for name in _COUNTED if issuer[name])
        print_line(f"{issuer['issuer']}  {plain(issuer['name'])}  {issuer['standing']}  {counts}")
    for warning in warnings:
        print_line(warning_in_words(warning))


_COUNTED = ("batches", "certificates", "revoked", "suspended", "superseded")


def _describe(issuer: SnapshotIssuer) -> dict[str, Any]:
    from certledger.verifier.formats.snapshot_columns import LISTED, listed

    state = issuer.rootless
    counts = {
        str(status): len(found) for status, found in zip(LISTED, listed(issuer.words), strict=True)
    }
    return {
        "issuer": state.issuer,
        "name": state.name,
        "standing": str(state.standing),
        "batches": state.batches,
        "certificates": state.certificates,
        **counts,
    }
