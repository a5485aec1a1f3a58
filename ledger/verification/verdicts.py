"""Verdicts for callers, from the service's own mirror, with one receipt for each request."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from certledger.ledger.core.service_values import Verification
from certledger.ledger.keys import Signer
from certledger.ledger.publish.evidence import (
    EvidenceMaker,
    EvidencePendingError,
    EvidenceUnknownError,
    IssuerView,
)
from certledger.ledger.publish.snapshots import SnapshotMaker
from certledger.ledger.store.unit_of_work import Store
from certledger.ledger.verification.mirror_node import MirrorJudge, MirrorNode, find_newer
from certledger.ledger.verification.questions import Lookup, VerifyRequest
from certledger.ledger.verification.verification_receipt import (
    VerificationReceipt,
    content_of,
    draw_reference,
)
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.presentation import Request
from certledger.verifier.formats.record import Disclosure
from certledger.verifier.verify.cached import Verifier
from certledger.verifier.verify.compact import CompactVerifier
from certledger.verifier.verify.full import Newer, Question, verify
from certledger.verifier.verify.proofs import ProofCache
from certledger.verifier.verify.trust_sources import Judge, choose_judge
from certledger.verifier.verify.verdict import Result, unusable
from certledger.verifier.vocabulary import Verdict, Way

_REMEMBERED = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class HashedDisclosure(Disclosure):
    """A disclosure whose value the caller compared itself: only its digest (32 bytes) is known."""

    known_digest: bytes

    @property
    def digest(self) -> bytes:
        """Its digest in the record."""
        return self.known_digest


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationAnswer:
    """Results with their canonical bytes, and the content of their receipt.

    `checked` is in seconds since 1970; `leaves` are those of the certificates, 32 bytes each;
    `party` is the owner of the credential that asked.
    """

    results: Sequence[Result]
    spelled: Sequence[bytes]
    content: dict[str, Json]
    checked: int
    leaves: bytes
    party: str

    def signed(self, operator: Signer, *, number: int, previous: bytes) -> Verification:
        """Return the verification to store, with the receipt signed by `operator`.

        `number` and `previous` are its place in the chain of receipts, as for `sign`.
        """
        receipt = VerificationReceipt.sign(self.content, operator, number=number, previous=previous)
        single = self.results[0] if len(self.results) == 1 else None
        return Verification(
            reference=self.content["reference"],
            caller=self.content["caller"],
            party=self.party,
            checked=self.checked,
            verdict=str(single.verdict) if single is not None else "several",
            leaves=self.leaves,
            receipt=receipt.format(),
            number=number,
        )


Judged = tuple[Result, bytes]
"""A result and its canonical bytes."""
_PRESENTED = b'"presentation":'


class AcceptedPresentations:
    """Accepts each presentation once, in all processes that share the store.

    They are stored for `seconds`, after which they are too old anyway.
    """

    def __init__(self, store: Store, seconds: int, clock: Callable[[], float]) -> None:
        self._store, self._seconds, self._clock = store, seconds, clock
        self._asked = threading.local()

    def begin(self, *, again: bool = False) -> None:
        """Begin a question: the next `seen` in this thread sets the presentation to accept.

        With `again`, the presentation is that of an earlier question: it is not looked up.
        """
        self._asked.digest, self._asked.again = None, again

    def seen(self, mark: bytes) -> bool:
        """Return whether this presentation was accepted before."""
        if self._asked.again:
            return False
        self._asked.digest = sha256(mark)
        with self._store.begin(write=False) as unit:
            return unit.presentation_caller(self._asked.digest) is not None

    def is_accepted_by(self, caller: str) -> bool:
        """Return whether it was this caller that accepted the presentation of this question."""
        digest = self._asked.digest
        if digest is None:
            return False
        with self._store.begin(write=False) as unit:
            return unit.presentation_caller(digest) == caller

    def accept(self, caller: str) -> bool:
        """Record the presentation of this question, if it has one; return False if it was recorded.

        The insert decides between two questions with the same presentation, not `seen`.
        """
        digest, now = self._asked.digest, int(self._clock())
        if digest is None:
            return True
        with self._store.begin() as unit:
            return unit.accept_presentation(
                digest, caller=caller, until=now + self._seconds, now=now
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """The credential that asks, and the counter whose nonces its questions carry."""

    caller: str
    audience: str | None


class Verdicts:
    """Answers questions under one policy; thread-safe."""

    def __init__(
        self,
        *,
        policy: TrustPolicy,
        identity: bytes,
        operator: bytes,
        maker: EvidenceMaker,
        snapshots: SnapshotMaker,
        node: MirrorNode,
        clock: Callable[[], float],
        making: threading.Lock,
        snapping: threading.Lock,
    ) -> None:
        """`operator` is the address (20 bytes) that signs receipts.

        `making` is the lock of `maker`, `snapping` of `snapshots`; they are never taken together.
        """
        self._policy, self._identity, self._operator = policy, identity, operator
        self._maker, self._snapshots, self._clock = maker, snapshots, clock
        self._making, self._snapping = making, snapping
        self._judge: Judge = MirrorJudge(policy, node)
        self._alone: Judge = choose_judge(policy)
        self._newer: Newer = partial(find_newer, self._view, self._judge)
        self._node = node
        self._answered: dict[tuple[bytes, int, int], Judged] = {}
        self._verifier = Verifier(policy, self._judge, newer=self._newer, remembered=_REMEMBERED)
        self._memo = ProofCache(_REMEMBERED)
        self._compact: tuple[str, CompactVerifier] | None = None
        lives = policy.presentation_age + policy.clock_tolerance
        self._presented = AcceptedPresentations(node.store, lives, clock)

    def _view(self, issuer: str) -> IssuerView:
        """Return an issuer at the newest checkpoint, proved; raises as `EvidenceMaker.of_leaf`."""
        with self._making:
            return self._maker.of_issuer(issuer)

    def question(self) -> Question:
        """Return a question of now on evidence alone, which others can ask again."""
        return self.question_at(int(self._clock()))

    def question_at(self, now: int) -> Question:
        """Return the question of an instant (seconds).

        Where the policy has witnesses its blocks rest on them: no stranger has our mirror.
        """
        judge = self._alone if Way.WITNESSES in self._policy.trust.ways else self._judge
        return Question(policy=self._policy, judge=judge, now=now)

    def reads(self, data: bytes) -> bool:
        """Return whether these bytes are canonical evidence."""
        return self._verifier.reads(data)

    def answer(
        self,
        questions: Sequence[VerifyRequest],
        *,
        caller: str,
        party: str,
        audience: str | None,
    ) -> VerificationAnswer:
        """Answer questions, in order, and return the content of one receipt for all of them.

        `caller` names the credential that asks, `party` its owner, `audience` the counter whose
        nonces the questions carry.
        """
        now = int(self._clock())
        opener = cache(self._open_verifier)  # Opened at most once a request: it checks a snapshot.
        asker = Asker(caller=caller, audience=audience)
        judged = [self._judged(one, now, asker, opener) for one in questions]
        return self._answer(judged, now, caller=caller, party=party)

    def cached_answer(self, data: bytes, *, caller: str, party: str) -> VerificationAnswer | None:
        """Return the cached answer to evidence without other members, None if it is not cached.

        It calls neither database nor node, so the event loop may call it.
        """
        now = int(self._clock())
        judged = self._answered.get((sha256(data), now, self._node.number))
        return None if judged is None else self._answer([judged], now, caller=caller, party=party)

    def _judged(
        self,
        asked: VerifyRequest,
        now: int,
        asker: Asker,
        opener: Callable[[], CompactVerifier],
    ) -> Judged:
        """Return a result and its canonical bytes.

        Cache key: SHA-256 of the evidence, second, and newest checkpoint; cleared when full.
        """
        number = self._node.number
        result = self._once(asked, now, asker, opener)
        judged = result, result.canonical()
        # Not cached: presentations, which are accepted once, and verdicts other than valid, which
        # an unreachable node may cause.
        alone = asked.known and asked.evidence is not None and _PRESENTED not in asked.evidence
        if alone and result.verdict is Verdict.VALID and number == self._node.number:
            if len(self._answered) >= _REMEMBERED:
                self._answered.clear()
            self._answered[sha256(asked.evidence or b""), now, number] = judged
        return judged

    def _answer(
        self, judged: Sequence[Judged], now: int, *, caller: str, party: str
    ) -> VerificationAnswer:
        results = [result for result, _ in judged]
        spelled = [spelling for _, spelling in judged]
        leaves = b"".join(map(_leaf_of, results))
        verdicts = Counter(str(result.verdict) for result in results)
        content = content_of(
            identity=self._identity,
            operator=self._operator,
            reference=draw_reference(),
            caller=caller,
            checked=now,
            results=spelled,
            leaves=leaves,
            verdicts=dict(sorted(verdicts.items())),
            basis=[result.basis for result in results],
            codes=(
                finding.code
                for result in results
                if result.verdict is not Verdict.VALID
                for finding in result.findings
            ),
        )
        return VerificationAnswer(
            results=results,
            spelled=spelled,
            content=content,
            checked=now,
            leaves=leaves,
            party=party,
        )

    def _once(
        self,
        asked: VerifyRequest,
        now: int,
        asker: Asker,
        opener: Callable[[], CompactVerifier],
    ) -> Result:
        self._presented.begin()
        result = self._result(asked, now, asker.audience, opener)
        if result.verdict is Verdict.VALID and not self._presented.accept(asker.caller):
            # Another question recorded the presentation first: now `seen` finds the row.
            result = self._result(asked, now, asker.audience, opener)
        if asked.earlier is not None and self._is_own(result, asked.earlier, asker.caller):
            self._presented.begin(again=True)
            result = self._result(asked, now, asker.audience, opener)
        return result

    def _is_own(self, result: Result, reference: str, caller: str) -> bool:
        """Return whether the caller itself was shown the presentation that was used already.

        The record of the presentation says who was, and the earlier verification that it was valid.
        """
        replayed = any(finding.code == "holder.replayed" for finding in result.findings)
        if not replayed or not self._presented.is_accepted_by(caller):
            return False
        with self._node.store.begin(write=False) as unit:
            earlier = unit.verification(reference)
        return (
            earlier is not None
            and earlier.caller == caller
            and earlier.verdict == Verdict.VALID
            and earlier.leaves == _leaf_of(result)
        )

    def _result(
        self,
        asked: VerifyRequest,
        now: int,
        audience: str | None,
        opener: Callable[[], CompactVerifier],
    ) -> Result:
        if asked.unusable is not None:
            return unusable(asked.unusable)
        request = None
        if asked.nonce is not None and audience is not None:
            request = Request(audience=audience, nonce=asked.nonce)
        if asked.evidence is not None and asked.known:
            return self._verifier.verify_known(asked.evidence, now=now, seen=self._presented.seen)
        if asked.evidence is not None:
            return self._verifier.verify_bytes(
                asked.evidence,
                now=now,
                documents=asked.documents,
                request=request,
                seen=self._presented.seen,
            )
        if asked.code is not None:
            return opener().verify_text(
                asked.code, now=now, documents=asked.documents, request=request
            )
        assert asked.lookup is not None
        return self._looked_up(asked, asked.lookup, now, request)

    def _looked_up(
        self, asked: VerifyRequest, lookup: Lookup, now: int, request: Request | None
    ) -> Result:
        try:
            with self._making:
                evidence = self._maker.of_lookup(lookup.digest)
        except (EvidenceUnknownError, EvidencePendingError) as error:
            return unusable(error.code)
        try:
            shown = showing(evidence, lookup)
        except MalformedError as error:
            return unusable(error.code)
        question = Question(
            policy=self._policy,
            judge=self._judge,
            now=now,
            documents=asked.documents,
            request=request,
            seen=self._presented.seen,
            newer=self._newer,
        )
        return _without_hashed(verify(shown, question, self._memo))

    def _open_verifier(self) -> CompactVerifier:
        """Return a compact verifier at the newest checkpoint, cached by the snapshot's digest."""
        with self._snapping:
            made = self._snapshots.latest()
            if self._compact is None or self._compact[0] != made.digest:
                verifier = CompactVerifier.open(
                    self._policy,
                    made.snapshot,
                    lambda snapshot, ledger: self._judge(snapshot.note, ledger, None),
                    self._presented.seen,
                )
                self._compact = (made.digest, verifier)
            return self._compact[1]


