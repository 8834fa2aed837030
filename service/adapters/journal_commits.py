"""Group commits: events that have arrived when a commit ends form the next; no timer waits.

What cannot be taken is refused and counted; the sum of it is journalled as soon as there is room.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

from service.adapters.crash_points import CrashPoint, Reached
from service.adapters.journal_files import JournalFiles
from service.adapters.journal_room import NoRoom
from service.adapters.journal_thread import JournalThread
from service.domain.errors import JournalRefused
from service.domain.events import HOUR_MS, Event
from service.domain.rows import kind_of, refused, rows_of
from service.flows.ports import Clock, Committed, Told
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Metrics

BUSY, FAILING = "busy", "failing"
WAITING_MAX = 10_000  # events in memory


class GroupCommits:
    """Appends to the current journal; `failed` is set when going on has become pointless.

    `on_commit` is told of every row that is on disk, before it is acknowledged.
    """

    def __init__(
        self, files: JournalFiles, *, clock: Clock, metrics: Metrics, log: LogEvent,
        reached: Reached,
    ) -> None:  # fmt: skip
        self._files = files
        self._thread = JournalThread()
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._reached = reached
        self._events: list[Event] = []
        self._waiting: list[Told] = []
        self._in_memory = 0
        self._busy = False  # until a commit is done
        self._commit: asyncio.Task[None] | None = None
        self._refused: Counter[str] = Counter()
        self._reason: str | None = None
        self._renewed = False
        self.failed = asyncio.Event()
        self.on_commit: Callable[[Committed], None] = lambda _: None

    @property
    def refusing(self) -> str | None:
        """Why no event is taken, if so."""
        return self._reason or (BUSY if self._busy else None)

    def append(self, events: Sequence[Event]) -> asyncio.Future[None]:
        """Return a future that is done once the events are on disk.

        Raises `JournalRefused`, or the future does: then they were not acknowledged.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.add(events, partial(_settle, future))
        return future

    def add(self, events: Sequence[Event], told: Told) -> None:
        """Do the same for somebody who is told, later; raises `JournalRefused` or tells it."""
        reason = self._reason
        if reason is None and self._in_memory + len(events) > WAITING_MAX:
            reason, self._busy = BUSY, True
        if reason is not None:
            raise JournalRefused(self._refuse(events, reason))
        self._events += events
        self._in_memory += len(events)
        self._waiting.append(told)
        if self._commit is None:
            self._commit = asyncio.create_task(self._commit_all())

    def _look_for_room(self, *, bounded: bool = True) -> None:
        """Write what was refused, or try to: that is how room is found again.

        Beyond the bounds it may go too, now and then, so that a crash forgets little of it.
        """
        if self._commit is None:
            self._commit = asyncio.create_task(self._commit_all(look=True, bounded=bounded))

    async def _finish(self) -> None:
        """Finish the commit that runs, and note what was refused."""
        while self._commit is not None:
            await self._commit
        if self._refused:
            await self._commit_all(look=True, bounded=False)
        if lost := self._refused.total():
            self._log.warning("what was refused is not journalled", events=lost)

    async def _commit_all(self, *, look: bool = False, bounded: bool = True) -> None:
        """Commit until nothing waits, once at least if told to look for room.

        What has come in when a commit ends, read or not, is taken into the next: under load that
        makes them half as many.
        """
        try:
            while look or self._events:
                await asyncio.sleep(0)
                events, self._events = self._events, []
                waiting, self._waiting = self._waiting, []
                reason = await self._commit_one(events, bounded=bounded)
                self._in_memory -= len(events)
                self._busy = False
                if waiting:
                    self._reached(CrashPoint.BEFORE_ANSWER)
                self._tell(waiting, None if reason is None else JournalRefused(reason))
                look, bounded = False, True
        finally:
            self._commit = None

    def _tell(self, waiting: Sequence[Told], refusal: JournalRefused | None) -> None:
        for told in waiting:
            try:
                told(refusal)
            except Exception as error:  # noqa: BLE001  the others are told all the same
                self._log.error("an acknowledgement failed", exc_info=error)

    async def _commit_one(self, events: Sequence[Event], *, bounded: bool) -> str | None:
        """Commit one batch with what was refused before; return why not, if not."""
        if self._reason == FAILING:
            return self._refuse(events, FAILING)
        try:
            await self._write(events, bounded=bounded)
        except NoRoom as full:
            return self._stop(events, full.reason)
        except (sqlite3.Error, OSError) as error:
            return await self._survive(events, error)
        except Exception as error:  # noqa: BLE001  a batch that cannot be encoded is lost alone
            self._log.error("events cannot be written", exc_info=error)
            return self._refuse(events, FAILING)
        if bounded and self._reason:
            self._log.info("journal takes events again")
            self._reason = None
        return None

    async def _write(self, events: Sequence[Event], *, bounded: bool) -> None:
        now_ms, refusals = self._clock(), Counter(self._refused)
        sums = [refused(kind, number, now_ms // HOUR_MS) for kind, number in refusals.items()]
        rows = partial(rows_of, [*events, *sums], now_ms)
        started = perf_counter()
        committed = await self._thread.run(lambda: self._files.append(rows(), bounded=bounded))
        if committed:
            self._metrics.journal_commit_s.observe(perf_counter() - started)
        self._refused -= refusals
        for row in committed:
            try:
                self.on_commit(row)
            except Exception as error:  # noqa: BLE001  what is on disk is acknowledged
                self._log.error("a committed row was not taken note of", exc_info=error)

    def _stop(self, events: Sequence[Event], reason: str) -> str:
        if self._reason != reason:
            self._log.error("journal refuses events", reason=reason)
        self._reason = reason
        return self._refuse(events, reason)

    async def _survive(self, events: Sequence[Event], error: Exception) -> str:
        """Open a new file after an I/O error; the batch is not acknowledged, the old file drains.

        An fsync that failed once proves nothing when it is repeated, so the same file is not
        written again.
        """
        self._log.error("journal I/O error", reason=str(error))
        refusal = self._stop(events, FAILING)
        if not self._renewed:
            self._renewed = True
            try:
                await self._thread.run(self._files.renew)
                self._reason = None
                self._log.warning("journal goes on in a new file")
            except (OSError, sqlite3.Error) as again:
                self._log.error("journal cannot go on", reason=str(again))
        if self._reason:
            self.failed.set()
        return refusal

    def _refuse(self, events: Sequence[Event], reason: str) -> str:
        self._metrics.refused.labels(reason).inc(len(events))
        for event in events:
            self._refused[kind_of(event)] += event.count
        return reason


def _settle(future: asyncio.Future[None], refusal: JournalRefused | None) -> None:
    if future.done():  # nobody waits any more; its event counts all the same
        return
    if refusal is None:
        future.set_result(None)
    else:
        future.set_exception(refusal)
