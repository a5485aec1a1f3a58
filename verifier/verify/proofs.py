"""Proof checks of evidence as pure functions, and a cache for their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from certledger.verifier.errors import CertledgerError, ProofInvalidError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.catalog import Entry, bound_root
from certledger.verifier.formats.checkpoint import Note, parse_note
from certledger.verifier.formats.evidence import BatchAnchor, EntryProof
from certledger.verifier.formats.issuer_state import IssuerState, batch_leaf, without_brake
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.state_proof import check_account, check_slot, slot_position
from certledger.verifier.formats.statements import ZERO, Batch, address_of, signed_by
from certledger.verifier.formats.status_tree import WordProof
from certledger.verifier.verify.block_trust import Slot
from certledger.verifier.verify.checks import check_key
from certledger.verifier.verify.result import ProvedCertificate

# Cache key: all arguments.  A function here must not read anything else.


def read_note(text: str) -> Note | None:
    """Parse the checkpoint's note, None where it is unusable."""
    try:
        return parse_note(text)
    except CertledgerError:
        return None


def prove_slot(
    issuer: str,
    state_root: bytes,
    ledger: LedgerPin,
    account_proof: Sequence[bytes],
    slot_proof: Sequence[bytes],
) -> Slot | str:
    """Verify the proof of an issuer's slot; return the slot or a code.

    An invalid proof is undecided; only a valid proof of another contract is a failure.
    """
    position = slot_position(issuer)
    try:
        account = check_account(state_root, ledger.address, account_proof)
        if account is None or account.code_hash != ledger.code_hash:
            return "anchor.other_contract"
        value = check_slot(account.storage_root, position, slot_proof)
    except ProofInvalidError:
        return "anchor.proof_unusable"
    return Slot(position=position, value=value)


def compare_state(slot: Slot | str, issuer: IssuerState) -> str:
    """Compare a slot (from `prove_slot`) with a state; return a code."""
    if isinstance(slot, str):
        return slot
    digest = without_brake(slot.value)
    if digest == ZERO:
        return "anchor.body_absent"
    return "ok" if digest == issuer.digest() else "anchor.state_differs"


def check_state(
    issuer: IssuerState,
    *,
    state_root: bytes,
    ledger: LedgerPin,
    account_proof: Sequence[bytes],
    slot_proof: Sequence[bytes],
) -> str:
    """Verify that the contract has this state of the issuer; return a code."""
    slot = prove_slot(issuer.issuer, state_root, ledger, account_proof, slot_proof)
    return compare_state(slot, issuer)


def check_batch(
    statement: Batch, anchor: BatchAnchor, issuer: IssuerState, *, identity: bytes
) -> str:
    """Verify that a batch is in its issuer's tree; return a code."""
    return find_batch(statement.digest(identity), statement, anchor, issuer)


def find_batch(digest: bytes, statement: Batch, anchor: BatchAnchor, issuer: IssuerState) -> str:
    """Verify that the batch with this statement digest is in its issuer's tree; return a code."""
    if statement.sequence > issuer.batches:
        return "anchor.batch_pending"
    leaf = batch_leaf(digest=digest, catalog=statement.catalog, key=anchor.key, block=anchor.block)
    try:
        merkle.check_peak(leaf, statement.sequence - 1, issuer.batches, anchor.path, issuer.peaks)
    except ProofInvalidError:
        return "anchor.batch_unproved"
    return "ok"


def prove_entry(proof: EntryProof, catalog: bytes) -> Entry | None:
    """Return the entry if it is in the catalog with root `catalog` (32 bytes), else None."""
    leaf = merkle.leaf_hash(proof.entry.canonical())
    try:
        root = merkle.implied_root(leaf, proof.place, proof.count, proof.path)
    except ProofInvalidError:
        return None
    return proof.entry if bound_root(proof.count, root) == catalog else None


def status_root(proof: WordProof, position: int) -> bytes | None:
    """Return the status root implied by a proof of the word at `position`, None if malformed."""
    try:
        return proof.implied_root(position)
    except ProofInvalidError:
        return None


def check_signature(
    digest: bytes,
    signature: bytes,
    signer: bytes,
    anchor: BatchAnchor,
    issuer: IssuerState,
    signed: Callable[[bytes, bytes, bytes], bool] = signed_by,
) -> str:
    """Return the code of check 4 for an anchored batch, without the countersignature."""
    if anchor.key >= len(issuer.keys) or address_of(signer) != issuer.keys[anchor.key].address:
        return "signature.signer_differs"
    if (code := check_key(issuer.keys[anchor.key], anchor.block)) != "ok":
        return code
    return "ok" if signed(digest, signature, signer) else "signature.damaged"


class ProofCache:
    """Caches results shared by many certificates, keyed by all their input.

    Every result is a pure function of its key, so the cache cannot change a verdict.  `size` limits
    the entries of each kind; 0 disables the cache.
    """

    def __init__(self, size: int) -> None:
        keep = lru_cache(maxsize=size)
        self.note = keep(read_note)
        self.slot = keep(prove_slot)
        self.batch = keep(self._judge_batch)
        self.entry = keep(prove_entry)
        self.word = keep(status_root)
        self.proved = keep(ProvedCertificate.of)
        # Signature checks cost most, so this cache is keyed without the issuer's state.
        self._signed = keep(signed_by)

    def _judge_batch(
        self,
        identity: bytes,
        slot: Slot | str,
        issuer: IssuerState,
        anchor: BatchAnchor,
        statement: Batch,
        signature: bytes,
        signer: bytes,
    ) -> tuple[str, str]:
        """Return the codes of checks 3 and 4."""
        code = compare_state(slot, issuer)
        if code != "ok":
            return code, "anchor.needed"
        digest = statement.digest(identity)
        code = find_batch(digest, statement, anchor, issuer)
        if code != "ok":
            return code, "anchor.needed"
        return code, check_signature(digest, signature, signer, anchor, issuer, self._signed)


FORGETFUL = ProofCache(0)
"""Caches nothing."""
