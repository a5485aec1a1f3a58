"""Sample certificates for demonstrations and tests; their holders do not exist."""
