"""Sealed records, held against the verifier's own definition of a certificate."""

import unicodedata
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from certledger.ledger.sealing.attachments import Paper
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.sealing.records import seal_records
from certledger.ledger.sealing.text import refusal_of
from certledger.verifier.formats.canonical_json import from_base64url
from certledger.verifier.formats.catalog import disobeyed
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.record import (
    Disclosure,
    Record,
    derived_salt,
    lookup_digest,
    normal_number,
)
from tests.ledger.sealing.sheet_folder import ISSUER, LICENCE, PROOF, SECRET, SEED, issue, sealed
from tests.record_rules import certificate_id

KEY = "ed25519:" + "A" * 42 + "E"
PAPERS = (
    Paper(name="a.pdf", value={"sha256": "ab" * 32, "size": 5, "sm3": "cd" * 32}),
    Paper(name="b.pdf", value={"size": 0, "sha256": "00" * 32}),
)
texts = (
    st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30)
    .map(lambda text: unicodedata.normalize("NFC", text).strip())
    .filter(lambda text: refusal_of(text) is None)
)


@st.composite
def issues(draw: st.DrawFn) -> Issue:
    entry = draw(st.sampled_from([LICENCE, PROOF]))
    optional = set(entry.fields[1:]) - set(entry.shown)
    names = {*entry.shown, *(draw(st.sets(st.sampled_from(sorted(optional)))) if optional else ())}
    replaces = draw(st.none() | st.integers(0, 40))
    return Issue(
        entry=entry,
        number=normal_number("A" + draw(texts)[:3]),
        fields={name: draw(texts) for name in sorted(names)},
        issued=draw(st.dates()),
        expires=draw(st.none() | st.just(date.max)),
        replaces=replaces,
        edition=0 if replaces is None else draw(st.integers(1, 65535)),
        holder_key=draw(st.none() | st.just(KEY)),
        papers=draw(st.sampled_from([(), PAPERS, PAPERS[:1]])),
    )


@given(st.lists(issues(), min_size=1, max_size=4))
def test_a_sealed_record_is_canonical_and_its_digests_are_of_its_disclosures(
    given_issues: list[Issue],
) -> None:
    out = seal_records(given_issues, issuer=ISSUER, secret=SECRET, seed=SEED, first=41)
    for place, one in enumerate(given_issues):
        record = Record.parse(out.records[place])
        assert record.canonical() == out.records[place]
        assert record.leaf() == out.leaves[place]
        assert (record.index, record.issuer, record.edition) == (41 + place, ISSUER, one.edition)
        assert (record.issued, record.expires) == (one.issued, one.expires)
        assert (record.replaces, record.holder) == (one.replaces, one.entry.holder)
        assert record.id == certificate_id(SECRET, ISSUER, one.entry.category, one.number)
        assert record.bound == (one.holder_key is not None)
        check_disclosures(one, record, out.codes[place].decode(), out.disclosures[place])


def check_disclosures(one: Issue, record: Record, code: str, texts: list[bytes]) -> None:
    entry, bound = one.entry, record.bound
    first_document = entry.first_document(bound=bound)
    assert len(record.digests) == first_document + len(one.papers)
    disclosed = [Disclosure.parse(text.decode()) for text in texts]
    places = [record.digests.index(part.digest) for part in disclosed]
    values = {"certificate_number": one.number, "holder_key": one.holder_key, **one.fields}
    assert places == sorted(places)
    assert len(set(record.digests)) == len(record.digests)
    for place, part in zip(places, disclosed, strict=True):
        assert part.name == entry.name_at(place, bound=bound)
        if part.name == "document":
            assert part.value == one.papers[place - first_document].value
        else:
            assert part.value == values[part.name]
        if part.name == "document" or part.name in entry.shown:
            assert part.salt == derived_salt(code, place)
        elif place == 0:
            assert part.salt == code
        else:
            assert len(from_base64url(part.salt)) == 16
    absent = set(entry.fields) - {"certificate_number"} - set(one.fields)
    assert len(record.digests) - len(disclosed) == len(absent)
    assert record.digests[0] == lookup_digest(one.number, code)


def test_salts_codes_and_decoys_differ_from_row_to_row_and_place_to_place() -> None:
    same = [issue(number="A1", papers=PAPERS, holder_key=KEY)] * 50
    out = seal_records(same, issuer=ISSUER, secret=SECRET, seed=SEED, first=0)
    digests = [digest for data in out.records for digest in Record.parse(data).digests]
    assert len(set(digests)) == len(digests)
    assert len(set(out.codes)) == 50
    salts = [Disclosure.parse(text.decode()).salt for texts in out.disclosures for text in texts]
    assert len(set(salts)) == len(salts)


def test_random_things_stay_when_the_first_index_moves() -> None:
    one = seal_records([issue()], issuer=ISSUER, secret=SECRET, seed=SEED, first=0)
    other = seal_records([issue()], issuer=ISSUER, secret=SECRET, seed=SEED, first=9)
    assert (one.codes, one.disclosures) == (other.codes, other.disclosures)
    assert one.records != other.records


def test_another_seed_or_secret_gives_other_salts_or_ids() -> None:
    base = seal_records([issue()], issuer=ISSUER, secret=SECRET, seed=SEED, first=0)
    seed = seal_records([issue()], issuer=ISSUER, secret=SECRET, seed=bytes(32), first=0)
    secret = seal_records([issue()], issuer=ISSUER, secret=bytes(32), seed=SEED, first=0)
    assert base.codes != seed.codes
    assert base.codes == secret.codes
    assert Record.parse(base.records[0]).id != Record.parse(secret.records[0]).id


def test_a_holding_holds_record_disclosures_and_names() -> None:
    batch = sealed([issue(papers=PAPERS, holder_key=KEY)])
    data = next(batch.holdings())
    holding = Holding.parse(data)
    assert holding.format() == data
    assert holding.names == ("a.pdf", "b.pdf")
    assert holding.record.canonical() == batch.records[0]
    assert disobeyed(holding.record, LICENCE) is None
