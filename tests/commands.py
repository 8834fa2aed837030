"""The service's commands, run as people run them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.serving import ROOT


def command(*arguments: str, directory: Path) -> str:
    """Run `python -m service` in a directory and return what it prints."""
    environ = {name: text for name, text in os.environ.items() if "HANDBILL" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=directory, env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
