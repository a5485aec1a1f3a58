"""Authentication and authorization: API keys, OIDC tokens, rate limits."""
