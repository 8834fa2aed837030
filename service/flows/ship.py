"""Ships journal rows to Redis, in order and exactly once; judges nothing, loses nothing to doubt.

Whatever goes wrong is settled in one way: read Redis' mark and go on from it.
"""

import asyncio
from contextlib import suppress

from service.domain.errors import RedisAway, ShardHalted
from service.domain.events import SHARDS
from service.domain.rows import ROW_EVENTS_MAX
from service.flows.accounts import Accounts
from service.flows.ports import Applier, Clock, Committed, Retention, RowSource
from service.flows.settle import Settler, Timing, readable
from service.flows.stream import Stream
from service.flows.streams import Streams

__all__ = ["Shipper", "Timing"]

BACKOFF_S, BACKOFF_MAX_S = 0.05, 1.0
GATHER_S = 0.1  # for few events, so that others go along: each call costs as much as dozens
DRAIN_POLL_S = 0.01


class Shipper:
    """One worker a shard, at most one application in flight each."""

    def __init__(
        self, rows: RowSource, retention: Retention, applier: Applier, *, accounts: Accounts,
        clock: Clock, timing: Timing,
    ) -> None:  # fmt: skip
        self._rows = rows
        self._applier = applier
        self._clock = clock
        self._timing = timing
        self._accounts = accounts
        self._streams = Streams()
        self._settler = Settler(
            self._streams, rows, retention, applier, accounts=accounts, timing=timing
        )
        self._turns = [asyncio.Lock() for _ in range(SHARDS)]
        self._wakes = [asyncio.Event() for _ in range(SHARDS)]
        self._reading = asyncio.Lock()  # one at a time, or a commit would stand behind them all
        self._refused: set[int] = set()  # shards whose last rows Redis did not take
        self._lost_one = asyncio.Event()  # a shard that had answered before
        accounts.watch(waiting=lambda: self.waiting, oldest_s=self._oldest_s)

    @property
    def state(self) -> str:
        """How Redis is, for people."""
        return self._accounts.state(self._streams.halted)

    @property
    def waiting(self) -> int:
        """Events in the journals that Redis has not applied."""
        return self._streams.waiting

    def committed(self, row: Committed) -> None:
        """Take note of a row that is now on disk, and ship it."""
        self._streams.mine(row).committed(row)
        self._wakes[row.shard].set()

    async def run(self) -> None:
        """Ship for ever: a worker for each shard, and the round that reads all marks again."""
        async with asyncio.TaskGroup() as group:
            for shard in range(SHARDS):
                group.create_task(self._work(shard), name=f"ship {shard}")
            group.create_task(self._rounds(), name="marks")

    async def drain(self, timeout_s: float) -> None:
        """Wait until nothing is left to ship, but not longer; the rest is shipped by the next."""
        deadline = self._timing.steady() + timeout_s
        while self.waiting and self._timing.steady() < deadline:  # noqa: ASYNC110  many streams, one end
            await asyncio.sleep(DRAIN_POLL_S)

    async def _work(self, shard: int) -> None:
        """Ship a shard's rows as they come; pause where trying again at once would not help."""
        wake, pause_s = self._wakes[shard], BACKOFF_S
        while True:
            await wake.wait()
            wake.clear()
            if self._streams.waiting_in(shard) < ROW_EVENTS_MAX:
                await asyncio.sleep(GATHER_S)
            shipped = False
            try:
                shipped = await self._turn(shard)
            except RedisAway as away:
                self._lost(shard, away)
            if shipped:
                pause_s = BACKOFF_S
            elif self._streams.behind(shard):
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, BACKOFF_MAX_S)
            if self._streams.behind(shard):
                wake.set()

    async def _turn(self, shard: int) -> bool:
        """Ship a batch of each journal, so that none waits for another; say whether any went."""
        shipped = False
        async with self._turns[shard]:
            for stream in self._streams.of(shard):
                if stream.behind and not stream.sure:
                    await self._settler.settle(shard)
                    self._answered(shard)
                if stream.behind and stream.sure:
                    shipped |= await self._ship_next(stream)
        return shipped

    async def _ship_next(self, stream: Stream) -> bool:
        try:
            return await self._ship(stream)
        except ShardHalted as halted:
            self._settler.halt(stream, halted)
            return False

    async def _ship(self, stream: Stream) -> bool:
        """Ship a stream's next rows; say whether Redis took them."""
        expected = stream.mark or 0
        async with self._reading:
            rows = await readable(self._rows.rows(stream.journal, stream.shard, expected))
        if not rows:
            stream.missed()
            raise ShardHalted("rows that were committed are not there", lasting=False)
        try:
            with self._accounts.timed():
                applied = await self._applier.apply(stream.shard, stream.journal, expected, rows)
        except BaseException as error:  # whatever it is, the rows may have been applied
            if isinstance(error, RedisAway):
                self._refused.add(stream.shard)
            stream.doubt()
            raise
        self._answered(stream.shard, took=applied.done)
        if not applied.done:
            stream.doubt()
            return False
        stream.applied(rows, self._timing.steady())
        self._accounts.applied(stream, rows, applied)
        return True

    async def _rounds(self) -> None:
        """Read every mark of every journal again: a Redis that went back while idle shows here.

        Where one shard was lost the others may be behind new connections too: they are not
        doubted for it, but looked at soon.
        """
        every_s = self._timing.marks_every_s
        while True:
            self._lost_one.clear()
            await self._round()
            await asyncio.sleep(min(every_s, BACKOFF_MAX_S))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, every_s - BACKOFF_MAX_S)):
                    await self._lost_one.wait()

    async def _round(self) -> None:
        await self._settler.hold()
        async with asyncio.TaskGroup() as group:  # one that hangs holds no other up
            for shard in range(SHARDS):
                group.create_task(self._tend(shard))
        await self._settler.retire()

    async def _tend(self, shard: int) -> None:
        async with self._turns[shard]:
            try:
                await self._settler.tend(shard)
            except RedisAway as away:
                self._lost(shard, away)
                self._lost_one.set()
            else:
                self._answered(shard)
        self._wakes[shard].set()

    def _lost(self, shard: int, away: RedisAway) -> None:
        """Doubt the shard's marks: behind a new connection may be another Redis, or an older one.

        Not those of others, which on a Cluster live elsewhere.
        """
        self._streams.doubt(shard)
        if self._accounts.away(shard, str(away)):
            self._lost_one.set()

    def _answered(self, shard: int, *, took: bool = False) -> None:
        """Say that Redis is back; where it could be read but refused rows, once it takes them."""
        if took or not self._streams.moving(shard):
            self._refused.discard(shard)
        if shard not in self._refused:
            self._accounts.answered(shard)

    def _oldest_s(self) -> float:
        oldest_ms = self._streams.oldest_ms
        return 0.0 if oldest_ms is None else max(0.0, (self._clock() - oldest_ms) / 1_000)
