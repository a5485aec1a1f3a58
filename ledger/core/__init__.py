"""Values, acts and ports that all parts of the ledger share."""
