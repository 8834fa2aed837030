"""What a dead process left is adopted by the next, what a living one holds never is."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.adapters import journal as journal_module
from service.adapters import journal_schema, journal_shelf
from tests.journals import crashed, kept, opened, sums, views
from tests.made import SHARD

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def acknowledging(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that journals into a directory, from its first acknowledgement on."""
    command = [sys.executable, "-m", "tests.integration.acknowledger", str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        try:
            yield process
        finally:
            process.kill()


async def test_what_a_dead_process_left_is_adopted_by_the_next(tmp_path: Path) -> None:
    with acknowledging(tmp_path):
        pass
    async with opened(tmp_path) as made:
        events = await made.events()
        assert events
        assert events == views(0, len(events))
        assert len(await made.journal.held()) == 2


async def test_what_a_living_process_holds_is_not_even_when_it_is_stopped(tmp_path: Path) -> None:
    with acknowledging(tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        async with opened(tmp_path) as made:
            assert await made.journal.held() == [made.id]
        assert len(list(tmp_path.glob("*.db"))) == 1


async def test_a_journal_is_adopted_while_running_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "TICK_S", 0.005)
    other = kept(tmp_path)
    await other.journal.open()
    await other.take(*views(0, 3))
    async with opened(tmp_path) as made:
        assert await made.journal.held() == [made.id]
        old = other.id
        await other.journal.close()
        await made.ticking(until="abandoned journal adopted")
        assert await made.journal.held() == [old, made.id]
        assert await made.events() == views(0, 3)


async def test_older_journals_come_first(tmp_path: Path) -> None:
    ids = []
    for n in range(3):
        async with opened(tmp_path) as made:
            await made.take(*views(n, 1))
            ids.append(made.id)
    async with opened(tmp_path) as made:
        assert await made.journal.held() == [*ids, made.id]


async def test_what_crashes_left_unused_is_deleted_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path):
        left = crashed(tmp_path)
    async with opened(left) as made:
        assert await made.journal.held() == [made.id]
        assert len(list(left.glob("*.db"))) == 1


async def test_of_very_many_journals_the_rest_is_adopted_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        async with opened(tmp_path) as made:
            await made.take(*views(n, 1))
    monkeypatch.setattr(journal_shelf, "HELD_MAX", 3)
    async with opened(tmp_path) as made:
        first, *others = (await made.journal.held())[:-1]
        assert len(others) == 2
        await made.journal.prune(first, SHARD, 1)
        await made.journal.retire(_forget)
        await made.journal._adopt()
        assert len(await made.journal.held()) == 3
    async with opened(tmp_path) as made:
        assert len(await made.journal.held()) == 4


async def test_a_newer_journal_keeps_no_other_from_being_adopted(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        others = [kept(tmp_path) for _ in range(3)]
        for n, other in enumerate(others):
            await other.journal.open()
            await other.take(*views(n, 1))
        newer = tmp_path / f"{others[1].id}.db"
        for other in others:
            await other.journal.close()
        file = sqlite3.connect(newer)
        file.execute(f"PRAGMA user_version = {journal_schema.FORMAT + 1}")
        file.close()
        await made.journal._adopt()
        assert "cannot adopt an abandoned journal" in made.said
        assert sums(await made.events()) == sums([*views(0, 1), *views(2, 1)])


async def _forget(_: str) -> None:
    """Delete marks that nobody keeps."""
