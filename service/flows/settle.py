"""Reads Redis' marks, takes them for the truth and deletes what is safe there; sends no rows."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

from service.domain.errors import JournalUnreadable, RedisAway, ShardHalted
from service.flows.accounts import Accounts
from service.flows.ports import Applier, Retention, RowSource
from service.flows.stream import Stream
from service.flows.streams import Streams

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Timing:
    """How often marks are read, how long rows are kept once applied, and the clock for both.

    A Redis that loses less than what is kept heals by replay.
    """

    marks_every_s: float = 5.0
    retained_s: float = 900.0
    steady: Callable[[], float] = monotonic


class Settler:
    """Looks after a shard's streams; whoever calls it has that shard's turn."""

    def __init__(
        self, streams: Streams, rows: RowSource, retention: Retention, applier: Applier, *,
        accounts: Accounts, timing: Timing,
    ) -> None:  # fmt: skip
        self._streams = streams
        self._rows = rows
        self._retention = retention
        self._applier = applier
        self._accounts = accounts
        self._timing = timing
        self._deleting = asyncio.Lock()  # one at a time, or a commit would stand behind them all

    async def settle(self, shard: int) -> None:
        """Read the shard's marks and take them for the truth; raises `RedisAway`."""
        try:
            marks = await self._applier.marks(shard)
        except ShardHalted as halted:
            for stream in self._streams.of(shard):
                self.halt(stream, halted)
            return
        for stream in self._streams.of(shard):
            if not stream.resting:
                try:
                    await self._take(stream, marks.get(stream.journal, 0))
                except ShardHalted as halted:
                    self.halt(stream, halted)

    async def tend(self, shard: int) -> None:
        """Give what halted another try, settle, and delete what Redis will not forget any more."""
        for stream in self._streams.of(shard):
            stream.rise()
        await self.settle(shard)
        async with self._deleting:
            for stream in self._streams.of(shard):
                await self._prune(stream)

    async def hold(self) -> None:
        """Look after the journals that this process holds now, and see how much they hold.

        With Redis away nobody knows what of it waits, and a backlog must not look like none.
        """
        try:
            self._streams.hold(await self._rows.held())
        except JournalUnreadable as stuck:
            self._accounts.stuck(str(stuck))
        for stream in self._streams:
            if not stream.measured:
                await self._measure(stream)

    async def retire(self) -> None:
        """Delete the journals of other processes that are done with."""
        try:
            # A journal of which not every mark is known may be a copy, whose marks are another's.
            await self._retention.retire(self._applier.forget, leave=self._streams.leave)
        except (JournalUnreadable, RedisAway, ShardHalted) as stuck:
            self._accounts.stuck(str(stuck))

    def halt(self, stream: Stream, halted: ShardHalted) -> None:
        """Have a stream rest, and say why, once."""
        if stream.halt(halted.reason, lasting=halted.lasting):
            self._accounts.halted(stream)

    async def _take(self, stream: Stream, mark: int) -> None:
        believed = stream.mark
        if not stream.confirmed(mark):
            extent = await readable(self._rows.extent(stream.journal, stream.shard, mark))
            finding = stream.found(mark, extent, self._timing.steady())
            self._accounts.found(stream, finding, extent)
        if stream.sure and (mark or believed):  # what Redis lost goes first no more
            await self._retention.covered(stream.journal, stream.shard, mark)

    async def _measure(self, stream: Stream) -> None:
        try:
            stream.measure(await self._rows.extent(stream.journal, stream.shard, 0))
        except JournalUnreadable as stuck:
            self._accounts.stuck(str(stuck))

    async def _prune(self, stream: Stream) -> None:
        through = stream.prunable(self._timing.steady() - self._timing.retained_s)
        if not through:
            return
        try:
            await self._retention.prune(stream.journal, stream.shard, through)
        except JournalUnreadable as stuck:
            self._accounts.stuck(str(stuck))
        else:
            stream.dropped(through)


async def readable(reading: Awaitable[_T]) -> _T:
    """Return what a journal says; raises `ShardHalted` where it cannot be read now."""
    try:
        return await reading
    except JournalUnreadable as unreadable:
        raise ShardHalted(f"journal unreadable: {unreadable}", lasting=False) from unreadable
