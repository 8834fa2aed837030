"""The journal: an event is on disk before it is acknowledged; judges nothing and ships nothing.

Events that arrive while one commit runs form the next one: no timer, and no wait for company.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from service.adapters.journal_files import DISK, FAILING, JournalFiles, JournalLimits, NoRoom
from service.domain.errors import BadConfiguration, JournalRefused, JournalUnreadable
from service.domain.events import HOUR_MS, Event
from service.domain.rows import Row, StoredRow, kind_of, refused, rows_of
from service.flows.ports import Clock, Committed, Extent
from service.telemetry import LogEvent, Metrics

BUSY = "busy"
WAITING_MAX = 10_000  # events in memory
TICK_S = 1.0
ADOPT_EVERY_TICKS = 30
_T = TypeVar("_T")
_Batch = list[tuple[int, int, int, int]]


class Journal:
    """Group commits to SQLite in one thread; `refusing` says why nothing is taken, if so.

    `failed` is set when a second I/O error makes going on pointless.
    """

    def __init__(
        self, directory: Path, *, limits: JournalLimits, clock: Clock, metrics: Metrics,
        log: LogEvent,
    ) -> None:  # fmt: skip
        self._files = JournalFiles(directory, limits, log)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._events: list[Event] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._in_memory = 0
        self._commit: asyncio.Task[None] | None = None
        self._refused: Counter[str] = Counter()
        self._renewed = False
        self.refusing: str | None = None
        self.failed = asyncio.Event()
        self.on_commit: Callable[[Committed], None] = lambda _: None

    async def open(self) -> None:
        """Make this process's journal; raises `BadConfiguration`."""
        await self._run(self._files.open)

    async def close(self) -> None:
        """Finish the commit that runs, and close."""
        while self._commit is not None:
            await self._commit
        await self._run(self._files.close)
        self._thread.shutdown()

    def append(self, events: Sequence[Event]) -> asyncio.Future[None]:
        """Return a future that is done once the events are on disk.

        Raises `JournalRefused`, or the future does: then they were not acknowledged.
        """
        reason = self.refusing
        if reason is None and self._in_memory + len(events) > WAITING_MAX:
            reason = BUSY
        if reason is not None:
            self._refuse(events, reason)
            raise JournalRefused(reason)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._events += events
        self._in_memory += len(events)
        self._waiters.append(future)
        if self._commit is None:
            self._commit = asyncio.create_task(self._commit_all())
        return future

    async def tick(self) -> None:
        """Look for room again, write what was refused, adopt what was abandoned: for ever."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            ticks += 1
            if self.refusing not in {None, FAILING}:
                await self._look_for_room()
            elif self._refused and self._commit is None:
                self._commit = asyncio.create_task(self._commit_all())
            if ticks % ADOPT_EVERY_TICKS == 0:
                await self._adopt()

    async def held(self) -> list[str]:
        """Return the ids of all journals this process holds, its own among them."""
        return await self._run(self._files.held)

    async def rows(self, journal: str, shard: int, after: int) -> list[StoredRow]:
        """Return the next rows of a shard after a mark, about 200 events of them."""
        return await self._read(lambda: self._files.rows(journal, shard, after))

    async def extent(self, journal: str, shard: int, after: int) -> Extent:
        """Return what is held and what is gone of a shard, seen from a mark."""
        return await self._read(lambda: self._files.extent(journal, shard, after))

    async def covered(self, journal: str, shard: int, through: int) -> None:
        """Note what Redis has applied: it goes first when room is short."""
        await self._run(lambda: self._files.covered(journal, shard, through))

    async def prune(self, journal: str, shard: int, through: int) -> None:
        """Delete rows up to a number, in steps between which commits get their turn."""
        while await self._run(lambda: self._files.prune(journal, shard, through)):
            pass

    async def retire(self, forget: Callable[[str], Awaitable[None]]) -> None:
        """Delete the drained journals of other processes, each after its marks."""
        for journal in await self._run(self._files.drained):
            await forget(journal)
            await self._run(partial(self._files.discard, journal))
            self._log.info("journal drained and deleted", journal=journal)

    async def _commit_all(self) -> None:
        """Commit until nothing waits; each round takes all that came during the last one."""
        try:
            while self._events or (self._refused and self.refusing is None):
                events, self._events = self._events, []
                waiters, self._waiters = self._waiters, []
                error = await self._commit_one(events)
                self._in_memory -= len(events)
                for future in waiters:
                    if (
                        not future.done()
                    ):  # else nobody waits any more; its event counts all the same
                        _settle(future, error)
        finally:
            self._commit = None

    async def _commit_one(self, events: list[Event]) -> JournalRefused | None:
        """Commit one batch with what was refused before; return why not, if not."""
        now_ms = self._clock()
        refusals = dict(self._refused)
        sums = [refused(kind, count, now_ms // HOUR_MS) for kind, count in refusals.items()]
        started = perf_counter()
        try:
            batch = await self._run(lambda: self._append(rows_of(events + sums, now_ms)))
        except NoRoom as full:
            return self._stop(events, full.reason)
        except (sqlite3.Error, OSError) as error:
            return await self._survive(events, error)
        self._refused.subtract(refusals)
        self._refused = +self._refused
        self._metrics.journal_commit_s.observe(perf_counter() - started)
        for number, shard, total, made_ms in batch:
            self.on_commit(Committed(self._files.current, shard, number, total, made_ms))
        return None

    def _append(self, rows: list[Row]) -> _Batch:
        numbers = self._files.append(rows)
        return [
            (number, row.shard, row.total, row.made_ms)
            for number, row in zip(numbers, rows, strict=True)
        ]

    def _stop(self, events: Sequence[Event], reason: str) -> JournalRefused:
        if self.refusing != reason:
            self._log.error("journal refuses events", reason=reason)
        self.refusing = reason
        self._refuse(events, reason)
        return JournalRefused(reason)

    async def _survive(self, events: Sequence[Event], error: Exception) -> JournalRefused:
        """Open a new file after an I/O error; the batch is not acknowledged, the old file drains.

        An fsync that failed once proves nothing when it is repeated, so the same file is not
        written again.
        """
        self._log.error("journal I/O error", reason=str(error))
        refusal = self._stop(events, FAILING)
        if not self._renewed:
            self._renewed = True
            try:
                await self._run(self._files.renew)
                self.refusing = None
                self._log.warning("journal goes on in a new file")
            except (OSError, sqlite3.Error) as again:
                self._log.error("journal cannot go on", reason=str(again))
        if self.refusing:
            self.failed.set()
        return refusal

    def _refuse(self, events: Sequence[Event], reason: str) -> None:
        self._metrics.refused.labels(reason).inc(len(events))
        for event in events:
            self._refused[kind_of(event)] += event.count

    async def _look_for_room(self) -> None:
        try:
            await self._run(self._files.check_room)
        except NoRoom as full:
            self.refusing = full.reason
        except OSError:
            self.refusing = DISK
        else:
            self._log.info("journal takes events again")
            self.refusing = None

    async def _adopt(self) -> None:
        try:
            for journal in await self._run(self._files.adopt):
                self._log.info("abandoned journal adopted", journal=journal)
        except (OSError, BadConfiguration) as error:
            self._log.error("cannot adopt an abandoned journal", reason=str(error))

    async def _read(self, work: Callable[[], _T]) -> _T:
        try:
            return await self._run(work)
        except sqlite3.Error as error:
            raise JournalUnreadable(str(error)) from error

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _settle(future: asyncio.Future[None], error: JournalRefused | None) -> None:
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
