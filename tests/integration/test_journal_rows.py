"""Rows are read in order, pruned with an account, and their journals deleted in the end."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from service.domain.events import CHUNK_TOKENS, SHARDS
from tests.journals import NOW_MS, crashed, opened, views
from tests.made import SHARD, event

ROOT = Path(__file__).resolve().parents[2]


async def test_rows_are_numbered_through_a_journal_and_anew_in_the_next(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        first = made.id
        for shard in (2, 0, 2):
            await made.take(event(serial=(shard - SHARD) % SHARDS * CHUNK_TOKENS))
        assert [(row.shard, row.number) for row in made.announced] == [(2, 1), (0, 2), (2, 3)]
    async with opened(tmp_path) as made:
        await made.take(*views(0, 1))
        assert [row.number for row in made.announced] == [1]
        assert await made.journal.held() == [first, made.id]
        assert [row.number for row in await made.rows_of(first)] == [2, 1, 3]


async def test_rows_are_read_in_order_about_two_hundred_events_at_a_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        for first in range(0, 900, 90):
            await made.take(*views(first, 90))
        after, sizes, found = 0, [], []
        while rows := await made.journal.rows(made.id, SHARD, after):
            events = [one for row in rows if row.row for one in row.row.events]
            sizes.append(len(events))
            found += events
            after = rows[-1].number
        assert found == views(0, 900)
        assert sizes == [180] * 5


async def test_names_come_back_beside_the_events(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        named = [event(serial=serial) for serial in range(3)]
        await made.take(*named)
        ((row,),) = [[stored.row for stored in await made.rows()]]
        assert row is not None
        assert list(row.names) == [(one.hour, *one.names[0]) for one in named]
        assert list(row.events) == views(0, 3)


async def test_a_row_that_is_large_alone_is_read_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 1))
        await made.take(*views(1, 200))
        assert [len(await made.journal.rows(made.id, SHARD, n)) for n in (0, 1, 2)] == [1, 1, 0]


async def test_the_extent_of_a_shard_is_seen_from_a_mark(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        for n in range(10):
            await made.take(*views(n * 5, 5))
        journal = made.journal
        assert await journal.extent(made.id, SHARD, 0) == (10, 0, 50, 0, NOW_MS)
        assert await journal.extent(made.id, SHARD, 4) == (10, 0, 30, 0, NOW_MS)
        assert await journal.extent(made.id, SHARD, 10) == (10, 0, 0, 0, None)
        assert await journal.extent(made.id, SHARD + 1, 0) == (0, 0, 0, 0, None)


async def test_what_is_pruned_is_gone_and_accounted_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        for n in range(10):
            await made.take(*views(n * 5, 5))
        journal = made.journal
        await journal.prune(made.id, SHARD, 4)
        await journal.prune(made.id, SHARD, 6)
        assert await made.events() == views(30, 20)
        assert await journal.extent(made.id, SHARD, 6) == (10, 6, 20, 0, NOW_MS)
        assert await journal.extent(made.id, SHARD, 4) == (10, 6, 20, 10, NOW_MS)
        assert await journal.extent(made.id, SHARD, 0) == (10, 6, 20, 30, NOW_MS)
        await journal.prune(made.id, SHARD, 10)
        assert await journal.extent(made.id, SHARD, 10) == (10, 10, 0, 0, None)
        await made.take(*views(50, 1))
        assert made.announced[-1].number == 11


async def test_prunings_are_kept_to_a_bound_and_their_loss_to_an_upper_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.adapters.journal_file._PRUNINGS_KEPT", 3)
    async with opened(tmp_path) as made:
        for n in range(10):
            await made.take(*views(n * 5, 5))
        for through in range(1, 9):
            await made.journal.prune(made.id, SHARD, through)
        lost = [(await made.journal.extent(made.id, SHARD, mark)).lost for mark in range(9)]
        assert lost == [40, 40, 40, 40, 40, 40, 10, 5, 0]
        file = sqlite3.connect(tmp_path / f"{made.id}.db")
        assert file.execute("SELECT count(*) FROM pruned").fetchone() == (3,)
        file.close()


async def test_a_large_backlog_is_pruned_in_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.adapters.journal_files.PRUNED_AT_ONCE", 7)
    async with opened(tmp_path) as made:
        await asyncio.gather(*(made.take(event(serial=n)) for n in range(40)))
        for n in range(40, 60):
            await made.take(event(serial=n))
        last = (await made.journal.extent(made.id, SHARD, 0)).last
        await made.journal.prune(made.id, SHARD, last)
        assert (await made.journal.extent(made.id, SHARD, 0)).lost == 60


async def test_a_journal_that_is_gone_is_asked_without_harm(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        journal = made.journal
        assert await journal.rows("f" * 32, 0, 0) == []
        assert await journal.extent("f" * 32, 0, 0) == (0, 0, 0, 0, None)
        await journal.covered("f" * 32, 0, 5)
        await journal.prune("f" * 32, 0, 5)


async def test_a_drained_journal_is_deleted_once_its_marks_are(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 5))
        old = made.id
    forgotten: list[str] = []

    async def forget(journal: str) -> None:
        assert (tmp_path / f"{journal}.db").exists()
        forgotten.append(journal)

    async with opened(tmp_path) as made:
        await made.journal.retire(forget)
        assert forgotten == []
        await made.journal.prune(old, SHARD, 1)
        await made.journal.retire(forget)
        assert forgotten == [old]
        assert await made.journal.held() == [made.id]
        assert not list(tmp_path.glob(f"{old}*"))


async def test_a_journal_stays_until_its_marks_could_be_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 5))
        old = made.id

    async def fail(_: str) -> None:
        raise ConnectionError

    async with opened(tmp_path) as made:
        await made.journal.prune(old, SHARD, 1)
        with pytest.raises(ConnectionError):
            await made.journal.retire(fail)
        assert await made.journal.held() == [old, made.id]
        # Crashed between the two, it must not look as if its rows were lost with its marks.
        left = crashed(tmp_path)
    async with opened(left) as made:
        assert old not in await made.journal.held()
        assert not list(left.glob(f"{old}*"))


async def test_the_current_journal_is_never_retired(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 5))
        await made.journal.prune(made.id, SHARD, 1)

        async def never(journal: str) -> None:
            raise AssertionError(journal)

        await made.journal.retire(never)
        await made.take(*views(5, 1))
        assert await made.events() == views(5, 1)
