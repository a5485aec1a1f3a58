"""Repairs of the database: what chain, batch files and signed receipts can restore."""
