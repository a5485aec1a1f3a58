"""The reform's book as an office keeps it: import, editions, coverage, cases."""
