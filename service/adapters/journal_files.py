"""All journals this process holds, in the one thread that touches them; waits for nothing.

The newest is written; the others belong to processes that are gone, or had an I/O error, and are
only read until they are drained.
"""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.adapters.journal_directory import JournalDirectory
from service.adapters.journal_file import JournalFile, NewerFormat
from service.domain.errors import BadConfiguration, Problem
from service.domain.rows import Row, StoredRow
from service.flows.ports import Extent
from service.telemetry import LogEvent

FULL, DISK, FAILING = "full", "disk", "failing"
PRUNED_AT_ONCE = 1_000
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


class JournalFiles:
    """Open files by journal id, oldest first; call from one thread only."""

    def __init__(self, directory: Path, limits: JournalLimits, log: LogEvent) -> None:
        self._directory = JournalDirectory(directory)
        self._limits = limits
        self._log = log
        self._files: dict[str, JournalFile] = {}
        self._covered: dict[tuple[str, int], int] = {}
        self.current = ""

    def open(self) -> None:
        """Make a new journal and adopt abandoned ones; raises `BadConfiguration`."""
        self._directory.prepare()
        self.adopt()
        try:
            self.renew()
        except (OSError, sqlite3.Error) as error:
            raise _unusable(f"cannot make a journal in {self._directory.path}: {error}") from None

    def renew(self) -> None:
        """Write to a new file from now on."""
        journal = self._directory.new()
        self._files[journal] = JournalFile(self._directory.file(journal))
        self.current = journal

    def adopt(self) -> list[str]:
        """Open what dead processes left and return the ids."""
        found = self._directory.abandoned()
        return [journal for journal in found if self._adopted(journal)]

    def held(self) -> list[str]:
        """Return the ids of all open journals."""
        return list(self._files)

    def append(self, rows: Sequence[Row]) -> list[int]:
        """Commit rows to the current journal; raises `NoRoom`, `sqlite3.Error` for I/O errors."""
        self.check_room()
        try:
            return self._files[self.current].append(rows)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_ROOM:
                raise NoRoom(DISK) from error
            raise

    def check_room(self) -> None:
        """Make room where a bound is near by dropping rows that Redis covers; raises `NoRoom`."""
        if self.used_bytes() >= self._limits.max_bytes:
            self._drop_covered()
            if self.used_bytes() >= self._limits.max_bytes:
                raise NoRoom(FULL)
        space = os.statvfs(self._directory.path)
        if space.f_bavail * space.f_frsize < self._limits.min_free_bytes:
            raise NoRoom(DISK)

    def used_bytes(self) -> int:
        """Return the size of the pages in use by all journals."""
        return sum(file.used_bytes() for file in self._files.values())

    def rows(self, journal: str, shard: int, after: int) -> list[StoredRow]:
        """Return the next rows of a journal and shard."""
        return self._files[journal].rows(shard, after)

    def extent(self, journal: str, shard: int, after: int) -> Extent:
        """Return what a journal holds of a shard, seen from a mark."""
        return self._files[journal].extent(shard, after)

    def covered(self, journal: str, shard: int, through: int) -> None:
        """Note that Redis has applied rows up to a number: they go first when room is short."""
        self._covered[journal, shard] = through

    def prune(self, journal: str, shard: int, through: int) -> int:
        """Delete some rows up to a number; return how many went."""
        return self._files[journal].prune(shard, through, PRUNED_AT_ONCE)

    def drained(self) -> list[str]:
        """Return the journals, not the current one, that hold no row any more."""
        return [
            journal
            for journal, file in self._files.items()
            if journal != self.current and file.empty()
        ]

    def discard(self, journal: str) -> None:
        """Delete a journal's files."""
        self._files.pop(journal).close()
        self._directory.remove(journal)

    def close(self) -> None:
        """Close all; a journal that never held a row leaves nothing behind."""
        for journal, file in list(self._files.items()):
            unused = journal == self.current and file.unused
            file.close()
            if unused:
                self._directory.remove(journal)
            else:
                self._directory.release(journal)
        self._files.clear()

    def _adopted(self, journal: str) -> bool:
        try:
            self._files[journal] = JournalFile(self._directory.file(journal))
        except NewerFormat as newer:
            self._directory.release(journal)
            raise _unusable(f"{newer}: run the version that wrote it until it is drained") from None
        except sqlite3.Error as error:
            aside = self._directory.set_aside(journal)
            self._log.error("journal unreadable, set aside", journal=aside.name, reason=str(error))
            return False
        return True

    def _drop_covered(self) -> None:
        for (journal, shard), through in self._covered.items():
            while self.used_bytes() >= self._limits.max_bytes:
                if journal not in self._files or not self.prune(journal, shard, through):
                    break


def _unusable(what: str) -> BadConfiguration:
    return BadConfiguration((Problem("settings", 0, "--data", what),))
