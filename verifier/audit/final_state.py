"""End of a replay: the contract's storage at the final block against the replayed state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.audit.replay import Replay
from certledger.verifier.contract_state import NO_ACCOUNT, Seat
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import ProofInvalidError
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.state_proof import ROLL, check_account, check_slot, slot_position
from certledger.verifier.node_rpc import NodeBlock, RpcClient, SlotProof

SLOTS_A_CALL = 256
_SEATS = (4).to_bytes(32, "big")
"""Storage position of the number of registrars and the term (SPEC section 13)."""


def check_state(
    node: RpcClient, pin: LedgerPin, replay: Replay, final: NodeBlock
) -> list[AuditFault]:
    """Return a fault for each slot whose proved value differs from the replay's.

    Raises:
        NodeFailedError: the node does not answer.
    """
    wanted = _wanted(replay)
    found: list[AuditFault] = []
    for at in range(0, len(wanted), SLOTS_A_CALL):
        part = wanted[at : at + SLOTS_A_CALL]
        positions = [position for _, _, position, _ in part]
        proofs = node.proofs(pin.address, positions, final.number)
        if proofs is None:
            return [*found, fault("node.proof_missing", f"blocks/{final.number}")]
        for one, proof in zip(part, proofs, strict=True):
            found += _compare(pin, final, proof, *one)
    return found


def _wanted(replay: Replay) -> list[tuple[str, str, bytes, bytes]]:
    """Return (code, where, position, expected value) of every slot of the contract."""
    seated = sum(seat.account != NO_ACCOUNT for seat in replay.registrars.values())
    seats = seated.to_bytes(2, "big") + replay.term.to_bytes(4, "big")
    wanted = [
        ("node.roll_differs", "roll", ROLL, replay.roll),
        ("node.registrars_differ", "registrars", _SEATS, seats.rjust(32, b"\x00")),
    ]
    for region, seat in sorted(replay.registrars.items()):
        position = keccak(region.to_bytes(32, "big") + (2).to_bytes(32, "big"))
        second = (int.from_bytes(position, "big") + 1).to_bytes(32, "big")
        for at, value in zip((position, second), _seat_words(seat), strict=True):
            wanted.append(("node.registrars_differ", f"registrars/{region}", at, value))
    for code, issuer in sorted(replay.issuers.items()):
        where = f"{code}/state"
        wanted.append(("node.state_differs", where, slot_position(code), issuer.slot()))
    return wanted


def _seat_words(seat: Seat) -> tuple[bytes, bytes]:
    """Return the two words of a registrar's seat (SPEC section 13)."""
    first = seat.challenged.to_bytes(5, "big") + seat.nonce.to_bytes(7, "big") + seat.account
    second = seat.rotated.to_bytes(5, "big") + seat.turn.to_bytes(4, "big") + seat.recovery
    return first, second.rjust(32, b"\x00")


def _compare(
    pin: LedgerPin,
    final: NodeBlock,
    proof: SlotProof,
    code: str,
    where: str,
    position: bytes,
    wanted: bytes,
) -> list[AuditFault]:
    evidence = _evidence(final, proof)
    try:
        account = check_account(final.state_root, pin.address, proof.account)
        if account is None or account.code_hash != pin.code_hash:
            current = "no account" if account is None else account.code_hash.hex()
            return [fault("deployment.code_differs", "deployment", current, **evidence)]
        value = check_slot(account.storage_root, position, proof.slot)
    except ProofInvalidError as error:
        return [fault("node.proof_unusable", where, str(error), **evidence)]
    if value == wanted:
        return []
    detail = f"block {final.number} holds {value.hex()}, the events lead to {wanted.hex()}"
    return [fault(code, where, detail, **evidence)]


def _evidence(final: NodeBlock, proof: SlotProof) -> Mapping[str, Json]:
    return {
        "block": final.number,
        "block_hash": final.hash.hex(),
        "state_root": final.state_root.hex(),
        "account": _nodes(proof.account),
        "slot": _nodes(proof.slot),
    }


def _nodes(nodes: Sequence[bytes]) -> list[str]:
    return [node.hex() for node in nodes]
