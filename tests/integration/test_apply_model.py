"""Whatever happens between journals and a real Redis, everything acknowledged is counted once.

Hypothesis commits real rows, loses and delays what goes to Redis, sets it back, crashes, doubles
and copies whoever sends, in any order; when all is quiet again the counts must add up.
"""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from prometheus_client import CollectorRegistry
from redis import Redis as BlockingRedis
from structlog.testing import LogCapture

from service.adapters.journal_file import JournalFile
from service.adapters.redis_applier import RedisApplier
from service.adapters.redis_link import RedisLink
from service.domain.errors import RedisAway
from service.domain.events import CHUNK_TOKENS, HOUR_MS, Event, Kind, Verdict, shard_of
from service.domain.rows import StoredRow, rows_of
from service.flows.accounts import Accounts
from service.flows.ports import Applied, Committed, Extent
from service.flows.ship import Shipper, Timing
from service.telemetry.metrics import Metrics
from tests.journals import logging_to
from tests.made import HOUR, ISSUER, event
from tests.worlds import EngineWorld

SHARDS = (shard_of(ISSUER, 0), shard_of(ISSUER, CHUNK_TOKENS))
QUIET_TURNS = 200
Bit = tuple[int, int, int]

EVENTS = st.builds(
    event,
    st.sampled_from([Kind.VIEW, Kind.CLICK]),
    st.sampled_from([serial + chunk * CHUNK_TOKENS for chunk in (0, 1) for serial in range(8)]),
    hour=st.sampled_from([HOUR, HOUR + 11]),  # the second is on the next day
    verdict=st.sampled_from([Verdict.VALID, Verdict.VALID, Verdict.VALID, Verdict.BOT]),
)


class Files:
    """Journals as one process sees them; what is deleted, and when, is the machine's choice."""

    def __init__(self, files: Mapping[str, JournalFile]) -> None:
        self.files = dict(files)

    async def held(self) -> list[str]:
        return list(self.files)

    async def rows(self, journal: str, shard: int, after: int) -> Sequence[StoredRow]:
        return self.files[journal].rows(shard, after)

    async def extent(self, journal: str, shard: int, after: int) -> Extent:
        return self.files[journal].extent(shard, after)

    async def covered(self, journal: str, shard: int, through: int) -> None:
        pass

    async def prune(self, journal: str, shard: int, through: int) -> None:
        pass

    async def retire(
        self, forget: Callable[[str], Awaitable[None]], *, leave: Callable[[str], bool]
    ) -> None:
        pass


class Faulty:
    """The real applier behind a network: `fate` is what becomes of the next application."""

    def __init__(self, applier: RedisApplier) -> None:
        self._applier = applier
        self.fate = "arrives"
        self.late: list[tuple[Any, ...]] = []

    async def marks(self, shard: int) -> Mapping[str, int]:
        return await self._applier.marks(shard)

    async def forget(self, journal: str) -> None:
        await self._applier.forget(journal)

    async def apply(
        self, shard: int, journal: str, expected: int, rows: Sequence[StoredRow]
    ) -> Applied:
        fate, self.fate = self.fate, "arrives"
        if fate == "late":
            self.late.append((shard, journal, expected, rows))
        if fate in {"late", "never"}:
            raise RedisAway(fate)
        applied = await self._applier.apply(shard, journal, expected, rows)
        if fate == "reply lost":
            raise RedisAway(fate)
        return applied

    async def deliver_late(self) -> None:
        """Have Redis do what lay in a buffer all the time."""
        for application in self.late:
            await self._applier.apply(*application)
        self.late.clear()


