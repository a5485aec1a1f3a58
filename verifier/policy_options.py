"""The options by which commands name the trust policy, and what they say of a new one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verifier.console import bilingual

if TYPE_CHECKING:
    from verifier.policy import TrustPolicy
    from verifier.policy_store import Adopted

policy_option = click.option(
    "--policy",
    "policy_files",
    multiple=True,
    envvar="CERTLEDGER_POLICY",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The trust policy (also CERTLEDGER_POLICY); several times for a chain, oldest first. A"
    " home keeps it, and a later one must follow it.",
)
fingerprint_option = click.option(
    "--fingerprint",
    metavar="TEXT",
    help="The first policy's fingerprint, in hex or in words, as somebody you trust told it.",
)


def choose_policy(
    files: Sequence[Path], fingerprint: str | None, home: Path | None = None
) -> TrustPolicy:
    """Return the policy to judge by: the last of a chain of files, or what `home` keeps."""
    from verifier.fingerprint import parse_fingerprint
    from verifier.policy_store import adopt_chain, open_chain, read_chain

    named = None if fingerprint is None else parse_fingerprint(fingerprint)
    chain = read_chain(files)
    if home is None:
        return open_chain(chain, named).policy
    adopted = adopt_chain(home, chain, named)
    introduce(adopted, pinned=named is not None)
    return adopted.current.policy


def introduce(adopted: Adopted, *, pinned: bool) -> None:
    """Print on standard error the fingerprint of a home's first policy that nobody has pinned."""
    from verifier.fingerprint import fingerprint_of, format_words

    if adopted.first is None or pinned:
        return
    policy = adopted.first.policy
    found = fingerprint_of(policy)
    for line in (
        bilingual(
            f"首次使用此信任策略（第 {policy.version} 版），请与可信的人核对指纹：",
            f"First use of this trust policy (version {policy.version}); compare its fingerprint"
            " with somebody you trust:",
        ),
        f"  {format_words(found)}",
        f"  {found.hex()}",
    ):
        click.echo(line, err=True)
