"""The bounds of the journals: what goes first when room is short, and when no more is taken."""

import os
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from service.adapters.journal_file import JournalFile

FULL, DISK = "full", "disk"
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY})


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """Bounds in bytes of pages in use and of the disk's free space."""

    max_bytes: int = 1 << 30
    min_free_bytes: int = 256 << 20


class NoRoom(Exception):
    """A bound is reached; `reason` is one of `FULL` and `DISK`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Room:
    """Watches the bounds; `prune` deletes some rows of a journal and shard up to a number."""

    def __init__(self, limits: JournalLimits, prune: Callable[[str, int, int], int]) -> None:
        self._limits = limits
        self._prune = prune
        self._covered: dict[tuple[str, int], int] = {}

    def covered(self, journal: str, shard: int, through: int) -> None:
        """Note that Redis has applied rows up to a number: they go first."""
        self._covered[journal, shard] = through

    def mark(self, journal: str, shard: int) -> int:
        """Return the last row that Redis is known to have, 0 for none."""
        return self._covered.get((journal, shard), 0)

    def forget(self, journal: str) -> None:
        """Drop what is known of a journal that is gone."""
        self._covered = {key: row for key, row in self._covered.items() if key[0] != journal}

    def check(self, files: Collection[JournalFile], written: Path) -> None:
        """Make room where a bound is near by dropping covered rows; raises `NoRoom`, `OSError`."""
        at_most = sum(file.used_at_most for file in files)
        if at_most >= self._limits.max_bytes and not self._fits(files):
            self._drop_covered(files)
            if not self._fits(files):
                raise NoRoom(FULL)
        # Of the file, not its directory: a file that somebody deleted must not take events.
        space = os.statvfs(written)
        if space.f_bavail * space.f_frsize < self._limits.min_free_bytes:
            raise NoRoom(DISK)

    def _fits(self, files: Collection[JournalFile]) -> bool:
        return sum(file.measure() for file in files) < self._limits.max_bytes

    def _drop_covered(self, files: Collection[JournalFile]) -> None:
        for (journal, shard), through in self._covered.items():
            while self._prune(journal, shard, through):
                if self._fits(files):
                    return


def is_for_want_of_room(error: sqlite3.Error) -> bool:
    """Say whether SQLite could not write because the disk is full or may not be written to."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_ROOM
