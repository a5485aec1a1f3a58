"""The HTTP API: FastAPI routes over the ledger; errors are RFC 9457 problems."""
