"""The ledger's commands, loaded by entry points when they are called."""
