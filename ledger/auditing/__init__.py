"""The audit of a home: what its database and folders hold, compared with the chain both ways."""
