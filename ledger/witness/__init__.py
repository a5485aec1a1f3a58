"""A witness: an independent eye that cosigns the blocks its own node knows as final."""
