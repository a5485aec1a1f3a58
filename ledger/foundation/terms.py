"""FoundingTerms of a policy that come from the reference data."""

from __future__ import annotations

from collections.abc import Mapping

from certledger.ledger.foundation.document import DAY
from certledger.ledger.reference_data import load_domain


def reference_ages() -> Mapping[str, int]:
    """Return the greatest age (seconds) of a status of each category of the reference data."""
    categories = load_domain().categories
    return {code: category.max_age_days * DAY for code, category in sorted(categories.items())}
