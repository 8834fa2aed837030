"""The journal's bounds: applied rows go first, then events are refused, and what is is counted."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from service.adapters import journal as journal_module
from service.adapters.journal_room import JournalLimits
from service.domain.errors import JournalRefused
from tests.journals import AGAIN, crashed, fill, opened, refused, ticking, views
from tests.made import SHARD

SMALL = JournalLimits(max_bytes=300_000, min_free_bytes=0)


@pytest.fixture(autouse=True)
def _quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "TICK_S", 0.01)


async def test_a_full_journal_refuses_and_loses_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=SMALL) as made:
        taken = await fill(made)
        assert made.journal.refusing == "full"
        with pytest.raises(JournalRefused, match="full"):
            made.journal.append(views(taken, 1))
        assert made.metric("events_refused_total", reason="full") == 101
        assert await made.events() == views(0, taken)
        assert (tmp_path / f"{made.id}.db").stat().st_size <= SMALL.max_bytes + 100_000


async def test_once_there_is_room_events_are_taken_and_the_refused_are_one_sum(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, limits=SMALL) as made:
        taken = await fill(made)
        with pytest.raises(JournalRefused):
            made.journal.append(views(taken, 17))
        await made.journal.prune(made.id, SHARD, 10)
        await made.ticking(until=AGAIN)
        assert made.journal.refusing is None
        assert await refused(made) == 117
        await made.take(*views(taken, 1))
        assert await refused(made) == 117


async def test_a_full_journal_notes_what_it_refuses_now_and_then_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "NOTE_EVERY_TICKS", 3)
    async with opened(tmp_path, limits=SMALL) as made:
        taken = await fill(made)
        async with ticking(made):
            while await refused(made) != 100:
                await asyncio.sleep(0.01)
        assert made.journal.refusing == "full"
        left = crashed(tmp_path)
        with pytest.raises(JournalRefused):
            made.journal.append(views(taken, 23))
    for directory, total in ((left, 100), (tmp_path, 123)):
        async with opened(directory) as made:
            assert await refused(made) == total


async def test_rows_that_redis_covers_go_first(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=SMALL) as made:
        for serial in range(0, 10_000, 100):
            await made.take(*views(serial, 100))
            if serial < 8_000:
                await made.journal.covered(made.id, SHARD, made.announced[-1].number)
        assert made.journal.refusing is None
        kept_rows = await made.rows()
        assert len(kept_rows) < 50
        assert [row.number for row in kept_rows][-20:] == list(range(81, 101))


async def test_rows_that_redis_does_not_cover_never_go(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=SMALL) as made:
        await made.journal.covered(made.id, SHARD, 2)
        await fill(made)
        numbers = [row.number for row in await made.rows() if row.row and row.total == 100]
        assert numbers == list(range(3, numbers[-1] + 1))


async def test_adopted_journals_count_towards_the_bound(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=SMALL) as made:
        taken = await fill(made)
    async with opened(tmp_path, limits=SMALL) as made:
        assert made.journal.refusing == "full"
        with pytest.raises(JournalRefused):
            made.journal.append(views(taken, 1))
        assert [one for one in await made.events() if one.seen] == views(0, taken)


async def test_free_disk_is_left_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = SimpleNamespace(f_bavail=1_000, f_frsize=4_096)
    limits = JournalLimits(min_free_bytes=1_000 * 4_096)
    monkeypatch.setattr("service.adapters.journal_room.os.statvfs", lambda _: space)
    async with opened(tmp_path, limits=limits) as made:
        await made.take(*views(0, 1))
        space.f_bavail -= 1
        with pytest.raises(JournalRefused, match="disk"):
            await made.take(*views(1, 5))
        assert made.journal.refusing == "disk"
        space.f_bavail += 1
        await made.ticking(until=AGAIN)
        assert await refused(made) == 5


async def test_a_service_that_starts_without_room_says_so_from_the_start(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=JournalLimits(min_free_bytes=1 << 60)) as made:
        assert made.journal.refusing == "disk"
        assert made.metric("events_refused_total", reason="disk") == 0
    assert list(tmp_path.iterdir()) == []
