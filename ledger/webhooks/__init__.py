"""Webhooks: events, signed deliveries, and a guard on the addresses they go to."""
