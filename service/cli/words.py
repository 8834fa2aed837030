"""How commands speak: lines to standard output, or to standard error for what went wrong."""

import sys


def say(text: str, *, error: bool = False) -> None:
    """Print a line."""
    (sys.stderr if error else sys.stdout).write(text + "\n")


def progress(share: float) -> None:
    """Draw a bar of what is done (0 to 1) on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return
    filled = round(40 * share)
    end = "\n" if share >= 1.0 else ""
    sys.stderr.write(f"\r[{'#' * filled}{'.' * (40 - filled)}] {share:4.0%}{end}")
    sys.stderr.flush()
