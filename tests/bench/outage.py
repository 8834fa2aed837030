"""What an outage left in the journal, shipped once Redis is back: how fast, and whom it slows down.

Each round fills the journal twice: shipped with nothing else to do, and beside as many decisions
as the service can answer. Every event must have been counted, and once.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path

from service.adapters.agents import LOOKUPS_PER_S
from tests.bench.ledger import Ledger
from tests.bench.load import Driven, drive, write_requests
from tests.bench.processes import BenchError, cpu_s, on_core
from tests.bench.rounds import Bench
from tests.bench.rows import CONNECTIONS, REPEATED, decisions, whole_views
from tests.serving import Serving, serving

QUEUED = 100_000
EVENTS = 20  # in each beacon of a whole view
POLL_S = 0.02
WAIT_S = 300.0
_NO_CONTENT = b"HTTP/1.1 204 "


@dataclass(frozen=True, slots=True)
class Shipped:
    """How many of the queued events went to Redis in a time, and the CPU of the service then."""

    events: int
    seconds: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Events a second."""
        return self.events / self.seconds


@dataclass(frozen=True, slots=True)
class Outage:
    """One round: so many events `queued` twice; decisions `before` and `beside` the shipping."""

    queued: int
    alone: Shipped
    loaded: Shipped
    before: Driven
    beside: Driven

    @property
    def rate_ratio(self) -> float:
        """Decisions a second beside the shipping, as a part of those without."""
        return self.beside.per_s / self.before.per_s

    @property
    def p99_ratio(self) -> float:
        """The time of the slowest hundredth of decisions, as a multiple of that without."""
        return self.beside.p99_ms / self.before.p99_ms


async def outages(bench: Bench, queued: int, rounds: int) -> list[Outage]:
    """Have so many outages one after the other, of one service."""
    path = bench.directory / "outage.requests"
    write_requests(path, islice(decisions(bench.publisher, bench.browsers), REPEATED))
    flags = ("--redis-url", bench.redis.url, "--keys", str(bench.publisher.keys))
    async with serving(
        bench.directory / "outage", *flags, config=bench.publisher.config,
        prefix=on_core(bench.core),
    ) as service:  # fmt: skip
        one = _Run(bench, service, Ledger(service.internal, by_report=True), path, queued)
        await one.decide(ceil(len(bench.browsers) / LOOKUPS_PER_S) + 1)
        found = [await one.round() for _ in range(rounds)]
        if await service.stop() != 0:
            raise BenchError(f"the service did not stop well: {service.logged[-600:]}")
    return found


@dataclass(frozen=True, slots=True)
class _Run:
    bench: Bench
    service: Serving
    ledger: Ledger
    decisions: Path
    queued: int

    async def round(self) -> Outage:
        before = await self.decide(self.bench.seconds)
        alone, _ = await self._outage(beside=False)
        loaded, beside = await self._outage(beside=True)
        assert beside is not None
        return Outage(self.queued, alone, loaded, before, beside)

    async def decide(self, seconds: int) -> Driven:
        """Ask for decisions, as many as are answered."""
        return await drive(
            self.service.public, self.bench.script, self.decisions,
            connections=CONNECTIONS, seconds=seconds,
        )  # fmt: skip

    async def _outage(self, *, beside: bool) -> tuple[Shipped, Driven | None]:
        counted, pid = self.ledger.verdicts(), self.service.process.pid
        loop = asyncio.get_running_loop()
        with self.bench.redis.stopped():
            await _report(self.service.public, self._beacons())
            if self.ledger.waiting() < self.queued:
                raise BenchError("events were counted that Redis never saw")
        while (first := self.ledger.waiting()) >= self.queued:
            await asyncio.sleep(POLL_S)
        began, cpu, driven = loop.time(), cpu_s(pid), None
        if beside:
            driven = await self.decide(self.bench.seconds)
            left = self.ledger.waiting()
        else:
            while left := self.ledger.waiting():
                await asyncio.sleep(POLL_S)
        shipped = Shipped(first - left, loop.time() - began, cpu_s(pid) - cpu)
        await self.ledger.settled(counted, at_least=self.queued, at_most=self.queued, wait_s=WAIT_S)
        return shipped, driven

    def _beacons(self) -> Iterator[bytes]:
        made = whole_views(self.bench.publisher, self.bench.browsers)
        return islice(made, self.queued // EVENTS)


async def _report(url: str, beacons: Iterator[bytes]) -> None:
    """Send each once; raises unless every one is acknowledged."""
    host, _, port = url.removeprefix("http://").partition(":")

    async def some() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for beacon in beacons:
            writer.write(beacon)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(_NO_CONTENT):
                raise BenchError(f"a beacon was answered {answer[:80]!r}")
        writer.close()

    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(some())
