"""Ships journal rows to Redis, in order and exactly once; judges nothing, loses nothing to doubt.

Whatever goes wrong is settled in one way: read Redis' mark and go on from it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from service.domain.errors import JournalUnreadable, RedisAway, ShardHalted
from service.domain.events import SHARDS
from service.flows.accounts import Accounts
from service.flows.ports import Applier, Clock, Committed, Retention, RowSource
from service.flows.streams import Stream

BACKOFF_S, BACKOFF_MAX_S = 0.05, 1.0
DRAIN_POLL_S = 0.01
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Timing:
    """How often marks are read, how long rows are kept once applied, and the clock for both.

    A Redis that loses less than what is kept heals by replay.
    """

    marks_every_s: float = 5.0
    retained_s: float = 900.0
    steady: Callable[[], float] = monotonic


class Shipper:
    """One worker a shard, at most one application in flight each."""

    def __init__(
        self, rows: RowSource, retention: Retention, applier: Applier, *, accounts: Accounts,
        clock: Clock, timing: Timing,
    ) -> None:  # fmt: skip
        self._rows = rows
        self._retention = retention
        self._applier = applier
        self._clock = clock
        self._timing = timing
        self._steady = timing.steady
        self._accounts = accounts
        self._streams: dict[tuple[str, int], Stream] = {}
        self._turns = [asyncio.Lock() for _ in range(SHARDS)]
        self._wakes = [asyncio.Event() for _ in range(SHARDS)]
        accounts.watch(waiting=lambda: self.waiting, oldest_s=self._oldest_s)

    @property
    def state(self) -> str:
        """How Redis is, for people."""
        return self._accounts.state

    @property
    def waiting(self) -> int:
        """Events in the journals that Redis has not applied."""
        return sum(stream.waiting for stream in list(self._streams.values()))

    def committed(self, row: Committed) -> None:
        """Take note of a row that is now on disk, and ship it."""
        self._stream(row.journal, row.shard).committed(row)
        self._wakes[row.shard].set()

    async def run(self) -> None:
        """Ship for ever: a worker for each shard, and the round that reads all marks again."""
        async with asyncio.TaskGroup() as group:
            for shard in range(SHARDS):
                group.create_task(self._work(shard), name=f"ship {shard}")
            group.create_task(self._rounds(), name="marks")

    async def drain(self, timeout_s: float) -> None:
        """Wait until nothing is left to ship, but not longer; the rest is shipped by the next."""
        deadline = self._steady() + timeout_s
        while self.waiting and self._steady() < deadline:  # noqa: ASYNC110  many streams, one end
            await asyncio.sleep(DRAIN_POLL_S)

    async def _work(self, shard: int) -> None:
        pause_s = BACKOFF_S
        while True:
            await self._wakes[shard].wait()
            self._wakes[shard].clear()
            try:
                async with self._turns[shard]:
                    await self._ship(shard)
                pause_s = BACKOFF_S
            except RedisAway as away:
                self._lost(away)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, BACKOFF_MAX_S)
                self._wakes[shard].set()

    async def _rounds(self) -> None:
        """Read every mark of every journal again: a Redis that went back while idle shows here."""
        while True:
            pause_s = self._timing.marks_every_s
            try:
                await self._round()
            except RedisAway as away:
                self._lost(away)
                pause_s = BACKOFF_MAX_S
            await asyncio.sleep(pause_s)

    async def _round(self) -> None:
        for journal in await self._rows.held():
            for shard in range(SHARDS):
                self._stream(journal, shard)
        for shard in range(SHARDS):
            async with self._turns[shard]:
                await self._settle(shard)
                await self._prune(shard)
            self._wakes[shard].set()
        await self._retention.retire(self._applier.forget)
        held = frozenset(await self._rows.held())
        self._streams = {key: one for key, one in self._streams.items() if key[0] in held}

    async def _ship(self, shard: int) -> None:
        """Ship a shard's rows until there are none, the oldest journal first."""
        for stream in self._of(shard):
            try:
                while stream.behind:
                    if stream.sure:
                        await self._ship_next(stream)
                    else:
                        await self._settle(shard)
            except ShardHalted as halted:
                self._halt(stream, halted)

    async def _ship_next(self, stream: Stream) -> None:
        expected = stream.mark or 0
        rows = await self._readable(self._rows.rows(stream.journal, stream.shard, expected))
        if not rows:  # what was announced is not there: let the journal itself say what is
            stream.last = 0
            stream.doubt()
            return
        try:
            with self._accounts.timed():
                applied = await self._applier.apply(stream.shard, stream.journal, expected, rows)
        except RedisAway:
            stream.doubt()
            raise
        self._answered()
        if not applied.done:
            stream.doubt()
            return
        stream.applied(rows[-1].number, sum(row.total for row in rows), self._steady())
        self._accounts.applied(stream, rows, applied)

    async def _settle(self, shard: int) -> None:
        """Read the shard's marks and take them for the truth."""
        marks = await self._applier.marks(shard)
        self._answered()
        for stream in self._of(shard):
            mark = marks.get(stream.journal, 0)
            if not stream.sure or stream.mark != mark:
                try:
                    reading = self._rows.extent(stream.journal, shard, mark)
                    extent = await self._readable(reading)
                except ShardHalted as halted:
                    self._halt(stream, halted)
                    continue
                finding = stream.found(mark, extent, self._steady())
                self._accounts.found(stream, finding, extent)
            await self._retention.covered(stream.journal, shard, mark)

    async def _prune(self, shard: int) -> None:
        for stream in self._of(shard):
            through = (
                stream.prunable(self._steady() - self._timing.retained_s) if stream.sure else 0
            )
            if through:
                await self._retention.prune(stream.journal, shard, through)

    async def _readable(self, reading: Awaitable[_T]) -> _T:
        try:
            return await reading
        except JournalUnreadable as unreadable:
            raise ShardHalted(f"journal unreadable: {unreadable}", lasting=True) from unreadable

    def _halt(self, stream: Stream, halted: ShardHalted) -> None:
        stream.doubt()
        stream.halted = halted.reason if halted.lasting else None
        self._accounts.halted(stream, halted.reason)

    def _lost(self, away: RedisAway) -> None:
        """Doubt every mark: behind a new connection may be another Redis, or an older one."""
        self._accounts.away(str(away))
        for stream in self._streams.values():
            stream.doubt()

    def _answered(self) -> None:
        if self._accounts.answered():
            for wake in self._wakes:
                wake.set()

    def _of(self, shard: int) -> list[Stream]:
        return [stream for stream in self._streams.values() if stream.shard == shard]

    def _stream(self, journal: str, shard: int) -> Stream:
        stream = self._streams.get((journal, shard))
        if stream is None:
            stream = self._streams[journal, shard] = Stream(journal, shard)
        return stream

    def _oldest_s(self) -> float:
        streams = list(self._streams.values())  # metrics are rendered in another thread
        times = [stream.oldest_ms for stream in streams if stream.oldest_ms is not None]
        return max(0.0, (self._clock() - min(times)) / 1_000) if times else 0.0
