"""A client of the service, which checks every response and retries."""
