"""Routes of the pages of those who run or supervise the ledger."""

from __future__ import annotations

from certledger.api.pages.audit import show_audit, show_explorer
from certledger.api.pages.office import close_office_case, get_office_table, show_office
from certledger.api.pages.page_route import PageRoute

INSTITUTION_PAGES = (
    PageRoute("/audit", show_audit, operation="showAudit"),
    PageRoute("/explorer", show_explorer, operation="showExplorer"),
    PageRoute("/office", show_office, operation="showOffice"),
    PageRoute("/office/{name}.csv", get_office_table, operation="showOffice", for_script=True),
    PageRoute("/office/cases", close_office_case, operation="closeOfficeCase", method="POST"),
)
