"""Acts that several parties sign: each adds its signature to the same file.

The order of signatures is the contract's (SPEC section 12): the registrar's first (a status or
catalog: the issuer's first), a second party's, then one of each key that the act adds.

The statements of registrars are made here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from certledger.ledger.issuer.folder import Profile
from certledger.ledger.keys import Signer, recover
from certledger.ledger.sealing.batch import LIFE
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.issuer_state import MAX_KEYS, NO_END
from certledger.verifier.formats.signed_act import Act
from certledger.verifier.formats.statements import (
    Hold,
    KeysChange,
    Register,
    RegistrarChallenge,
    RegistrarChange,
    RegistrarRotation,
    Release,
    Restore,
    StandingChange,
    Statement,
)
from certledger.verifier.vocabulary import Purpose, Standing

EVERY_PURPOSE = Purpose.BATCHES | Purpose.STATUS | Purpose.CATALOG | Purpose.KEYS


class ActsDifferError(CertledgerError):
    """Files to be merged contain different acts."""

    code = "act.differs"
    exit_status = ExitStatus.UNUSABLE


class KeysUnfitError(CertledgerError):
    """The keys of an act are invalid."""

    code = "act.keys_unfit"
    exit_status = ExitStatus.UNUSABLE


def sign_statement(statement: Statement, signers: Sequence[Signer], ledger: bytes) -> Act:
    """Sign a statement by all `signers` under the ledger's identity (32 bytes)."""
    act = Act(ledger=ledger, statement=statement, signatures=())
    for signer in signers:
        act = add_signature(act, signer)
    return act


def add_signature(act: Act, signer: Signer) -> Act:
    """Add a signature, unless the signer has signed already."""
    if signer.address in signers_of(act):
        return act
    signature = signer.sign(act.digest)
    return _ordered(replace(act, signatures=(*act.signatures, signature)))


def signers_of(act: Act) -> tuple[bytes, ...]:
    """Return the address (20 bytes) behind each signature, in order.

    Raises:
        KeyUnusableError: no key can be recovered from a signature.
    """
    return tuple(recover(act.digest, signature) for signature in act.signatures)


def merge(acts: Iterable[Act]) -> Act:
    """Merge the signatures of equal acts, one a signer, in their order.

    Raises:
        ActsDifferError: they are not all the same statement for the same ledger.
        KeyUnusableError: no key can be recovered from a signature.
    """
    first, *others = acts
    merged: dict[bytes, bytes] = {}
    for act in (first, *others):
        if (act.ledger, act.statement) != (first.ledger, first.statement):
            raise ActsDifferError(f"{act.statement.primary} and {first.statement.primary} differ")
        for signer, signature in zip(signers_of(act), act.signatures, strict=True):
            merged.setdefault(signer, signature)
    return _ordered(replace(first, signatures=tuple(merged.values())))


def _ordered(act: Act) -> Act:
    """Sort the signatures of keys that the act adds to the end, in the order of these keys.

    The contract requires registrars and present keys first; their order stays as it is.
    """
    statement = act.statement
    keys = {
        key[:20]: place
        for name in ("keys", "added")
        for place, key in enumerate(getattr(statement, name, ()))
    }
    if isinstance(statement, RegistrarRotation):
        keys[statement.account] = 0
    pairs = zip(signers_of(act), act.signatures, strict=True)
    ordered = sorted(pairs, key=lambda pair: keys.get(pair[0], -1))
    return replace(act, signatures=tuple(signature for _, signature in ordered))


# Statements of registrars ----------------------------------------------------------------------


def packed_keys(keys: Mapping[bytes, Purpose]) -> tuple[bytes, ...]:
    """Pack keys as in statements: address and purposes, 21 bytes each.

    Raises:
        KeysUnfitError: more than 16, no purpose, or an address of another size than 20 bytes.
    """
    if len(keys) > MAX_KEYS:
        raise KeysUnfitError(f"{len(keys)} keys, at most {MAX_KEYS}")
    for address, purposes in keys.items():
        if len(address) != 20 or not 0 < purposes <= EVERY_PURPOSE:
            raise KeysUnfitError(f"{address.hex()} has no address or no purpose")
    return tuple(address + bytes([purposes]) for address, purposes in keys.items())