def showing(evidence: Evidence, lookup: Lookup) -> Evidence:
    """Return evidence with a lookup's disclosures, in the order of the record's digests.

    Raises:
        MalformedError: `disclosure.foreign`, if a disclosure is not of the record.
    """
    record, entry = evidence.record, evidence.catalog.entry
    places = {digest: place for place, digest in enumerate(record.digests)}
    hashed: dict[bytes, Disclosure] = {}
    for digest in {lookup.digest, *lookup.digests}:
        place = places.get(digest)
        if place is None:
            raise MalformedError("disclosure.foreign", f"{digest.hex()} is not of this record")
        name = entry.name_at(place, bound=record.bound)
        hashed[digest] = HashedDisclosure(
            text="", salt="", name=name, value="", known_digest=digest
        )
    found = hashed | {part.digest: part for part in lookup.disclosures}
    shown = evidence.showing(list(found.values()))
    return replace(shown, presentation=lookup.presentation if record.bound else None)


def _without_hashed(result: Result) -> Result:
    """Return a result without the fields that were disclosed by digest alone."""
    shown: Json = result.certificate.get("shown")
    if not shown:
        return result
    stored = [part for part in shown if part["value"] != ""]
    return replace(result, certificate={**result.certificate, "shown": stored})


def _leaf_of(result: Result) -> bytes:
    """Return the leaf (32 bytes) of a result's certificate, empty if it could not be read."""
    return bytes.fromhex(result.certificate.get("leaf", ""))
