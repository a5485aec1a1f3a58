"""Founding a ledger: the document that its regions sign, the first trust policy, and later ones."""
