"""Make checkpoints: a final block, its note, and the proof of every issuer's slot (EIP-1186)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.errors import ChainUnreachableError, MirrorDiffersError
from certledger.ledger.core.values import Block, IssuerRow, StoredCheckpoint
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.errors import ProofInvalidError
from certledger.verifier.formats import checkpoint as notes
from certledger.verifier.formats.issuer_state import without_brake
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.state_proof import ROLL, check_account, check_slot, slot_position

ROLL_NAME = "roll"
"""Name under which the proof of the roll is stored among those of the issuers."""
SLOTS_A_CALL = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Cadence:
    """When a checkpoint is due: after an issuer's state changed, else every `seconds`.

    Checkpoints up to `blocks` back are stored, so that evidence at them can still be cosigned.
    """

    seconds: int = 60
    blocks: int = 256


def checkpoint(
    store: Store, chain: EthereumChain, ledger: LedgerPin, cadence: Cadence
) -> StoredCheckpoint | None:
    """Make the checkpoint of the newest final block that the mirror has, if one is due; return it.

    Safe to repeat: the same block gives the same checkpoint.  A mirror that lags behind the chain
    for ever, because blocks come faster than they are followed, still has checkpoints.

    Raises:
        ChainUnreachableError: the node does not answer, or has no proofs; call again.
        MirrorDiffersError: the node proves another state than the mirror's.
    """
    newest = chain.finalized()
    with store.begin(write=False) as unit:
        final = _followed(unit, newest, cadence)
        issuers = None if final is None else _due(unit, final, cadence)
    if final is None or issuers is None:
        return None
    if final != newest and chain.block(final.number) != final:
        return None  # It was reorganised away, and is followed again first.
    made, proofs = capture(chain, ledger, final, issuers)
    with store.begin() as unit:
        last = unit.checkpoint()
        if last is not None and last.number >= final.number:
            return None
        unit.add_checkpoint(made, proofs)
        unit.drop_checkpoints(final.number - cadence.blocks)
    return made


def _followed(unit: Unit, final: Block, cadence: Cadence) -> Block | None:
    """Return the newest final block that the mirror has; None while it lags by too many blocks."""
    head = unit.head()
    if head is None or final.number - head.number > cadence.blocks:
        return None  # The checkpoint would be dropped at once.
    return head if head.number < final.number else final


def _due(unit: Unit, final: Block, cadence: Cadence) -> list[IssuerRow] | None:
    """Return the issuers at the final block if a checkpoint is due, else None."""
    last = unit.checkpoint()
    if last is not None:
        # Asked first: the issuers are many, and mostly nothing is due.
        waits = final.time - last.time < cadence.seconds
        if final.number <= last.number or (
            waits and not unit.has_moved(after=last.number, until=final.number)
        ):
            return None
    if not any(unit.registrar(seat.region, at=final.number) for seat in unit.registrars()):
        return None  # The contract was deployed after the newest final block.
    return list(unit.issuers(at=final.number))


def capture(
    chain: EthereumChain, ledger: LedgerPin, final: Block, issuers: list[IssuerRow]
) -> tuple[StoredCheckpoint, dict[str, tuple[bytes, ...]]]:
    """Return the checkpoint of a final block, and the proofs of its issuers' slots.

    Raises:
        ChainUnreachableError: the node does not answer, or has no proofs of this block any more.
        MirrorDiffersError: the node proves another state than the mirror's.
    """
    positions = {ROLL_NAME: ROLL}
    positions |= {row.state.issuer: slot_position(row.state.issuer) for row in issuers}
    account, slots = _prove(chain, list(positions.values()), final)
    proofs = {name: slots[position] for name, position in positions.items()}
    note = notes.Note(
        checkpoint=notes.Checkpoint(
            identity=ledger.identity,
            number=final.number,
            state_root=final.state_root,
            block_hash=final.hash,
            time=final.time,
        )
    )
    check_proofs(ledger, final, issuers, account, proofs)
    made = StoredCheckpoint(
        number=final.number,
        hash=final.hash,
        state_root=final.state_root,
        time=final.time,
        note=note.format(),
        account=account,
    )
    return made, proofs


def _prove(
    chain: EthereumChain, positions: list[bytes], final: Block
) -> tuple[tuple[bytes, ...], dict[bytes, tuple[bytes, ...]]]:
    account: tuple[bytes, ...] = ()
    slots: dict[bytes, tuple[bytes, ...]] = {}
    for at in range(0, len(positions), SLOTS_A_CALL):
        asked = [int.from_bytes(position, "big") for position in positions[at : at + SLOTS_A_CALL]]
        proof = chain.prove(asked, final.number)
        account = proof.account
        slots |= {number.to_bytes(32, "big"): nodes for number, nodes in proof.slots.items()}
    return account, slots


def check_proofs(
    ledger: LedgerPin,
    final: Block,
    issuers: list[IssuerRow],
    account_proof: tuple[bytes, ...],
    proofs: Mapping[str, tuple[bytes, ...]],
) -> None:
    """Check the node's proofs, and that they prove the mirror's states.

    Raises:
        ChainUnreachableError: a proof does not verify.
        MirrorDiffersError: it proves another state than the mirror's.
    """
    try:
        account = check_account(final.state_root, ledger.address, account_proof)
        if account is None or account.code_hash != ledger.code_hash:
            raise MirrorDiffersError("the contract's code on the chain is not the ledger's")
        for row in issuers:
            issuer = row.state.issuer
            slot = check_slot(account.storage_root, slot_position(issuer), proofs[issuer])
            if without_brake(slot) != row.state.digest():
                raise MirrorDiffersError(f"the chain has another state of {issuer}")
        roll = check_slot(account.storage_root, ROLL, proofs[ROLL_NAME])
        if roll[28:] != len(issuers).to_bytes(4, "big"):
            raise MirrorDiffersError(f"the chain has another number of issuers than {len(issuers)}")
    except ProofInvalidError as error:
        raise ChainUnreachableError(f"the node's proof does not verify: {error}") from error
