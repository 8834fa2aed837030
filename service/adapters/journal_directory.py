"""The directory of journals: one file a process, claimed by a lock; reads and writes no rows.

A file whose lock nobody holds belongs to a process that is gone, and may be adopted. The lock is
a file of its own, because SQLite keeps locks on its files that closing a descriptor would drop.
"""

import fcntl
import os
import re
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from service.domain.errors import BadConfiguration, Problem

_JOURNAL = re.compile(r"([0-9a-f]{32})\.db\Z")
_NETWORKED = frozenset(
    [
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre"),
        *("fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "gfs2", "ocfs2", "beegfs"),
    ]
)


class JournalDirectory:
    """Claims on the files of one directory; the system drops them when the process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._locks: dict[str, int] = {}

    def prepare(self) -> None:
        """Make the directory; raises `BadConfiguration` where journals cannot be kept."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self.path / f"probe.{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise self._unusable(f"cannot write to {self.path}: {error.strerror}") from None
        kind = filesystem_of(self.path)
        if kind in _NETWORKED:
            raise self._unusable(f"{self.path} is on {kind}, whose locks and syncs do not hold")

    def new(self) -> str:
        """Claim a new journal and return its id, 128 random bits as hex."""
        journal = secrets.token_hex(16)
        if not self._claim(journal):
            raise OSError(f"the lock of a new journal is taken: {journal}")
        return journal

    def abandoned(self) -> list[str]:
        """Claim every journal that nobody holds and return their ids, oldest first."""
        found = [match[1] for file in self.path.iterdir() if (match := _JOURNAL.match(file.name))]
        ids = sorted(set(found) - self._locks.keys(), key=self._age)
        claimed = [journal for journal in ids if self._claim(journal)]
        for journal in claimed:
            if not self.file(journal).exists():  # its last holder had just finished it
                self.remove(journal)
        return [journal for journal in claimed if journal in self._locks]

    def file(self, journal: str) -> Path:
        """Return the path of a journal's database."""
        return self.path / f"{journal}.db"

    def remove(self, journal: str) -> None:
        """Delete a claimed journal with all its files, its lock last."""
        for suffix in ("", "-wal", "-shm"):
            self.file(journal).with_suffix(f".db{suffix}").unlink(missing_ok=True)
        self._lock_path(journal).unlink(missing_ok=True)
        self.release(journal)

    def set_aside(self, journal: str) -> Path:
        """Rename a journal that cannot be opened, for a person to look at; return its new name."""
        aside = self.file(journal).with_suffix(".unreadable")
        self.file(journal).rename(aside)
        self._lock_path(journal).unlink(missing_ok=True)
        self.release(journal)
        return aside

    def release(self, journal: str) -> None:
        """Let a journal go; the next process may adopt it."""
        descriptor = self._locks.pop(journal, None)
        if descriptor is not None:
            os.close(descriptor)

    def _claim(self, journal: str) -> bool:
        path = self._lock_path(journal)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have removed the file before we locked what we had opened.
            same = os.fstat(descriptor).st_ino == path.stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            same = False
        if not same:
            os.close(descriptor)
            return False
        self._locks[journal] = descriptor
        return True

    def _age(self, journal: str) -> float:
        with suppress(FileNotFoundError):
            return self.file(journal).stat().st_mtime
        return 0.0

    def _lock_path(self, journal: str) -> Path:
        return self.path / f"{journal}.lock"

    def _unusable(self, what: str) -> BadConfiguration:
        how = "give a directory on a local disk that this user may write to"
        return BadConfiguration((Problem("settings", 0, "--data", f"{what}: {how}"),))


def filesystem_of(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the kind of file system a path is on; empty where the system does not tell."""
    if sys.platform != "linux" and not mounts.exists():
        return ""
    where = str(path.resolve())
    kind, longest = "", -1
    for line in mounts.read_text(errors="replace").splitlines():
        _, point, name, *_ = line.split()
        point = point.replace("\\040", " ")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:
            kind, longest = name, len(point)
    return kind
