"""One journal as an SQLite file, for the writer's thread alone; decides no bound and ships nothing.

WAL mode with `synchronous=FULL`: a commit that returned has been fsynced.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from service.adapters.journal_rows import decode, encode
from service.domain.rows import ROW_EVENTS_MAX, Row, StoredRow
from service.flows.ports import Extent

FORMAT = 1
_APPLICATION_ID = 0x48624A31  # "HbJ1"
_ROWS_PER_READ = 64
_PRUNINGS_KEPT = 1_000  # per shard; older ones are added up
_SCHEMA = """
CREATE TABLE rows (
    n INTEGER PRIMARY KEY, shard INTEGER NOT NULL, events INTEGER NOT NULL,
    made_ms INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX rows_of_shard ON rows (shard, n);
CREATE TABLE pruned (
    shard INTEGER NOT NULL, through INTEGER NOT NULL, events INTEGER NOT NULL,
    PRIMARY KEY (shard, through)) WITHOUT ROWID;
"""


class NewerFormat(Exception):
    """A later version wrote this file; this one would misread it."""


class JournalFile:
    """An open file; every method runs in the thread that opened it, may raise `sqlite3.Error`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, cached_statements=32)
        try:
            self._prepare()
            self._next = self._last_number() + 1
        except BaseException:
            self._db.close()
            raise

    def append(self, rows: Sequence[Row]) -> list[int]:
        """Commit rows and return their numbers; on an error none of them is in the file."""
        first = self._next
        values = [
            (first + i, row.shard, row.total, row.made_ms, encode(row))
            for i, row in enumerate(rows)
        ]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", values)
            self._db.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self._next = first + len(rows)
        return [number for number, *_ in values]

    def rows(self, shard: int, after: int) -> list[StoredRow]:
        """Return the shard's next rows, as many as are about 200 events; none at the end."""
        found: list[StoredRow] = []
        events = 0
        for number, total, made_ms, body in self._db.execute(
            "SELECT n, events, made_ms, body FROM rows WHERE shard = ? AND n > ?"
            " ORDER BY n LIMIT ?",
            (shard, after, _ROWS_PER_READ),
        ):
            row = decode(body, shard=shard, total=total, made_ms=made_ms)
            events += len(row.events) if row else 0
            if found and events > ROW_EVENTS_MAX:
                break
            found.append(StoredRow(number, total, made_ms, row))
        return found

    def extent(self, shard: int, after: int) -> Extent:
        """Return what is held and what was deleted of a shard beyond the mark `after`."""
        waiting, oldest_ms = self._one(
            "SELECT total(events), min(made_ms) FROM rows WHERE shard = ? AND n > ?", (shard, after)
        )
        (held,) = self._one("SELECT max(n) FROM rows WHERE shard = ?", (shard,))
        (pruned,) = self._one("SELECT max(through) FROM pruned WHERE shard = ?", (shard,))
        (lost,) = self._one(
            "SELECT total(events) FROM pruned WHERE shard = ? AND through > ?", (shard, after)
        )
        pruned = pruned or 0
        return Extent(max(held or 0, pruned), pruned, int(waiting), int(lost), oldest_ms)

    def prune(self, shard: int, through: int, limit: int) -> int:
        """Delete up to `limit` of a shard's rows up to a number; return how many went."""
        some = "SELECT n, events FROM rows WHERE shard = ? AND n <= ? ORDER BY n LIMIT ?"
        gone = self._db.execute(some, (shard, through, limit)).fetchall()
        if not gone:
            return 0
        last, events = gone[-1][0], sum(count for _, count in gone)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.execute("DELETE FROM rows WHERE shard = ? AND n <= ?", (shard, last))
            self._db.execute("INSERT INTO pruned VALUES (?, ?, ?)", (shard, last, events))
            self._add_up_old_prunings(shard)
            self._db.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return len(gone)

    def empty(self) -> bool:
        """Say whether no row is left."""
        return self._db.execute("SELECT 1 FROM rows LIMIT 1").fetchone() is None

    @property
    def unused(self) -> bool:
        """Whether no row was ever put in."""
        return self._next == 1

    def used_bytes(self) -> int:
        """Return the size of the pages in use; deleted rows' pages are free for new ones."""
        (pages,) = self._one("PRAGMA page_count")
        (free,) = self._one("PRAGMA freelist_count")
        (size,) = self._one("PRAGMA page_size")
        return int((pages - free) * size)

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._db.close()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA busy_timeout = 0")  # nobody else may have it open
        (version,) = self._one("PRAGMA user_version")
        if version > FORMAT:
            raise NewerFormat(f"{self.path.name} has format {version}; this version reads {FORMAT}")
        if version == 0:  # new, or its maker crashed before the one transaction that makes it
            self._db.executescript(
                f"PRAGMA application_id = {_APPLICATION_ID};"
                f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"
            )

    def _last_number(self) -> int:
        (row,) = self._one("SELECT max(n) FROM rows")
        (pruned,) = self._one("SELECT max(through) FROM pruned")
        return max(row or 0, pruned or 0)

    def _add_up_old_prunings(self, shard: int) -> None:
        """Keep the latest boundaries exact; for a mark before them the loss is an upper bound."""
        boundary = self._db.execute(
            "SELECT through FROM pruned WHERE shard = ? ORDER BY through DESC LIMIT 1 OFFSET ?",
            (shard, _PRUNINGS_KEPT),
        ).fetchone()
        if boundary is None:
            return
        where = "FROM pruned WHERE shard = ? AND through <= ?"
        (events,) = self._one(f"SELECT total(events) {where}", (shard, *boundary))
        self._db.execute(f"DELETE {where}", (shard, *boundary))
        self._db.execute("INSERT INTO pruned VALUES (?, ?, ?)", (shard, *boundary, int(events)))

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _one(self, statement: str, values: Sequence[int] = ()) -> tuple[int, ...]:
        row: tuple[int, ...] = self._db.execute(statement, values).fetchone()
        return row
