"""Intake: checks signed acts and stores them in the outbox, with a receipt."""
