"""Runs the command line: `python -m service <command>`; does nothing else."""

import sys

from service.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
