"""One journal a process: claimed, refused or deleted, and no file is left over."""

import random
import sqlite3
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from service.adapters import journal_directory, journal_schema
from service.adapters.journal_directory import JournalDirectory, filesystem_of
from service.adapters.journal_file import JournalFile, NewerFormat
from service.domain.errors import BadConfiguration
from tests.journals import kept, opened, views
from tests.made import SHARD

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /mnt/shared nfs4 rw 0 0
/dev/sdb1 /mnt/shared/local\\040disk xfs rw 0 0
//nas/ads /srv/with\\011tab cifs rw 0 0
odd
"""


async def test_an_unused_journal_leaves_nothing_behind(tmp_path: Path) -> None:
    async with opened(tmp_path):
        assert len(list(tmp_path.glob("*.db"))) == 1
    assert list(tmp_path.iterdir()) == []


async def test_a_used_journal_leaves_its_file_and_its_lock(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 1))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".db", ".lock"]


async def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 1))
        newer = tmp_path / f"{made.id}.db"
    file = sqlite3.connect(newer)
    file.execute(f"PRAGMA user_version = {journal_schema.FORMAT + 1}")
    file.close()
    with pytest.raises(BadConfiguration, match="run the version that wrote it") as refused:
        await kept(tmp_path).journal.open()
    assert newer.name in str(refused.value)
    assert [path.name for path in tmp_path.glob("*.db")] == [newer.name]


async def test_an_older_format_is_drained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as made:
        await made.take(*views(0, 1))
        old = made.id
    monkeypatch.setattr("service.adapters.journal_file.FORMAT", journal_schema.FORMAT + 1)
    async with opened(tmp_path) as made:
        await made.take(*views(1, 1))
        assert await made.events() == views(0, 2)
        await made.journal.prune(old, SHARD, 1)
        assert await made.journal.extent(old, SHARD, 1) == (1, 1, 0, 0, None)


def test_the_check_of_the_format_changes_nothing_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    file = sqlite3.connect(path)
    file.executescript("PRAGMA user_version = 2; CREATE TABLE rows (other TEXT)")
    file.close()
    before = path.read_bytes()
    with pytest.raises(NewerFormat):
        JournalFile(path)
    assert path.read_bytes() == before
    assert [left.name for left in tmp_path.iterdir()] == ["a.db"]


async def test_leftovers_without_a_journal_are_swept_up(tmp_path: Path) -> None:
    for suffix in (".lock", ".db-wal", ".db-shm", ".rebuilt"):
        (tmp_path / ("a" * 32 + suffix)).touch()
    async with opened(tmp_path):
        assert not list(tmp_path.glob("a" * 32 + "*"))


async def test_what_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "A" * 32 + ".db", "b" * 31 + ".db"):
        (tmp_path / name).write_text("mine")
    async with opened(tmp_path) as made:
        assert await made.journal.held() == [made.id]
    assert len(list(tmp_path.iterdir())) == 3


async def test_a_path_may_have_spaces_and_be_made_whole(tmp_path: Path) -> None:
    directory = tmp_path / "a data dir" / "jour nal ü"
    async with opened(directory) as made:
        await made.take(*views(0, 1))
    async with opened(directory) as made:
        assert await made.events() == views(0, 1)


async def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadConfiguration, match=r"--data: cannot write to .*local disk"):
        await kept(tmp_path / "file" / "journal").journal.open()


async def test_network_file_systems_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_directory, "filesystem_of", lambda _: "nfs4")
    with pytest.raises(BadConfiguration, match="is on nfs4, whose locks and syncs do not hold"):
        await kept(tmp_path).journal.open()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/mnt/shared/data", "nfs4"),
        ("/mnt/shared", "nfs4"),
        ("/mnt/sharedness", "ext4"),
        ("/mnt/shared/local disk/data", "xfs"),
        ("/srv/with\ttab/data", "cifs"),
        ("/var", "ext4"),
    ],
)
def test_the_innermost_mount_says_the_file_system(tmp_path: Path, path: str, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert filesystem_of(Path(path), mounts) == kind


def test_a_system_that_does_not_tell_is_trusted(tmp_path: Path) -> None:
    assert filesystem_of(tmp_path, tmp_path / "none") == ""


class Claimant:
    """Claims, abandons and deletes journals by chance, and notes what somebody else holds too."""

    held: ClassVar[set[str]] = set()
    guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path, seed: int) -> None:
        self.directory, self.chance = JournalDirectory(path), random.Random(seed)
        self.mine: set[str] = set()
        self.faults: list[str] = []

    def live(self) -> None:
        for _ in range(150):
            fresh = self.chance.random() < 0.4
            for journal in [self.directory.new()] if fresh else self.directory.abandoned(3):
                self._take(journal)
            for journal in [one for one in self.mine if self.chance.random() < 0.5]:
                self._drop(journal)
        for journal in list(self.mine):
            self._drop(journal)

    def _take(self, journal: str) -> None:
        self.directory.file(journal).touch()
        self.mine.add(journal)
        with self.guard:
            self.faults.extend([journal] if journal in self.held else [])
            self.held.add(journal)

    def _drop(self, journal: str) -> None:
        self.mine.discard(journal)
        with self.guard:
            self.held.discard(journal)
        done = self.chance.random() < 0.5
        (self.directory.remove if done else self.directory.release)(journal)


def test_no_journal_is_ever_held_twice_however_claims_race(tmp_path: Path) -> None:
    claimants = [Claimant(tmp_path, seed) for seed in range(4)]
    threads = [threading.Thread(target=claimant.live) for claimant in claimants]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [claimant.faults for claimant in claimants] == [[]] * 4
    last = JournalDirectory(tmp_path)
    for journal in last.abandoned(10_000):
        last.remove(journal)
    assert list(tmp_path.iterdir()) == []
