"""The JavaScript verifier, and the tool that bundles its modules."""
