"""Verdicts for callers: questions answered from the service's own mirror, each with a receipt."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ledger.evidence import EvidenceMaker, EvidencePending, EvidenceUnknown
from ledger.keys import Signer
from ledger.service.judging import HeldNode, judge_from
from ledger.service.questions import Asked, Lookup
from ledger.service.receipts import VerificationReceipt, content_of, draw_reference
from ledger.service.values import Verification
from ledger.snapshots import SnapshotMaker
from verifier.certificate import Disclosure
from verifier.desk import Desk
from verifier.encoding import Json
from verifier.errors import Malformed
from verifier.evidence import Evidence
from verifier.judges import Judge
from verifier.memo import Verifier
from verifier.policy import TrustPolicy
from verifier.presentation import Request
from verifier.proving import Memo
from verifier.verdict import Result, unusable
from verifier.verify import Question, verify
from verifier.vocabulary import Verdict

_REMEMBERED = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class HashedDisclosure(Disclosure):
    """A disclosure whose value the asker compared itself: only its digest (32 bytes) is here."""

    held: bytes

    @property
    def digest(self) -> bytes:
        """What the record holds of it."""
        return self.held


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What is answered: results with their canonical bytes, and what their receipt will say.

    `checked` is in seconds since 1970; `leaves` are those of the certificates, 32 bytes each.
    """

    results: Sequence[Result]
    spelled: Sequence[bytes]
    content: dict[str, Json]
    checked: int
    leaves: bytes

    def signed(self, operator: Signer) -> Verification:
        """Return what is kept of this, with the receipt that the operator signs."""
        single = self.results[0] if len(self.results) == 1 else None
        return Verification(
            reference=self.content["reference"],
            caller=self.content["caller"],
            checked=self.checked,
            verdict=str(single.verdict) if single is not None else "several",
            leaves=self.leaves,
            receipt=VerificationReceipt.sign(self.content, operator).format(),
        )


class Presented:
    """Presentations that were accepted: whoever shows one again is told so.

    They are remembered in this process for `seconds`, after which they are too old anyway.
    """

    def __init__(self, seconds: int, clock: Callable[[], float]) -> None:
        self._seconds, self._clock = seconds, clock
        self._accepted: dict[bytes, float] = {}
        self._asked = threading.local()

    def begin(self) -> None:
        """Begin a question: what this thread asks `seen` from now on is what may be accepted."""
        self._asked.signature = None

    def seen(self, signature: bytes) -> bool:
        """Return whether this presentation was accepted before."""
        self._asked.signature = signature
        return self._accepted.get(signature, 0.0) > self._clock()

    def accept(self) -> None:
        """Remember the presentation of this question, if it has one."""
        signature, now = self._asked.signature, self._clock()
        if signature is None:
            return
        if len(self._accepted) >= _REMEMBERED:
            held = self._accepted.items()
            self._accepted = {one: until for one, until in held if until > now}
        self._accepted[signature] = now + self._seconds


