"""The journal against a model in plain Python: whatever happens, what was acknowledged comes back.

A crash is an image of the directory at a moment of the journal's own choosing: between commits,
just before one is written, just after, or with its last write torn.
"""

import asyncio
import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from service.adapters.crash_points import CrashPoint
from service.domain.errors import JournalUnreadable
from service.domain.events import CHUNK_TOKENS, SHARDS, Event
from tests.journals import Kept, kept
from tests.made import event

ROW_EVENTS = 200
SHARDS_USED = (0, 1, 5)
IN_MEMORY = next((path for path in ("/dev/shm",) if Path(path).is_dir()), None)
Rows = dict[int, list[Event]]
"""A shard's rows by number."""


class Model:
    """One journal as it should be: rows by shard and number, and how far they were deleted."""

    def __init__(self) -> None:
        self.rows: defaultdict[int, Rows] = defaultdict(dict)
        self.pruned: defaultdict[int, int] = defaultdict(int)
        self.gone: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self.last = 0

    def commit(self, events: list[Event]) -> None:
        """Fold a commit: each shard's valid events in order, then sums of the others."""
        for shard in dict.fromkeys(one.shard for one in [*filter(_counts_once, events), *events]):
            mine = [one for one in events if one.shard == shard]
            once = [one for one in mine if _counts_once(one)]
            sums = Counter(one for one in mine if not _counts_once(one))
            some = once + [one._replace(count=count) for one, count in sums.items()]
            for at in range(0, len(some), ROW_EVENTS):
                self.last += 1
                self.rows[shard][self.last] = some[at : at + ROW_EVENTS]

    def prune(self, shard: int, through: int) -> None:
        """Delete a shard's rows up to a number."""
        for number in [n for n in self.rows[shard] if n <= through]:
            total = sum(one.count for one in self.rows[shard].pop(number))
            self.gone[shard].append((number, total))
            self.pruned[shard] = number

    @property
    def empty(self) -> bool:
        return not any(self.rows.values())

    def extent(self, shard: int, mark: int) -> tuple[int, int, int]:
        """Return last row, last deleted row, and how many events wait behind a mark."""
        rows = self.rows[shard]
        waiting = sum(one.count for n, row in rows.items() if n > mark for one in row)
        return max([*rows, self.pruned[shard]]), self.pruned[shard], waiting


def _counts_once(one: Event) -> bool:
    return one.seen is not None


