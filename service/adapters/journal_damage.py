"""What a disk did to a journal: opens it all the same, with every row that can still be read.

Nothing is guessed: a row whose checksum fails is lost, and the sums of the others say how much.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from service.adapters.journal_directory import sync_directory
from service.adapters.journal_file import JournalFile
from service.adapters.journal_rows import Stamp, sound
from service.adapters.journal_schema import SCHEMA, STATEMENTS
from service.adapters.journal_wal import mend
from service.domain.events import SHARDS
from service.telemetry.logs import LogEvent

CHECKED_BYTES_MAX = 64 << 20  # of what is checked whole before use; the rest as it is read
_EXACT, _LAST = 256, 1 << 32  # gaps in row numbers: stepped over one by one; too wide for any file
_EVERY = -1  # no limit
_Columns = tuple[int, int, int, int, bytes]
_DAMAGE = frozenset(
    [
        *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT),
        *(sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH),  # a table or column that is not there
    ]
)
_UNREADABLE = frozenset(
    [
        *(sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ),
        sqlite3.SQLITE_IOERR_CORRUPTFS,
    ]
)


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether an error lies in the file for good, and not in the moment."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF in _DAMAGE or code in _UNREADABLE


def open_abandoned(path: Path, log: LogEvent) -> JournalFile:
    """Open what a dead process left, mended if need be; raises as `JournalFile` does."""
    found = mend(path.with_suffix(".db-wal"))
    if found.damaged:
        log.error("journal damaged; read on behind it", journal=path.stem, frames=found.damaged)
    if found.cut_short:  # and never acknowledged, unless the disk damaged just that
        log.warning("the last commit was cut short", journal=path.stem, frames=found.cut_short)
    try:
        file = JournalFile(path)
        try:
            if file.used_at_most <= CHECKED_BYTES_MAX:
                file.check()
        except BaseException:
            file.close()
            raise
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        rebuild(path, log, reason=str(error))
        return JournalFile(path)
    return file


def rebuild(path: Path, log: LogEvent, *, reason: str) -> None:
    """Replace a closed journal by a sound file with all its readable rows; the damaged is kept.

    Raises `sqlite3.Error` or `OSError` where that cannot be done: then all is as it was.
    """
    copy, kept = path.with_suffix(".rebuilt"), path.with_suffix(".unreadable")
    try:
        rows = _copy(path, copy)
        kept.unlink(missing_ok=True)
        os.link(path, kept)
        copy.replace(path)
        sync_directory(path.parent)
    finally:
        copy.unlink(missing_ok=True)
    log.error("journal damaged, rebuilt", journal=path.stem, kept=kept.name, rows=rows, why=reason)


def _copy(path: Path, copy: Path) -> int:
    copy.unlink(missing_ok=True)
    with closing(_connect(path)) as damaged, closing(_connect(copy)) as fresh:
        busy, *_ = damaged.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:  # a log that stays behind would be replayed into the new file
            raise sqlite3.OperationalError("another process reads the damaged journal")
        fresh.execute("BEGIN")
        for statement in SCHEMA:
            fresh.execute(statement)
        rows = 0
        for shard in range(SHARDS):
            rows += fresh.executemany(STATEMENTS[shard].insert, _rows(damaged, shard)).rowcount
        fresh.executemany("INSERT OR IGNORE INTO pruned VALUES (?, ?, ?)", _prunings(damaged))
        fresh.execute("COMMIT")
        return rows


def _rows(damaged: sqlite3.Connection, shard: int) -> Iterator[_Columns]:
    """Yield a shard's sound rows in order, stepping over what cannot be read.

    Behind a damaged last row no sound one says what it held: it is kept, without its content.
    """
    after, gap, last = 0, 0, None
    while gap < _LAST:
        try:
            for columns in damaged.execute(STATEMENTS[shard].rows, (after + gap, _EVERY)):
                number, before, total, made_ms, body = columns
                if number <= after:
                    continue
                if sound(body, Stamp(number, shard, before, total, made_ms)):
                    after, gap, last = number, 0, None
                    yield columns
                else:
                    last = (number, 0, total if isinstance(total, int) else 0, 0, b"")
            break
        except sqlite3.Error:
            gap += 1 + gap // _EXACT
    if last:
        yield last


def _prunings(damaged: sqlite3.Connection) -> Iterator[tuple[int, int, int]]:
    with suppress(sqlite3.Error):
        for row in damaged.execute("SELECT shard, through, total FROM pruned"):
            if all(isinstance(value, int) for value in row):
                yield row


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = bytes  # what was damaged need not be UTF-8
    return db
