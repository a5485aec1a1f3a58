"""A holder's file: the record and all its disclosures (SPEC section 16.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import orjson

from verifier.certificate import MOST_DIGESTS, Disclosure, Record
from verifier.encoding import Members, parse_canonical
from verifier.errors import Malformed

LONGEST_HOLDING = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What a body gives to a holder beside the documents, whose file names are `names`."""

    TYPE: ClassVar[str] = "certledger/holding/1"

    record: Record
    disclosures: tuple[Disclosure, ...]
    names: tuple[str, ...]

    def canonical(self) -> bytes:
        """Return the canonical bytes."""
        texts = [part.text.encode("ascii") for part in self.disclosures]
        return format_holding(self.record.canonical(), texts, self.names)

    @classmethod
    def parse(cls, data: bytes) -> Holding:
        """Return the holding of canonical bytes.

        Raises:
            Malformed: not canonical, an unknown, missing or ill-typed member, a disclosure that
                is not of the record, or file names that are not as many as the documents.
        """
        read = Members(parse_canonical(data, LONGEST_HOLDING), "holding")
        read.const("type", cls.TYPE)
        holding = cls(
            record=Record.from_json(read.take("record")),
            disclosures=tuple(
                Disclosure.parse(Members({"text": text}, "holding").text("text", longest=8192))
                for text in read.array("disclosures", 1, MOST_DIGESTS)
            ),
            names=tuple(
                Members({"name": name}, "holding").text("name", longest=255)
                for name in read.array("names", 0, MOST_DIGESTS)
            ),
        )
        read.done()
        holding._check()
        return holding

    def _check(self) -> None:
        digests = self.record.digests
        places = [digests.index(d.digest) for d in self.disclosures if d.digest in digests]
        if len(places) != len(self.disclosures) or places != sorted(set(places)):
            reason = "a disclosure is not the record's, or not in its place"
            raise Malformed("holding.disclosures", reason)
        documents = sum(part.name == "document" for part in self.disclosures)
        if documents != len(self.names):
            raise Malformed("holding.names", f"{len(self.names)} names for {documents} documents")


def format_holding(record: bytes, disclosures: Sequence[bytes], names: Sequence[str]) -> bytes:
    """Return the canonical bytes of a holding, given those of its record and disclosures."""
    listed = b'"' + b'","'.join(disclosures) + b'"'
    return b'{"disclosures":[%b],"names":%b,"record":%b,"type":"%b"}' % (
        listed,
        orjson.dumps(list(names)),
        record,
        Holding.TYPE.encode(),
    )
