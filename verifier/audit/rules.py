"""The contract's rules as the audit applies them: what it must have checked, checked again."""

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
"""The audit's code of each rule; of the others it is `act.content`."""


class RuleViolationError(CertledgerError):
    """An act breaks a rule that the contract enforces; `code` is one of the audit's."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(slots=True)
class ReplayedIssuer:
    """A body as the events leave it.  The state has no name, only the digest of one."""

    state: IssuerState
    name: bytes
    held: bool = False
    tree: StatusTree = field(default_factory=StatusTree)

    def words(self) -> tuple[bytes, ...]:
        """Return the words of the whole state, as the contract is handed them."""
        head = list(self.state.words())
        head[2] = self.name
        return (*head, *self.state.key_words(), *self.state.peaks)

    def slot(self) -> bytes:
        """Return what the contract's slot must hold: the digest, and the brake in its last bit."""
        words, keys = self.words(), len(self.state.keys)
        digest = without_brake(
            keccak(
                b"".join(words[:6])
                + keccak(b"".join(words[6 : 6 + keys]))
                + keccak(b"".join(words[6 + keys :]))
            )
        )
        return digest[:-1] + bytes([digest[-1] | self.held])


def judge(state: LedgerState, act: SignedAct, block: BlockTime) -> LedgerState:
    """Return the ledger after an act that the contract accepted.

    Raises:
        RuleViolationError: it should not have.
    """
    try:
        return apply(state, act, block)
    except RuleBrokenError as error:
        raise RuleViolationError(_CODES.get(error.rule, "act.content"), error.sentence) from error


def judge_batch(state: LedgerState, act: SignedAct, block: BlockTime) -> LedgerState:
    """As `judge`, with the code that a batch out of sequence has.

    Raises:
        RuleViolationError: the contract should not have accepted it.
    """
    try:
        return judge(state, act, block)
    except RuleViolationError as error:
        if error.code == "act.counter":
            error.code = "batch.sequence_gap"
        raise


def roll_after(roll: bytes, issuer: str) -> bytes:
    """Return the list of all bodies after one more (32 bytes, SPEC section 13)."""
    number = int.from_bytes(roll[28:], "big") + 1
    return keccak(roll + issuer.encode("ascii"))[:28] + number.to_bytes(4, "big")
