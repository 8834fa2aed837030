"""Disks that are full, read-only, limited or taken away: nothing acknowledged is lost by them."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from service.adapters import journal as journal_module
from service.domain.errors import BadConfiguration, JournalRefused
from tests.disks import disk, files_of_at_most, fill_up, needs_root
from tests.journals import AGAIN, NO_BOUNDS, fill, kept, on_disk, opened, refused, ticking, views
from tests.made import event


@pytest.fixture(autouse=True)
def _quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "TICK_S", 0.01)


@needs_root
async def test_a_disk_that_is_really_full_refuses_and_loses_nothing(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "size=2m") as small:
        async with opened(small) as made:
            ballast = small / "ballast"
            ballast.write_bytes(bytes(1_000_000))
            taken = await fill(made)
            fill_up(ballast)
            assert made.journal.refusing == "disk"
            async with ticking(made):
                await asyncio.sleep(0.1)
            ballast.unlink()
            if made.journal.refusing:
                await made.ticking(until=AGAIN)
            await made.take(*views(taken, 1))
            assert await refused(made) == 100
            assert not made.journal.failed.is_set()
        assert [one for one in on_disk(small) if one.seen] == views(0, taken + 1)


@needs_root
async def test_a_journal_that_cannot_be_opened_now_is_not_thrown_away(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "size=2m") as small:
        async with opened(small) as made:
            await made.take(*views(0, 500))
            old = made.id
        fill_up(small / "ballast")
        with pytest.raises(BadConfiguration, match="--data: cannot"):
            await kept(small).journal.open()
        assert [path.name for path in small.glob("*.db")] == [f"{old}.db"]
        (small / "ballast").unlink()
        async with opened(small) as made:
            assert await made.events() == views(0, 500)


async def test_a_limit_on_file_sizes_is_an_io_error_and_the_second_the_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        first = made.id
        with files_of_at_most(500_000):
            taken = await fill(made)
            assert made.id != first
            assert made.journal.refusing is None
            await made.take(*views(taken, 1))
            last = await fill(made, taken + 1)
            assert made.journal.failed.is_set()
            assert made.journal.refusing == "failing"
        assert [one for one in await made.events() if one.seen] == views(0, last)


async def test_a_directory_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        with (
            disk(tmp_path / "disk", "size=1m", "ro") as small,
            pytest.raises(BadConfiguration, match="cannot write to"),
        ):
            await kept(small).journal.open()
    else:
        tmp_path.chmod(0o500)
        with pytest.raises(BadConfiguration, match="cannot write to"):
            await kept(tmp_path).journal.open()
        tmp_path.chmod(0o700)


async def test_a_directory_that_disappears_ends_the_journal(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal", limits=NO_BOUNDS) as made:
        await made.take(*views(0, 1))
        shutil.rmtree(tmp_path / "journal")
        with pytest.raises(JournalRefused, match="failing"):
            await made.take(*views(1, 1))
        assert made.journal.failed.is_set()
        assert await made.events() == views(0, 1)  # while it is open it can still be shipped
        (tmp_path / "journal").mkdir()


async def test_a_journal_that_somebody_deletes_takes_no_more_events(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 1))
        (tmp_path / f"{made.id}.db").unlink()
        with pytest.raises(JournalRefused, match="failing"):
            await made.take(*views(1, 1))
        assert made.journal.refusing is None
        await made.take(event(serial=2)._replace(names=()))
        seen = [one for one in await made.events() if one.seen]
        assert seen == [*views(0, 1), *views(2, 1)]
