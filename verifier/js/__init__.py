"""The JavaScript verifier, and the tool that joins its modules into one file."""
