"""Interleaved rounds: each starts both servers afresh and drives them by turns; judges nothing."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil
from pathlib import Path
from statistics import median

from service.adapters.agents import LOOKUPS_PER_S
from tests.bench.baseline import baseline
from tests.bench.changing import changing, idle
from tests.bench.ledger import Ledger
from tests.bench.load import ask, drive, write_requests
from tests.bench.measured import Measured, Pair, together
from tests.bench.processes import BenchError, cpu_s, on_core, pss_mb
from tests.bench.publisher import Publisher
from tests.bench.readers import Browser
from tests.bench.redis_side import RedisSide
from tests.bench.rows import CONNECTIONS, REPEATED, Requests, Row, decisions, tagged
from tests.serving import serving


@dataclass(frozen=True, slots=True)
class Rounds:
    """The pairs of all rounds by row, and the service's memory after each round, in MB."""

    pairs: dict[str, list[Pair]]
    loaded_mb: list[float]

    def cpu_ratio(self, row: str) -> float:
        """Return the median of the paired ratios; never the ratio of medians."""
        return median(pair.cpu_ratio for pair in self.pairs[row])

    def round_trips(self, row: str) -> float:
        """Return the median number of round trips to Redis for each event that was counted."""
        rows = [pair.row for pair in self.pairs[row]]
        return median(each.round_trips / sum(each.verdicts.values()) for each in rows)


