"""The next version of a trust policy: what changes, who signs it, and what it still lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.ledger.foundation.document import Founding
from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.foundation.home import public_bytes
from certledger.ledger.foundation.part import RegionPart
from certledger.verifier.formats.checkpoint import Note
from certledger.verifier.formats.policy import LedgerPin, Roots, TrustPolicy, WitnessKey
from certledger.verifier.formats.signed_policy import SignedPolicy, sign, signed_bytes
from certledger.verifier.verify.block_trust import judge_by_witnesses


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyChanges:
    """What the next version has that this one has not.

    `added` parts bring new keys; `replacing` ones too, and name the keys that end.  New witnesses
    count from block `at` on, those that end up to the block before; `ledger` names the ledger whose
    blocks these are, where several are in service.  `retired` has the final note of each ledger, by
    name; `moved` a new ledger.
    """

    ends: int
    added: Sequence[RegionPart] = ()
    replacing: Sequence[RegionPart] = ()
    removed_witnesses: Sequence[str] = ()
    removed_roots: Sequence[bytes] = ()
    at: int | None = None
    ledger: str | None = None
    root_threshold: int | None = None
    witness_threshold: int | None = None
    retired: Mapping[str, Note] = field(default_factory=dict)
    moved: Sequence[LedgerPin] = ()


def next_policy(current: TrustPolicy, changes: PolicyChanges) -> TrustPolicy:
    """Return the version after `current`.

    Raises:
        FoundationError: `foundation.other_key`, a key that is to end is not there;
            `foundation.final_checkpoint`, a note that the witnesses have not signed;
            `foundation.nothing_changes`.
        MalformedError: no policy can be so, like a threshold out of reach.
    """
    policy = replace(
        current,
        version=current.version + 1,
        ends=changes.ends,
        roots=_roots(current, changes),
        witnesses=_witnesses(current, changes),
        trust=replace(
            current.trust, threshold=changes.witness_threshold or current.trust.threshold
        ),
        ledgers=(*_retired(current, changes), *changes.moved),
    )
    if replace(policy, version=current.version) == current:
        raise FoundationError("nothing_changes", "the next version would equal this one")
    return TrustPolicy.from_json(policy.to_json())


def _roots(current: TrustPolicy, changes: PolicyChanges) -> Roots:
    keys = set(current.roots.keys)
    ending = list(changes.removed_roots)
    for part in changes.replacing:
        if part.root is not None:
            if part.root.replaces is None:
                raise FoundationError("other_key", f"region {part.region} names no root to replace")
            ending.append(part.root.replaces)
    for key in ending:
        if key not in keys:
            raise FoundationError("other_key", f"{key.hex()} is no root key of the policy")
        keys.remove(key)
    for part in (*changes.added, *changes.replacing):
        if part.root is not None:
            keys.add(part.root.key)
    threshold = changes.root_threshold or current.roots.threshold
    return Roots(keys=tuple(sorted(keys)), threshold=threshold)


def _witnesses(current: TrustPolicy, changes: PolicyChanges) -> tuple[WitnessKey, ...]:
    ending = set(changes.removed_witnesses)
    ledger = None if changes.at is None else _counted(current, changes.ledger)
    brought = []
    for part in (*changes.added, *changes.replacing):
        if part.witness is not None:
            brought.append(
                WitnessKey(
                    operator=part.operator,
                    name=part.witness.name,
                    key=part.witness.key,
                    start=changes.at or 0,
                    ledger=ledger,
                )
            )
    for part in changes.replacing:
        if part.witness is not None:
            ending.add(_replaced(current, part.operator, part.witness.replaces))
    if ending and changes.at is None:
        raise FoundationError(
            "other_key", "name the block from which on a witness no longer counts"
        )
    if strangers := ending - {one.name for one in current.witnesses}:
        raise FoundationError("other_key", f"{min(strangers)} is no witness of the policy")
    last = max((changes.at or 0) - 1, 0)
    there = [_ended(one, last, ledger) if one.name in ending else one for one in current.witnesses]
    return tuple(sorted([*there, *brought], key=lambda one: one.name))


def _counted(current: TrustPolicy, name: str | None) -> bytes:
    """Return the identity of the ledger whose blocks are counted: named, or alone in service."""
    serving = [pin for pin in current.ledgers if pin.retired is None]
    found = [pin for pin in serving if name in (None, pin.name)]
    if len(found) != 1:
        raise FoundationError("policy_differs", "name the ledger whose block that is")
    return found[0].identity


def _ended(witness: WitnessKey, last: int, ledger: bytes | None) -> WitnessKey:
    """Return a witness that counts up to block `last` of a ledger."""
    start = witness.start if witness.ledger in (None, ledger) else 0
    return replace(witness, start=start, until=max(last, start), ledger=ledger)


def _replaced(current: TrustPolicy, operator: str, name: str | None) -> str:
    """Return the name of the witness that is replaced: a witness of the same operator."""
    found = current.witness(name or "")
    if found is None or found.operator != operator:
        raise FoundationError("other_key", f"{name} is no witness of {operator} in the policy")
    return found.name


def _retired(current: TrustPolicy, changes: PolicyChanges) -> Iterable[LedgerPin]:
    if strangers := set(changes.retired) - {pin.name for pin in current.ledgers}:
        raise FoundationError("policy_differs", f"the policy has no ledger {min(strangers)}")
    for pin in current.ledgers:
        note = changes.retired.get(pin.name)
        if note is None:
            yield pin
            continue
        judged = judge_by_witnesses(note, current, pin)
        if judged.code != "ok":
            raise FoundationError(
                "final_checkpoint",
                f"the witnesses of the policy do not vouch for this checkpoint ({judged.code})",
            )
        yield replace(pin, retired=note.checkpoint)


# Signing ---------------------------------------------------------------------------------------


def check_first(draft: TrustPolicy, founding: Founding, pin: LedgerPin) -> None:
    """Check that a first policy is just what the founding document gives for the deployment.

    Raises:
        FoundationError: `foundation.policy_differs`.
    """
    if draft != founding.policy(pin):
        raise FoundationError(
            "policy_differs", "the policy is not the one that the founding document gives"
        )


def add_signatures(
    draft: SignedPolicy, previous: TrustPolicy | None, keys: Iterable[Ed25519PrivateKey]
) -> SignedPolicy:
    """Return the draft signed also by those of `keys` that are roots of it, or of `previous`.

    Raises:
        FoundationError: `foundation.other_key`, none of them is.
    """
    roots = set(draft.policy.roots.keys)
    if previous is not None:
        roots |= set(previous.roots.keys)
    wanted = [key for key in keys if public_bytes(key) in roots]
    if not wanted:
        raise FoundationError("other_key", "none of these keys is a root of the policy")
    own = sign(draft.policy, wanted).signatures
    return replace(draft, signatures={**draft.signatures, **own})


def merge_drafts(drafts: Iterable[SignedPolicy]) -> SignedPolicy:
    """Return one policy with the signatures of all.

    Raises:
        FoundationError: `foundation.document_differs`, they are not one policy.
    """
    first, *others = drafts
    for other in others:
        if signed_bytes(other.policy) != signed_bytes(first.policy):
            raise FoundationError("document_differs", "the files hold different policies")
        first = replace(first, signatures={**first.signatures, **other.signatures})
    return first


def missing_signatures(draft: SignedPolicy, previous: TrustPolicy | None) -> Sequence[str]:
    """Return what the draft lacks, a sentence for each set of roots that has not signed enough."""
    lacking = []
    for what, policy in (("its own", draft.policy), ("the version before's", previous)):
        if policy is None:
            continue
        signed = sum(key in draft.signatures for key in policy.roots.keys)
        if signed < policy.roots.threshold:
            more = policy.roots.threshold - signed
            lacking.append(f"{more} more of {what} root keys must sign")
    return lacking
