"""`keys new`: prints a fresh token key; stores none."""

import argparse
import os
from collections.abc import Mapping, Sequence

from service.adapters.key_file import KEY_NUMBERS, new_key_line
from service.cli.words import say


def run(arguments: Sequence[str], _: Mapping[str, str]) -> int:
    """Print a key line."""
    parser = argparse.ArgumentParser(
        prog="handbill keys", description="Print a fresh key line; the file's first line signs."
    )
    parser.add_argument("action", choices=("new",))
    parser.add_argument("--number", type=int, default=1, help="1 to 255, its own in the file")
    number = parser.parse_args(arguments).number
    if number not in KEY_NUMBERS:
        parser.error(f"--number: give one from 1 to 255, not {number}")
    say(new_key_line(number))
    return os.EX_OK
