"""The audit: replays all events since the deployment and compares the result with all copies."""
