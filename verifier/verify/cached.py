"""Caching verifier for many certificates under one policy."""

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
"""Entries of each cache; for ordinary files some 35 MB in all."""
MAX_CACHED_BYTES = 16_384
"""Greatest bytes of a cached file."""

_Part = TypeVar("_Part")
_RECORD = b'"record":'
_CUTS = (b',"disclosures":', b',"proof":', b',"record":', b',"signature":', b',"status":')


class Verifier:
    """Verifies evidence under one policy with caches for files, parts and checks.

    The verdicts equal those of `verifier.verify.full.verify_bytes`, byte for byte.
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
        """Return whether these bytes are canonical evidence, and cache it.

        Invalid files are not cached, so that they cannot evict others.
        """
        try:
            return len(data) <= MAX_CACHED_BYTES and self._known(data) is not None
        except CertledgerError:
            return False

    def verify_known(
        self, data: bytes, *, now: int, seen: Callable[[bytes], bool] = lambda mark: False
    ) -> Result:
        """Return the verdict on a file that `reads` accepted, without documents or request.

        The file and its result are cached.
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
        """Return the verdict on a file without a presentation; cached by file, block and clock."""
        evidence = self._known(data)
        question = Question(policy=self._policy, judge=lambda *_: judgement, now=0)
        block = replace(judge_block(evidence, question, self._memo), judgement=judgement)
        return answer(evidence, question, block, clock, self._memo)


class Reader:
    """Parses evidence in parts, so that parts shared by certificates are parsed once.

    Canonical JSON sorts member names.  A file is canonical evidence if it splits at commas into
    parts, each part in braces is a canonical object with exactly the members of its kind, and the
    kinds are in order: canonical objects concatenate in only this way.  The positions of names
    prove nothing by themselves; files that do not split so are parsed as a whole.
    """

    def __init__(self, size: int) -> None:
        keep = lru_cache(maxsize=size)
        self._backing = keep(partial(_whole, take=BatchProof.read))
        self._proof = keep(partial(_whole, take=Proof.read))
        self._signed = keep(_read_signed)
        self._status = keep(partial(_whole, take=_take_status))

    def read(self, data: bytes) -> Evidence:
        """Parse the bytes of a file.

        Raises:
            MalformedError: as `Evidence.parse`.
        """
        try:
            return self.read_parts(data)
        except CertledgerError:
            return Evidence.parse(data)  # Reports the specific error.

    def read_parts(self, data: bytes) -> Evidence:
        """Parse the bytes of a file in parts.

        Raises:
            MalformedError: not canonical evidence; call `Evidence.parse` for the specific code.
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
    """Split a file into its parts, without braces.

    Raises:
        MalformedError: a part is missing.
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
    """Parse canonical JSON without checking the types of nested values.

    The parsers of the parts check the type of every value at every level.

    Raises:
        MalformedError: not canonical; the code is not the specific one.
    """
    try:
        value = orjson.loads(part)
    except orjson.JSONDecodeError as error:
        raise MalformedError("json.syntax", "a part is not JSON") from error
    if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != part:
        raise MalformedError("json.not_canonical", "a part has a second spelling")
    return value


def _whole(part: bytes, take: Callable[[Members], _Part]) -> _Part:
    """Parse a part with `take`, which must read all its members."""
    read = Members(_spelled(b"{%b}" % part), "evidence")
    found = take(read)
    read.done()
    return found


def _take_status(read: Members) -> WordProof:
    read.const("type", Evidence.TYPE)
    return WordProof.from_json(read.take("status"))


def _read_signed(part: bytes, issuer: str) -> SignedStatement:
    return _whole(part, lambda read: SignedStatement.read(read, issuer))
