"""Journals in memory: a real `RowSource` and `Retention` without a disk, and ways to spoil them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from service.domain.errors import JournalUnreadable
from service.domain.events import HOUR_MS, Event
from service.domain.rows import ROW_EVENTS_MAX, StoredRow, rows_of
from service.flows.ports import Committed, Extent
from tests.made import JOURNAL


@dataclass
class _Kept:
    """What one journal has of one shard; `sums` are of deleted rows, by number."""

    rows: list[StoredRow] = field(default_factory=list)
    sums: dict[int, int] = field(default_factory=dict)

    @property
    def pruned(self) -> int:
        return max(self.sums, default=0)


@dataclass
class MemoryJournals:
    """The journals of one process; it writes `own`.

    `unreadable` and `undeletable` say why reading and deleting fail, if they do; `deleted` lists
    what was, `covered_marks` what Redis was said to have.
    """

    own: str = JOURNAL
    announce: Callable[[Committed], None] = lambda _: None
    unreadable: str | None = None
    undeletable: str | None = None
    asked: Counter[str] = field(default_factory=Counter)
    deleted: list[tuple[str, int, int]] = field(default_factory=list)
    covered_marks: dict[tuple[str, int], int] = field(default_factory=dict)
    _kept: dict[str, dict[int, _Kept]] = field(default_factory=dict)
    _numbers: Counter[str] = field(default_factory=Counter)

    def commit(self, *events: Event, journal: str | None = None) -> list[Committed]:
        """Commit events and announce them, as the own journal's commits are."""
        name = journal or self.own
        committed = [
            self._put(name, number, row.shard, StoredRow(number, row.total, row.made_ms, row))
            for number, row in enumerate(
                rows_of(events, events[0].hour * HOUR_MS), self._numbers[name] + 1
            )
        ]
        self._numbers[name] += len(committed)
        for row in committed if journal is None else ():
            self.announce(row)
        return committed

    def damage(self, row: Committed) -> None:
        """Have a row's content be unreadable."""
        rows = self._shard(row.journal, row.shard).rows
        at = next(i for i, stored in enumerate(rows) if stored.number == row.number)
        rows[at] = rows[at]._replace(row=None)

    def lose(self, row: Committed) -> None:
        """Have a row be gone, as if it had never been committed."""
        kept = self._shard(row.journal, row.shard)
        kept.rows = [stored for stored in kept.rows if stored.number != row.number]

    def vanish(self, journal: str) -> None:
        """Have a journal be gone."""
        del self._kept[journal]

    def numbers(self, journal: str = JOURNAL) -> list[int]:
        """Return the rows that are left."""
        shards = self._kept.get(journal, {}).values()
        return sorted(stored.number for kept in shards for stored in kept.rows)

    async def held(self) -> list[str]:
        """Return the ids of the journals, the own one last."""
        await self._read("held")
        return sorted({*self._kept, self.own}, key=self.own.__eq__)

    async def rows(self, journal: str, shard: int, after: int) -> Sequence[StoredRow]:
        """Return the next rows after a mark, 200 events of them."""
        await self._read("rows")
        found: list[StoredRow] = []
        events = 0
        for stored in self._shard(journal, shard).rows:
            if stored.number > after:
                events += len(stored.row.events) if stored.row else 0
                if found and events > ROW_EVENTS_MAX:
                    break
                found.append(stored)
        return found

    async def extent(self, journal: str, shard: int, after: int) -> Extent:
        """Return what is there and what is gone, seen from a mark."""
        await self._read("extent")
        kept = self._shard(journal, shard)
        waiting = [stored for stored in kept.rows if stored.number > after]
        return Extent(
            max((kept.pruned, *(stored.number for stored in kept.rows))),
            kept.pruned,
            sum(stored.total for stored in waiting),
            sum(total for number, total in kept.sums.items() if number > after),
            waiting[0].made_ms if waiting else None,
        )

    async def covered(self, journal: str, shard: int, through: int) -> None:
        """Note what Redis has."""
        await asyncio.sleep(0)
        self.covered_marks[journal, shard] = through

    async def prune(self, journal: str, shard: int, through: int) -> None:
        """Delete rows up to a number."""
        await self._delete()
        kept = self._shard(journal, shard)
        kept.sums |= {row.number: row.total for row in kept.rows if row.number <= through}
        kept.rows = [row for row in kept.rows if row.number > through]
        self.deleted.append((journal, shard, through))

    async def retire(
        self, forget: Callable[[str], Awaitable[None]], *, leave: Callable[[str], bool]
    ) -> None:
        """Delete the journals that hold nothing any more and may go, each after its marks."""
        for journal in [name for name in self._kept if name != self.own]:
            if not self.numbers(journal) and leave(journal):
                await self._delete()
                await forget(journal)
                self.vanish(journal)

    def _put(self, journal: str, number: int, shard: int, stored: StoredRow) -> Committed:
        kept = self._kept.setdefault(journal, {}).setdefault(shard, _Kept())
        kept.rows.append(stored)
        return Committed(journal, shard, number, stored.total, stored.made_ms)

    def _shard(self, journal: str, shard: int) -> _Kept:
        return self._kept.get(journal, {}).get(shard, _Kept())

    async def _read(self, what: str) -> None:
        self.asked[what] += 1
        await asyncio.sleep(0)
        if self.unreadable is not None:
            raise JournalUnreadable(self.unreadable)

    async def _delete(self) -> None:
        await asyncio.sleep(0)
        if self.undeletable is not None:
            raise JournalUnreadable(self.undeletable)
