"""The sample certificates of the domain data, each sealed by the issuer that issues it."""

from collections import defaultdict
from datetime import date

from certledger.ledger.issuer.catalogs import catalog_of
from certledger.ledger.reference_data import IssuerProfile, load_domain
from certledger.ledger.samples.generator import sample_certificates
from certledger.ledger.sealing.batch import Head
from certledger.verifier.formats.catalog import disobeyed
from certledger.verifier.formats.record import Record
from tests.ledger.sealing.sheet_folder import LEDGER, NOW, SECRET, SEED, SIGNER, row_of, seal


def test_every_sample_certificate_can_be_sealed_and_obeys_its_entry() -> None:
    domain = load_domain()
    sheets: dict[IssuerProfile, list[dict[str, str]]] = defaultdict(list)
    for sample in sample_certificates(
        domain, seed=4, count=400, categories=200, today=date(2026, 11, 24), expired=20
    ):
        row = {
            **sample.fields,
            "category": sample.category.code,
            "issued": sample.issue_date.isoformat(),
            "expires": sample.expiry_date.isoformat() if sample.expiry_date else "",
        }
        sheets[sample.issuer].append(row)
    for issuer, rows in sheets.items():
        catalog = catalog_of(domain, sorted({row["category"] for row in rows}))
        batch = seal(
            [row_of(row, number=number) for number, row in enumerate(rows, 2)],
            catalog=catalog,
            head=Head(),
            issuer=issuer.uscc,
            secret=SECRET,
            seed=SEED,
            signer=SIGNER,
            now=NOW,
            identity=LEDGER,
            name=issuer.name_zh,
        )
        for data in batch.records:
            record = Record.parse(data)
            entry = catalog.newest(record.category)
            assert entry is not None
            assert disobeyed(record, entry) is None