@dataclass(frozen=True, slots=True)
class Side:
    """A running server; only the service has a ledger."""

    url: str
    pid: int
    ledger: Ledger | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """What all rounds share."""

    directory: Path
    script: Path
    publisher: Publisher
    browsers: tuple[Browser, ...]
    redis: RedisSide
    core: int
    seconds: int
    # Ten thousand campaigns and ten alike, where some row wants them.
    crowds: tuple[Publisher, Publisher] | None = None

    async def run(
        self, rows: Sequence[Row], rounds: int, tell: Callable[[int, str, Pair], None]
    ) -> Rounds:
        """Measure every row once a round."""
        result = Rounds({row.name: [] for row in rows}, [])

        async def measure(number: int, row: Row, tested: Side, against: Side) -> None:
            # By turns first and second, so that a drift of the machine favours neither.
            pair = await self._pair(row, tested, against, base_first=number % 2 == 0)
            result.pairs[row.name].append(pair)
            tell(number, row.name, pair)

        for number in range(rounds):
            async with self._sides(number) as (service, bare):
                await self._warm(service, bare)
                for row in rows:
                    if not row.many:
                        await measure(number, row, service, bare if row.base is None else service)
                result.loaded_mb.append(pss_mb(service.pid))
                if self.crowds is None:
                    continue
                async with self._crowded(number) as (many, few):  # they would disturb other rows
                    for row in rows:
                        if row.many:
                            base = many if row.reloads else service if row.open else few
                            await measure(number, row, many, base)
        return result

    @asynccontextmanager
    async def _sides(self, number: int) -> AsyncIterator[tuple[Side, Side]]:
        async with (
            self._service(f"data{number}", self.publisher) as service,
            baseline(on_core(self.core)) as bare,
        ):
            yield service, Side(bare.public, bare.pid)

    @asynccontextmanager
    async def _crowded(self, number: int) -> AsyncIterator[tuple[Side, Side]]:
        """Run a service with many campaigns, and one with few of the same kind."""
        assert self.crowds is not None
        many, few = self.crowds
        async with (
            self._service(f"many{number}", many) as crowded,
            self._service(f"few{number}", few) as lonely,
        ):
            path = self._prepared("warm-many", tagged, REPEATED)[1]
            for side in (crowded, lonely):
                await self._ask_all(side, path)
            await idle(crowded.pid)
            yield crowded, lonely

    @asynccontextmanager
    async def _service(self, name: str, publisher: Publisher) -> AsyncIterator[Side]:
        flags = ("--redis-url", self.redis.url, "--keys", str(publisher.keys))
        async with serving(
            self.directory / name, *flags, config=publisher.config, prefix=on_core(self.core)
        ) as service:
            yield Side(service.public, service.process.pid, Ledger(service.internal))
            if await service.stop() != 0:
                raise BenchError(f"the service did not stop well: {service.logged[-600:]}")

    async def _warm(self, service: Side, bare: Side) -> None:
        """Fill the caches: every article asked for once, and the browsers looked up one by one."""
        _, path = self._prepared("warm", decisions, REPEATED)
        await drive(bare.url, self.script, path, connections=CONNECTIONS, seconds=1)
        await self._ask_all(service, path)
        if self.crowds is not None:
            await self._ask_all(service, self._prepared("warm-tagged", tagged, REPEATED)[1])

    async def _ask_all(self, service: Side, path: Path) -> None:
        seconds = ceil(len(self.browsers) / LOOKUPS_PER_S) + 1
        driven = await drive(
            service.url, self.script, path, connections=CONNECTIONS, seconds=seconds
        )
        if driven.answered < len(self.publisher.articles):  # a busy machine: go on to the last
            rest = ceil(1.3 * seconds * len(self.publisher.articles) / driven.answered)
            await drive(service.url, self.script, path, connections=CONNECTIONS, seconds=rest)

    async def _pair(self, row: Row, service: Side, against: Side, *, base_first: bool) -> Pair:
        made = row.per_s * self.seconds or REPEATED
        load = base_load = self._prepared(row.name, row.requests, made)
        if row.base is not None:
            count = made if row.events else REPEATED
            base_load = self._prepared(f"{row.name}-base", row.base, count)
        turns = self.seconds if row.by_turns else 1
        sides: tuple[list[Measured], list[Measured]] = [], []
        for turn in range(2 * turns):
            # There and back and back and there: a machine that changes by the second favours none.
            tested = (turn + turn // 2 + base_first) % 2 == 0
            if tested:
                sides[0].append(await self._changed(row, service, *load))
            else:
                sides[1].append(await self._measured(row, against, *base_load))
        return Pair(together(sides[0]), together(sides[1]))

    def _prepared(self, name: str, requests: Requests, count: int) -> tuple[bytes, Path]:
        """Return one request for a look at its answer, and the file with those for the load."""
        made = requests(self.publisher, self.browsers)
        first, path = next(made), self.directory / f"{name}.requests"
        write_requests(path, islice(made, count))
        return first, path

    async def _changed(self, row: Row, side: Side, first: bytes, path: Path) -> Measured:
        """Measure a row's own side, with what it wants done meanwhile."""
        if not row.reloads or self.crowds is None:
            return await self._measured(row, side, first, path, stopped=row.stopped)
        async with changing(self.crowds[0].config / "campaigns" / "bench-0.yaml", side.pid):
            measured = await self._measured(row, side, first, path)
        await self._ask_all(side, path)  # what a change empties is full again for who comes next
        return measured

    async def _measured(
        self, row: Row, side: Side, first: bytes, path: Path, *, stopped: bool = False
    ) -> Measured:
        ledger = side.ledger if row.events else None
        if ledger is not None and row.stopped:
            ledger = replace(ledger, by_report=True)
        before = ledger.verdicts() if ledger else None
        self._look(row, side, first)
        trips_before = self.redis.round_trips() if ledger else 0
        cpu_before = cpu_s(side.pid)
        with self.redis.stopped() if stopped else nullcontext():
            seconds = 1 if row.by_turns else self.seconds
            driven = await drive(
                side.url, self.script, path, connections=row.connections, seconds=seconds
            )
        verdicts: dict[str, int] = {}
        if ledger is not None and before is not None:
            # Counting in Redis comes after the answers; its cost is the events' all the same.
            most = driven.answered + row.connections + 1
            verdicts = await ledger.settled(
                before, at_least=driven.answered * row.events, at_most=most * row.events
            )
        us = (cpu_s(side.pid) - cpu_before) * 1e6 / driven.answered
        trips = self.redis.round_trips() - trips_before if ledger else 0
        return Measured(
            us, driven.per_s, driven.p50_ms, driven.p99_ms, driven.answered, verdicts, trips
        )

    @staticmethod
    def _look(row: Row, side: Side, request: bytes) -> None:
        answer = ask(side.url, request)
        if side.ledger is not None and not row.good(answer):
            raise BenchError(f"{row.name}: answered {answer.status} {answer.body[:300]!r}")
