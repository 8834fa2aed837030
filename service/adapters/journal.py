"""The journal: an event is on disk before it is acknowledged; judges nothing and ships nothing."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from service.adapters.crash_points import Reached, never
from service.adapters.journal_commits import GroupCommits
from service.adapters.journal_files import JournalFiles
from service.adapters.journal_room import JournalLimits
from service.domain.errors import BadConfiguration, JournalUnreadable
from service.domain.rows import StoredRow
from service.flows.ports import Clock, Extent
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Metrics

TICK_S = 1.0
ADOPT_EVERY_TICKS = 30
NOTE_EVERY_TICKS = 60  # while refusing: a crash forgets no more of how much was refused
CLOSE_S = 10.0  # a disk that hangs must not hold the process
_T = TypeVar("_T")


class Journal(GroupCommits):
    """Takes events for disk, and gives committed rows to whoever ships and deletes them."""

    def __init__(
        self, directory: Path, *, limits: JournalLimits, clock: Clock, metrics: Metrics,
        log: LogEvent, reached: Reached = never,
    ) -> None:  # fmt: skip
        files = JournalFiles(directory, limits, log, reached)
        super().__init__(files, clock=clock, metrics=metrics, log=log, reached=reached)

    async def open(self) -> None:
        """Make this process's journal and see whether there is room; raises `BadConfiguration`."""
        try:
            await self._thread.run(self._files.open)
        except BaseException:
            self._thread.stop()
            raise
        await self._commit_all(look=True)

    async def close(self) -> None:
        """Finish the commit that runs, note what was refused, and close."""
        closing = asyncio.create_task(self._close())
        done, _ = await asyncio.wait([closing], timeout=CLOSE_S)
        self._thread.stop()
        if done:
            await closing
        else:
            self._log.error("the disk hangs; the journal is left to the next process")

    async def tick(self) -> None:
        """Look for room again, write what was refused, adopt what was abandoned: for ever."""
        for ticks in count(1):
            await asyncio.sleep(TICK_S)
            if self._refused or self._reason:
                self._look_for_room(bounded=ticks % NOTE_EVERY_TICKS != 0)
            if ticks % ADOPT_EVERY_TICKS == 0:
                await self._adopt()

    async def held(self) -> list[str]:
        """Return the ids of the journals this process holds rows of, its own among them."""
        return await self._asked(self._files.held)

    async def rows(self, journal: str, shard: int, after: int) -> list[StoredRow]:
        """Return the next rows of a shard after a mark, about 200 events of them."""
        return await self._asked(lambda: self._files.rows(journal, shard, after))

    async def extent(self, journal: str, shard: int, after: int) -> Extent:
        """Return what is held and what is gone of a shard, seen from a mark."""
        return await self._asked(lambda: self._files.extent(journal, shard, after))

    async def covered(self, journal: str, shard: int, through: int) -> None:
        """Note what Redis has applied: it goes first when room is short."""
        await self._thread.run(lambda: self._files.covered(journal, shard, through))

    async def prune(self, journal: str, shard: int, through: int) -> None:
        """Delete rows up to a number, in steps between which commits get their turn."""
        while await self._asked(lambda: self._files.prune(journal, shard, through)):
            pass

    async def retire(
        self, forget: Callable[[str], Awaitable[None]], *, leave: Callable[[str], bool] = bool
    ) -> None:
        """Delete the drained journals of other processes that may go, each after its marks."""
        for journal in filter(leave, await self._asked(self._files.drained)):
            await self._asked(partial(self._files.blank, journal))
            await forget(journal)
            await self._asked(partial(self._files.discard, journal))
            self._log.info("journal drained and deleted", journal=journal)

    async def _close(self) -> None:
        await self._finish()
        await self._thread.run(self._files.close)

    async def _adopt(self) -> None:
        try:
            for journal in await self._thread.run(self._files.adopt):
                self._log.info("abandoned journal adopted", journal=journal)
        except (OSError, BadConfiguration) as error:
            self._log.error("cannot adopt an abandoned journal", reason=str(error))

    async def _asked(self, work: Callable[[], _T]) -> _T:
        try:
            return await self._thread.run(work)
        except (sqlite3.Error, OSError) as error:
            raise JournalUnreadable(str(error)) from error
