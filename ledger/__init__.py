"""What writes: submitting, anchoring, status, evidence making, issuers and catalogs."""
