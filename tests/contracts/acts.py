"""Acts as tests describe them: a statement, who signs it and what is handed in beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eth_keys.datatypes import PrivateKey

from certledger.contracts import calls
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.statements import (
    Batch,
    CatalogChange,
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
    StatusChange,
)
from certledger.verifier.formats.status_tree import MultiProof, StatusTree
from tests.contracts.world import Outcome, World, sign

Signer = PrivateKey
NO_PROOF = MultiProof(marks=b"", siblings=())
STATELESS: Mapping[type[Statement], Callable[[Statement, Sequence[bytes]], bytes]] = {
    Register: calls.register,
    Hold: calls.hold,
    Release: calls.release,
    RegistrarChange: calls.change_registrar,
    RegistrarRotation: calls.rotate_registrar,
    RegistrarChallenge: calls.challenge_registrar,
}


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act but an anchoring: `state` is what the carrier hands in, `proof` and `olds` too.

    A restoration is handed `states`, one for each of its issuers.
    """

    said: Statement
    signers: tuple[Signer, ...]
    state: IssuerState | None = None
    states: tuple[IssuerState, ...] = ()
    key: int = calls.NO_KEY
    olds: tuple[bytes, ...] = ()
    proof: MultiProof = NO_PROOF

    def calldata(self, identity: bytes) -> bytes:
        digest = self.said.digest(identity)
        return self.calldata_with([sign(digest, who) for who in self.signers])

    def calldata_with(self, signatures: Sequence[bytes]) -> bytes:
        said, state, key = self.said, self.state, self.key
        if type(said) in STATELESS:
            return STATELESS[type(said)](said, signatures)
        if isinstance(said, Restore):
            return calls.restore(self.states, said, signatures=signatures)
        assert state is not None
        match said:
            case StatusChange():
                witness = calls.StatusProof(
                    words=self.olds, marks=self.proof.marks, siblings=self.proof.siblings
                )
                return calls.change_status(
                    state, said, key=key, signatures=signatures, witness=witness
                )
            case CatalogChange():
                return calls.change_catalog(state, said, key=key, signatures=signatures)
            case KeysChange():
                return calls.change_keys(state, said, key=key, signatures=signatures)
            case StandingChange():
                return calls.change_standing(state, said, signatures=signatures)
        raise AssertionError(f"no act carries {said}")


@dataclass(frozen=True, kw_only=True)
class SignedBatch:
    """A batch in a list: its statement, the key index named and who really signs."""

    said: Batch
    key: int
    signer: Signer


@dataclass(frozen=True, kw_only=True)
class Anchoring:
    """A list of issuers, each with its state and batches."""

    entries: tuple[tuple[IssuerState, tuple[SignedBatch, ...]], ...]

    def calldata(self, identity: bytes) -> bytes:
        return calls.anchor(
            (state, [pack(batch, identity) for batch in batches]) for state, batches in self.entries
        )


def pack(batch: SignedBatch, identity: bytes) -> tuple[bytes, ...]:
    signature = sign(batch.said.digest(identity), batch.signer)
    return calls.pack_batch(batch.said, key=batch.key, signature=signature)


def play(world: World, act: Act | Anchoring) -> Outcome:
    return world.send(act.calldata(world.identity))


def with_proof(tree: StatusTree, words: Sequence[int]) -> dict:
    """Return what the carrier adds to a status statement."""
    return {
        "olds": tuple(tree.word(at) for at in words),
        "proof": tree.prove_many(words),
    }
