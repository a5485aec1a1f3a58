"""Chains behind the ledger: any Ethereum node, and the one that comes with the project."""
