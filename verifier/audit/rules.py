"""The contract's rules as the audit applies them, with the audit's codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from certledger.verifier.contract_rules import apply
from certledger.verifier.contract_state import BlockTime, LedgerState, RuleBrokenError, SignedAct
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.issuer_state import IssuerState, without_brake
from certledger.verifier.formats.status_tree import StatusTree

_CODES: Mapping[str, str] = {
    "StatementExpired": "act.time",
    "StatementTooFar": "act.time",
    "CounterWrong": "act.counter",
    "SignatureCount": "act.signature",
    "SignatureInvalid": "act.signature",
    "SignerWrong": "act.signature",
    "NoMajority": "act.signature",
    "RegionOrder": "act.signature",
    "CatalogAlone": "act.signature",
    "EndAlone": "act.signature",
    "KeyUnknown": "act.key",
    "KeyPurpose": "act.key",
    "KeyEnded": "act.key",
    "BodyHeld": "act.held",
    "StandingForbids": "act.standing",
    "BodyUnknown": "act.body_unknown",
    "FirstWrong": "batch.first_differs",
    "BatchCount": "batch.count",
}
"""Audit code of each contract error; of the others it is `act.content`."""


class RuleViolationError(CertledgerError):
    """The contract accepted an act against its rules; `code` is one of the audit's."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(slots=True)
class ReplayedIssuer:
    """A replayed issuer.  The state has no name, only its digest."""

    state: IssuerState
    name: bytes
    on_hold: bool = False
    tree: StatusTree = field(default_factory=StatusTree)

    def words(self) -> tuple[bytes, ...]:
        """Return the words of the whole state in the contract's order (SPEC section 8)."""
        head = list(self.state.words())
        head[2] = self.name
        return (*head, *self.state.key_words(), *self.state.peaks)

    def slot(self) -> bytes:
        """Return the expected storage slot: the digest, with the hold flag in its last bit."""
        words, keys = self.words(), len(self.state.keys)
        digest = without_brake(
            keccak(
                b"".join(words[:6])
                + keccak(b"".join(words[6 : 6 + keys]))
                + keccak(b"".join(words[6 + keys :]))
            )
        )
        return digest[:-1] + bytes([digest[-1] | self.on_hold])


def judge(state: LedgerState, act: SignedAct, block: BlockTime) -> LedgerState:
    """Apply an act that the contract accepted; return the new state.

    Raises:
        RuleViolationError: the act breaks a rule.
    """
    try:
        return apply(state, act, block)
    except RuleBrokenError as error:
        raise RuleViolationError(_CODES.get(error.rule, "act.content"), error.sentence) from error


def judge_batch(state: LedgerState, act: SignedAct, block: BlockTime) -> LedgerState:
    """Apply a batch as `judge` does, with the code of a batch out of sequence.

    Raises:
        RuleViolationError: the batch breaks a rule.
    """
    try:
        return judge(state, act, block)
    except RuleViolationError as error:
        if error.code == "act.counter":
            error.code = "batch.sequence_gap"
        raise


def roll_after(roll: bytes, issuer: str) -> bytes:
    """Return the hash chain over all issuers after adding one (32 bytes, SPEC section 13)."""
    number = int.from_bytes(roll[28:], "big") + 1
    return keccak(roll + issuer.encode("ascii"))[:28] + number.to_bytes(4, "big")
