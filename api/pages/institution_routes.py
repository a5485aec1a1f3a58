"""Routes of the pages of those who run or supervise the ledger."""

from __future__ import annotations

from certledger.api.pages.acts import get_act, prepare_act, sign_act
from certledger.api.pages.api_reference import show_reference
from certledger.api.pages.audit import show_audit, show_explorer
from certledger.api.pages.issuer import get_issuer_acts, get_issuer_evidence, show_issuer
from certledger.api.pages.office import (
    close_office_case,
    draw_sample,
    get_office_table,
    show_office,
)
from certledger.api.pages.page_route import PageRoute
from certledger.api.pages.registrar import show_registrar

INSTITUTION_PAGES = (
    PageRoute("/audit", show_audit, operation="showAudit"),
    PageRoute("/explorer", show_explorer, operation="showExplorer"),
    PageRoute("/office", show_office, operation="showOffice"),
    PageRoute("/office/{name}.csv", get_office_table, operation="showOffice", for_script=True),
    PageRoute("/office/cases", close_office_case, operation="closeOfficeCase", method="POST"),
    PageRoute("/office/samples", draw_sample, operation="drawSample", method="POST"),
    PageRoute("/issuer", show_issuer, operation="showIssuer"),
    PageRoute("/issuer/acts", get_issuer_acts, operation="showIssuer", for_script=True),
    PageRoute(
        "/issuer/evidence/{sequence}",
        get_issuer_evidence,
        operation="showIssuer",
        for_script=True,
    ),
    PageRoute("/registrar", show_registrar, operation="showRegistrar"),
    PageRoute("/acts/prepare", prepare_act, operation="signAct", method="POST", for_script=True),
    PageRoute("/acts/sign", sign_act, operation="signAct", method="POST", for_script=True),
    PageRoute("/acts/{digest}", get_act, operation="getAct", for_script=True),
    PageRoute("/docs", show_reference, operation="showReference"),
)
