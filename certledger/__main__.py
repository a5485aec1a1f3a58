"""The command line: `python -m certledger`."""

from certledger.verifier.cli.main import main

if __name__ == "__main__":
    main(prog_name="certledger")
