"""The command line: one program; other packages register commands by entry point."""
