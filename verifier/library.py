"""The functions of the public library (`from certledger import verify, present`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.presentation import (
    HolderPrivateKey,
    Request,
    Subject,
    format_holder_key,
    sign,
)
from certledger.verifier.formats.record import HOLDER_KEY, NUMBER, Disclosure
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.verify.verdict import Result


def verify(
    evidence: bytes,
    policy: SignedPolicy,
    *,
    now: int | None = None,
    request: Request | None = None,
    seen: Callable[[bytes], bool] = lambda mark: False,
) -> Result:
    """Return the verdict on an evidence file, by the witnesses of `policy` and without a network.

    Unreadable bytes get a verdict too; no input raises an error.

    Args:
        evidence: the bytes of the file.
        policy: what the verifier trusts; `Policy.parse` reads it and checks its signatures.
        now: seconds since 1970; by default the clock of this machine.
        request: the audience and nonce that the holder was asked to sign, for a certificate that
            is bound to its holder.
        seen: returns whether the presentation with this mark (32 bytes) was accepted before; the
            caller stores the marks.
    """
    question = Question(
        policy=policy.policy,
        judge=choose_judge(policy.policy),
        now=int(time.time()) if now is None else now,
        request=request,
        seen=seen,
    )
    return verify_bytes(evidence, question)


def present(
    evidence: Evidence,
    show: Iterable[str] = (),
    *,
    disclosures: Sequence[Disclosure] | None = None,
    request: Request | None = None,
    key: HolderPrivateKey | None = None,
    now: int | None = None,
) -> Evidence:
    """Return evidence with only the chosen fields, signed by the holder if a request is given.

    Args:
        evidence: the holder's evidence; `Evidence.parse` reads it, `format` gives the new file.
        show: names of fields; by default those that the category requires.
        disclosures: those of the holder's own file; by default those in `evidence`.
        request: the audience and nonce of the counter; needs `key`.
        key: the private key (P-256 or Ed25519) that the certificate is bound to.
        now: seconds since 1970, for the signature; by default the clock of this machine.

    Raises:
        CertledgerError: `disclosure.unknown`, a field without a disclosure; `holder.key`,
            the certificate is not bound to this key; `holder.word`, the request is malformed.
        ValueError: one of `request` and `key` without the other.
    """
    if (request is None) != (key is None):
        raise ValueError("a request is answered with a key, and a key signs a request")
    own = evidence.disclosures if disclosures is None else disclosures
    bound = (HOLDER_KEY,) if request is not None else ()
    names = {*(tuple(show) or (NUMBER, *evidence.catalog.entry.shown)), *bound}
    if missing := names - {part.name for part in own}:
        raise MalformedError("disclosure.unknown", f"there is no {min(missing)!r} here to show")
    shown = evidence.showing([part for part in own if part.name in names])
    if request is None or key is None:
        return shown
    return _signed(shown, request, key, int(time.time()) if now is None else now)


def _signed(evidence: Evidence, request: Request, key: HolderPrivateKey, now: int) -> Evidence:
    bound = [part.value for part in evidence.disclosures if part.name == HOLDER_KEY]
    if bound != [format_holder_key(key.public_key())]:
        raise MalformedError("holder.key", "the certificate is not bound to this key")
    subject = Subject(
        identity=parse_note(evidence.checkpoint).checkpoint.identity,
        leaf=evidence.record.leaf(),
        shown=tuple(part.digest for part in evidence.disclosures),
    )
    return replace(evidence, presentation=sign(key, request, subject, time=now))
