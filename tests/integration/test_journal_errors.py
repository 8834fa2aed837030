"""I/O errors of SQLite: the first makes a new file, the second ends it; none is passed over."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from service.adapters import journal as journal_module
from service.adapters import journal_damage, journal_shelf
from service.adapters.journal_file import JournalFile
from service.adapters.journal_room import JournalLimits
from service.domain.errors import JournalRefused, JournalUnreadable
from service.domain.rows import Row, StoredRow
from tests.journals import AGAIN, fill, kept, on_disk, opened, refused, views
from tests.made import SHARD

FSYNC = sqlite3.SQLITE_IOERR_FSYNC
GOES_ON, ENDS = "journal goes on in a new file", "journal cannot go on"


def sqlite_error(code: int) -> sqlite3.Error:
    """Return an error as SQLite raises it."""
    error = sqlite3.OperationalError(f"error {code}")
    error.sqlite_errorcode = code
    return error


class Disk:
    """What goes wrong with all files from now on: the next calls by name raise these codes."""

    def __init__(self) -> None:
        self.fails: dict[str, list[int]] = {}
        self.appends: list[str] = []

    def now(self, call: str) -> None:
        if codes := self.fails.get(call):
            raise sqlite_error(codes.pop(0))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return a disk under all journals that are opened from now on."""
    disk = Disk()

    class Failing(JournalFile):
        def __init__(self, path: Path) -> None:
            disk.now("open")
            super().__init__(path)

        def append(self, rows: Sequence[Row]) -> list[int]:
            disk.appends.append(self.path.stem)
            disk.now("append")
            numbers = super().append(rows)
            disk.now("answer")
            return numbers

        def prune(self, shard: int, through: int, limit: int) -> int:
            disk.now("prune")
            return super().prune(shard, through, limit)

        def rows(self, shard: int, after: int) -> list[StoredRow]:
            disk.now("rows")
            return super().rows(shard, after)

    for module in (journal_shelf, journal_damage):
        monkeypatch.setattr(module, "JournalFile", Failing)
    monkeypatch.setattr(journal_module, "TICK_S", 0.01)
    return disk


async def test_after_the_first_error_a_new_file_takes_events(tmp_path: Path, broken: Disk) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 3))
        old = made.id
        broken.fails["append"] = [FSYNC]
        with pytest.raises(JournalRefused, match="failing"):
            await made.take(*views(3, 2))
        assert GOES_ON in made.said
        assert made.journal.refusing is None
        assert not made.journal.failed.is_set()
        await made.take(*views(5, 1))
        assert await made.journal.held() == [old, made.id]
        assert [one for one in await made.events() if one.seen] == [*views(0, 3), *views(5, 1)]
        assert await refused(made) == 2
        assert made.announced[-1].journal == made.id
        assert broken.appends == [old, old, made.id]


async def test_the_old_file_is_drained_and_deleted(tmp_path: Path, broken: Disk) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 3))
        old = made.id
        broken.fails["append"] = [FSYNC]
        with pytest.raises(JournalRefused):
            await made.take(*views(3, 1))

        async def forget(_: str) -> None: ...

        await made.journal.prune(old, SHARD, 1)
        await made.journal.retire(forget)
        assert await made.journal.held() == [made.id]
        assert not list(tmp_path.glob(f"{old}*"))


async def test_events_that_waited_behind_the_error_go_to_the_new_file(
    tmp_path: Path, broken: Disk
) -> None:
    async with opened(tmp_path) as made:
        broken.fails["append"] = [FSYNC]
        first = made.journal.append(views(0, 1))
        while made.journal._events:  # until its commit begins
            await asyncio.sleep(0)
        second = made.journal.append(views(1, 1))
        with pytest.raises(JournalRefused):
            await first
        await second
        assert [one for one in await made.events() if one.seen] == views(1, 1)


async def test_after_the_second_error_nothing_is_written_any_more(
    tmp_path: Path, broken: Disk
) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 3))
        for serial, failed in ((3, False), (4, True)):
            broken.fails["append"] = [FSYNC]
            with pytest.raises(JournalRefused, match="failing"):
                await made.take(*views(serial, 1))
            assert made.journal.failed.is_set() is failed
        assert made.journal.refusing == "failing"
        before = list(broken.appends)
        with pytest.raises(JournalRefused, match="failing"):
            made.journal.append(views(5, 1))
        await made.journal._commit_all(look=True)
        assert broken.appends == before
        assert [one for one in await made.events() if one.seen] == views(0, 3)
    assert [one for one in on_disk(tmp_path) if one.seen] == views(0, 3)


