"""The command line: one program, to which the other parts add their commands."""
