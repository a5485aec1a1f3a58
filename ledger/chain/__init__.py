"""Ethereum access: JSON-RPC client, deployment, and the follower that mirrors the chain."""
