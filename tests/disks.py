"""Small disks, full disks and limits on files, for tests."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


@contextmanager
def disk(path: Path, *options: str) -> Iterator[Path]:
    """Mount a small disk in memory and yield its place."""
    path.mkdir()
    where = ("-t", "tmpfs", "-o", ",".join(options), "handbill-test", str(path))
    subprocess.run(["mount", *where], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def fill_up(ballast: Path) -> None:
    """Write to a file until the disk is full."""
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4_096))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a quota might."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
