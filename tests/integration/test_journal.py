"""What is acknowledged is on disk, in order, for whoever reads it next; over real files."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.adapters import journal as journal_module
from service.adapters.crash_points import CrashPoint
from service.adapters.journal_file import JournalFile
from service.domain.errors import JournalRefused
from service.domain.events import SHARDS
from service.domain.rows import rows_of
from tests.journals import NOW_MS, Kept, kept, on_disk, opened, views
from tests.made import SHARD, event

ROOT = Path(__file__).resolve().parents[2]


class Gate:
    """Holds commits while it is closed, as a slow disk does."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.waiting = asyncio.Event()

    def __call__(self, point: CrashPoint) -> None:
        if point is CrashPoint.BEFORE_COMMIT and not self._open.is_set():
            self._loop.call_soon_threadsafe(self.waiting.set)
            asyncio.run_coroutine_threadsafe(self._open.wait(), self._loop).result()

    def open(self) -> None:
        self._open.set()

    def close(self) -> None:
        self._open.clear()
        self.waiting.clear()


async def gated(directory: Path) -> tuple[Kept, Gate]:
    """Return an open journal whose commits wait at a gate."""
    gate = Gate()
    gate.open()
    made = kept(directory, reached=gate)
    await made.journal.open()
    gate.close()
    return made, gate


async def test_events_that_arrive_during_a_commit_form_the_next_one(tmp_path: Path) -> None:
    made, gate = await gated(tmp_path)
    first = made.journal.append(views(0, 1))
    await gate.waiting.wait()
    others = [made.journal.append(views(serial, 1)) for serial in range(1, 50)]
    gate.open()
    await asyncio.gather(first, *others)
    assert made.commits == 2
    assert await made.events() == views(0, 50)
    await made.journal.close()


async def test_nobody_waits_for_company(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        for serial in range(5):
            await made.take(event(serial=serial))
        assert made.commits == 5


async def test_every_caller_has_a_future_of_its_own(tmp_path: Path) -> None:
    made, gate = await gated(tmp_path)
    futures = [made.journal.append(views(serial, 1)) for serial in range(3)]
    await gate.waiting.wait()
    futures[1].cancel()
    gate.open()
    await asyncio.gather(futures[0], futures[2])
    assert await made.events() == views(0, 3)  # its event counts, though nobody waits any more
    await made.journal.close()


async def test_rows_are_announced_before_they_are_acknowledged(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 201))
        announced = [(row.journal, row.shard, row.number, row.total) for row in made.announced]
        assert announced == [(made.id, SHARD, 1, 200), (made.id, SHARD, 2, 1)]
        assert {row.made_ms for row in made.announced} == {NOW_MS}


def test_a_commit_that_returned_has_been_synced(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "a.db")
    assert file._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert file._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL: each commit
    file.close()


async def test_what_is_acknowledged_can_be_read_by_another_connection(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        for serial in range(20):
            await made.take(event(serial=serial))
            assert len(on_disk(tmp_path)) == serial + 1


def test_what_is_acknowledged_survives_a_kill_right_after(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.acknowledger", str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(200)]
        process.send_signal(signal.SIGKILL)
    found = on_disk(tmp_path)
    assert told == list(range(200))
    assert found == views(0, len(found))
    assert len(found) >= 200


async def test_ten_thousand_events_wait_and_no_more(tmp_path: Path) -> None:
    made, gate = await gated(tmp_path)
    waiting = [made.journal.append(views(n * 100, 100)) for n in range(100)]
    await gate.waiting.wait()
    assert made.journal.refusing is None
    with pytest.raises(JournalRefused, match="busy"):
        made.journal.append(views(0, 1))
    assert made.journal.refusing == "busy"
    assert made.metric("events_refused_total", reason="busy") == 1
    gate.open()
    await asyncio.gather(*waiting)
    assert made.journal.refusing is None
    await made.take(event(serial=20_000))  # and with it the sum of what was refused
    refused = [one for one in await made.events() if one.verdict == "refused"]
    assert [(one.field.split("|")[7], one.count) for one in refused] == [("view", 1)]
    await made.journal.close()


async def test_closing_waits_for_the_commit_that_runs(tmp_path: Path) -> None:
    made, gate = await gated(tmp_path)
    future = made.journal.append(views(0, 3))
    await gate.waiting.wait()
    closing = asyncio.create_task(made.journal.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    gate.open()
    await closing
    assert future.done()
    assert on_disk(tmp_path) == views(0, 3)


async def test_closing_does_not_wait_for_a_disk_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "CLOSE_S", 0.05)
    made, gate = await gated(tmp_path)
    future = made.journal.append(views(0, 3))
    await gate.waiting.wait()
    await made.journal.close()
    assert not future.done()
    assert "the disk hangs; the journal is left to the next process" in made.said
    gate.open()
    await future


async def test_a_batch_that_cannot_be_written_down_is_lost_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        odd = event()._replace(names=(("n", "half a pair: \ud800"),))
        with pytest.raises(JournalRefused, match="failing"):
            await made.take(odd)
        await made.take(*views(1, 1))
        assert "events cannot be written" in made.said
        assert made.journal.refusing is None
        assert [one for one in await made.events() if one.seen] == views(1, 1)


def test_an_append_that_fails_leaves_numbers_and_sums_as_they_were(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "a.db")
    rows = rows_of(views(0, 2), NOW_MS)
    with pytest.raises(IndexError):
        file.append([*rows, rows[0]._replace(shard=SHARDS)])
    assert file.unused
    assert file.append(rows) == [1]
    assert file.extent(SHARD, 0) == (1, 0, 2, 0, NOW_MS)
    file.close()
