"""The command line: one app here, to which the rooms above add their commands."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from verifier.desk import Desk
    from verifier.policy import LedgerPin
    from verifier.trust import Judgement
    from verifier.verdict import Result
    from verifier.verify import Question

GROUP = "certledger.commands"
SERVER_ONLY = "sqlmodel"
"""A package that only the extra `server` brings."""
ROOM_COMMANDS: Mapping[str, str] = {
    "apikey": "Keys of those who call the API.",
    "audit": "Replay the whole ledger from its deployment and tell every fault.",
    "catalog": "What a body may issue: make it, sign it, show it.",
    "chain": "The embedded chain by itself.",
    "coverage": "The reform's three percentages, and what is missing.",
    "demo": "The main job end to end, in a folder of its own.",
    "deploy": "Put the contract on a chain.",
    "doctor": "Find what is wrong with a home.",
    "issuer": "Keys and acts of issuing bodies and registrars.",
    "present": "Make evidence that shows only the fields you choose.",
    "rebuild": "Make the database again from the chain and the bodies' records.",
    "restore": "Bring a home back from a copy.",
    "seal": "Make of a sheet a signed batch and the holders' files.",
    "serve": "Chain, database, API, pages and anchoring in one process tree.",
    "settings": "Every setting: meaning, value, origin.",
    "snapshot": "What a counter needs to check offline all day.",
    "status": "Revoke, suspend, resume or supersede certificates.",
    "submit": "Hand in a sealed batch or a signed act.",
    "verify-receipt": "Check, offline, a receipt of what a counter was told.",
    "witness": "Cosign checkpoints on a node of one's own.",
}
"""One line of help for each command of the rooms above, which are loaded only when called."""
EXIT_BAD = 1
EXIT_CANNOT_TELL = 3


class Rooms(click.Group):
    """A group that finds the commands of installed rooms by entry point, and loads them late."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands that this installation has."""
        return sorted({*super().list_commands(ctx), *_room_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of this room or of another."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in (found := _room_commands()):
            return own
        command: click.Command = found[cmd_name].load()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; those of other rooms are not loaded for it, it is quick."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._short_help(name)) for name in self.list_commands(ctx)])

    def _short_help(self, name: str) -> str:
        own = self.commands.get(name)
        return own.get_short_help_str(limit=70) if own else ROOM_COMMANDS.get(name, "")


def _room_commands() -> dict[str, EntryPoint]:
    """Return entry points by command name; a room whose extra is not installed has none."""
    whole = find_spec(SERVER_ONLY) is not None
    return {
        point.name: point
        for point in entry_points(group=GROUP)
        if whole or "server" not in point.extras
    }


@click.group(cls=Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="certledger")
def main() -> None:
    """Certificates that prove themselves: genuine, and still in force, as of when."""


@main.command()
@click.argument("evidence", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--document",
    "documents",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A document to compare. With several evidence files it goes to the one of its stem.",
)
@click.option(
    "--policy",
    "policy_file",
    required=True,
    envvar="CERTLEDGER_POLICY",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The trust policy to judge by (also CERTLEDGER_POLICY).",
)
@click.option(
    "--snapshot",
    "snapshots",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A trust snapshot to judge compact codes (files *.txt) by; then deltas to it, in order.",
)
@click.option("--rpc", help="A node to ask about the block, where the policy allows it.")
@click.option("--audience", help="Your own id, for certificates bound to their holder.")
@click.option("--nonce", help="What you gave the holder to sign.")
@click.option("--at", "instant", metavar="TIME", help="Judge as of 2026-11-24T06:00:00Z.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def verify(
    evidence: Sequence[Path],
    documents: Sequence[Path],
    policy_file: Path,
    snapshots: Sequence[Path],
    rpc: str | None,
    audience: str | None,
    nonce: str | None,
    instant: str | None,
    as_json: bool,
) -> None:
    """Say of each EVIDENCE file whether its certificate is genuine and in force.

    Exits with 0 if all are valid, 1 if any is not genuine or not in force, 3 if for any it cannot
    tell, and 2 if the arguments are unusable.
    """
    from verifier.reporting import print_results

    pairs = _pair(evidence, documents)
    if (audience is None) != (nonce is None):
        raise click.UsageError("--audience and --nonce go together")
    request = None if audience is None or nonce is None else (audience, nonce)
    question = _question(policy_file, rpc, request, instant)
    desk = _open_desk(snapshots, question) if snapshots else None
    results = [(file, _verify_file(file, question, papers, desk)) for file, papers in pairs.items()]
    print_results(results, now=question.now, as_json=as_json)
    raise SystemExit(exit_code([result for _, result in results]))


def _pair(evidence: Sequence[Path], documents: Sequence[Path]) -> dict[Path, list[Path]]:
    """Return the documents of each evidence file.

    A document compared with the wrong certificate would make a forgery of it, so there is no
    guessing where two evidence files share a stem.
    """
    pairs: dict[Path, list[Path]] = {file: [] for file in evidence}
    for document in documents:
        same = [file for file in pairs if len(pairs) == 1 or file.stem == document.stem]
        if len(same) != 1:
            count = "several evidence files have" if same else "no evidence file has"
            raise click.UsageError(f"{count} the stem of {document}")
        pairs[same[0]].append(document)
    return pairs


def _question(
    policy_file: Path, rpc: str | None, request: tuple[str, str] | None, at: str | None
) -> Question:
    from verifier.encoding import parse_time
    from verifier.errors import Refused
    from verifier.judges import RememberingNode, choose_judge
    from verifier.policyfile import SignedPolicy
    from verifier.presentation import Request
    from verifier.rpc import Rpc
    from verifier.verify import Question

    try:
        signed = SignedPolicy.parse(policy_file.read_bytes())
        node = RememberingNode(Rpc(rpc)) if rpc else None
        return Question(
            policy=signed.policy,
            judge=choose_judge(signed.policy, node),
            now=parse_time(at) if at else int(time.time()),
            request=None if request is None else Request(audience=request[0], nonce=request[1]),
        )
    except Refused as error:
        raise click.UsageError(f"{error} ({error.code})") from error


def _open_desk(files: Sequence[Path], question: Question) -> Desk:
    """Return a desk on a snapshot and the deltas that follow it."""
    from verifier.delta import apply_delta
    from verifier.desk import Desk
    from verifier.errors import Refused
    from verifier.snapshot import Snapshot

    def judge(snapshot: Snapshot, ledger: LedgerPin) -> Judgement:
        return question.judge(snapshot.note, ledger, None)

    whole, *deltas = (file.read_bytes() for file in files)
    try:
        desk = Desk.open(question.policy, Snapshot.parse(whole), judge)
        for delta in deltas:
            newer = apply_delta(desk.snapshot, delta, desk.ledger)
            desk = Desk.open(question.policy, newer, judge)
    except Refused as error:
        raise click.UsageError(f"{error} ({error.code})") from error
    return desk


def _verify_file(
    file: Path, question: Question, documents: Sequence[Path], desk: Desk | None
) -> Result:
    from dataclasses import replace

    from verifier.evidence import LONGEST_EVIDENCE
    from verifier.verdict import unusable
    from verifier.verify import verify_bytes

    try:
        with file.open("rb") as opened:
            data = opened.read(LONGEST_EVIDENCE + 1)
    except OSError:
        return unusable("file.unreadable")
    papers = tuple(document.read_bytes() for document in documents)
    if desk is not None and file.suffix == ".txt":
        text = data.decode("utf-8", "replace")
        return desk.verify_text(text, now=question.now, documents=papers, request=question.request)
    return verify_bytes(data, replace(question, documents=papers))


def exit_code(results: Sequence[Result]) -> int:
    """Return the exit status for results: 0 all valid, 1 some bad, 3 some cannot tell."""
    from verifier.vocabulary import Verdict

    verdicts = {result.verdict for result in results}
    if verdicts & {Verdict.NOT_GENUINE, Verdict.NOT_IN_FORCE}:
        return EXIT_BAD
    return EXIT_CANNOT_TELL if Verdict.CANNOT_TELL in verdicts else 0
