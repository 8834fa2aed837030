"""What a reader, an orchestrator and an operator see of a service; changes nothing."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import NamedTuple

from aiohttp import ClientSession, ClientTimeout

from tests.serving import Serving
from tests.torture.ledger import HEADERS
from tests.torture.oracle import reported, scraped
from tests.torture.pages import Beacon

WAIT_S = 30.0


class Answer(NamedTuple):
    """What a reader is told."""

    status: int
    retry_after: str | None
    took_s: float


async def ask(service: Serving, beacon: Beacon | str) -> Answer:
    """Send one request over a connection of its own."""
    path, body = (beacon, None) if isinstance(beacon, str) else (beacon.path, beacon.body)
    began = time.monotonic()
    async with (
        ClientSession(headers=HEADERS, timeout=ClientTimeout(total=WAIT_S)) as session,
        session.request(
            "GET" if body is None else "POST",
            f"{service.public}{path}",
            data=body,
            allow_redirects=False,
        ) as answer,
    ):
        return Answer(answer.status, answer.headers.get("Retry-After"), time.monotonic() - began)


async def readiness(service: Serving) -> tuple[int, str]:
    """Return what orchestrators are told, and what of the journal."""
    async with ClientSession() as session, session.get(f"{service.internal}/readyz") as answer:
        return answer.status, json.loads(await answer.read())["checks"]["journal"]


async def until_ready_is(service: Serving, status: int) -> str:
    """Wait for a readiness, and return what is said of the journal then."""
    async with asyncio.timeout(WAIT_S):
        while (found := await readiness(service))[0] != status:
            await asyncio.sleep(0.05)
    return found[1]


async def refused(service: Serving) -> tuple[int, int]:
    """Return how many events were refused: as the report says, and as metrics do."""
    report = await reported(service.internal)
    total = sum(count for (*_, verdict), count in report.items() if verdict == "refused")
    return total, int((await scraped(service.internal))["handbill_events_refused_total"])


def resident(service: Serving) -> int:
    """Return how much memory the service has."""
    pages = int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
