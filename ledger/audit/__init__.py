"""The audit of a home: its database and files compared with the chain, both ways."""
