"""A disk that rots: the service starts, reads what can be read, and says what cannot."""

import random
import shutil
import sqlite3
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from service.domain.events import CHUNK_TOKENS, Event
from service.domain.rows import StoredRow
from tests.journals import Kept, crashed, opened, sums, views
from tests.made import SHARD, event

COMMITS = 40
FLIPS = 25
MENDED, REBUILT = "journal damaged; read on behind it", "journal damaged, rebuilt"
ASIDE, CUT = "journal unreadable, set aside", "the last commit was cut short"


class Left(NamedTuple):
    """What was left: the file to spoil, its journal's id, and all that was acknowledged."""

    file: Path
    journal: str
    commits: list[list[Event]]

    @property
    def events(self) -> list[Event]:
        return [one for commit in self.commits for one in commit]


def batches(count: int, chance: random.Random) -> list[list[Event]]:
    """Return commits of a few events each, in three shards and in one row or more."""
    serials = iter(range(10_000))
    return [
        [
            event(serial=next(serials) + CHUNK_TOKENS * chance.choice((0, 1, 5)))._replace(names=())
            for _ in range(chance.choice((1, 2, 3, 30)))
        ]
        for _ in range(count)
    ]


async def leave(directory: Path, *, crash: bool) -> Left:
    """Fill a journal and end its process, cleanly or by a crash; its rows are in another file."""
    commits = batches(COMMITS, random.Random(7))
    async with opened(directory) as made:
        for commit in commits:
            await made.take(*commit)
        left = crashed(directory) if crash else directory
        suffix = ".db-wal" if crash else ".db"
    return Left(left / f"{made.id}{suffix}", made.id, commits)


def flipped(left: Left, to: Path, chance: random.Random) -> Path:
    """Return a copy of the directory with one bit of the file turned over."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(left.file.parent, to)
    raw = bytearray((to / left.file.name).read_bytes())
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    (to / left.file.name).write_bytes(raw)
    return to


async def read(made: Kept, journal: str) -> list[StoredRow]:
    """Return a journal's rows; the new journal must take events all the same."""
    rows = await made.rows_of(journal)
    await made.take(*views(50_000, 1))
    return rows


def judge(left: Left, rows: list[StoredRow], said: list[str]) -> None:
    """Demand that nothing is invented, and that what is missing was said, to the event."""
    found = sums(one for row in rows if row.row for one in row.row.events)
    wanted = sums(left.events)
    assert not found - wanted
    missing, told = (wanted - found).total(), sum(row.total for row in rows if row.row is None)
    if ASIDE not in said and CUT not in said:
        assert missing == told or REBUILT in said
    assert missing == 0 or said


@pytest.mark.parametrize("crash", [False, True], ids=["file", "log"])
async def test_whichever_bit_flips_the_rest_is_read_and_the_loss_is_said(
    tmp_path: Path, *, crash: bool
) -> None:
    left = await leave(tmp_path / "made", crash=crash)
    chance, said = random.Random(11), Counter[str]()
    for _ in range(FLIPS):
        async with opened(flipped(left, tmp_path / "flipped", chance)) as made:
            judge(left, await read(made, left.journal), made.said)
        said.update(set(made.said) or {"nothing"})
    assert crash or said["nothing"]  # it hit what nobody reads any more
    assert said[MENDED if crash else REBUILT]


async def test_a_damaged_row_is_lost_alone_and_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        for n in range(9):
            await made.take(*views(n * 10, 10))
    spoil(tmp_path / f"{made.id}.db", "SET body = zeroblob(length(body))", 4)
    async with opened(tmp_path) as again:
        rows = await again.rows_of(made.id)
        assert [(row.number, row.total, row.row is None) for row in rows] == [
            (n, 10, n == 4) for n in range(1, 10)
        ]
        assert again.said.count(REBUILT) == 1
        assert (await again.journal.extent(made.id, SHARD, 0)).waiting == 90


async def test_a_damaged_last_row_is_counted_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        for n in range(3):
            await made.take(*views(n * 10, 10))
    spoil(tmp_path / f"{made.id}.db", "SET body = x'00'", 3)
    async with opened(tmp_path) as again:
        rows = await again.rows_of(made.id)
        assert [(row.number, row.total, row.row is None) for row in rows][-1] == (3, 10, True)
        assert (await again.journal.extent(made.id, SHARD, 0)).last == 3


