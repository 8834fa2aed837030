"""Reads the journals of a directory beside whoever writes them; claims, mends and changes none."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from service.adapters.journal_file import JournalFile
from service.domain.events import SHARDS
from service.flows.audit import Holding


def journals(directory: Path) -> list[str]:
    """Return the ids of a directory's journals."""
    return sorted(path.stem for path in directory.glob("*.db"))


def holdings(
    directory: Path, journal: str, marks: Mapping[int, Mapping[str, int]] | None
) -> Iterator[Holding]:
    """Yield what a journal holds of each shard; `marks` by shard and journal, None if unknown.

    Raises `sqlite3.Error` for a file that cannot be read.
    """
    with closing(JournalFile(directory / f"{journal}.db", read_only=True)) as file:
        for shard in range(SHARDS):
            mark = None if marks is None else marks[shard].get(journal, 0)
            extent = file.extent(shard, mark or 0)
            if extent.last or mark:
                yield Holding(journal, shard, mark, extent, _damaged(file, shard))


def _damaged(file: JournalFile, shard: int) -> int:
    """Sum the events of a shard's rows that fail their checksum or are not there."""
    after, damaged = 0, 0
    while rows := file.rows(shard, after):
        damaged += sum(row.total for row in rows if row.row is None)
        after = rows[-1].number
    return damaged


def unreadable(directory: Path) -> list[str]:
    """Return the names of what was set aside because it could not be read."""
    return sorted(path.name for path in directory.glob("*.unreadable"))
