"""How fast certificates are sealed, against the hashing that sealing cannot do without."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

from bench.report import Row, at_least, rates
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.sealing.records import SealedRecords, seal_records
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.vocabulary import EntryKind, HolderKind

TARGET = 50_000
"""Certificates a second on one core."""

ISSUER = "11310000XX00000196"
FIELDS = (
    "certificate_number",
    "holder_name",
    "credit_code",
    "legal_representative",
    "address",
    "business_scope",
    "issue_date",
    "expiry_date",
)
ENTRY = Entry(
    category="BIZ-LICENCE",
    version=1,
    kind=EntryKind.LICENCE,
    holder=HolderKind.LEGAL,
    name_zh="营业执照",
    name_en="Business licence",
    fields=FIELDS,
    shown=("holder_name",),
    months=None,
    lag_days=30,
)


def certificates(count: int) -> list[Issue]:
    """Return certificates with all of the entry's eight fields disclosed."""
    return [
        Issue(
            entry=ENTRY,
            number=f"沪示许2026{serial:08d}",
            fields={
                "holder_name": f"上海示例{serial}有限公司",
                "credit_code": f"91310000XX{serial:08d}",
                "legal_representative": "王示例",
                "address": f"上海市黄浦区示例路{serial}号",
                "business_scope": "食品销售；餐饮服务；货物进出口",
                "issue_date": "2026-11-01",
                "expiry_date": "2031-10-31",
            },
            issued=date(2026, 11, 1),
            expires=date(2031, 10, 31),
        )
        for serial in range(count)
    ]


def hash_again(sealed: SealedRecords) -> None:
    """Hash every disclosure and every record once more, and nothing else."""
    digest = sha256
    for record, disclosures in zip(sealed.records, sealed.disclosures, strict=True):
        for text in disclosures:
            digest(text).digest()
        digest(record).digest()


def rows(quick: bool) -> list[Row]:
    """Return the rows of sealing: certificates a second on one core."""
    count, rounds = (2_000, 3) if quick else (20_000, 5)
    issues = certificates(count)

    def work() -> SealedRecords:
        return seal_records(issues, issuer=ISSUER, secret=bytes(32), seed=bytes(32), first=0)

    sealed = work()
    value, bare = rates(count, rounds, work, lambda: hash_again(sealed))
    return [
        Row(
            name="seal_8_fields",
            value=value,
            unit="certificates/s",
            baseline=bare,
            ratio=value / bare,
            target=at_least(TARGET),
        )
    ]
