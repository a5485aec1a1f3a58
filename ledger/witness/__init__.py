"""Witnesses: independent cosigners of the blocks that their own nodes know as final."""
