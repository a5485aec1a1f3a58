"""Layers around the routes: request context, fast path."""
