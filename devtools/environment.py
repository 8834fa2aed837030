"""Makes `.venv` hold what a hashed lock file names; never leaves a half-made one that looks whole.

A stamp, written last, names the lock files' digest and the Python; while it fits, installing is
one comparison.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator  # noqa: UP035  dev.py loads on old Pythons, to say that they are old

from devtools.words import fail, say

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements"
LOCKS = {name: REQUIREMENTS / f"{name}.lock" for name in ("runtime", "geo", "dev")}
STAMP = ".handbill"


def install(which: str, venv: Path = VENV) -> None:
    """Bring the environment to a lock file's state, unless it is there already."""
    if is_made(which, venv):
        return
    refuse_platform(os.name, sys.platform, platform.libc_ver()[0])
    with only_one(venv):
        if is_made(which, venv):  # somebody else was faster
            return
        say(f"installing the {which} packages into {venv.name}")
        if not can_grow(venv):
            make_venv(venv)
        (venv / STAMP).unlink(missing_ok=True)
        pip(
            venv,
            *("install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--requirement", str(LOCKS[which])),
        )
        (venv / STAMP).write_text(stamp(which))


def is_made(which: str, venv: Path) -> bool:
    """Say whether the environment is whole; dev's holds all of runtime's."""
    return read_stamp(venv) in {stamp(which), stamp("dev")}


def can_grow(venv: Path) -> bool:
    """Say whether packages may be added: it was whole, of this Python and at this place."""
    return read_stamp(venv).startswith(f"{place()}\n")


def read_stamp(venv: Path) -> str:
    """Return the stamp, or nothing where an install was cut short or never was."""
    try:
        return (venv / STAMP).read_text() if (venv / "bin/python").exists() else ""
    except OSError:
        return ""


def stamp(which: str) -> str:
    """Return what says that the lock files are installed, for this Python and this place."""
    digest = hashlib.sha256()
    for path in LOCKS.values():
        digest.update(path.read_bytes())
    return f"{place()}\n{which} {digest.hexdigest()}\n"


def place() -> str:
    """Name what a virtual environment cannot outlive: its interpreter and its directory."""
    return f"{sys.version.split()[0]} {sys.base_prefix} {ROOT}"


def base_python() -> str:
    """Return the interpreter itself, even when run from within some environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def refuse_platform(name: str, system: str, libc: str) -> None:
    """Say in one line what to do where packages have no wheels."""
    if name == "nt":
        fail("Windows has no wheels of the engine: run it under WSL, or by the Dockerfile")
    if system == "linux" and libc != "glibc":
        fail("this Linux has no glibc, so there are no wheels: run it by the Dockerfile")


def make_venv(path: Path) -> None:
    """Make an empty virtual environment, also where Debian's python3-venv is missing."""
    command = [base_python(), "-m", "venv", "--clear", "--without-pip", str(path.resolve())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        fail(f"this Python cannot make {path}: {(done.stderr or done.stdout).strip()[-300:]}")


def pip(venv: Path, *arguments: str) -> None:
    """Run pip on an environment, which itself then needs none."""
    command = [*find_pip(venv), *arguments]
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    if subprocess.run(command, env=environ, check=False).returncode:
        fail("installing failed, pip says why above; run the same command again to go on")


def find_pip(venv: Path) -> list[str]:
    """Return how to run a pip: the interpreter's own, else the one ensurepip can unpack."""
    inside = str(venv / "bin/python")
    for python in dict.fromkeys((base_python(), sys.executable)):
        if _works(python, "-m", "pip", "--python", inside, "--version"):
            return [python, "-m", "pip", "--python", inside]
    if not _works(inside, "-m", "ensurepip"):
        fail("pip is missing: on Debian, apt-get install python3-pip")
    return [inside, "-m", "pip"]


def _works(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def only_one(venv: Path) -> Iterator[None]:
    """Keep two runs from making one environment at the same time."""
    import fcntl  # noqa: PLC0415  not on Windows, which has been sent away by now

    with venv.with_name(f"{venv.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
