"""What a trust policy says in full, in Chinese and English, and how it differs from another."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from certledger.verifier.cli.output import plain
from certledger.verifier.console import bilingual
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.policy import LedgerPin, Roots, TrustPolicy, WitnessKey
from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words
from certledger.verifier.formats.signed_policy import SignedPolicy


def describe_policy(signed: SignedPolicy, *, ledgers: bool = True) -> Iterator[str]:
    """Yield the lines that say in full what a policy says; without `ledgers` neither these.

    Without them there is no fingerprint either: it is that of the whole.
    """
    policy = signed.policy
    if ledgers:
        found = fingerprint_of(policy)
        yield line("指纹", "Fingerprint", format_words(found))
        yield f"  {found.hex()}"
    yield line("版本", "Version", policy.version)
    yield line("有效至", "Ends", format_time(policy.ends))
    yield from _roots(policy.roots, signed)
    if ledgers:
        yield bilingual("账本", "Ledgers") + ":"
        for pin in policy.ledgers:
            yield from _ledger(pin)
    yield line("信任方式", "Ways to trust a block", ", ".join(policy.trust.ways))
    yield line("须见证的机构数", "Operators that must witness", policy.trust.threshold)
    yield line("确认区块数", "Confirmations without a final tag", policy.trust.confirmations)
    yield bilingual("见证人", "Witnesses") + ":"
    yield from map(_witness, policy.witnesses)
    yield from _spans(policy)
    yield line("接受的格式", "Versions of formats", ", ".join(policy.evidence))
    asked = bilingual("须有", "asked for") if policy.countersignature else bilingual("不须", "none")
    yield line("副署", "Countersignature", asked)


def line(zh: str, en: str, value: object) -> str:
    """Return a name in both languages, and a value."""
    return f"{bilingual(zh, en)}: {value}"


def _roots(roots: Roots, signed: SignedPolicy) -> Iterator[str]:
    threshold = f"{roots.threshold}/{len(roots.keys)}"
    yield line("下一版须签署的根密钥", "Root keys that sign the next", threshold)
    for key in sorted({*roots.keys, *signed.signatures}):
        marks = [bilingual("根", "root")] if key in roots.keys else []
        marks += [bilingual("已签", "has signed")] if key in signed.signatures else []
        yield f"  {key.hex()} ({', '.join(marks)})"


def _ledger(pin: LedgerPin) -> Iterator[str]:
    yield f"  {plain(pin.name)}"
    yield f"    chain {pin.chain_id}"
    for name in ("genesis", "address", "code_hash", "identity", "deployment"):
        yield f"    {name} 0x{getattr(pin, name).hex()}"
    if pin.retired is not None:
        yield f"    {bilingual('停用于区块', 'retired at block')} {pin.retired.number}"
        yield f"      block_hash 0x{pin.retired.block_hash.hex()}"
        yield f"      state_root 0x{pin.retired.state_root.hex()}"


def _witness(witness: WitnessKey) -> str:
    until = "" if witness.until is None else f"{witness.until}"
    ledger = "" if witness.ledger is None else f" {bilingual('账本', 'of ledger')}"
    ledger += "" if witness.ledger is None else f" 0x{witness.ledger.hex()}"
    return (
        f"  {plain(witness.operator)}: {plain(witness.name)} {witness.key.hex()}"
        f" ({bilingual('区块', 'blocks')} {witness.start}-{until}{ledger})"
    )


def _spans(policy: TrustPolicy) -> Iterator[str]:
    seconds = bilingual("秒", "seconds")
    yield line("见证与区块时差", "Block lag", f"{policy.block_lag} {seconds}")
    yield line("证据最长时效", "Greatest age", f"{policy.default_age} {seconds}")
    for age in sorted(set(policy.ages.values())):
        categories = (category for category, one in policy.ages.items() if one == age)
        yield f"  {age} {seconds}: {', '.join(sorted(categories))}"
    yield line("时钟容差", "Clock tolerance", f"{policy.clock_tolerance} {seconds}")
    yield line("出示最长时效", "Age of a presentation", f"{policy.presentation_age} {seconds}")


def describe_changes(old: TrustPolicy, new: TrustPolicy) -> Iterator[str]:
    """Yield the lines that one policy has and another has not, marked `-` and `+`."""
    before, after = (
        list(describe_policy(SignedPolicy(policy=policy, signatures={}))) for policy in (old, new)
    )
    for change in list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]:
        if not change.startswith("@@"):
            yield f"{change[0]} {change[1:]}"
