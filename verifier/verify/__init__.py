"""Verification: from evidence to a verdict, by the ten checks of SPEC section 18."""
