"""Reading of requests: bodies, multipart uploads, idempotency keys."""
