"""Applications: what meets a line, whose certificates count, and what cannot be told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from certledger.ledger.reform.application_request import check_counter, parse_application
from certledger.verifier.errors import MalformedError
from certledger.verifier.reform.application import (
    ApplicationAnswer,
    LineOutcome,
    ShownCertificate,
    answer_application,
)
from certledger.verifier.reform.book import ApplicantKind, Book
from certledger.verifier.reform.exemptions import exemptions_together
from certledger.verifier.reform.holders import HolderRelation
from certledger.verifier.vocabulary import Verdict
from tests.ledger.reform.books import domain_book

NOW = 1_796_000_000
SALT = bytes(32)
USCC, OTHER_USCC = "91310000MA1FL0000X", "91310000MA1FL00011"
PERSON, SECOND = "310101199001010019", "310101199101010027"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return Book.from_tables("310000", domain_book(tmp_path_factory.mktemp("book")).tables)


def shown(
    category: str,
    leaf: str,
    verdict: Verdict = Verdict.VALID,
    code: str = "ok",
    **fields: str,
) -> ShownCertificate:
    return ShownCertificate(
        verdict=verdict, code=code, category=category, leaf=leaf, fields=fields, as_of=NOW - 60
    )


LICENCE = shown("BIZ-LICENCE", "aa", uscc=USCC)
TITLE = shown("RE-TITLE", "bb", uscc=USCC)


def apply(
    book: Book,
    evidence: Sequence[ShownCertificate],
    *codes: str,
    applicant: ApplicantKind = ApplicantKind.COMPANY,
) -> ApplicationAnswer:
    asked = exemptions_together(book, codes or ("BIZ-OPEN",), applicant)
    return answer_application(asked, evidence, NOW, SALT)


def line(found: ApplicationAnswer, number: int, item: str = "BIZ-OPEN") -> tuple[str, str]:
    one = next(one for one in found.lines if (item, number) in one.line.asked_by)
    return str(one.outcome), one.code


def test_a_valid_certificate_of_the_applicant_meets_its_line(book: Book) -> None:
    found = apply(book, [LICENCE])

    assert line(found, 4) == ("met", "ok")
    assert found.lines[3].age == 60
    assert found.to_json()["lines"][3]["why_en"] == "Verified"


def test_one_certificate_meets_lines_of_several_items(book: Book) -> None:
    found = apply(book, [LICENCE], "BIZ-OPEN", "FOOD-LICENCE")
    met = [one for one in found.lines if one.outcome is LineOutcome.MET]

    assert [one.line.categories for one in met] == [("BIZ-LICENCE",)]
    assert {item for item, _ in met[0].line.asked_by} == {"BIZ-OPEN", "FOOD-LICENCE"}


@pytest.mark.parametrize(
    ("verdict", "code", "outcome"),
    [
        (Verdict.NOT_IN_FORCE, "status.revoked", "not_met"),
        (Verdict.NOT_GENUINE, "content.differs", "not_met"),
        (Verdict.CANNOT_TELL, "freshness.stale", "cannot_tell"),
    ],
)
def test_a_certificate_that_is_not_valid_meets_nothing(
    book: Book, verdict: Verdict, code: str, outcome: str
) -> None:
    found = apply(book, [shown("BIZ-LICENCE", "aa", verdict, code, uscc=USCC)])

    assert line(found, 4) == (outcome, code)


def test_a_better_certificate_counts_wherever_it_stands(book: Book) -> None:
    revoked = shown("BIZ-LICENCE", "cc", Verdict.NOT_IN_FORCE, "status.revoked")

    for evidence in ([revoked, LICENCE], [LICENCE, revoked]):
        assert line(apply(book, evidence), 4) == ("met", "ok")


def test_bundles_do_not_get_around_the_count_of_items() -> None:
    tables = small_tables()
    item = tables["service_items"][0]
    tables["service_items"] = [[f"ITEM-{at:04}", f"事项{at}", *item[2:]] for at in range(1_000)]
    tables["materials"] = []
    tables["bundles"] = [
        [f"ONE-{of:04}", "一件事", "One", ";".join(f"ITEM-{of * 50 + at:04}" for at in range(50))]
        for of in range(20)
    ]
    book = Book.from_tables("310000", tables)
    codes = [row[0] for row in tables["bundles"]]
    assert len(exemptions_together(book, codes[:1], ApplicantKind.PERSON).items) == 50
    with pytest.raises(MalformedError) as refused:
        exemptions_together(book, codes, ApplicantKind.PERSON)

    assert refused.value.code == "application.too_many"


def test_what_is_not_shown_is_missing_or_fetched_or_looked_at_by_a_clerk(book: Book) -> None:
    found = apply(book, [shown("NO-CATEGORY", "dd")])

    assert line(found, 1) == ("cannot_tell", "material.on_paper")
    assert line(found, 4) == ("cannot_tell", "material.to_fetch")
    assert line(found, 5) == ("cannot_tell", "material.original")
    assert found.outcome is LineOutcome.CANNOT_TELL


def test_a_law_that_asks_for_the_original_is_not_met_by_a_certificate(book: Book) -> None:
    assert line(apply(book, [LICENCE, TITLE]), 5) == ("cannot_tell", "material.original")


def test_a_certificate_of_another_company_does_not_count(book: Book) -> None:
    other = shown("RE-LEASE-FILING", "ee", uscc=OTHER_USCC)
    found = apply(book, [LICENCE, other])

    assert line(found, 6) == ("cannot_tell", "holder.other")
    assert found.holders == (HolderRelation.APPLICANT, HolderRelation.OTHER)


def test_a_person_among_a_companys_certificates_counts_only_as_its_agent(book: Book) -> None:
    person = shown("ID-RESIDENT", "ff", id_number=PERSON)
    authorised = shown("BIZ-AUTH", "99", uscc=USCC, agent_id_number=PERSON)

    assert line(apply(book, [LICENCE, person]), 3) == ("cannot_tell", "holder.other")
    found = apply(book, [LICENCE, person, authorised])
    assert line(found, 3) == ("met", "ok")
    assert found.holders[1] is HolderRelation.AGENT


def test_an_authorisation_of_another_company_makes_no_agent(book: Book) -> None:
    person = shown("ID-RESIDENT", "ff", id_number=PERSON)
    foreign = shown("BIZ-AUTH", "99", uscc=OTHER_USCC, agent_id_number=PERSON)

    assert line(apply(book, [LICENCE, person, foreign]), 3) == ("cannot_tell", "holder.other")


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.NOT_IN_FORCE, "dates.expired"),
        (Verdict.NOT_IN_FORCE, "status.revoked"),
        (Verdict.CANNOT_TELL, "freshness.stale"),
    ],
)
def test_an_authorisation_that_is_not_in_force_makes_no_agent(
    book: Book, verdict: Verdict, code: str
) -> None:
    person = shown("ID-RESIDENT", "ff", id_number=PERSON)
    ended = shown("BIZ-AUTH", "99", verdict, code, uscc=USCC, agent_id_number=PERSON)

    assert line(apply(book, [LICENCE, person, ended]), 3) == ("cannot_tell", "holder.other")


def test_a_certificate_that_is_not_in_force_joins_no_numbers(book: Book) -> None:
    joining = shown(
        *("BIZ-OTHER", "77", Verdict.NOT_IN_FORCE, "status.revoked"),
        id_number=PERSON,
        passport_number="E12345678",
    )
    evidence = [
        shown("ID-RESIDENT", "11", id_number=PERSON),
        joining,
        shown("EDU-DIPLOMA", "33", passport_number="E12345678"),
    ]
    found = apply(book, evidence, "RESIDENCE-POINTS", applicant=ApplicantKind.PERSON)
    alone = apply(book, [joining], "RESIDENCE-POINTS", applicant=ApplicantKind.PERSON)

    assert [str(one) for one in found.holders] == ["applicant", "applicant", "other"]
    assert alone.holders == (HolderRelation.APPLICANT,)


def test_numbers_are_one_however_they_are_typed(book: Book) -> None:
    evidence = [
        shown("ID-RESIDENT", "11", id_number="31010119900101001X"),
        shown("EDU-DIPLOMA", "22", id_number="３１０１０１ 19900101 001Ⅹ"),
        shown("EDU-DIPLOMA", "33", id_number="31010119900101001x"),
    ]
    found = apply(book, evidence, "RESIDENCE-POINTS", applicant=ApplicantKind.PERSON)

    assert set(found.holders) == {HolderRelation.APPLICANT}


def test_an_agents_own_certificate_does_not_stand_for_the_persons() -> None:
    book = Book.from_tables("310000", small_tables())
    asked = exemptions_together(book, ("TWO-PEOPLE",), ApplicantKind.PERSON)
    proxy = shown("PROXY", "99", id_number=PERSON, agent_id_number=SECOND)
    own, agents = (
        shown("ID-RESIDENT", leaf, id_number=number)
        for leaf, number in (("11", PERSON), ("22", SECOND))
    )

    def codes(*evidence: ShownCertificate) -> list[str]:
        answer = answer_application(asked, [proxy, *evidence], NOW, SALT)
        return [one.code for one in answer.lines]

    assert codes(agents) == ["holder.agent", "holder.agent"]
    assert codes(agents, own) == codes(own, agents) == ["ok", "ok"]


def test_a_person_may_hold_several_numbers(book: Book) -> None:
    asked = exemptions_together(book, ("RESIDENCE-POINTS",), ApplicantKind.PERSON)
    evidence = [
        shown("ID-RESIDENCE", "11", id_number=PERSON),
        shown("ID-PASSPORT", "22", id_number=PERSON, passport_number="E1 2345678"),
        shown("EDU-DIPLOMA", "33", passport_number="e12345678"),
        shown("EDU-DIPLOMA", "44", id_number=SECOND),
    ]
    found = answer_application(asked, evidence, NOW, SALT)

    assert [str(one) for one in found.holders] == ["applicant"] * 3 + ["other"]
    assert HolderRelation.OTHER not in {one.holder for one in found.lines}


def test_one_certificate_does_not_stand_for_two_people() -> None:
    tables = small_tables()
    book = Book.from_tables("310000", tables)
    asked = exemptions_together(book, ("TWO-PEOPLE",), ApplicantKind.PERSON)
    one = shown("ID-RESIDENT", "11", id_number=PERSON)

    for evidence in ([one], [one, one]):
        found = answer_application(asked, evidence, NOW, SALT)
        assert [found_line.code for found_line in found.lines] == ["ok", "evidence.used"]
        assert found.outcome is LineOutcome.NOT_MET


def small_tables() -> dict[str, list[list[str]]]:
    people = [
        ["TWO-PEOPLE", str(number), f"身份证{number}", f"Card {number}", "yes", "ID-RESIDENT", "no"]
        for number in (1, 2)
    ]
    category = [
        *("ID-RESIDENT", "居民身份证", "Resident identity card", "证件", "natural", "department"),
        *("上海市公安局", "Police", "240", "1", "yes", "certificate_number;holder_name;id_number"),
    ]
    item = ["TWO-PEOPLE", "两人", "Two people", "D", "D", "public_service", "personal"]
    return {
        **{name: [] for name in ("regions", "issuers", "counters", "bundles", "overrides")},
        **{name: [] for name in ("restrictions", "rules", "delta_scenarios")},
        "categories": [category],
        "service_items": [[*item, "no", "no", "no"]],
        "materials": people,
    }


def test_digests_of_numbers_change_with_the_salt_and_are_in_no_answer(book: Book) -> None:
    spelled = str(apply(book, [LICENCE]).to_json())

    assert USCC not in spelled
    assert "uscc" not in spelled


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"applicant":"company","evidence":[{"code":"x"}]}', "schema.invalid"),
        (
            b'{"applicant":"company","bundle":"ONE-A","items":["BIZ-OPEN"],"evidence":[{"code":"x"}]}',
            "schema.invalid",
        ),
        (b'{"applicant":"cat","items":["BIZ-OPEN"],"evidence":[{"code":"x"}]}', "schema.invalid"),
        (b'{"applicant":"person","items":["BIZ-OPEN"],"evidence":[]}', "schema.invalid"),
        (
            b'{"applicant":"person","items":["BIZ-OPEN"],"evidence":[{"code":"x"}],"more":1}',
            "schema.invalid",
        ),
        (
            b'{"applicant":"person","items":[%s],"evidence":[{"code":"x"}]}'
            % b",".join([b'"BIZ-OPEN"'] * 1_000),
            "application.too_many",
        ),
    ],
)
def test_what_is_no_application_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as refused:
        parse_application(body, 1_000_000)

    assert refused.value.code == code


def test_evidence_that_cannot_be_read_stays_in_its_place() -> None:
    body = b'{"applicant":"person","items":["BIZ-OPEN"],"evidence":[{"odd":1},{"code":"x"}]}'
    found = parse_application(body, 1_000)

    assert [one.unusable for one in found.evidence] == ["schema.invalid", None]


def test_a_counter_is_of_the_book_and_of_its_region(book: Book) -> None:
    assert check_counter(book, None, None) is None
    assert check_counter(book, None, "not-in-the-book") == "not-in-the-book"
    assert check_counter(book, "pudong-7", "pudong-7") == "pudong-7"
    for named, of_key, code in (
        ("HOTEL-1", "pudong-7", "counter.other"),
        ("NOBODY-1", None, "counter.unknown"),
        ("SZ-WINDOW-1", None, "counter.region"),
        (None, "SZ-WINDOW-1", "counter.region"),
    ):
        with pytest.raises(MalformedError) as refused:
            check_counter(book, named, of_key)
        assert refused.value.code == code
