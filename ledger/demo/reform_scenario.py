"""Applications and decisions of the demo, and what must come of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from certledger.verifier.reform.application import LineOutcome
from certledger.verifier.reform.book import ApplicantKind
from certledger.verifier.reform.operator_record import GRANTED, PERSON, REFUSED

_HOLDER = ("certificate_number", "holder_name", "id_number")
_CARD = (*_HOLDER, "birth_date", "address")
_HEALTH = (*_HOLDER, "issue_date")
_LICENCE = ("certificate_number", "holder_name", "uscc", "business_scope")
Shown = Mapping[str, tuple[str, ...]]
"""Fields shown of each certificate, by its name in `reform_certificates`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoApplication:
    """What an applicant shows at a counter for an item or bundle.

    `outcome` must come of it; `code` is that of the decision, empty for an application that a
    clerk decides; `later` is whether it comes after some certificates were revoked.
    """

    name: str
    what: str
    asked: str
    counter: str
    shown: Shown
    outcome: str
    applicant: ApplicantKind = ApplicantKind.PERSON
    code: str = ""
    later: bool = False


APPLICATIONS = (
    DemoApplication(
        name="all-shown",
        what="both certificates of a food worker",
        asked="ONE-FOOD-WORKER",
        counter="HP-WINDOW-1",
        shown={"card": _CARD, "health": _HEALTH},
        outcome=LineOutcome.MET,
    ),
    DemoApplication(
        name="one-missing",
        what="the health certificate is not shown",
        asked="ONE-FOOD-WORKER",
        counter="PD-WINDOW-7",
        shown={"card": _CARD},
        outcome=LineOutcome.NOT_MET,
    ),
    DemoApplication(
        name="paper-too",
        what="a company of another province; forms on paper",
        asked="ONE-RESTAURANT",
        counter="PD-WINDOW-7",
        applicant=ApplicantKind.COMPANY,
        shown={"licence": _LICENCE, "health": _HEALTH},
        outcome=LineOutcome.CANNOT_TELL,
    ),
)

DECISIONS = (
    DemoApplication(
        name="granted",
        what="an adult shows the identity card",
        asked="NOCRIME-APPLY",
        counter="HP-WINDOW-1",
        shown={"card": _CARD},
        outcome=GRANTED,
        code="ok",
    ),
    DemoApplication(
        name="two-certificates",
        what="identity card and health certificate of one holder",
        asked="FOOD-MANAGER-EXAM",
        counter="HOSPITAL-1",
        shown={"card": _CARD, "health": _HEALTH},
        outcome=GRANTED,
        code="ok",
    ),
    DemoApplication(
        name="company",
        what="a company of Zhejiang shows its licence in Shanghai",
        asked="TAX-GENERAL-REG",
        counter="HP-WINDOW-1",
        applicant=ApplicantKind.COMPANY,
        shown={"licence": _LICENCE},
        outcome=GRANTED,
        code="ok",
    ),
    DemoApplication(
        name="overtaken",
        what="a card that is revoked afterwards",
        asked="NOCRIME-APPLY",
        counter="HP-WINDOW-1",
        shown={"overtaken_card": _CARD},
        outcome=GRANTED,
        code="ok",
    ),
    DemoApplication(
        name="too-young",
        what="a child shows the identity card",
        asked="NOCRIME-APPLY",
        counter="HP-WINDOW-1",
        shown={"minor_card": _CARD},
        outcome=REFUSED,
        code="rule.condition",
    ),
    DemoApplication(
        name="nothing-shown",
        what="nothing is shown",
        asked="NOCRIME-APPLY",
        counter="PARK-1",
        shown={},
        outcome=PERSON,
        code="material.to_fetch",
    ),
    DemoApplication(
        name="birthday-withheld",
        what="the card without the birthday",
        asked="NOCRIME-APPLY",
        counter="HOTEL-1",
        shown={"card": _HOLDER},
        outcome=PERSON,
        code="rule.error",
    ),
    DemoApplication(
        name="of-two-people",
        what="a child's card with an adult's health certificate",
        asked="FOOD-MANAGER-EXAM",
        counter="HOSPITAL-1",
        shown={"minor_card": _CARD, "health": _HEALTH},
        outcome=PERSON,
        code="holder.other",
    ),
    DemoApplication(
        name="revoked",
        what="the revoked card is shown again",
        asked="NOCRIME-APPLY",
        counter="HP-WINDOW-1",
        shown={"overtaken_card": _CARD},
        outcome=REFUSED,
        code="status.revoked",
        later=True,
    ),
)
OVERTAKEN = "overtaken"
"""The decision that becomes a case."""
