"""Fast parser of canonical records: the whole grammar is one regular expression.

Bytes that do not match go to `Record.parse`, which is ten times slower and reports the error.  A
test compares both on the same input.
"""

from __future__ import annotations

import re
from datetime import date

from certledger.verifier.formats.canonical_json import bytes_of
from certledger.verifier.formats.issuer_state import MAX_CERTIFICATES
from certledger.verifier.formats.record import MAX_DIGESTS, Record
from certledger.verifier.vocabulary import HolderKind

_NUMBER = r"(0|[1-9][0-9]{0,9})"
_DAY = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
_HOLDERS = {str(kind): kind for kind in HolderKind}
GRAMMAR = re.compile(
    r'\{"bound":(true|false),"category":"([A-Z0-9-]{2,24})",'
    rf'"digests":"([A-Za-z0-9_-]+)","edition":{_NUMBER},"entry":{_NUMBER},'
    rf'(?:"expires":"{_DAY}",)?"holder":"({"|".join(_HOLDERS)})","id":"([A-Za-z0-9_-]{{43}})",'
    rf'"index":{_NUMBER},"issued":"{_DAY}","issuer":"([0-9A-Z]{{18}})",'
    rf'(?:"replaces":{_NUMBER},)?"type":"certledger/record/1"\}}'
)
"""A canonical record; its members are sorted by name."""

_MAX_DIGESTS_CHARACTERS = (MAX_DIGESTS * 32 * 8 + 5) // 6
_LAST = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""Possible last characters by length modulo 4, so that the spare bits are zero."""


def read_canonical(match: re.Match[str]) -> Record | None:
    """Build the record of a match of GRAMMAR, None where it breaks a rule beyond the grammar."""
    bound, category, digests, edition, entry, expires, holder, id_, index, issued, issuer, old = (
        match.groups()
    )
    if len(digests) > _MAX_DIGESTS_CHARACTERS or not (
        _is_canonical(digests) and _is_canonical(id_)
    ):
        return None
    try:
        joined = bytes_of(digests.encode("ascii"))
        record = Record(
            issuer=issuer,
            index=int(index),
            id=bytes_of(id_.encode("ascii")),
            edition=int(edition),
            replaces=None if old is None else int(old),
            category=category,
            entry=int(entry),
            holder=_HOLDERS[holder],
            issued=date.fromisoformat(issued),
            expires=None if expires is None else date.fromisoformat(expires),
            bound=bound == "true",
            digests=tuple([joined[at : at + 32] for at in range(0, len(joined), 32)]),
        )
    except ValueError:
        return None
    return record if len(joined) % 32 == 0 and _in_range(record) else None


def _in_range(record: Record) -> bool:
    """Check numbers, dates and edition (SPEC section 5)."""
    if record.index >= MAX_CERTIFICATES or record.edition > 65_535:
        return False
    if not 0 < record.entry <= 65_535:
        return False
    if record.expires is not None and record.expires < record.issued:
        return False
    if record.replaces is None:
        return record.edition == 0
    return record.edition > 0 and record.replaces < record.index


def _is_canonical(text: str) -> bool:
    """Return whether base64url text is canonical."""
    over = len(text) % 4
    return not over or text[-1] in _LAST[over]
