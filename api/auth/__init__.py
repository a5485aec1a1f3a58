"""Authentication and permissions: API keys, OIDC tokens, rates."""
