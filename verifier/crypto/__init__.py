"""Hash functions and secp256k1, by well-kept libraries."""
