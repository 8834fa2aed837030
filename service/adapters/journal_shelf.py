"""Which journals are open: makes, adopts, mends, closes and deletes them; reads no row itself.

The newest is written; the others belong to processes that are gone, or had an I/O error, and are
only read until they are drained.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from service.adapters.journal_damage import is_damage, open_abandoned, rebuild
from service.adapters.journal_directory import JournalDirectory
from service.adapters.journal_file import JournalFile, NewerFormat
from service.domain.errors import BadConfiguration, Problem
from service.telemetry.logs import LogEvent

HELD_MAX = 100  # files; of processes that crashed more often the others have to wait
_T = TypeVar("_T")


class JournalShelf:
    """Open files by journal id; call from one thread only."""

    def __init__(self, directory: Path, log: LogEvent) -> None:
        self._directory = JournalDirectory(directory)
        self._log = log
        self._mended: set[str] = set()
        self._said: dict[str, str] = {}
        self.files: dict[str, JournalFile] = {}
        self.current = ""

    @property
    def written(self) -> JournalFile:
        """The file that takes new rows."""
        return self.files[self.current]

    def open(self) -> None:
        """Adopt abandoned journals and make a new one; raises `BadConfiguration`."""
        self._directory.prepare()
        try:
            self.adopt()
            self.renew()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise _unusable(f"cannot make a journal in {self._directory.path}: {error}") from None
        except BadConfiguration:
            self.close()
            raise

    def renew(self) -> None:
        """Write to a new file from now on; the one before stays to be read."""
        journal = self._directory.new()
        try:
            self.files[journal] = JournalFile(self._directory.file(journal))
        except BaseException:
            with suppress(OSError):
                self._directory.remove(journal)
            raise
        self.current = journal

    def adopt(self) -> list[str]:
        """Open what dead processes left and return the ids; raises `BadConfiguration` at last."""
        newer: list[NewerFormat] = []
        before = set(self.files)
        for journal in self._directory.abandoned(HELD_MAX - len(before)):
            try:
                self.files[journal] = open_abandoned(self._directory.file(journal), self._log)
                if self.files[journal].unused:  # so it has no marks either
                    self._close(journal)
            except NewerFormat as error:
                newer.append(error)
                self._directory.release(journal)
            except (sqlite3.Error, OSError) as error:
                self._give_up(journal, error)
        if newer:
            raise _unusable(f"{newer[0]}: run the version that wrote it until it is drained")
        return [journal for journal in self.files if journal not in before]

    def wanted(self) -> int:
        """Return how many journals that were never open here find no place."""
        free = HELD_MAX - len(self.files)
        return max(0, self._directory.untried(HELD_MAX) - free)

    def held(self) -> list[str]:
        """Return the ids of all open journals, the current one last."""
        return [*(journal for journal in self.files if journal != self.current), self.current]

    def drained(self) -> list[str]:
        """Return the ids of the journals, not the current one, that have no row any more."""
        old = self.held()[:-1]
        return [journal for journal in old if self.use(journal, _is_empty, otherwise=False)]

    def use(self, journal: str, work: Callable[[JournalFile], _T], otherwise: _T) -> _T:
        """Run work on a file, once more if it had to be mended; `otherwise` where it is gone."""
        if journal not in self.files:
            return otherwise
        try:
            return work(self.files[journal])
        except sqlite3.Error as error:
            if not is_damage(error) or not self.mend(journal, str(error)):
                raise
        return work(self.files[journal]) if journal in self.files else otherwise

    def mend(self, journal: str, why: str) -> bool:
        """Replace a damaged file by what can be read of it, once; return whether it was tried."""
        if journal in self._mended:
            return False
        self._mended.add(journal)
        if journal == self.current:
            self.renew()
        path = self._directory.file(journal)
        self.files[journal].close()
        try:
            rebuild(path, self._log, reason=why)
        except (sqlite3.Error, OSError) as error:
            self.say("journal damaged, cannot be rebuilt", journal, error)
        try:
            self.files[journal] = JournalFile(path)
        except sqlite3.Error as error:
            del self.files[journal]
            self._give_up(journal, error)
        return True

    def blank(self, journal: str) -> None:
        """Have a drained journal forget that it ever held rows.

        Else a crash after its marks are deleted, and before it is, would look like a loss.
        """
        self.use(journal, lambda file: file.blank(), None)

    def discard(self, journal: str) -> None:
        """Delete a journal with its file; what the disk will not delete, a later process adopts."""
        self.files.pop(journal).close()
        self._said.pop(journal, None)
        self._directory.remove(journal)

    def close(self) -> None:
        """Close all; a journal that never held a row leaves nothing behind."""
        for journal in list(self.files):
            self._close(journal)

    def say(self, what: str, journal: str, error: Exception) -> None:
        """Log what went wrong with a journal, once for the same reason."""
        words = f"{what}: {error}"
        if self._said.get(journal) != words:
            self._said[journal] = words
            self._log.error(what, journal=journal, reason=str(error))

    def _close(self, journal: str) -> None:
        file = self.files.pop(journal)
        file.close()
        if file.unused:
            self._directory.remove(journal)
        else:
            self._directory.release(journal)

    def _give_up(self, journal: str, error: Exception) -> None:
        """Set a journal aside that is beyond reading; leave one alone that only cannot be now."""
        if isinstance(error, sqlite3.Error) and is_damage(error):
            aside = self._directory.set_aside(journal)
            self._log.error("journal unreadable, set aside", journal=aside.name, reason=str(error))
        else:
            self._directory.release(journal)
            self.say("journal cannot be opened now", journal, error)


def _is_empty(file: JournalFile) -> bool:
    return file.empty


def _unusable(what: str) -> BadConfiguration:
    return BadConfiguration((Problem("settings", 0, "--data", what),))
