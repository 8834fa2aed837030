"""The facts of the machine that figures are judged by; measures none of them."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from service.adapters.engine_program import find_engine
from tests.bench.processes import TICKS_PER_S, find

_PARTS = ("aiohttp", "uvloop", "redis", "hiredis", "msgspec")
_STEAL = 8  # in the first line of /proc/stat, whose first word is no figure


def facts(directory: Path) -> dict[str, str]:
    """Return them by name; `directory` is where the journal will be, whose disk matters."""
    return {
        "cores": f"{os.cpu_count()} ({_processor()})",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "parts": ", ".join(f"{name} {version(name)}" for name in _PARTS),
        "engine": _first_line(str(find_engine(None)), "--version"),
        "load generator": _first_line(find("wrk"), "--version"),
        "journal's file system": _file_system(directory),
        "load average before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"model name", "Processor"}:
            return value.strip()
    return platform.machine()


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return (done.stdout or done.stderr).partition("\n")[0].strip()[:80]


def _file_system(directory: Path) -> str:
    """Return the type of the mount that holds a directory: the one with the longest path."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    path = directory.resolve()
    holding = [fields for fields in mounts if path.is_relative_to(fields[1])]
    return max(holding, key=lambda fields: len(fields[1]))[2] if holding else "unknown"


def steal_s() -> float:
    """Return the seconds so far in which the hypervisor served others although we had work."""
    return int(Path("/proc/stat").read_text().split()[_STEAL]) / TICKS_PER_S
