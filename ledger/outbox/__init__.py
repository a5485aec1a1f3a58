"""The outbox: accepted acts are planned, sent to the chain and followed until final."""
