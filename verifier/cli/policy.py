"""`certledger policy`: show a trust policy, and check that one may follow another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certledger.verifier.cli.policy_options import PolicyChoice, fingerprint_option
from certledger.verifier.console import bilingual, print_json

if TYPE_CHECKING:
    from certledger.verifier.formats.policy import LedgerPin, Roots, TrustPolicy, WitnessKey
    from certledger.verifier.formats.signed_policy import SignedPolicy

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILES = click.argument("files", nargs=-1, required=True, type=_FILE)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.group("policy")
def policy() -> None:
    """Trust policies: whom a verifier believes, and which policy may follow which.

    Exits with 0 where all is well, and 2 where a policy is unsigned, older or another one.
    """


@policy.command()
@click.argument("file", type=_FILE)
@_JSON
def show(file: Path, as_json: bool) -> None:
    """Say in full what the policy in FILE says, and its fingerprint to compare with others."""
    from certledger.verifier.policy_store import read_chain

    (signed,) = read_chain([file])
    if as_json:
        print_json({**_brief(signed.policy), **_whole(signed)})
        return
    for line in _describe(signed):
        click.echo(line)


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
    click.echo(f"{bilingual('版本', 'Version')}: {brief['version']}")
    click.echo(f"{bilingual('指纹', 'Fingerprint')}: {brief['fingerprint']['words']}")


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


# Words -----------------------------------------------------------------------------------------


def _describe(signed: SignedPolicy) -> Iterator[str]:
    from certledger.verifier.formats.canonical_json import format_time
    from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words

    policy = signed.policy
    found = fingerprint_of(policy)
    yield _line("指纹", "Fingerprint", format_words(found))
    yield f"  {found.hex()}"
    yield _line("版本", "Version", policy.version)
    yield _line("有效至", "Ends", format_time(policy.ends))
    yield from _roots(policy.roots, signed)
    yield bilingual("账本", "Ledgers") + ":"
    for pin in policy.ledgers:
        yield from _ledger(pin)
    yield _line("信任方式", "Ways to trust a block", ", ".join(policy.trust.ways))
    yield _line("须见证的机构数", "Operators that must witness", policy.trust.threshold)
    yield _line("确认区块数", "Confirmations without a final tag", policy.trust.confirmations)
    yield bilingual("见证人", "Witnesses") + ":"
    yield from map(_witness, policy.witnesses)
    yield from _spans(policy)
    yield _line("接受的格式", "Versions of formats", ", ".join(policy.evidence))
    asked = bilingual("须有", "asked for") if policy.countersignature else bilingual("不须", "none")
    yield _line("副署", "Countersignature", asked)


def _line(zh: str, en: str, value: object) -> str:
    return f"{bilingual(zh, en)}: {value}"


def _roots(roots: Roots, signed: SignedPolicy) -> Iterator[str]:
    threshold = f"{roots.threshold}/{len(roots.keys)}"
    yield _line("下一版须签署的根密钥", "Root keys that sign the next", threshold)
    for key in sorted({*roots.keys, *signed.signatures}):
        marks = [bilingual("根", "root")] if key in roots.keys else []
        marks += [bilingual("已签", "has signed")] if key in signed.signatures else []
        yield f"  {key.hex()} ({', '.join(marks)})"


def _ledger(pin: LedgerPin) -> Iterator[str]:
    from certledger.verifier.cli.output import plain

    yield f"  {plain(pin.name)}"
    yield f"    chain {pin.chain_id}"
    for name in ("genesis", "address", "code_hash", "identity", "deployment"):
        yield f"    {name} 0x{getattr(pin, name).hex()}"
    if pin.retired is not None:
        yield f"    {bilingual('停用于区块', 'retired at block')} {pin.retired.number}"
        yield f"      block_hash 0x{pin.retired.block_hash.hex()}"
        yield f"      state_root 0x{pin.retired.state_root.hex()}"


def _witness(witness: WitnessKey) -> str:
    from certledger.verifier.cli.output import plain

    until = "" if witness.until is None else f"{witness.until}"
    return (
        f"  {plain(witness.operator)}: {plain(witness.name)} {witness.key.hex()}"
        f" ({bilingual('区块', 'blocks')} {witness.start}-{until})"
    )


def _spans(policy: TrustPolicy) -> Iterator[str]:
    seconds = bilingual("秒", "seconds")
    yield _line("见证与区块时差", "Block lag", f"{policy.block_lag} {seconds}")
    yield _line("证据最长时效", "Greatest age", f"{policy.default_age} {seconds}")
    for category, age in policy.ages.items():
        yield f"  {category}: {age} {seconds}"
    yield _line("时钟容差", "Clock tolerance", f"{policy.clock_tolerance} {seconds}")
    yield _line("出示最长时效", "Age of a presentation", f"{policy.presentation_age} {seconds}")