class Process:
    """A shipper over some journals, of which it may write one; it does a step when told to."""

    def __init__(self, files: Mapping[str, JournalFile], own: str | None, url: str) -> None:
        self.own = own
        self.files = Files(files)
        self.link = RedisLink(url, timeout_s=5.0)
        self.network = Faulty(RedisApplier(self.link))
        accounts = Accounts(Metrics(CollectorRegistry()), logging_to(LogCapture()))
        self.shipper = Shipper(
            self.files, self.files, self.network, accounts=accounts, clock=lambda: 0,
            timing=Timing(),
        )  # fmt: skip

    async def turn(self, shard: int) -> bool:
        """Do what a shard's worker does each time it is woken."""
        try:
            return await self.shipper._turn(shard)
        except RedisAway as away:
            self.shipper._lost(shard, away)
            return True

    async def settle(self) -> None:
        """Do what the shipper does until nothing is left to do."""
        for _ in range(QUIET_TURNS):
            await self.shipper._round()
            busy = [await self.turn(shard) for shard in SHARDS for _ in range(3)]
            if not any(busy) and not self.shipper.waiting:
                return
        raise AssertionError(f"{self.shipper.waiting} events wait: {self.shipper.state}")


class Applying(RuleBasedStateMachine):
    """All that may happen; `acknowledged` is what must be counted valid, once, in the end."""

    def __init__(self, url: str, client: BlockingRedis) -> None:
        super().__init__()
        self.url = url
        self.client = client
        client.flushall()
        self.home = Path(tempfile.mkdtemp(prefix="hb-"))
        self.runner = asyncio.Runner()
        self.numbers = count(1)
        self.files: dict[str, JournalFile] = {}
        self.opened: list[JournalFile] = []
        self.acknowledged: set[Bit] = set()
        self.gross: Counter[int] = Counter()
        self.snapshots: list[dict[bytes, bytes]] = [{}]
        self.rogues: list[Process] = []
        self.process = self._started()

    @rule(events=st.lists(EVENTS, min_size=1, max_size=12))
    def commit(self, events: list[Event]) -> None:
        """Events are acknowledged once they are on disk, and announced to the shipper."""
        own = self.process.own
        assert own is not None
        rows = rows_of(events, HOUR * HOUR_MS)
        for number, row in zip(self.files[own].append(rows), rows, strict=True):
            self.process.shipper.committed(
                Committed(own, row.shard, number, row.total, row.made_ms)
            )
        self.acknowledged |= {made.seen for made in events if made.seen}
        self.gross.update(made.hour for made in events)

    @rule(shard=st.sampled_from(SHARDS))
    def ship(self, shard: int) -> None:
        self._do(self.process.turn(shard))

    @rule(shard=st.sampled_from(SHARDS), fate=st.sampled_from(["reply lost", "never", "late"]))
    def ship_in_vain(self, shard: int, fate: str) -> None:
        self.process.network.fate = fate
        self._do(self.process.turn(shard))

    @rule()
    def deliver_late(self) -> None:
        self._do(self.process.network.deliver_late())

    @rule()
    def read_all_marks(self) -> None:
        self._do(self.process.shipper._round())

    @rule()
    def take_a_snapshot(self) -> None:
        self.snapshots.append(self._dump())

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data(), noticed=st.booleans())
    def go_back(self, data: st.DataObject, noticed: bool) -> None:
        """Redis is older all at once, on a new connection or unnoticed on the same."""
        self._restore(data.draw(st.sampled_from(self.snapshots)))
        if noticed:
            for shard in SHARDS:
                self.process.shipper._lost(shard, RedisAway("connection reset"))

    @rule()
    def a_quarter_of_an_hour_passes(self) -> None:
        """Rows that Redis has covered go; it does not go back to before that any more."""
        self._do(self.process.network.deliver_late())
        for shard in SHARDS:
            for journal, mark in self._do(self.process.network.marks(shard)).items():
                self.files[journal].prune(shard, mark, 1_000_000)
        self.snapshots = [self._dump()]
        self._retire_rogues()

    @rule()
    def crash(self) -> None:
        """The next process adopts the journal of this one; what is in a buffer still arrives."""
        late = self.process.network.late
        self._ended(self.process)
        self.process = self._started()
        self.process.network.late = late

    @precondition(lambda self: len(self.rogues) < 2)
    @rule()
    def somebody_else_sends_the_same_journals(self) -> None:
        self.rogues.append(Process(self.files, None, self.url))

    @precondition(lambda self: len(self.rogues) < 2)
    @rule()
    def the_volume_is_copied(self) -> None:
        """The copy stays as old as it is, and is adopted by a process elsewhere."""
        copies = {journal: self._copied(file) for journal, file in self.files.items()}
        self.rogues.append(Process(copies, None, self.url))

    @precondition(lambda self: self.rogues)
    @rule(data=st.data(), shard=st.sampled_from(SHARDS))
    def a_rogue_ships(self, data: st.DataObject, shard: int) -> None:
        rogue = data.draw(st.sampled_from(self.rogues))
        self._do(rogue.shipper._round())
        self._do(rogue.turn(shard))

    @rule()
    def all_is_quiet(self) -> None:
        """Then every acknowledged event is counted valid once, and everything adds up."""
        self._do(self.process.network.deliver_late())
        self._do(self.process.settle())
        self._check()

    def teardown(self) -> None:
        try:
            self.all_is_quiet()
        finally:
            self._retire_rogues()
            self._ended(self.process)
            for file in self.opened:
                file.close()
            self.runner.close()
            shutil.rmtree(self.home)

    def _check(self) -> None:
        kept = EngineWorld(self.url, self.client).kept()
        bits = {
            (int(issuer), int(chunk), bit)
            for key, (content, _) in kept.items()
            if ":seen:" in key
            for issuer, chunk in [key.split(":")[3:]]
            for bit in content
        }
        assert bits == self.acknowledged
        hours, days = (self._counts(kept, grain) for grain in ("hour", "day"))
        assert hours == days
        valid = sum(n for name, n in days.items() if name[1].endswith("|valid"))
        assert valid == len(self.acknowledged)
        gross: Counter[str] = Counter()
        for (day, _), n in days.items():
            gross[day] += n
        assert gross.total() == self.gross.total()

    @staticmethod
    def _counts(kept: Mapping[str, Any], grain: str) -> Counter[tuple[str, str]]:
        """Return all counts by UTC day and field."""
        counts: Counter[tuple[str, str]] = Counter()
        for key, (content, _) in kept.items():
            if f":{grain}:" in key:
                for name, text in content.items():
                    counts[key.rpartition(":")[2][:8], name] += int(text)
        return counts

    def _started(self) -> Process:
        journal = f"{next(self.numbers):032x}"
        self.files[journal] = self._file(self.home / f"{journal}.db")
        return Process(self.files, journal, self.url)

    def _file(self, path: Path) -> JournalFile:
        self.opened.append(JournalFile(path))
        return self.opened[-1]

    def _copied(self, file: JournalFile) -> JournalFile:
        """Copy what is committed, as a snapshot of the volume would."""
        copy = self.home / f"copy-{next(self.numbers)}.db"
        for suffix in ("", "-wal"):
            source = file.path.with_name(file.path.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        return self._file(copy)

    def _ended(self, process: Process) -> None:
        self._do(process.link.close())

    def _retire_rogues(self) -> None:
        for rogue in self.rogues:
            self._ended(rogue)
        self.rogues.clear()

    def _dump(self) -> dict[bytes, bytes]:
        client: Any = self.client  # its replies have no useful types
        return {key: client.dump(key) for key in client.scan_iter()}

    def _restore(self, snapshot: Mapping[bytes, bytes]) -> None:
        self.client.flushall()
        for key, content in snapshot.items():
            self.client.restore(key, 0, content)

    def _do(self, work: Any) -> Any:
        return self.runner.run(work)


def test_everything_acknowledged_is_counted_once_whatever_happens(redis_url: str) -> None:
    with BlockingRedis.from_url(redis_url) as client:

        class Here(Applying):
            def __init__(self) -> None:
                super().__init__(redis_url, client)

        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=40,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