def packed_ends(ends: Mapping[int, int]) -> tuple[bytes, ...]:
    """Pack ends as in statements: key index and block, 6 bytes each.

    Raises:
        KeysUnfitError: an index above 15, or a block that is no number of 40 bits.
    """
    for index, block in ends.items():
        if not 0 <= index < MAX_KEYS or not 0 <= block <= NO_END:
            raise KeysUnfitError(f"key {index} cannot end at block {block}")
    return tuple(bytes([index]) + block.to_bytes(5, "big") for index, block in ends.items())


def register(profile: Profile, keys: Mapping[bytes, Purpose], *, now: int) -> Register:
    """Return the statement that registers an issuer with its first keys; `now` in seconds.

    Raises:
        KeysUnfitError: no key, or as in `packed_keys`.
    """
    if not keys:
        raise KeysUnfitError("an issuer needs at least one key")
    return Register(
        issuer=profile.issuer.encode("ascii"),
        kind=profile.kind.number,
        name=sha256(profile.name.encode()),
        keys=packed_keys(keys),
        not_after=now + LIFE,
    )


def change_keys(
    issuer: str,
    *,
    revision: int,
    added: Mapping[bytes, Purpose],
    ends: Mapping[int, int],
    now: int,
) -> KeysChange:
    """Return the statement that adds and ends keys as `revision`.

    Raises:
        KeysUnfitError: nothing changes, or as in `packed_keys` and `packed_ends`.
    """
    if not added and not ends:
        raise KeysUnfitError("no key is added and none is ended")
    return KeysChange(
        issuer=issuer.encode("ascii"),
        revision=revision,
        added=packed_keys(added),
        ends=packed_ends(ends),
        not_after=now + LIFE,
    )


def change_standing(issuer: str, *, revision: int, standing: Standing, now: int) -> StandingChange:
    """Return the statement that suspends, resumes, closes or strikes an issuer."""
    return StandingChange(
        issuer=issuer.encode("ascii"),
        revision=revision,
        standing=standing.number,
        not_after=now + LIFE,
    )


def hold(region: int, issuers: Iterable[str], *, nonce: int, now: int) -> Hold:
    """Return the statement that puts issuers on hold; `nonce` is the region's after it."""
    return Hold(region=region, issuers=_codes(issuers), nonce=nonce, not_after=now + LIFE)


def release(region: int, issuers: Iterable[str], *, nonce: int, now: int) -> Release:
    """Return the statement that releases issuers from hold; `nonce` is the region's after it."""
    return Release(region=region, issuers=_codes(issuers), nonce=nonce, not_after=now + LIFE)


def _codes(issuers: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(sorted(code.encode("ascii") for code in issuers))


def restore(
    standings: Mapping[str, Standing],
    *,
    term: int,
    ends: Mapping[str, Mapping[int, int]],
    now: int,
) -> Restore:
    """Return the statement by which a majority of registrars sets standings and ends.

    `standings` has the issuers by code; `ends`, by code too, the end blocks of keys by index.

    Raises:
        KeysUnfitError: as in `packed_ends`, or an end of an issuer that is not restored.
    """
    codes = sorted(standings)
    if not set(ends) <= set(codes):
        raise KeysUnfitError("an end names an issuer that is not restored")
    packed = (
        place.to_bytes(2, "big") + end
        for place, code in enumerate(codes)
        for end in packed_ends(dict(sorted(ends.get(code, {}).items())))
    )
    return Restore(
        term=term,
        issuers=tuple(code.encode("ascii") for code in codes),
        standings=tuple(standings[code].number for code in codes),
        ends=tuple(packed),
        not_after=now + LIFE,
    )


def change_registrar(
    region: int, *, account: bytes, recovery: bytes = bytes(20), term: int, now: int
) -> RegistrarChange:
    """Return the statement that makes `account` (20 bytes) the registrar of a region.

    A zero account removes it; a zero `recovery` account means that there is none.
    """
    return RegistrarChange(
        region=region, account=account, recovery=recovery, term=term, not_after=now + LIFE
    )


def rotate_registrar(region: int, *, account: bytes, turn: int, now: int) -> RegistrarRotation:
    """Return the statement that gives a region's registrar another account."""
    return RegistrarRotation(region=region, account=account, turn=turn, not_after=now + LIFE)


def challenge_registrar(region: int, *, turn: int, now: int) -> RegistrarChallenge:
    """Return the statement by which the others challenge a registrar to answer."""
    return RegistrarChallenge(region=region, turn=turn, not_after=now + LIFE)
