"""Journals over real files for tests, and looks at what is in them."""

import asyncio
import logging
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry
from structlog.testing import LogCapture

from service.adapters.crash_points import Reached, never
from service.adapters.journal import Journal
from service.adapters.journal_file import JournalFile
from service.adapters.journal_room import JournalLimits
from service.domain.errors import JournalRefused
from service.domain.events import SHARDS, Event
from service.domain.rows import StoredRow
from service.flows.ports import Committed
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Metrics
from tests.made import HOUR, event

NOW_MS = HOUR * 3_600_000 + 1
AGAIN = "journal takes events again"
NO_BOUNDS = JournalLimits(max_bytes=1 << 30, min_free_bytes=0)


@dataclass
class Kept:
    """An open journal with all that it said: metrics, log lines, and the rows it announced."""

    journal: Journal
    registry: CollectorRegistry
    capture: LogCapture
    announced: list[Committed] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The id of the journal that is written now."""
        return self.journal._files.current

    @property
    def said(self) -> list[str]:
        """The log's phrases so far."""
        return [entry["event"] for entry in self.capture.entries]

    def metric(self, name: str, **labels: str) -> float:
        """Return a metric's value, 0 if there is none yet."""
        return self.registry.get_sample_value(f"handbill_{name}", labels) or 0.0

    @property
    def commits(self) -> int:
        """How many commits were made."""
        return int(self.metric("journal_commit_seconds_count"))

    async def events(self) -> list[Event]:
        """Return all events that can be read, journal by journal and shard by shard."""
        return [one for row in await self.rows() if row.row for one in row.row.events]

    async def rows(self) -> list[StoredRow]:
        """Return all rows of all journals that are held."""
        return [row for journal in await self.journal.held() for row in await self.rows_of(journal)]

    async def rows_of(self, journal: str) -> list[StoredRow]:
        """Return all rows of one journal, read as the shipper does."""
        found: list[StoredRow] = []
        for shard in range(SHARDS):
            after = 0
            while some := await self.journal.rows(journal, shard, after):
                found += some
                after = some[-1].number
        return found

    async def take(self, *events: Event) -> None:
        """Commit events and return once they are acknowledged."""
        await self.journal.append(events)

    async def ticking(self, until: str) -> None:
        """Tick until a phrase is logged."""
        async with asyncio.timeout(10):
            ticks = asyncio.create_task(self.journal.tick())
            while until not in self.said:
                await asyncio.sleep(0.01)
            ticks.cancel()


def kept(directory: Path, *, limits: JournalLimits = NO_BOUNDS, reached: Reached = never) -> Kept:
    """Return a journal over a directory, not yet open."""
    registry, capture = CollectorRegistry(), LogCapture()
    journal = Journal(
        directory, limits=limits, clock=lambda: NOW_MS, metrics=Metrics(registry),
        log=logging_to(capture), reached=reached,
    )  # fmt: skip
    made = Kept(journal, registry, capture)
    journal.on_commit = made.announced.append
    return made


@asynccontextmanager
async def opened(
    directory: Path, *, limits: JournalLimits = NO_BOUNDS, reached: Reached = never
) -> AsyncIterator[Kept]:
    """Run a journal over a directory until the block ends, then close it as the service does."""
    made = kept(directory, limits=limits, reached=reached)
    await made.journal.open()
    try:
        yield made
    finally:
        await made.journal.close()


def logging_to(capture: LogCapture) -> LogEvent:
    """Return a logger that only remembers."""
    log: LogEvent = structlog.wrap_logger(
        None,
        processors=[structlog.processors.add_log_level, capture],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return log


@asynccontextmanager
async def ticking(made: Kept) -> AsyncIterator[None]:
    """Let a journal look after itself until the block ends."""
    ticks = asyncio.create_task(made.journal.tick())
    try:
        yield
    finally:
        ticks.cancel()


async def fill(made: Kept, first: int = 0) -> int:
    """Commit views until they are refused; return the number of the next one."""
    serial = first
    while True:
        try:
            await made.take(*views(serial, 100))
        except JournalRefused:
            return serial
        serial += 100


async def refused(made: Kept) -> int:
    """Return the sum of all events that are journalled as refused."""
    return sum(one.count for one in await made.events() if one.verdict == "refused")


def crashed(directory: Path) -> Path:
    """Return a copy of a directory as a crash at this moment would leave it."""
    left = directory.with_name(f"{directory.name}-left")
    return Path(shutil.copytree(directory, left))


def sums(events: Iterable[Event]) -> Counter[tuple[object, ...]]:
    """Return what events came to, those that count once apart by their bit."""
    found: Counter[tuple[object, ...]] = Counter()
    for one in events:
        found[one.hour, one.shard, one.field, one.verdict, one.seen] += one.count
    return found


def views(first: int, count: int) -> list[Event]:
    """Return views of pages with consecutive numbers, all in one shard, nothing named."""
    return [event(serial=serial)._replace(names=()) for serial in range(first, first + count)]


def on_disk(directory: Path) -> list[Event]:
    """Return all events in a directory's journals, read by connections of their own."""
    found: list[Event] = []
    for path in sorted(directory.glob("*.db")):
        file = JournalFile(path)
        for shard in range(SHARDS):
            rows: Sequence[StoredRow] = file.rows(shard, 0)
            while rows:
                found += [one for row in rows if row.row for one in row.row.events]
                rows = file.rows(shard, rows[-1].number)
        file.close()
    return found
