"""Check 1: what is shown and handed in, compared with the record."""

import pytest

from certledger.verifier.crypto.hashing import sm3
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.record import describe_document
from certledger.verifier.verify.content_check import Fingerprint, Paper, Showing, check_content
from tests.conformance.case import Scene
from tests.world import ENTRY

PAPER, PLAN = "示例证照\n".encode(), b"plan\n"
SCENE = Scene(documents=[PAPER, PLAN])


def check(*show: str, papers: list[Paper] | None = None, entry: Entry | None = ENTRY) -> str:
    """Return the code of check 1 where the parts named `show` are disclosed."""
    evidence = SCENE.evidence(show=show)
    return check_content(evidence.shown, papers or [], entry)


def test_number_and_must_show_fields_are_enough() -> None:
    assert check("certificate_number", "holder_name") == "ok"


def test_what_must_be_shown_is_not_known_without_the_entry() -> None:
    assert check("certificate_number", "holder_name", entry=None) == "content.nothing_compared"


def test_a_document_is_compared_even_where_the_entry_is_not_known() -> None:
    assert check("certificate_number", papers=[PAPER], entry=None) == "ok"


def test_nothing_shown_and_nothing_handed_in_compares_nothing() -> None:
    assert check() == "content.nothing_compared"


@pytest.mark.parametrize("papers", [[PAPER], [PLAN], [PLAN, PAPER], [PAPER, PAPER]], ids=len)
def test_the_access_code_finds_any_of_the_documents(papers: list[Paper]) -> None:
    assert check("certificate_number", papers=papers) == "ok"


def test_one_document_that_is_not_the_records_counts_before_all_that_are() -> None:
    papers: list[Paper] = [PAPER, b"other", PLAN]
    assert check("certificate_number", papers=papers) == "content.document_differs"
    assert check("document", papers=papers) == "content.document_differs"


def test_a_forged_document_counts_though_every_field_is_shown() -> None:
    shown = ("certificate_number", "holder_name", "document")
    assert check(*shown, papers=[b"other"]) == "content.document_differs"


def test_a_document_that_may_be_a_withheld_one_is_not_called_forged() -> None:
    evidence = SCENE.evidence(show=("document",))
    first = Showing.of(evidence.record, evidence.disclosures[:1])
    assert check_content(first, [PAPER], ENTRY) == "ok"
    assert check_content(first, [PLAN], ENTRY) == "content.nothing_compared"
    assert check_content(first, [PAPER, PLAN], ENTRY) == "content.nothing_compared"
    assert check_content(first, [PLAN], None) == "content.nothing_compared"


def test_a_fingerprint_is_compared_like_the_document() -> None:
    plain = describe_document(PAPER)
    good = Fingerprint(sha256=str(plain["sha256"]), size=len(PAPER))
    for show in ("certificate_number", "document"):
        assert check(show, papers=[good]) in ("ok", "content.sm3_unavailable")
    other = Fingerprint(sha256=str(plain["sha256"]), size=len(PAPER) + 1, sm3="00" * 32)
    assert check("document", papers=[other]) == "content.document_differs"


def test_where_sm3_is_recorded_it_must_be_computed() -> None:
    scene = Scene(documents=[PAPER], with_sm3=True)
    shown = scene.evidence(show=("document",)).shown
    plain = describe_document(PAPER)
    digest = sm3(PAPER)
    assert digest is not None
    for given, code in (
        (digest.hex(), "ok"),
        (None, "content.sm3_unavailable"),
        ("00" * 32, "content.document_differs"),
    ):
        paper = Fingerprint(sha256=str(plain["sha256"]), size=len(PAPER), sm3=given)
        assert check_content(shown, [paper], ENTRY) == code
    assert check_content(shown, [PAPER], ENTRY) == "ok"


def test_without_sm3_a_document_found_by_the_access_code_alone_stays_undecided() -> None:
    scene = Scene(documents=[PAPER], with_sm3=True)
    shown = scene.evidence(show=("certificate_number",)).shown
    plain = describe_document(PAPER)
    paper = Fingerprint(sha256=str(plain["sha256"]), size=len(PAPER))
    assert check_content(shown, [paper], ENTRY) == "content.sm3_unavailable"


def test_without_sm3_a_document_of_another_sha256_differs_where_all_are_disclosed() -> None:
    """A counter that hashes elsewhere may have no SM3; the SHA-256 alone convicts a forgery."""
    forged = Fingerprint(sha256="ab" * 32, size=len(PAPER))
    for with_sm3 in (False, True):
        scene = Scene(documents=[PAPER, PLAN], with_sm3=with_sm3)
        shown = scene.evidence(show=("certificate_number", "document")).shown
        assert check_content(shown, [forged], ENTRY) == "content.document_differs"
        one = Showing.of(shown.record, shown.disclosures[:-1])
        assert check_content(one, [forged], ENTRY) == "content.sm3_unavailable"


def test_places_ascend_or_not() -> None:
    shown = SCENE.evidence(show=("certificate_number", "sex")).shown
    assert shown.ascends
    assert shown.places == [0, 2]
    for disclosures in (shown.disclosures[::-1], [shown.disclosures[0]] * 2):
        assert not Showing.of(shown.record, disclosures).ascends
