"""The service's commands, run as people run them."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.serving import ROOT

FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
needs_faketime = pytest.mark.skipif(
    FAKETIME is None, reason="no libfaketime (on Debian: apt-get install faketime)"
)


def command(*arguments: str, directory: Path, clock: Mapping[str, str] | None = None) -> str:
    """Run `python -m service` in a directory and return what it prints.

    `clock` are variables by which libfaketime gives it another time.
    """
    done = _run(arguments, directory, clock or {})
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*arguments: str, directory: Path) -> tuple[int, str]:
    """Run one that fails; return its exit code and what it says of that."""
    done = _run(arguments, directory, {})
    assert done.returncode, done.stdout
    return done.returncode, done.stderr


def _run(
    arguments: Sequence[str], directory: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    environ = {name: text for name, text in os.environ.items() if "HANDBILL" not in name}
    environ |= variables
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=directory, env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
