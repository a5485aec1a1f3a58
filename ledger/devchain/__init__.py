"""The embedded chain: a durable Ethereum chain in one SQLite file, served over JSON-RPC."""
