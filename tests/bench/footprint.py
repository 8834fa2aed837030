"""How much the idle service weighs, and how fast it starts again; sends it no requests."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.processes import BenchError, cpu_s, pss_mb, tied
from tests.serving import serving

STARTS = 5
SETTLE_S = 2.0  # until what runs once after a start is over


@dataclass(frozen=True, slots=True)
class Footprint:
    """Warm starts, the CPU in them, and MB when idle; CPU and MB are without the engine."""

    starts_s: list[float] = field(default_factory=list)
    starts_cpu_s: list[float] = field(default_factory=list)
    idle_mb: list[float] = field(default_factory=list)


async def footprint(directory: Path) -> Footprint:
    """Start the service as shipped, on any core, again and again over one directory."""
    found = Footprint()
    await _start(directory)  # makes keys, journal and the engine's file, so it is not warm
    for _ in range(STARTS):
        start_s, start_cpu_s, idle_mb = await _start(directory)
        found.starts_s.append(start_s)
        found.starts_cpu_s.append(start_cpu_s)
        found.idle_mb.append(idle_mb)
    return found


async def _start(directory: Path) -> tuple[float, float, float]:
    began = time.perf_counter()
    async with serving(directory, prefix=tied("env")) as service:
        start_s = time.perf_counter() - began
        start_cpu_s = cpu_s(service.process.pid)
        await asyncio.sleep(SETTLE_S)
        idle_mb = pss_mb(service.process.pid)
        if await service.stop() != 0:
            raise BenchError(f"the service did not stop well: {service.logged[-600:]}")
    return start_s, start_cpu_s, idle_mb
