"""States of issuers that the evidence files of one command prove, for verdicts on older ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.status_tree import CELLS
from certledger.verifier.verify.block_trust import Judgement
from certledger.verifier.verify.full import Current, JudgedBlock, Question, judge_block
from certledger.verifier.verify.proofs import compare_state, status_root
from certledger.verifier.vocabulary import Standing


@dataclass(frozen=True, kw_only=True, slots=True)
class _ProvedState:
    """An issuer's state at block `number`, and the proved status word of one file."""

    number: int
    judgement: Judgement
    state: IssuerState
    word: bytes | None

    @property
    def order(self) -> tuple[int, int, str]:
        """Sort key: the newest block last, independent of the order of the files."""
        return self.number, self.judgement.time or 0, self.judgement.basis


class ProvedStates:
    """Proved states of issuers at trusted blocks, looked up by ledger and issuer."""

    def __init__(self) -> None:
        self._newest: dict[tuple[bytes, str], _ProvedState] = {}
        self._worded: dict[tuple[bytes, str, int], _ProvedState] = {}
        # A status root determines its words, so a word also holds at later blocks with this root.
        self._words: dict[tuple[bytes, int], bytes] = {}

    @classmethod
    def of(cls, files: Iterable[bytes], question: Question) -> ProvedStates:
        """Return the states that evidence files prove; a file that proves none adds nothing."""
        states = cls()
        for data in files:
            try:
                evidence = Evidence.parse(data)
            except CertledgerError:
                continue
            if question.policy.accepts(evidence.TYPE):
                states._add(evidence, judge_block(evidence, question))
        return states

    def _add(self, evidence: Evidence, block: JudgedBlock) -> None:
        """Add the state in `evidence` if its block is trusted and has this state."""
        if block.judgement.code != "ok" or block.ledger is None:
            return
        if compare_state(block.slot, evidence.issuer) != "ok":
            return
        issuer = block.ledger.identity, evidence.issuer.issuer
        position = evidence.record.index // CELLS
        proved = status_root(evidence.word, position) == evidence.issuer.status
        found = _ProvedState(
            number=parse_note(evidence.checkpoint).checkpoint.number,
            judgement=block.judgement,
            state=evidence.issuer,
            word=evidence.word.word if proved else None,
        )
        self._newest[issuer] = _newer(found, self._newest.get(issuer))
        if proved:
            worded = (*issuer, position)
            self._worded[worded] = _newer(found, self._worded.get(worded))
            self._words[evidence.issuer.status, position] = evidence.word.word

    def newer(self, evidence: Evidence, ledger: LedgerPin, judgement: Judgement) -> Current | None:
        """Return the issuer's state after the evidence's block (already checked), or None."""
        note = parse_note(evidence.checkpoint)
        return self.after(note.checkpoint.number, ledger, evidence.record, None)

    def after(
        self, number: int, ledger: LedgerPin, record: Record, known: Current | None
    ) -> Current | None:
        """Return the newest proved state after block `number`; `known` if there is none.

        `known` is the verifier's state at block `number`.  Where the status word at the newest
        state is unknown, the newest state with a known word is returned as overtaken.
        """
        newest = self._newest.get((ledger.identity, record.issuer))
        if newest is None or newest.number <= number:
            return known
        if known is not None and known.judgement.code != "ok":
            return known
        position = record.index // CELLS
        word = self._words.get((newest.state.status, position), _word_under(newest.state, known))
        if word is not None:
            return Current(judgement=newest.judgement, state=newest.state, word=word)
        if newest.state.standing is Standing.STRUCK:  # Decides whatever the word.
            return Current(judgement=newest.judgement, state=newest.state)
        last = self._worded.get((ledger.identity, record.issuer, position))
        if last is not None and last.word is not None and last.number > number:
            known = Current(judgement=last.judgement, state=last.state, word=last.word)
        if known is None or known.state is None:
            return Current(judgement=newest.judgement)
        return replace(known, judgement=replace(known.judgement, overtaken=True))


def _word_under(state: IssuerState, known: Current | None) -> bytes | None:
    """Return the word of `known` if it has the same status root as `state`."""
    if known is None or known.state is None or known.state.status != state.status:
        return None
    return known.word


def _newer(found: _ProvedState, other: _ProvedState | None) -> _ProvedState:
    return found if other is None or found.order > other.order else other