class Journals(RuleBasedStateMachine):
    """One service over a directory of journals, whose earlier lives left theirs there."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="hb-", dir=IN_MEMORY))
        self.runner = asyncio.Runner()
        self.models: dict[str, Model] = {}
        self.serial, self.lives = 0, 0
        self.image_at: CrashPoint | None = None

    @property
    def directory(self) -> Path:
        return self.home / str(self.lives)

    @property
    def next_directory(self) -> Path:
        return self.home / str(self.lives + 1)

    @initialize(target=ids)
    def start(self) -> str:
        return self._open()

    @rule(
        batches=st.lists(st.sampled_from((1, 40, 250)), min_size=1, max_size=4),
        forged=st.integers(0, 3),
        shards=st.sampled_from((SHARDS_USED, SHARDS_USED[:1])),
    )
    def append(self, batches: list[int], forged: int, shards: tuple[int, ...]) -> None:
        events = [self._events(size, forged, shards) for size in batches]
        self.runner.run(self._take(events))
        self.models[self.made.id].commit([one for batch in events for one in batch])

    @rule(journal=ids, share=st.floats(0, 1), beyond=st.integers(0, 1))
    def prune(self, journal: str, share: float, beyond: int) -> None:
        model = self.models.get(journal, Model())
        for shard in SHARDS_USED:
            if numbers := sorted(model.rows[shard]):
                through = numbers[int(share * (len(numbers) - 1))] + beyond
                self.runner.run(self.made.journal.prune(journal, shard, through))
                model.prune(shard, through)

    @rule(fails=st.booleans())
    def retire(self, *, fails: bool) -> None:
        others = [journal for journal in self.models if journal != self.made.id]
        drained = {journal for journal in others if self.models[journal].empty}
        forgotten: list[str] = []  # which goes first is nobody's promise

        async def forget(journal: str) -> None:
            forgotten.append(journal)
            if fails:
                raise JournalUnreadable("marks cannot be deleted now")

        try:
            self.runner.run(self.made.journal.retire(forget))
        except JournalUnreadable:
            assert fails
            (journal,) = forgotten
            assert journal in drained
            self.models[journal] = Model()  # it has forgotten all, in case of a crash now
            return
        assert len(forgotten) == len(drained)
        assert set(forgotten) == drained
        for journal in drained:
            del self.models[journal]

    @rule(target=ids, crash=st.booleans())
    def restart(self, *, crash: bool) -> str:
        if crash:
            shutil.copytree(self.directory, self.next_directory)
            return self._begin_anew()
        self.runner.run(self.made.journal.close())
        if self.models[self.made.id].last == 0:
            del self.models[self.made.id]
        return self._open()

    @rule(
        target=ids,
        point=st.sampled_from((CrashPoint.BEFORE_COMMIT, CrashPoint.AFTER_COMMIT)),
        size=st.integers(1, 250),
        torn=st.none() | st.floats(0, 1, exclude_max=True),
    )
    def crash_during_a_commit(self, point: CrashPoint, size: int, torn: float | None) -> str:
        events, old = self._events(size, 1, SHARDS_USED), self.made.id
        before = _log_size(self.directory, old)
        self.image_at = point
        self.runner.run(self._take([events]))
        grew = _log_size(self.next_directory, old) - before
        if torn is not None and grew > 0:
            with (self.next_directory / f"{old}.db-wal").open("r+b") as file:
                file.truncate(before + int(torn * grew))
        elif point is CrashPoint.AFTER_COMMIT:  # on disk, though nobody was told
            self.models[old].commit(events)
        return self._begin_anew()

    @invariant()
    def all_that_was_acknowledged_is_there_and_nothing_else(self) -> None:
        if not hasattr(self, "made"):
            return
        held = self.runner.run(self.made.journal.held())
        assert held[-1] == self.made.id
        assert {journal for journal, model in self.models.items() if not model.empty} <= set(held)
        for journal in held:
            self._compare(journal, self.models[journal])

    def teardown(self) -> None:
        if hasattr(self, "made"):
            self.runner.run(self.made.journal.close())
        self.runner.close()
        shutil.rmtree(self.home)

    def _compare(self, journal: str, model: Model) -> None:
        stored = self.runner.run(self.made.rows_of(journal))
        found: defaultdict[int, Rows] = defaultdict(dict)
        for number, total, _, row in stored:
            assert row is not None
            found[row.shard][number] = list(row.events)
            assert total == sum(one.count for one in row.events)
        for shard in SHARDS_USED:
            assert found[shard] == model.rows[shard]
            extent = self.runner.run(self.made.journal.extent(journal, shard, 7))
            assert extent[:3] == model.extent(shard, 7)
            lost = sum(total for number, total in model.gone[shard] if number > 7)
            assert extent.lost >= lost if model.pruned[shard] > 7 else extent.lost == 0

    def _events(self, size: int, forged: int, shards: tuple[int, ...]) -> list[Event]:
        found = []
        for n in range(size):
            self.serial += 1
            serial = self.serial % CHUNK_TOKENS + CHUNK_TOKENS * (shards[n % len(shards)] - 3)
            found.append(event(serial=serial % (SHARDS * CHUNK_TOKENS))._replace(names=()))
        return found + [event(verdict="forged")._replace(shard=0)] * forged

    async def _take(self, batches: list[list[Event]]) -> None:
        await asyncio.gather(*(self.made.journal.append(batch) for batch in batches))

    def _open(self) -> str:
        self.made: Kept = kept(self.directory, reached=self._reached)
        self.runner.run(self.made.journal.open())
        for journal in self.models.keys() - set(self.runner.run(self.made.journal.held())):
            assert self.models[journal].empty  # it was never used, or had forgotten that it was
            del self.models[journal]
        self.models[self.made.id] = Model()
        return self.made.id

    def _begin_anew(self) -> str:
        """Leave the old directory behind and live on in the image of it."""
        self.runner.run(self.made.journal.close())
        shutil.rmtree(self.directory)
        self.lives += 1
        return self._open()

    def _reached(self, point: CrashPoint) -> None:
        if point is self.image_at:
            self.image_at = None
            shutil.copytree(self.directory, self.next_directory)


def _log_size(directory: Path, journal: str) -> int:
    log = directory / f"{journal}.db-wal"
    return log.stat().st_size if log.exists() else 0


Journals.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestJournals = Journals.TestCase
