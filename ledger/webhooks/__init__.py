"""Webhooks: events, signed deliveries, and a guard against calls to private addresses."""