@pytest.mark.parametrize("change", ["n = 1000", "before = 'x'", "events = x'00'", "made_ms = 1.5"])
async def test_what_stands_beside_a_row_is_under_its_checksum(tmp_path: Path, change: str) -> None:
    async with opened(tmp_path) as made:
        for n in range(5):
            await made.take(*views(n * 10, 10))
    spoil(tmp_path / f"{made.id}.db", f"SET {change}", 3)
    async with opened(tmp_path) as again:
        rows = await again.rows_of(made.id)
        found = [one for row in rows if row.row for one in row.row.events]
        assert found == [*views(0, 20), *views(30, 20)]
        assert sum(row.total for row in rows[:-1] if row.row is None) == 10


async def test_a_row_that_is_gone_without_a_trace_is_missed_by_the_next(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        for n in range(5):
            await made.take(*views(n * 10, 10))
    spoil(tmp_path / f"{made.id}.db", "", 2)
    async with opened(tmp_path) as again:
        first = await again.journal.rows(made.id, SHARD, 0)
        assert [(row.number, row.total, row.row is None) for row in first] == [
            (1, 10, False), (2, 10, True), (3, 10, False), (4, 10, False), (5, 10, False),
        ]  # fmt: skip
        beyond = await again.journal.rows(made.id, SHARD, 2)  # as after a mark there
        assert [row.number for row in beyond] == [3, 4, 5]


async def test_damage_in_the_journal_that_is_written_opens_a_new_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 10))
        await made.take(*views(10, 10))
        old = made.id
        spoil(tmp_path / f"{old}.db", "SET body = x'00'", 1)
        assert sum(row.row is None for row in await made.rows_of(old)) == 1
        assert made.id != old
        await made.take(*views(20, 1))
        assert made.announced[-1].journal == made.id
        assert await made.events() == [*views(10, 10), *views(20, 1)]


@pytest.mark.parametrize(
    "content", [b"", b"not a database, not at all" * 400, bytes(8_192)], ids=["empty", "text", "0"]
)
async def test_a_file_that_is_no_journal_is_set_aside_and_an_empty_one_is_new(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / f"{'a' * 32}.db").write_bytes(content)
    async with opened(tmp_path) as made:
        await made.take(*views(0, 1))
        assert await made.journal.held() == [made.id]
    kept = list(tmp_path.glob("*.unreadable"))
    assert [file.read_bytes() for file in kept] == ([content] if content else [])
    assert (ASIDE in made.said) == bool(kept)


@pytest.mark.parametrize("page", [2, 3, 20, 25, 30])
async def test_a_page_of_zeros_costs_what_was_on_it(tmp_path: Path, page: int) -> None:
    left = await leave(tmp_path, crash=False)
    with left.file.open("r+b") as file:
        file.seek((page - 1) * 4_096)
        file.write(bytes(4_096))
    async with opened(tmp_path) as made:
        rows = await read(made, left.journal)
        found = sums(one for row in rows if row.row for one in row.row.events)
        assert not found - sums(left.events)
        assert found.total() > len(left.events) // 2
        assert found == sums(left.events) or REBUILT in made.said


async def test_a_log_cut_anywhere_costs_the_commit_it_cuts(tmp_path: Path) -> None:
    left = await leave(tmp_path / "made", crash=True)
    whole, chance = left.file.read_bytes(), random.Random(3)
    for _ in range(8):
        left.file.write_bytes(whole[: chance.randrange(len(whole))])
        shutil.copytree(left.file.parent, tmp_path / "cut")
        async with opened(tmp_path / "cut") as made:
            rows = await read(made, left.journal)
            found = sums(one for row in rows if row.row for one in row.row.events)
        ends = [
            sums(one for commit in left.commits[:n] for one in commit) for n in range(COMMITS + 1)
        ]
        assert found in ends
        assert set(made.said) <= {CUT}
        shutil.rmtree(tmp_path / "cut")


async def test_a_crash_in_peace_is_no_damage(tmp_path: Path) -> None:
    left = await leave(tmp_path / "made", crash=True)
    async with opened(left.file.parent) as made:
        rows = await read(made, left.journal)
        assert sums(one for row in rows if row.row for one in row.row.events) == sums(left.events)
        assert made.said == []


def spoil(path: Path, change: str, row: int) -> None:
    """Change a row behind everybody's back, or delete it."""
    file = sqlite3.connect(path)
    table = f"rows_{SHARD:02}"
    verb = f"UPDATE {table} {change}" if change else f"DELETE FROM {table}"
    file.execute(f"{verb} WHERE n = ?", (row,))
    file.commit()
    file.close()
