"""How the configuration's files look from outside; opens none.

What is there and cannot be looked at has a look that says why: a directory that cannot be listed is
never taken for an empty one.
"""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from service.flows.unhurried import unhurried

FOLDERS = {"sites": "site", "apps": "app", "campaigns": "campaign"}
NETWORKS = "networks.yaml"
FOLDER = "folder"  # the kind of a directory that cannot be listed; others are seen by their files
_HALF_SAVED = ("~", ".swp", ".tmp", ".bak")
_NOT_READ = {"schema"}  # for editors, not for the service


Look = tuple[str, str, int, int, int, int, int]
"""What changes when a file does: its kind, path, inode, size, both times, and why it has no look.

The kind is what it configures (`network`, `site`, `app`, `campaign`), empty for what is not read;
last is a number of `errno` where it cannot be looked at, else 0.
"""
Stamp = tuple[Look, ...]


def stamp(directory: Path) -> Stamp:
    """Return how each file looks, in the directories' order; nothing if there is no directory."""
    found: list[Look] = []
    try:
        for entry in _entries(directory):
            name = entry.name
            if name == NETWORKS:
                found.append(_look("network", entry))
            elif name in FOLDERS:
                found += _looks(entry, FOLDERS[name])
            elif name not in _NOT_READ and name.endswith((".yaml", ".yml")):
                found.append(_look("", entry))
    except FileNotFoundError:
        return ()
    except OSError as error:
        found.append(_lost(FOLDER, str(directory), error))
    return tuple(found)


def _looks(folder: os.DirEntry[str], kind: str) -> list[Look]:
    """Return how a folder's files look; it was listed, so that it is gone is a fault as well."""
    try:
        return [
            _look(kind if entry.name.endswith(".yaml") else "", entry)
            for entry in _entries(Path(folder.path))
        ]
    except OSError as error:
        return [_lost(FOLDER, folder.path, error)]


def _look(kind: str, entry: os.DirEntry[str]) -> Look:
    try:
        stat = entry.stat()
    except OSError as error:
        return _lost(kind, entry.path, error)
    return kind, entry.path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, 0


def _lost(kind: str, path: str, error: OSError) -> Look:
    return kind, path, 0, 0, 0, 0, error.errno or errno.EIO


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    """Yield a directory's entries that people meant: no hidden, back-up or half-saved files.

    Raises `OSError` where it cannot be listed to its end.
    """
    with os.scandir(directory) as entries:
        for entry in unhurried(entries):
            name = entry.name
            if not name.startswith((".", "#")) and not name.endswith(_HALF_SAVED):
                yield entry
