"""Reading requests: bodies, multipart uploads, idempotency keys."""
