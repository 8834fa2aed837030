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
from itertools import islice
from pathlib import Path

from service.domain.errors import BadConfiguration, Problem

_JOURNAL = re.compile(r"([0-9a-f]{32})\.(?:db|lock)\Z")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_SUFFIXES = (".db", ".db-wal", ".db-shm")
_NETWORKED = frozenset(
    [
        *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "9p", "afs", "coda", "ceph"),
        *("glusterfs", "lustre", "gpfs", "orangefs", "pvfs2", "gfs2", "ocfs2", "beegfs"),
        *("virtiofs", "vboxsf", "prl_fs", "fakeowner", "fuse.sshfs", "fuse.glusterfs"),
        *("fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.juicefs", "fuse.grpcfuse"),
    ]
)


class JournalDirectory:
    """Claims on the files of one directory; the system drops them when the process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._locks: dict[str, int] = {}
        self._tried: set[str] = set()  # journals that were claimed here before

    def prepare(self) -> None:
        """Make the directory; raises `BadConfiguration` where journals cannot be kept."""
        missing = [part for part in (self.path, *self.path.parents) if not part.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for part in missing:  # else a power cut could take the directory with all in it
                sync_directory(part.parent)
            probe = self.path / f"probe.{secrets.token_hex(4)}"
            probe.write_bytes(b"")
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(f"cannot write to {self.path}: {error.strerror}") from None
        kind = filesystem_of(self.path)
        if kind in _NETWORKED:
            raise self._unusable(f"{self.path} is on {kind}, whose locks and syncs do not hold")

    def new(self) -> str:
        """Claim a new journal and return its id, 128 random bits as hex."""
        while True:
            journal = secrets.token_hex(16)
            if self._claim(journal):  # else another process took the lock for one left behind
                return journal

    def abandoned(self, most: int) -> list[str]:
        """Claim journals that nobody holds, and return their ids.

        Those that were not claimed here before come first, of them those that have waited longest
        since anybody did, the oldest first: of very many each gets its turn, however short
        processes live.
        """
        found = self._unclaimed()
        self._tried &= found | self._locks.keys()
        claimed: list[str] = []
        for journal in sorted(found, key=self._turn):
            if len(claimed) >= most:
                break
            if not self._claim(journal):
                continue
            if self.file(journal).exists():
                claimed.append(journal)
                self._tried.add(journal)
                with suppress(OSError):
                    os.utime(self._lock_path(journal))
            else:  # its last holder had just finished it, or ended while it made or deleted it
                self.remove(journal)
        return claimed

    def untried(self, most: int) -> int:
        """Count journals that nobody holds and that were never claimed here."""
        found = islice(filter(self._claim, self._unclaimed() - self._tried), most)
        return sum(1 for _ in map(self.release, found))

    def file(self, journal: str) -> Path:
        """Return the path of a journal's database."""
        return self.path / f"{journal}.db"

    def remove(self, journal: str) -> None:
        """Delete a claimed journal with all its files, its lock last."""
        for suffix in (*_SUFFIXES, ".rebuilt"):
            self.file(journal).with_suffix(suffix).unlink(missing_ok=True)
        self._lock_path(journal).unlink(missing_ok=True)
        self.release(journal)

    def set_aside(self, journal: str) -> Path:
        """Rename a journal that cannot be opened, for a person to look at; return its new name."""
        for suffix in _SUFFIXES:
            with suppress(FileNotFoundError):
                file = self.file(journal).with_suffix(suffix)
                file.rename(file.with_suffix(suffix.replace("db", "unreadable")))
        self._lock_path(journal).unlink(missing_ok=True)
        self.release(journal)
        return self.file(journal).with_suffix(".unreadable")

    def release(self, journal: str) -> None:
        """Let a journal go; the next process may adopt it."""
        descriptor = self._locks.pop(journal, None)
        if descriptor is not None:
            os.close(descriptor)

    def _unclaimed(self) -> set[str]:
        names = {match[1] for file in self.path.iterdir() if (match := _JOURNAL.match(file.name))}
        return names - self._locks.keys()

    def _claim(self, journal: str) -> bool:
        path = self._lock_path(journal)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have removed the file before we locked what we had opened.
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                self._locks[journal] = descriptor
        except (BlockingIOError, FileNotFoundError):
            return False
        finally:
            if journal not in self._locks:
                os.close(descriptor)
        return journal in self._locks

    def _turn(self, journal: str) -> tuple[bool, float, float]:
        claimed = _changed(self._lock_path(journal))
        return journal in self._tried, claimed, _changed(self.file(journal))

    def _lock_path(self, journal: str) -> Path:
        return self.path / f"{journal}.lock"

    def _unusable(self, what: str) -> BadConfiguration:
        how = "give a directory on a local disk that this user may write to"
        return BadConfiguration((Problem("settings", 0, "--data", f"{what}: {how}"),))


def _changed(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def filesystem_of(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the kind of file system a path is on; empty where the system does not tell."""
    if sys.platform != "linux" and not mounts.exists():
        return ""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    where = str(path.resolve())
    kind, longest = "", -1
    for fields in map(str.split, lines):
        if len(fields) < 3:  # noqa: PLR2004  device, mount point, kind
            continue
        point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[1])
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:
            kind, longest = fields[2], len(point)
    return kind


def sync_directory(path: Path) -> None:
    """Make a directory's entries durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