class Verdicts:
    """Answers questions under one policy; safe for several threads."""

    def __init__(
        self,
        *,
        policy: TrustPolicy,
        identity: bytes,
        operator: bytes,
        maker: EvidenceMaker,
        snapshots: SnapshotMaker,
        node: HeldNode,
        clock: Callable[[], float],
        making: threading.Lock,
        snapping: threading.Lock,
    ) -> None:
        """`operator` is the address (20 bytes) of who will sign.

        `making` is held while `maker` works, `snapping` while `snapshots` does.
        """
        self._policy, self._identity, self._operator = policy, identity, operator
        self._maker, self._snapshots, self._clock = maker, snapshots, clock
        self._judge: Judge = judge_from(policy, node)
        self._verifier = Verifier(policy, self._judge, remembered=_REMEMBERED)
        self._memo = Memo(_REMEMBERED)
        self._desk: tuple[str, Desk] | None = None
        self._presented = Presented(policy.presentation_age + policy.clock_tolerance, clock)
        self._making, self._snapping = making, snapping

    def reads(self, data: bytes) -> bool:
        """Return whether these bytes are canonical evidence."""
        return self._verifier.reads(data)

    def tell(self, questions: Sequence[Asked], *, caller: str, audience: str | None) -> Told:
        """Return the results of questions, in order, and what one receipt for all of them says.

        `caller` names who is told, `audience` the counter whose nonces the questions carry.
        """
        now = int(self._clock())
        results = [self._once(one, now, audience) for one in questions]
        spelled = [result.canonical() for result in results]
        verdicts = Counter(str(result.verdict) for result in results)
        content = content_of(
            identity=self._identity,
            operator=self._operator,
            reference=draw_reference(),
            caller=caller,
            checked=now,
            results=spelled,
            verdicts=dict(sorted(verdicts.items())),
        )
        leaves = b"".join(map(_leaf_of, results))
        return Told(results=results, spelled=spelled, content=content, checked=now, leaves=leaves)

    def _once(self, asked: Asked, now: int, audience: str | None) -> Result:
        self._presented.begin()
        result = self._result(asked, now, audience)
        if result.verdict is Verdict.VALID:
            self._presented.accept()
        return result

    def _result(self, asked: Asked, now: int, audience: str | None) -> Result:
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
            return self._open_desk().verify_text(
                asked.code, now=now, documents=asked.documents, request=request
            )
        assert asked.lookup is not None
        return self._looked_up(asked, asked.lookup, now, request)

    def _looked_up(self, asked: Asked, lookup: Lookup, now: int, request: Request | None) -> Result:
        try:
            with self._making:
                evidence = self._maker.of_lookup(lookup.digest)
        except (EvidenceUnknown, EvidencePending) as error:
            return unusable(error.code)
        try:
            shown = showing(evidence, lookup)
        except Malformed as error:
            return unusable(error.code)
        question = Question(
            policy=self._policy,
            judge=self._judge,
            now=now,
            documents=asked.documents,
            request=request,
            seen=self._presented.seen,
        )
        return _without_hashed(verify(shown, question, self._memo))

    def _open_desk(self) -> Desk:
        """Return the desk at the newest checkpoint, proved once."""
        with self._snapping:
            made = self._snapshots.latest()
            if self._desk is None or self._desk[0] != made.digest:
                desk = Desk.open(
                    self._policy,
                    made.snapshot,
                    lambda snapshot, ledger: self._judge(snapshot.note, ledger, None),
                    self._presented.seen,
                )
                self._desk = (made.digest, desk)
            return self._desk[1]


def showing(evidence: Evidence, lookup: Lookup) -> Evidence:
    """Return evidence that shows what a lookup hands in, in the order of places.

    Raises:
        Malformed: `disclosure.foreign`, where something is not of the record.
    """
    record, entry = evidence.record, evidence.catalog.entry
    places = {digest: place for place, digest in enumerate(record.digests)}
    hashed: dict[bytes, Disclosure] = {}
    for digest in {lookup.digest, *lookup.digests}:
        place = places.get(digest)
        if place is None:
            raise Malformed("disclosure.foreign", f"{digest.hex()} is not of this record")
        name = entry.name_at(place, bound=record.bound)
        hashed[digest] = HashedDisclosure(text="", salt="", name=name, value="", held=digest)
    found = hashed | {part.digest: part for part in lookup.disclosures}
    shown = evidence.showing(list(found.values()))
    return replace(shown, presentation=lookup.presentation if record.bound else None)


def _without_hashed(result: Result) -> Result:
    """Return a result that shows only values that were handed in."""
    shown: Json = result.certificate.get("shown")
    if not shown:
        return result
    kept = [part for part in shown if part["value"] != ""]
    return replace(result, certificate={**result.certificate, "shown": kept})


def _leaf_of(result: Result) -> bytes:
    """Return the leaf (32 bytes) of a result's certificate, nothing where that was not read."""
    return bytes.fromhex(result.certificate.get("leaf", ""))