async def test_events_that_wait_when_it_ends_are_refused(tmp_path: Path, broken: Disk) -> None:
    async with opened(tmp_path) as made:
        broken.fails.update(append=[FSYNC], open=[FSYNC])
        first = made.journal.append(views(0, 1))
        await asyncio.sleep(0)
        second = made.journal.append(views(1, 1))
        for future in (first, second):
            with pytest.raises(JournalRefused, match="failing"):
                await future
        assert made.journal.failed.is_set()
        assert ENDS in made.said
        assert len(broken.appends) == 1


async def test_an_error_after_the_fact_may_leave_what_was_not_acknowledged_once(
    tmp_path: Path, broken: Disk
) -> None:
    async with opened(tmp_path) as made:
        broken.fails["answer"] = [FSYNC]
        with pytest.raises(JournalRefused):
            await made.take(*views(0, 1))
        await made.take(*views(1, 1))
        assert [one for one in await made.events() if one.seen] == views(0, 2)
        assert [row.number for row in made.announced if row.shard == SHARD] == [1]


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY])
async def test_want_of_room_is_no_error_of_the_disk(
    tmp_path: Path, broken: Disk, code: int
) -> None:
    async with opened(tmp_path) as made:
        broken.fails["append"] = [code] * 3
        for serial in range(2):
            with pytest.raises(JournalRefused, match="disk"):
                await made.take(*views(serial, 1))
        await made.ticking(until=AGAIN)
        assert not made.journal.failed.is_set()
        assert len(await made.journal.held()) == 1
        assert await refused(made) == 2


async def test_applied_rows_that_cannot_be_deleted_stay_until_they_can(
    tmp_path: Path, broken: Disk
) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 3))
        broken.fails["prune"] = [sqlite3.SQLITE_FULL]
        with pytest.raises(JournalUnreadable):
            await made.journal.prune(made.id, SHARD, 1)
        assert await made.events() == views(0, 3)
        await made.journal.prune(made.id, SHARD, 1)
        assert await made.events() == []


async def test_room_that_cannot_be_made_is_no_error_of_the_disk(
    tmp_path: Path, broken: Disk
) -> None:
    limits = JournalLimits(max_bytes=300_000, min_free_bytes=0)
    async with opened(tmp_path, limits=limits) as made:
        broken.fails["prune"] = [sqlite3.SQLITE_FULL] * 100
        await made.take(*views(0, 3))
        await made.journal.covered(made.id, SHARD, 1)
        await fill(made, 3)
        assert made.journal.refusing == "full"
        assert not made.journal.failed.is_set()
        assert made.said.count("cannot delete applied rows to make room") == 1


async def test_an_error_in_reading_is_told_and_passes(tmp_path: Path, broken: Disk) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 3))
        broken.fails["rows"] = [sqlite3.SQLITE_NOMEM]
        with pytest.raises(JournalUnreadable):
            await made.journal.rows(made.id, SHARD, 0)
        assert await made.events() == views(0, 3)


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR_SHMSIZE]
)
async def test_a_journal_that_cannot_be_opened_now_is_adopted_later(
    tmp_path: Path, broken: Disk, code: int
) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 3))
    broken.fails["open"] = [code]
    async with opened(tmp_path) as made:
        assert await made.journal.held() == [made.id]
        assert "journal cannot be opened now" in made.said
        assert not list(tmp_path.glob("*.unreadable"))
        await made.journal._adopt()
        assert await made.events() == views(0, 3)


async def test_what_is_on_disk_is_acknowledged_whatever_its_shipper_makes_of_it(
    tmp_path: Path,
) -> None:
    made = kept(tmp_path)
    await made.journal.open()
    made.journal.on_commit = _surprised
    await made.take(*views(0, 1))
    assert "a committed row was not taken note of" in made.said
    made.journal.on_commit = made.announced.append
    await made.take(*views(1, 1))
    assert await made.events() == views(0, 2)  # and none of them refused as well
    await made.journal.close()


async def test_a_journal_whose_thread_meets_a_surprise_still_answers(tmp_path: Path) -> None:
    made = kept(tmp_path)
    await made.journal.open()
    await made.journal.close()
    with pytest.raises(JournalRefused):
        await made.take(*views(2, 1))


def _surprised(_: object) -> None:
    raise LookupError
