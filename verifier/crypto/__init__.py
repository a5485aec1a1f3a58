"""Hash functions and secp256k1, on top of maintained libraries."""
