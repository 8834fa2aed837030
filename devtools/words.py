"""How the commands speak to a person: one line each, on standard error; never a traceback."""

from __future__ import annotations

import sys
from typing import NoReturn


def say(text: str) -> None:
    """Tell what happens, beside the command's own output."""
    sys.stderr.write(f"dev.py: {text}\n")
    sys.stderr.flush()


def fail(text: str) -> NoReturn:
    """End with one line that says what to do."""
    sys.exit(f"dev.py: {text}")
