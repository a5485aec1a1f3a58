"""`certledger policy renew, sign, merge`: for those who hold root keys."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certledger.ledger.cli.console import (
    FILE,
    FOLDER,
    THERE,
    Answer,
    answers,
    ask_passphrase,
    confirm,
    passphrase_option,
    yes_option,
)

if TYPE_CHECKING:
    from certledger.verifier.formats.checkpoint import Note
    from certledger.verifier.formats.policy import TrustPolicy
    from certledger.verifier.formats.signed_policy import SignedPolicy

_DAY = 86_400
out_option = click.option("--out", required=True, type=FILE, help="The file to write, and to send.")


@click.command()
@click.argument("file", type=THERE)
@out_option
@click.option("--days", default=365, show_default=True, help="Days until the next version ends.")
@click.option("--add", "added", multiple=True, type=THERE, help="A part whose keys come in.")
@click.option(
    "--replace", "replacing", multiple=True, type=THERE, help="A part of `found key`: its key comes"
    " in and the one that it replaces ends.",
)  # fmt: skip
@click.option("--remove-witness", "witnesses", multiple=True, metavar="NAME", help="It ends.")
@click.option("--remove-root", "roots", multiple=True, metavar="HEX", help="A root key that ends.")
@click.option(
    "--at", type=click.IntRange(0), metavar="BLOCK", help="New witnesses count from this block on,"
    " and those that end up to the one before.",
)  # fmt: skip
@click.option("--ledger", help="Whose block --at is, where the policy has several in service.")
@click.option("--root-threshold", type=click.IntRange(1, 64))
@click.option("--witness-threshold", type=click.IntRange(1, 16))
@click.option(
    "--retire", "retired", multiple=True, metavar="LEDGER=FILE", help="The ledger ends at the"
    " checkpoint in FILE, cosigned, as /v1/checkpoints/latest answers.",
)  # fmt: skip
@click.option(
    "--move", "moved", multiple=True, metavar="LEDGER=FILE", help="A new ledger's name and its"
    " deployment.json.",
)  # fmt: skip
@answers
def renew(
    file: Path,
    out: Path,
    days: int,
    added: Sequence[Path],
    replacing: Sequence[Path],
    witnesses: Sequence[str],
    roots: Sequence[str],
    at: int | None,
    ledger: str | None,
    root_threshold: int | None,
    witness_threshold: int | None,
    retired: Sequence[str],
    moved: Sequence[str],
) -> Answer:
    """Make the version after the policy in FILE; root keys then sign it with `policy sign`."""
    from certledger.ledger.foundation.files import read_deployment, read_note, read_region_part
    from certledger.ledger.foundation.renewal import PolicyChanges, next_policy
    from certledger.verifier.files import write_atomically
    from certledger.verifier.formats.canonical_json import from_hex
    from certledger.verifier.formats.signed_policy import SignedPolicy
    from certledger.verifier.policy_store import read_chain

    (current,) = read_chain([file])
    notes: dict[str, Note] = {name: read_note(path) for name, path in map(_named, retired)}
    changes = PolicyChanges(
        ends=int(time.time()) + days * _DAY,
        added=[read_region_part(part) for part in added],
        replacing=[read_region_part(part) for part in replacing],
        removed_witnesses=witnesses,
        removed_roots=[from_hex(root, 32) for root in roots],
        at=at,
        ledger=ledger,
        root_threshold=root_threshold,
        witness_threshold=witness_threshold,
        retired=notes,
        moved=[read_deployment(path).pin(name) for name, path in map(_named, moved)],
    )
    draft = SignedPolicy(policy=next_policy(current.policy, changes), signatures={})
    write_atomically(out, draft.format())
    return _draft_answer(draft, current.policy, out)


@click.command()
@click.argument("file", type=THERE)
@click.option("--home", required=True, type=FOLDER, help="The region's home, with its root keys.")
@click.option("--deployment", type=THERE, help="For the first version: the deployment it names.")
@click.option("--out", type=FILE, help="Where to write it; else FILE itself.")
@click.option("--instead", is_flag=True, help="Though this home has signed another of the version.")
@yes_option
@passphrase_option
@answers
def sign(
    file: Path,
    home: Path,
    deployment: Path | None,
    out: Path | None,
    instead: bool,
    yes: bool,
    passphrase_file: Path | None,
) -> Answer:
    """Sign the policy in FILE with the home's root keys, once it was shown in full.

    The first version must be what the founding document that this home signed gives for the
    deployment; a later one is shown with what changes against the policy that the home keeps.  Only
    the version after that one is signed, and one policy of each version.
    """
    from certledger.ledger.foundation.files import read_draft
    from certledger.ledger.foundation.home import RegionHome
    from certledger.ledger.foundation.part import ROOT
    from certledger.ledger.foundation.renewal import add_signatures
    from certledger.ledger.foundation.rotation import home_policy
    from certledger.ledger.foundation.signing_record import check_policy, store_policy
    from certledger.verifier.cli.policy_text import describe_changes, describe_policy
    from certledger.verifier.console import bilingual
    from certledger.verifier.files import write_atomically

    own, draft, previous = RegionHome(folder=home), read_draft(file), None
    lines = list(describe_policy(draft))
    check_policy(home, draft.policy, instead=instead)
    if draft.policy.version == 1:
        _check_first(draft.policy, home, deployment)
    else:
        previous = home_policy(own)
        changes = list(describe_changes(previous, draft.policy))
        lines += [bilingual("与前一版的差异", "Changes against the version before") + ":", *changes]
    confirm(lines, yes=yes)
    passphrase = ask_passphrase(passphrase_file, what="the root keys")
    signed = add_signatures(draft, previous, own.secret_keys(ROOT, passphrase))
    store_policy(home, draft.policy)
    write_atomically(out or file, signed.format())
    return _draft_answer(signed, previous, out or file)


def _check_first(draft: TrustPolicy, home: Path, deployment: Path | None) -> None:
    from certledger.ledger.foundation.deployment_match import pin_of
    from certledger.ledger.foundation.files import DOCUMENT, read_deployment, read_founding
    from certledger.ledger.foundation.renewal import check_first

    if deployment is None:
        raise click.UsageError("the first version is compared with its --deployment")
    founding = read_founding(home / DOCUMENT).founding
    check_first(draft, founding, pin_of(founding, read_deployment(deployment)))


@click.command()
@click.argument("files", nargs=-1, required=True, type=THERE)
@click.option("--previous", type=THERE, help="The version before, whose roots must sign too.")
@out_option
@answers
def merge(files: Sequence[Path], previous: Path | None, out: Path) -> Answer:
    """Put the signatures of FILES, all of one policy, together; says what it still lacks."""
    from certledger.ledger.foundation.files import read_draft
    from certledger.ledger.foundation.renewal import merge_drafts
    from certledger.verifier.files import write_atomically
    from certledger.verifier.policy_store import read_chain

    signed = merge_drafts(map(read_draft, files))
    before = read_chain([previous])[0].policy if previous else None
    write_atomically(out, signed.format())
    return _draft_answer(signed, before, out)


def _draft_answer(draft: SignedPolicy, previous: TrustPolicy | None, file: Path) -> Answer:
    from certledger.ledger.foundation.renewal import missing_signatures
    from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words

    return Answer(
        document={
            "file": str(file),
            "fingerprint": format_words(fingerprint_of(draft.policy)),
            "missing": list(missing_signatures(draft, previous)),
            "version": draft.policy.version,
        }
    )


def _named(text: str) -> tuple[str, Path]:
    name, mark, path = text.partition("=")
    if not mark or not name or not Path(path).is_file():
        raise click.UsageError(f"{text!r} is not like LEDGER=FILE, or the file is not there")
    return name, Path(path)
