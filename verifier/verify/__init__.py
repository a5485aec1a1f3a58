"""From evidence to a verdict: the ten numbered checks of SPEC section 18."""
