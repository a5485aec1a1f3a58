"""Formats of certificates and everything that checks them; installs without the server."""
