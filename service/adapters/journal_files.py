"""Rows in all journals this process holds, in the one thread that touches them; waits for none."""

import sqlite3
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from service.adapters.crash_points import CrashPoint, Reached
from service.adapters.journal_room import DISK, JournalLimits, NoRoom, Room, is_for_want_of_room
from service.adapters.journal_shelf import JournalShelf
from service.domain.events import SHARDS
from service.domain.rows import Row, StoredRow
from service.flows.ports import Committed, Extent
from service.telemetry.logs import LogEvent

PRUNED_AT_ONCE = 1_000
_NOTHING = Extent(0, 0, 0, 0, None)


class JournalFiles(JournalShelf):
    """Writes to the current journal, reads and deletes in any; call from one thread only."""

    def __init__(
        self, directory: Path, limits: JournalLimits, log: LogEvent, reached: Reached
    ) -> None:
        super().__init__(directory, log)
        self._room = Room(limits, self._make_room)
        self._reached = reached

    def append(self, rows: Sequence[Row], *, bounded: bool = True) -> list[Committed]:
        """Commit rows to the current journal; raises `NoRoom`, `sqlite3.Error`, `OSError`."""
        try:
            if bounded:
                self._room.check(self.files.values(), self.written.path)
            if not rows:
                return []
            self._reached(CrashPoint.BEFORE_COMMIT)
            numbers = self.written.append(rows)
        except sqlite3.Error as error:
            if is_for_want_of_room(error):
                raise NoRoom(DISK) from error
            raise
        self._reached(CrashPoint.AFTER_COMMIT)
        return [
            Committed(self.current, row.shard, number, row.total, row.made_ms)
            for number, row in zip(numbers, rows, strict=True)
        ]

    def adopt(self) -> list[str]:
        """Open what dead processes left; what Redis has whole makes way for what it may not have.

        Nothing of that is deleted, and it is looked at again in its turn: Redis may go back.
        """
        for journal in islice(filter(self._whole, self.held()[:-1]), self.wanted()):
            self._room.forget(journal)
            self._close(journal)
        return super().adopt()

    def rows(self, journal: str, shard: int, after: int) -> list[StoredRow]:
        """Return the next rows of a journal and shard, none where the journal is gone."""
        none: list[StoredRow] = []
        found = self.use(journal, lambda file: file.rows(shard, after), none)
        if any(stored.row is None for stored in found) and self.mend(journal, "damaged rows"):
            found = self.use(journal, lambda file: file.rows(shard, after), none)
        return found

    def extent(self, journal: str, shard: int, after: int) -> Extent:
        """Return what a journal holds of a shard, seen from a mark."""
        return self.use(journal, lambda file: file.extent(shard, after), _NOTHING)

    def covered(self, journal: str, shard: int, through: int) -> None:
        """Note that Redis has applied rows up to a number: they go first when room is short."""
        if journal in self.files:
            self._room.covered(journal, shard, through)

    def prune(self, journal: str, shard: int, through: int) -> int:
        """Delete some rows up to a number; return how many went."""
        self._reached(CrashPoint.BEFORE_DELETE)
        return self.use(journal, lambda file: file.prune(shard, through, PRUNED_AT_ONCE), 0)

    def discard(self, journal: str) -> None:
        """Delete a journal with its file, once its marks are gone."""
        self._reached(CrashPoint.BEFORE_DELETE)
        self._room.forget(journal)
        super().discard(journal)

    def _whole(self, journal: str) -> bool:
        """Say whether Redis has all rows of a journal, as far as it was told."""
        marks = [self._room.mark(journal, shard) for shard in range(SHARDS)]
        try:
            return self.use(
                journal,
                lambda file: not any(file.extent(*at).waiting for at in enumerate(marks)),
                otherwise=False,
            )
        except sqlite3.Error as error:
            self.say("cannot see what a journal holds", journal, error)
            return False

    def _make_room(self, journal: str, shard: int, through: int) -> int:
        try:
            return self.prune(journal, shard, through)
        except (sqlite3.Error, OSError) as error:
            self.say("cannot delete applied rows to make room", journal, error)
            return 0
