"""What stands between the ledger and its callers: their keys, what they asked, whom to tell."""
