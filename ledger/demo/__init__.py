"""The demo: issuing, anchoring and verifying in one folder, with made-up people and keys."""
