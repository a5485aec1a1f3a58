"""A verifier with a memory, for whoever checks many certificates under one policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TypeVar

import orjson

from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.canonical_json import Json, Members
from certledger.verifier.formats.evidence import (
    MAX_EVIDENCE_BYTES,
    BatchProof,
    CertificatePart,
    Evidence,
    Proof,
    SignedStatement,
)
from certledger.verifier.formats.merkle import leaf_hash
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.presentation import Request
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.status_tree import WordProof
from certledger.verifier.verify.block_trust import Judgement
from certledger.verifier.verify.content_check import Paper, Showing
from certledger.verifier.verify.full import (
    Clock,
    Newer,
    Question,
    answer,
    bring_up,
    judge_block,
    read_clock,
    verify,
)
from certledger.verifier.verify.proofs import ProofCache
from certledger.verifier.verify.trust_sources import Judge
from certledger.verifier.verify.verdict import Result, unusable

REMEMBERED = 1024
"""Files, parts and answers of each kind that are kept: of ordinary files some 35 MB in all."""
MAX_CACHED_BYTES = 16_384
"""Greatest bytes of a file that is kept."""

_Part = TypeVar("_Part")
_RECORD = b'"record":'
_CUTS = (b',"disclosures":', b',"proof":', b',"record":', b',"signature":', b',"status":')


class Verifier:
    """Judges evidence under one policy; what it has checked once it does not check again.

    The verdicts are those of `verifier.verify.full.verify_bytes`, byte for byte.
    """

    def __init__(
        self,
        policy: TrustPolicy,
        judge: Judge,
        *,
        newer: Newer = lambda evidence, ledger, judgement: None,
        remembered: int = REMEMBERED,
    ) -> None:
        self._policy, self._judge, self._newer = policy, judge, newer
        self._reader, self._memo = Reader(remembered), ProofCache(remembered)
        keep = lru_cache(maxsize=remembered)
        self._known, self._answered = keep(self._reader.read_parts), keep(self._answer)

    def verify_bytes(
        self,
        data: bytes,
        *,
        now: int,
        documents: Sequence[Paper] = (),
        request: Request | None = None,
        seen: Callable[[bytes], bool] = lambda mark: False,
    ) -> Result:
        """Return the verdict on an evidence file at `now` (seconds since 1970)."""
        question = Question(
            policy=self._policy,
            judge=self._judge,
            now=now,
            documents=documents,
            request=request,
            seen=seen,
            newer=self._newer,
        )
        try:
            evidence = self._reader.read(data)
        except CertledgerError as error:
            return unusable(error.code)
        return verify(evidence, question, self._memo)

    def reads(self, data: bytes) -> bool:
        """Return whether these bytes are canonical evidence, which is then known.

        What cannot be read is not kept, so that nobody fills the memory with it.
        """
        try:
            return len(data) <= MAX_CACHED_BYTES and self._known(data) is not None
        except CertledgerError:
            return False

    def verify_known(
        self, data: bytes, *, now: int, seen: Callable[[bytes], bool] = lambda mark: False
    ) -> Result:
        """Return what `verify_bytes` does of an evidence file that `reads`, with nothing beside.

        It is for files that come again and again: they and what was answered are remembered.
        """
        evidence = self._known(data)
        question = Question(
            policy=self._policy, judge=self._judge, now=now, seen=seen, newer=self._newer
        )
        if evidence.presentation is not None:
            return verify(evidence, question, self._memo)
        block = bring_up(evidence, question, judge_block(evidence, question, self._memo))
        if block.current is not None:
            clock = read_clock(evidence.record, question, block)
            return answer(evidence, question, block, clock, self._memo)
        return self._answered(data, block.judgement, read_clock(evidence.record, question, block))

    def _answer(self, data: bytes, judgement: Judgement, clock: Clock) -> Result:
        """Return the verdict on a file without a presentation: it follows from these."""
        evidence = self._known(data)
        question = Question(policy=self._policy, judge=lambda *_: judgement, now=0)
        block = replace(judge_block(evidence, question, self._memo), judgement=judgement)
        return answer(evidence, question, block, clock, self._memo)


class Reader:
    """Reads evidence part by part, so that what certificates share is parsed once.

    The names of an object stand in ascending order in canonical bytes.  So a file is canonical
    evidence if it is cut at commas between members into parts, each part in braces is the
    canonical form of an object with just the members of its kind, and the kinds follow one
    another in order: all canonical objects are joined in this one way.  Nothing is concluded
    from where a name was found; a file that cannot be read like this is read whole.
    """

    def __init__(self, size: int) -> None:
        keep = lru_cache(maxsize=size)
        self._backing = keep(partial(_whole, take=BatchProof.read))
        self._proof = keep(partial(_whole, take=Proof.read))
        self._signed = keep(_read_signed)
        self._status = keep(partial(_whole, take=_take_status))

    def read(self, data: bytes) -> Evidence:
        """Return the evidence of a file's bytes.

        Raises:
            MalformedError: as `Evidence.parse`.
        """
        try:
            return self.read_parts(data)
        except CertledgerError:
            return Evidence.parse(data)  # Which says what is wrong with the file.

    def read_parts(self, data: bytes) -> Evidence:
        """Return the evidence of a file's bytes, part by part.

        Raises:
            MalformedError: it cannot be read so, and never mind why.
        """
        backing, shown, proof, record, signed, status = _cut(data)
        canonical = record[len(_RECORD) :]
        own, what = Record.from_json(_spelled(canonical)), _whole(shown, CertificatePart.read)
        return Evidence.of(
            Showing.of(own, what.disclosures, leaf_hash(canonical)),
            what,
            self._backing(backing),
            self._proof(proof),
            self._signed(signed, own.issuer),
            self._status(status),
        )


def _cut(data: bytes) -> list[bytes]:
    """Return the parts of a file, without braces.

    Raises:
        MalformedError: they are not to be found.
    """
    if len(data) > MAX_EVIDENCE_BYTES or data[:1] != b"{" or data[-1:] != b"}":
        raise MalformedError("json.syntax", "no object of the length that evidence may have")
    parts, start = [], 1
    for name in _CUTS:
        end = data.find(name, start)
        if end < 0:
            raise MalformedError("schema.invalid", f"there is no {name.decode()}")
        parts.append(data[start:end])
        start = end + 1
    return [*parts, data[start:-1]]


def _spelled(part: bytes) -> Json:
    """Return the value that `part` spells in the one way.

    What reads it looks at the type of every value at every level, and so leaves nothing else of
    `verifier.formats.canonical_json.parse_canonical` to be done.

    Raises:
        MalformedError: some rule is broken, and never mind which.
    """
    try:
        value = orjson.loads(part)
    except orjson.JSONDecodeError as error:
        raise MalformedError("json.syntax", "a part is not JSON") from error
    if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != part:
        raise MalformedError("json.not_canonical", "a part has a second spelling")
    return value


def _whole(part: bytes, take: Callable[[Members], _Part]) -> _Part:
    """Return what `take` takes of the members of a part, which must be all there are."""
    read = Members(_spelled(b"{%b}" % part), "evidence")
    found = take(read)
    read.done()
    return found


def _take_status(read: Members) -> WordProof:
    read.const("type", Evidence.TYPE)
    return WordProof.from_json(read.take("status"))


def _read_signed(part: bytes, issuer: str) -> SignedStatement:
    return _whole(part, lambda read: SignedStatement.read(read, issuer))
