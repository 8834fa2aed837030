"""The configuration's files as bytes; parses nothing.

Only regular files of bounded size are opened, and none that is as it was when it was last read. A
set of files that changes while it is read is read again, so that what is returned stood on disk
together. What is there and cannot be read is a problem, never a smaller configuration.
"""

import os
from bisect import insort
from dataclasses import dataclass, field
from errno import EIO
from hashlib import blake2b
from pathlib import Path

from service.adapters.catalog_looks import FOLDER, FOLDERS, NETWORKS, Look, Stamp, stamp
from service.domain.errors import Problem
from service.flows.unhurried import unhurried

FILE_BYTES_MAX = 1 << 20
TOTAL_BYTES_MAX = 64 << 20
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One file: what it configures (`network`, `site`, `app`, `campaign`), its path, its bytes.

    Of a file that cannot be read there is a source too, without bytes: others may refer to it.
    """

    kind: str
    path: Path
    content: bytes


@dataclass(slots=True)
class Sources:
    """All files, what was wrong with reading them, and a digest of all the bytes.

    `looks` tells of each file how it looked when it was read. `unlisted` are the kinds of which
    there may be more than `files` holds, for their directory cannot be listed.
    """

    files: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    looks: dict[Look, Source] = field(default_factory=dict)
    unlisted: frozenset[str] = frozenset()
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


def _read(directory: Path, seen: Stamp, known: dict[Look, Source]) -> Sources:
    sources, root = Sources(), str(directory)
    if not (seen or directory.is_dir()) or (FOLDER, root) in (look[:2] for look in seen):
        message = "is not a directory that can be read: create it or name another with --config"
        sources.problems.append(Problem(root, 1, "config", message))
        sources.unlisted = frozenset({"network", *FOLDERS.values()})
        return sources
    room = TOTAL_BYTES_MAX
    for path, look in unhurried(_sorted(seen)):
        kind = look[0]
        if kind == FOLDER:
            sources.problems.append(_unreadable(Path(path), look[-1]))
            sources.unlisted |= {FOLDERS[Path(path).name]}
        elif kind == "":
            message = (
                f"is not read: {NETWORKS} and *.yaml directly in {', '.join(FOLDERS)} are; "
                "move or rename it, or remove it"
            )
            sources.problems.append(Problem(str(Path(path)), 1, "file", message, warning=True))
        else:
            room -= _take(sources, look, known.get(look), room)
    return sources


def _take(sources: Sources, look: Look, known: Source | None, room: int) -> int:
    """Add the source of a file, as it is known or read now; return how many bytes it has."""
    source = known
    if source is None or len(source.content) > room:
        content = _content(look, room)
        kind, path, *_ = look
        if isinstance(content, Problem):
            sources.problems.append(content)
            sources.files.append(Source(kind, Path(path), b""))
            return 0
        source = Source(kind, Path(path), content)
    sources.files.append(source)
    sources.looks[look] = source
    return len(source.content)


def _sorted(seen: Stamp) -> list[tuple[str, Look]]:
    """Return the looks by path; one by one, for to sort thousands at once holds everybody up."""
    found: list[tuple[str, Look]] = []
    for look in unhurried(seen):
        insort(found, (look[1], look))
    return found


def _content(look: Look, room: int) -> bytes | Problem:
    path = Path(look[1])
    if look[-1]:
        return _unreadable(path, look[-1])
    message = "is not a regular file: a configuration holds files and nothing else"
    try:
        if path.is_file():  # a pipe or device would hold the service for ever
            with path.open("rb") as stream:
                content = stream.read(FILE_BYTES_MAX + 1)
            if len(content) <= min(FILE_BYTES_MAX, room):
                return content
            message = _too_large(len(content))
    except OSError as error:
        return _unreadable(path, error.errno or EIO)
    return Problem(str(path), 1, "file", message)


def _unreadable(path: Path, error: int) -> Problem:
    why = os.strerror(error)
    message = f"cannot be read ({why}): mend its permissions, or what it leads to, or remove it"
    return Problem(str(path), 1, "file", message)


def _too_large(size: int) -> str:
    if size > FILE_BYTES_MAX:
        return f"is larger than {FILE_BYTES_MAX >> 20} MiB: split it into several files"
    return f"takes the configuration beyond {TOTAL_BYTES_MAX >> 20} MiB: remove what is not used"
