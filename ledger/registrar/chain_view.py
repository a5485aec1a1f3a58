"""What a chain holds of issuers and registrars, asked of a node and proved under its block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from certledger.ledger.chain.block_logs import JsonRpc
from certledger.ledger.core.errors import ChainUnreachableError
from certledger.ledger.core.issuer_names import placeholder, unnamed
from certledger.verifier.contract_state import Issuer, Seat
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import ProofInvalidError
from certledger.verifier.formats.contract_events import (
    TOPICS,
    IssuerStateEvent,
    parse_log,
    parse_state,
)
from certledger.verifier.formats.issuer_state import without_brake
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.state_proof import check_account, check_slot, slot_position
from certledger.verifier.node_rpc import NodeBlock, RpcClient

_SEATS = 2
"""The storage slot of the mapping of registrars (SPEC section 13)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainView:
    """The contract of `pin` at one block of a node; every value is proved under its state root."""

    rpc: RpcClient
    node: JsonRpc
    pin: LedgerPin
    block: NodeBlock

    @classmethod
    def open(cls, rpc: RpcClient, node: JsonRpc, pin: LedgerPin) -> ChainView:
        """Return the view at the node's newest block.

        Raises:
            NodeFailedError: the node does not answer.
            ChainUnreachableError: it knows no block.
        """
        block = rpc.block("latest")
        if block is None:
            raise ChainUnreachableError("the node knows no block")
        return cls(rpc=rpc, node=node, pin=pin, block=block)

    def issuer(self, code: str) -> Issuer | None:
        """Return an issuer as the chain holds it, None where it is not registered.

        Its name is known by digest alone.

        Raises:
            ChainUnreachableError: what the node says does not fit together.
        """
        slot = self._slot(slot_position(code))
        if not any(slot):
            return None
        logs = self.node.call(
            "eth_getLogs",
            {
                "address": f"0x{self.pin.address.hex()}",
                "topics": [f"0x{TOPICS['BodyState'].hex()}", f"0x{code.encode().hex():0<64}"],
                "fromBlock": "0x0",
                "toBlock": hex(self.block.number),
            },
        )
        for log in reversed(logs if isinstance(logs, list) else []):
            event = parse_log(
                [bytes.fromhex(one[2:]) for one in log["topics"]], bytes.fromhex(log["data"][2:])
            )
            if isinstance(event, IssuerStateEvent):
                state = unnamed(parse_state(event.words, placeholder(event.name_digest)))
                if state.digest() == without_brake(slot):
                    return Issuer(state=state, on_hold=bool(slot[-1] & 1))
        raise ChainUnreachableError(f"the node does not return the state of {code}")

    def seat(self, region: int) -> Seat | None:
        """Return a region's registrar, None where it has none; raises as `issuer`."""
        first = keccak(region.to_bytes(32, "big") + _SEATS.to_bytes(32, "big"))
        second = (int.from_bytes(first, "big") + 1).to_bytes(32, "big")
        one, two = self._slot(first), self._slot(second)
        if not any(one[12:]):
            return None
        return Seat(
            account=one[12:],
            recovery=two[12:],
            nonce=int.from_bytes(one[5:12], "big"),
            turn=int.from_bytes(two[8:12], "big"),
            challenged=int.from_bytes(one[:5], "big"),
            rotated=int.from_bytes(two[3:8], "big"),
        )

    def seats(self, regions: Mapping[int, object]) -> dict[int, Seat]:
        """Return those of some regions that have a registrar."""
        found = {region: self.seat(region) for region in regions}
        return {region: seat for region, seat in found.items() if seat is not None}

    def _slot(self, position: bytes) -> bytes:
        proof = self.rpc.proof(self.pin.address, position, self.block.number)
        if proof is None:
            raise ChainUnreachableError("the node no longer proves its newest state; try again")
        try:
            account = check_account(self.block.state_root, self.pin.address, proof.account)
            if account is None or account.code_hash != self.pin.code_hash:
                raise ChainUnreachableError("the ledger's contract is not on the node's chain")
            return check_slot(account.storage_root, position, proof.slot)
        except ProofInvalidError as error:
            raise ChainUnreachableError(f"the node's proof does not verify: {error}") from error
