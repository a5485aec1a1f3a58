"""The numbered checks that need no chain data, as functions of their input (SPEC section 18.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone

from certledger.verifier.errors import ProofInvalidError
from certledger.verifier.formats import merkle, presentation
from certledger.verifier.formats.issuer_state import Key
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.record import HOLDER_KEY, Record
from certledger.verifier.formats.statements import Batch
from certledger.verifier.formats.status_tree import read_cell
from certledger.verifier.verify.content_check import Showing
from certledger.verifier.verify.verdict import FOR_EVER
from certledger.verifier.vocabulary import Purpose, Standing, Status

_EAST = 8 * 3600
CHINA = timezone(timedelta(seconds=_EAST))
_EPOCH = date(1970, 1, 1).toordinal()
_EPOCH = date(1970, 1, 1).toordinal()


def check_inclusion(leaf: bytes, index: int, statement: Batch, path: Sequence[bytes]) -> str:
    """Return the code of check 2 for the leaf of record `index` and its inclusion path."""
    place = index - statement.first
    if not 0 <= place < statement.count:
        return "inclusion.index_outside"
    try:
        root = merkle.implied_root(leaf, place, statement.count, path)
    except ProofInvalidError:
        return "inclusion.path_differs"
    return "ok" if root == statement.root else "inclusion.path_differs"


def check_key(key: Key, block: int) -> str:
    """Return the code of check 4 for the recorded key at the anchoring block."""
    if block >= key.end:
        return "signature.key_ended"
    return "ok" if key.speaks(Purpose.BATCHES, block) else "signature.purpose"


def check_freshness(
    category: str, policy: TrustPolicy, *, time: int, now: int, end: int | None = None
) -> str:
    """Return the code of check 7 for evidence as of `time`.

    On a ledger that was retired at `end` ages count up to then: its state does not change later.
    """
    if time > now + policy.clock_tolerance:
        return "freshness.future"
    instant = now if end is None else min(now, end)
    return "ok" if instant - time <= policy.max_age(category) else "freshness.stale"


STATUS_CODES = {
    Status.VALID: "ok",
    Status.REVOKED: "status.revoked",
    Status.SUSPENDED: "status.suspended",
    Status.SUPERSEDED: "status.superseded",
}


def check_status(index: int, word: bytes, standing: Standing) -> str:
    """Return the code of check 8 for a proved word and a proved standing."""
    if standing is Standing.STRUCK:
        return "status.body_struck"
    code = STATUS_CODES[read_cell(word, index)]
    if code not in FOR_EVER and standing is Standing.SUSPENDED:
        return "status.body_suspended"
    return code


def today(now: int) -> date:
    """Return the calendar day in China Standard Time at `now`."""
    return datetime.fromtimestamp(now, CHINA).date()


def check_dates(record: Record, now: int) -> str:
    """Return the code of check 9."""
    # As day numbers, because the last hours of the year 9999 in UTC are the year 10000 in China.
    day = _EPOCH + (now + _EAST) // 86_400
    if day < record.issued.toordinal():
        return "dates.not_yet"
    expired = record.expires is not None and day > record.expires.toordinal()
    return "dates.expired" if expired else "ok"


def check_holder(
    showing: Showing,
    presented: presentation.Presentation | None,
    request: presentation.Request | None,
    *,
    identity: bytes | None,
    policy: TrustPolicy,
    now: int,
) -> str:
    """Return the code of check 10; `identity` is the ledger's, None where it is unknown."""
    if not showing.record.bound:
        return "ok"
    key = next((part.value for part in showing.disclosures if part.name == HOLDER_KEY), None)
    if presented is None:
        return "holder.presentation_missing"
    if identity is None or not isinstance(key, str) or request is None:
        return "holder.presentation_unusable"
    return presentation.check(
        presented,
        holder_key=key,
        request=request,
        subject=presentation.Subject(
            identity=identity,
            leaf=showing.leaf,
            shown=tuple(part.digest for part in showing.disclosures),
        ),
        now=now,
        greatest_age=policy.presentation_age,
        tolerance=policy.clock_tolerance,
    )
