"""HTTP client of the service: checks every response, and retries."""
