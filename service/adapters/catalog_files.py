"""The configuration's files as bytes and their stamps; parses nothing.

Only regular files of bounded size are opened, and none that is as it was when it was last read. A
set of files that changes while it is read is read again, so that what is returned stood on disk
together.
"""

import os
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from service.domain.errors import Problem
from service.flows.unhurried import unhurried

FILE_BYTES_MAX = 1 << 20
TOTAL_BYTES_MAX = 64 << 20
FOLDERS = {"sites": "site", "apps": "app", "campaigns": "campaign"}
NETWORKS = "networks.yaml"
_ATTEMPTS = 5
_HALF_SAVED = ("~", ".swp", ".tmp", ".bak")
_NOT_READ = {"schema"}  # for editors, not for the service

Look = tuple[str, str, int, int, int, int]
"""What changes when a file does: its kind, path, inode, size and both times."""
Stamp = tuple[Look, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One file: what it configures (`network`, `site`, `app`, `campaign`), its path, its bytes."""

    kind: str
    path: Path
    content: bytes


@dataclass(slots=True)
class Sources:
    """All files, what was wrong with reading them, and a digest of all the bytes.

    `looks` tells of each file how it looked when it was read.
    """

    files: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    looks: dict[Look, Source] = field(default_factory=dict)
    stamp: Stamp | None = None

    @property
    def version(self) -> str:
        """Return a hexadecimal digest of every file's kind, name and bytes."""
        digest = blake2b(digest_size=16)
        for source in unhurried(self.files):
            head = f"{source.kind}/{source.path.name}/{len(source.content)}/"
            digest.update(head.encode(errors="surrogateescape"))
            digest.update(source.content)
        return digest.hexdigest()


def read_sources(
    directory: Path, last: Sources | None = None, seen: Stamp | None = None
) -> Sources:
    """Read all files of a configuration directory; raises nothing.

    A file that looks as it did in `last` is the same source. `seen` is how the files look, where
    somebody has just looked.
    """
    known = last.looks if last is not None else {}
    for attempt in range(_ATTEMPTS):
        before = seen if seen is not None and attempt == 0 else stamp(directory)
        sources = _read(directory, before, known)
        if stamp(directory) == before:
            sources.stamp = before
            return sources
        known = sources.looks
    sources.problems.append(
        Problem(str(directory), 1, "files", "keep changing while they are read: try again")
    )
    return sources


def stamp(directory: Path) -> Stamp:
    """Return how each file looks, in the directories' order; kind is empty for what is not read."""
    found: list[Look] = []
    for entry in _entries(directory):
        name = entry.name
        if name == NETWORKS:
            found.append(_look("network", entry))
        elif name in FOLDERS:
            found += [
                _look(FOLDERS[name] if inner.name.endswith(".yaml") else "", inner)
                for inner in _entries(Path(entry.path))
            ]
        elif name not in _NOT_READ and name.endswith((".yaml", ".yml")):
            found.append(_look("", entry))
    return tuple(found)


def _look(kind: str, entry: os.DirEntry[str]) -> Look:
    try:
        stat = entry.stat()
    except OSError:
        return kind, entry.path, 0, 0, 0, 0
    return kind, entry.path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _read(directory: Path, seen: Stamp, known: dict[Look, Source]) -> Sources:
    sources = Sources()
    if not directory.is_dir():
        message = "is not a directory that can be read: create it or name another with --config"
        sources.problems.append(Problem(str(directory), 1, "config", message))
        return sources
    room = TOTAL_BYTES_MAX
    for path, look in unhurried(_sorted(seen)):
        kind = look[0]
        if kind == "":
            message = (
                f"is not read: {NETWORKS} and *.yaml directly in {', '.join(FOLDERS)} are; "
                "move or rename it, or remove it"
            )
            sources.problems.append(Problem(str(Path(path)), 1, "file", message, warning=True))
            continue
        source = known.get(look)
        if source is None or len(source.content) > room:
            content = _content(Path(path), room, sources.problems)
            source = None if content is None else Source(kind, Path(path), content)
        if source is not None:
            room -= len(source.content)
            sources.files.append(source)
            sources.looks[look] = source
    if not (directory / NETWORKS).exists():
        message = f"is missing: create {NETWORKS} with `networks:` and an entry per share target"
        sources.problems.append(Problem(str(directory / NETWORKS), 1, "file", message))
    return sources


def _sorted(seen: Stamp) -> list[tuple[str, Look]]:
    """Return the looks by path; one by one, for to sort thousands at once holds everybody up."""
    found: list[tuple[str, Look]] = []
    for look in unhurried(seen):
        insort(found, (look[1], look))
    return found


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    """Yield a directory's entries that people meant: no hidden, back-up or half-saved files."""
    try:
        with os.scandir(directory) as entries:
            for entry in unhurried(entries):
                name = entry.name
                if not name.startswith((".", "#")) and not name.endswith(_HALF_SAVED):
                    yield entry
    except OSError:
        return


def _content(path: Path, room: int, problems: list[Problem]) -> bytes | None:
    message = "is not a regular file: a configuration holds files and nothing else"
    try:
        if path.is_file():  # a pipe or device would hold the service for ever
            with path.open("rb") as stream:
                content = stream.read(FILE_BYTES_MAX + 1)
            if len(content) <= min(FILE_BYTES_MAX, room):
                return content
            message = _too_large(len(content))
    except OSError as error:
        message = f"cannot be read ({error.strerror}): mend its permissions or remove it"
    problems.append(Problem(str(path), 1, "file", message))
    return None


def _too_large(size: int) -> str:
    if size > FILE_BYTES_MAX:
        return f"is larger than {FILE_BYTES_MAX >> 20} MiB: split it into several files"
    return f"takes the configuration beyond {TOTAL_BYTES_MAX >> 20} MiB: remove what is not used"
