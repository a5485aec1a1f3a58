"""The issuer's desk: pages on the clerk's own computer, around the same code as the commands."""
