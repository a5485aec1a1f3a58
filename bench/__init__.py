"""Measurements: each figure against a baseline taken in the same run."""
