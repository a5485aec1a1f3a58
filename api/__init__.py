"""The HTTP API: requests become use cases, refusals become problems (RFC 9457)."""
