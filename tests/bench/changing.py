"""A configuration that changes while something is measured, and the rest after it; asks nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from tests.bench.processes import cpu_s

CHANGE_S = 1.0
IDLE_CPU_S = 0.25  # in a second: planning, and no more


@asynccontextmanager
async def changing(file: Path, pid: int) -> AsyncIterator[None]:
    """Change a headline each second, until the block ends and the process that reads it rests."""
    changes = asyncio.create_task(_changes(file))
    try:
        yield
    finally:
        changes.cancel()
        await asyncio.wait([changes])
        await asyncio.sleep(CHANGE_S)  # until the last change is noticed
        await idle(pid)


async def idle(pid: int) -> None:
    """Wait until a process has next to nothing to do."""
    before = -IDLE_CPU_S
    while (now := cpu_s(pid)) - before >= IDLE_CPU_S:
        before = now
        await asyncio.sleep(1.0)


async def _changes(file: Path) -> None:
    campaign = json.loads(file.read_text())  # which is YAML too
    creative = campaign["creatives"][0]
    headline = creative["headline"]
    for number in count(1):
        creative["headline"] = f"{headline} {number % 100}"
        file.write_text(json.dumps(campaign))
        await asyncio.sleep(CHANGE_S)
