"""One journal as an SQLite file, for the writer's thread alone; decides no bound and ships nothing.

WAL mode with `synchronous=FULL`: a commit that returned has been fsynced. Each shard has a table
of its own, so that its rows lie together, in order, and leave whole pages when they go.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from service.adapters.journal_rows import Stamp, decode, encode, sound
from service.adapters.journal_schema import FORMAT, SCHEMA, STATEMENTS
from service.domain.events import SHARDS
from service.domain.rows import ROW_EVENTS_MAX, Row, StoredRow
from service.flows.ports import Extent

_ROWS_PER_READ = ROW_EVENTS_MAX
_PRUNINGS_KEPT = 1_000  # per shard; for a mark before them the loss is an upper bound
_PAGE_BYTES = 4_096
_ROW_PAGES_MAX = 4  # that a row may take beside its bytes: their rounding, and split nodes


class NewerFormat(Exception):
    """A later version wrote this file; this one would misread it."""


class JournalFile:
    """An open file; every method runs in the thread that opened it, may raise `sqlite3.Error`."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        name = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        self._db = sqlite3.connect(name, uri=True, isolation_level=None, cached_statements=256)
        try:
            (version,) = self._one("PRAGMA user_version") or (0,)
            if version > FORMAT:
                raise NewerFormat(f"{path.name} has format {version}; this version reads {FORMAT}")
            if not read_only:
                self._prepare(new=version == 0)
            ends = [self._end(shard) for shard in range(SHARDS)]
            self._next = max(number for number, _ in ends) + 1
            self._sums = [total for _, total in ends]
            self.measure()
        except BaseException:
            self._db.close()
            raise

    def append(self, rows: Sequence[Row]) -> list[int]:
        """Commit rows and return their numbers; on an error none of them is in the file."""
        sums, size, values = self._sums.copy(), 0, []
        for number, row in enumerate(rows, self._next):
            stamp = Stamp(number, row.shard, sums[row.shard], row.total, row.made_ms)
            body = encode(row, stamp)
            values.append((row.shard, (number, stamp.before, row.total, row.made_ms, body)))
            sums[row.shard] += row.total
            size += len(body) + _ROW_PAGES_MAX * _PAGE_BYTES
        # A statement alone is a transaction; to say so would take the interpreter twice more.
        with self._transaction() if len(values) > 1 else nullcontext():
            for shard, columns in values:
                self._db.execute(STATEMENTS[shard].insert, columns)
        first, self._next, self._sums = self._next, self._next + len(rows), sums
        self.used_at_most += size
        return list(range(first, self._next))

    def rows(self, shard: int, after: int) -> list[StoredRow]:
        """Return the shard's next rows, as many as are about 200 events; none at the end."""
        found: list[StoredRow] = []
        events = 0
        for stored in self._stored(shard, after):
            events += len(stored.row.events) if stored.row else 0
            if found and events > ROW_EVENTS_MAX:
                break
            found.append(stored)
        return found

    def extent(self, shard: int, after: int) -> Extent:
        """Return what is held and what was deleted of a shard beyond the mark `after`."""
        (last, total), (pruned, gone) = self._end(shard), self._pruned(shard)
        before, oldest_ms = self._one(STATEMENTS[shard].begin, after) or (total, None)
        known = "SELECT max(total) FROM pruned WHERE shard = ? AND through <= ?"
        (covered,) = self._one(known, shard, after) or (0,)
        lost = gone - covered if after < pruned else 0
        return Extent(last, pruned, max(0, total - before), lost, oldest_ms)

    def prune(self, shard: int, through: int, limit: int) -> int:
        """Delete up to `limit` of a shard's rows up to a number; return how many went."""
        gone = self._db.execute(STATEMENTS[shard].sums, (through, limit)).fetchall()
        if not gone:
            return 0
        last, total = gone[-1]
        with self._transaction():
            self._db.execute(STATEMENTS[shard].delete, (last,))
            self._db.execute("INSERT INTO pruned VALUES (?, ?, ?)", (shard, last, total))
            self._db.execute(
                "DELETE FROM pruned WHERE shard = ? AND through <= (SELECT through FROM pruned"
                " WHERE shard = ? ORDER BY through DESC LIMIT 1 OFFSET ?)",
                (shard, shard, _PRUNINGS_KEPT),
            )
        self.measure()
        return len(gone)

    def blank(self) -> None:
        """Forget all prunings of a file without rows: then it is as if it was never used."""
        self._db.execute("DELETE FROM pruned")
        self._next, self._sums = 1, [0] * SHARDS

    @property
    def empty(self) -> bool:
        """Whether no row is left."""
        return not any(self._one(statements.any) for statements in STATEMENTS)

    @property
    def unused(self) -> bool:
        """Whether no row was ever put in."""
        return self._next == 1

    def measure(self) -> int:
        """Return the size of the pages in use, which `used_at_most` bounds until the next time."""
        (pages,) = self._one("PRAGMA page_count") or (0,)
        (free,) = self._one("PRAGMA freelist_count") or (0,)
        self.used_at_most = (pages - free) * _PAGE_BYTES
        return self.used_at_most

    def check(self) -> None:
        """Raise `sqlite3.DatabaseError` where the structure of the file is damaged."""
        (fault,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if fault != "ok":
            raise sqlite3.DatabaseError(fault)

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._db.close()

    def _prepare(self, *, new: bool) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA busy_timeout = 0")  # nobody else may have it open
        if new:  # or its maker crashed before the one transaction that makes it
            with self._transaction():
                for statement in SCHEMA:
                    self._db.execute(statement)

    def _stored(self, shard: int, after: int) -> Iterator[StoredRow]:
        """Yield rows, and for damaged or missing ones a row without content and their sum."""
        sums, lost = self._sum_through(shard, after), None
        reading = self._db.execute(STATEMENTS[shard].rows, (after, _ROWS_PER_READ))
        for number, before, total, made_ms, body in reading:
            row = decode(body, Stamp(number, shard, before, total, made_ms))
            if row is None:
                lost = StoredRow(number, _whole(total), 0, None)
                continue
            if sums is not None and before > sums:
                yield StoredRow(number - 1, before - sums, made_ms, None)
            elif lost:
                yield lost
            yield StoredRow(number, total, made_ms, row)
            sums, lost = before + total, None
        if lost:
            yield lost

    def _sum_through(self, shard: int, after: int) -> int | None:
        """Return the sum of a shard's events up to a mark, None where it cannot be known."""
        found = self._db.execute(STATEMENTS[shard].row, (after,)).fetchone()
        if found is None:
            through, total = self._pruned(shard)
            return total if after <= through else None
        stamp = Stamp(found[0], shard, *found[1:-1])
        return stamp.before + stamp.total if sound(found[-1], stamp) else None

    def _end(self, shard: int) -> tuple[int, int]:
        """Return the number of a shard's last row ever and the sum of its events so far."""
        number, total = self._one(STATEMENTS[shard].end) or self._pruned(shard)
        return number, total

    def _pruned(self, shard: int) -> tuple[int, int]:
        last = "SELECT through, total FROM pruned WHERE shard = ? ORDER BY through DESC LIMIT 1"
        through, total = self._one(last, shard) or (0, 0)
        return through, total

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _one(self, statement: str, *values: int) -> tuple[int, ...] | None:
        row = self._db.execute(statement, values).fetchone()
        return None if row is None else tuple(map(_whole, row))


def _whole(value: object) -> int:
    """Return a number; a damaged file may hold anything in its place."""
    return value if isinstance(value, int) else 0
