"""`certledger policy`: show a trust policy, and check that one may follow another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certledger.verifier.cli.entry_points import EntryPointGroup
from certledger.verifier.cli.policy_options import PolicyChoice, fingerprint_option
from certledger.verifier.console import bilingual, print_json, print_line

if TYPE_CHECKING:
    from certledger.verifier.formats.policy import TrustPolicy
    from certledger.verifier.formats.signed_policy import SignedPolicy

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILES = click.argument("files", nargs=-1, required=True, type=_FILE)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")

POLICY_COMMANDS: Mapping[str, str] = {
    "merge": "Put the signatures of several copies of a policy together.",
    "renew": "Make the next version of a policy.",
    "sign": "Sign a policy, once it was shown in full.",
}
"""Commands for those who hold root keys."""


@click.group(
    "policy",
    cls=EntryPointGroup,
    points="certledger.policy_commands",
    summaries=POLICY_COMMANDS,
)
def policy() -> None:
    """Trust policies: whom a verifier believes, and which policy may follow which.

    Exits with 0 where all is well, and 2 where a policy is unsigned, older or another one.
    """


@policy.command()
@click.argument("file", type=_FILE)
@_JSON
def show(file: Path, as_json: bool) -> None:
    """Say in full what the policy in FILE says, and its fingerprint to compare with others."""
    from certledger.verifier.cli.policy_text import describe_policy
    from certledger.verifier.policy_store import read_chain

    (signed,) = read_chain([file])
    if as_json:
        print_json({**_brief(signed.policy), **_whole(signed)})
        return
    for one in describe_policy(signed):
        print_line(one)


@policy.command()
@_FILES
@fingerprint_option
@_JSON
def check(files: Sequence[Path], fingerprint: str | None, as_json: bool) -> None:
    """Check that each policy of FILES, oldest first, may follow the one before."""
    _tell(PolicyChoice(files=files, fingerprint=fingerprint).open(), as_json=as_json)


@policy.command()
@_FILES
@click.option("--home", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="The home of a counter or of a ledger.")  # fmt: skip
@fingerprint_option
@_JSON
def keep(files: Sequence[Path], home: Path, fingerprint: str | None, as_json: bool) -> None:
    """Let a home rely on the last of FILES, oldest first, if they lead on from what it has."""
    choice = PolicyChoice(files=files, fingerprint=fingerprint, home=home)
    _tell(choice.open(), as_json=as_json)


def _tell(newest: TrustPolicy, *, as_json: bool) -> None:
    if as_json:
        print_json(_brief(newest))
        return
    brief = _brief(newest)
    print_line(f"{bilingual('版本', 'Version')}: {brief['version']}")
    print_line(f"{bilingual('指纹', 'Fingerprint')}: {brief['fingerprint']['words']}")


def _brief(policy: TrustPolicy) -> dict[str, Any]:
    from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words

    found = fingerprint_of(policy)
    return {
        "fingerprint": {"hex": found.hex(), "words": format_words(found)},
        "version": policy.version,
    }


def _whole(signed: SignedPolicy) -> dict[str, Any]:
    return {
        "policy": signed.policy.to_json(),
        "signed_by": sorted(key.hex() for key in signed.signatures),
    }
