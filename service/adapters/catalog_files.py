"""The configuration's files as bytes and their stamps; parses nothing.

Only regular files of bounded size are opened. A set of files that changes while it is read is
read again, so that what is returned stood on disk together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from service.domain.errors import Problem

FILE_BYTES_MAX = 1 << 20
TOTAL_BYTES_MAX = 64 << 20
FOLDERS = {"sites": "site", "apps": "app", "campaigns": "campaign"}
NETWORKS = "networks.yaml"
_ATTEMPTS = 5
_NOT_READ = {"schema"}  # for editors, not for the service

Stamp = tuple[tuple[str, int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One file: what it configures (`network`, `site`, `app`, `campaign`), its path, its bytes."""

    kind: str
    path: Path
    content: bytes


@dataclass(slots=True)
class Sources:
    """All files, what was wrong with reading them, and a digest of all the bytes."""

    files: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def version(self) -> str:
        """Return a hexadecimal digest of every file's kind, name and bytes."""
        digest = blake2b(digest_size=16)
        for source in self.files:
            head = f"{source.kind}/{source.path.name}/{len(source.content)}/"
            digest.update(head.encode(errors="surrogateescape"))
            digest.update(source.content)
        return digest.hexdigest()


def read_sources(directory: Path) -> Sources:
    """Read all files of a configuration directory; raises nothing."""
    for _ in range(_ATTEMPTS):
        before = stamp(directory)
        sources = _read(directory)
        if stamp(directory) == before:
            return sources
    sources.problems.append(
        Problem(str(directory), 1, "files", "keep changing while they are read: try again")
    )
    return sources


def stamp(directory: Path) -> Stamp:
    """Return what changes when any file does: path, inode, size and both times of each."""
    found = []
    for _, path in _candidates(directory):
        try:
            stat = path.stat()
        except OSError:
            found.append((str(path), 0, 0, 0, 0))
            continue
        times = stat.st_mtime_ns, stat.st_ctime_ns
        found.append((str(path), stat.st_ino, stat.st_size, *times))
    return tuple(found)


def _read(directory: Path) -> Sources:
    sources = Sources()
    if not directory.is_dir():
        message = "is not a directory that can be read: create it or name another with --config"
        sources.problems.append(Problem(str(directory), 1, "config", message))
        return sources
    room = TOTAL_BYTES_MAX
    for kind, path in _candidates(directory):
        content = b"" if kind == "" else _content(path, room, sources.problems)
        if kind == "":
            message = (
                f"is not read: {NETWORKS} and *.yaml directly in {', '.join(FOLDERS)} are; "
                "move or rename it, or remove it"
            )
            sources.problems.append(Problem(str(path), 1, "file", message, warning=True))
        elif content is not None:
            room -= len(content)
            sources.files.append(Source(kind, path, content))
    if not (directory / NETWORKS).exists():
        message = f"is missing: create {NETWORKS} with `networks:` and an entry per share target"
        sources.problems.append(Problem(str(directory / NETWORKS), 1, "file", message))
    return sources


def _candidates(directory: Path) -> Iterator[tuple[str, Path]]:
    """Yield (kind, path) in a steady order; kind is empty for what nobody will read."""
    for path in _entries(directory):
        if path.name == NETWORKS:
            yield "network", path
        elif path.name in FOLDERS:
            kind = FOLDERS[path.name]
            for inner in _entries(path):
                yield (kind if inner.suffix == ".yaml" else "", inner)
        elif path.name not in _NOT_READ and path.suffix in {".yaml", ".yml"}:
            yield "", path


def _entries(directory: Path) -> list[Path]:
    """Return a directory's entries that people meant: no hidden, back-up or half-saved files."""
    try:
        names = sorted(entry.name for entry in directory.iterdir())
    except OSError:
        return []
    return [
        directory / name
        for name in names
        if not name.startswith((".", "#")) and not name.endswith(("~", ".swp", ".tmp", ".bak"))
    ]


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
