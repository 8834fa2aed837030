"""Processes on their cores: pins, ends and weighs them, as the kernel accounts for each.

Whatever is started here ends with the benchmark, killed or not. Linux only.
"""

import os
import shutil
import sys
from pathlib import Path

from service.adapters.engine_program import tied_to_parent

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12  # in /proc/PID/stat, counted after the name in parentheses


class BenchError(Exception):
    """Something went wrong, so that the figures would mean nothing."""


def find(program: str) -> str:
    """Return the path of a program or say that it is missing."""
    path = shutil.which(program)
    if path is None:
        raise BenchError(f"there is no {program}; `python3 dev.py bench` installs what it can")
    return path


def tied(program: str, *arguments: str) -> tuple[str, ...]:
    """Return a command that the kernel ends with this process."""
    return tied_to_parent((find(program), *arguments))


def on_core(core: int) -> tuple[str, ...]:
    """Return what to put before a command so that it runs on that core, tied to this process."""
    return tied("taskset", "--cpu-list", str(core))


def two_cores() -> tuple[int, int]:
    """Return the server's core and the load's; this process moves to the latter."""
    if sys.platform != "linux":
        raise BenchError("the benchmark reads Linux's accounts of processes")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchError("the benchmark needs two cores: one for the server, one for the load")
    os.sched_setaffinity(0, {cores[-1]})
    return cores[0], cores[-1]


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process, all its threads, none of its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / TICKS_PER_S


def pss_mb(pid: int) -> float:
    """Return the memory of a process in MB, pages that others share counted in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, amount = line.partition(":")
        if name == "Pss":
            return int(amount.split()[0]) * 1024 / 1e6
    raise BenchError(f"no Pss of process {pid}")
