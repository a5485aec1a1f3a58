"""Middleware: request context, fast path."""
