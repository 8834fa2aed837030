"""The configuration directory as one sound catalogue, or all of its problems at once.

Never half a catalogue: nothing is returned while any file, value or reference is wrong.
"""

from collections.abc import Iterable, Iterator, Set
from datetime import UTC, datetime
from pathlib import Path

from service.adapters.catalog_build import build
from service.adapters.catalog_entries import MODELS as MODELS
from service.adapters.catalog_entries import Entry, Understood, understood
from service.adapters.catalog_files import Source, Sources, read_sources
from service.adapters.catalog_looks import NETWORKS, Stamp
from service.adapters.catalog_together import Together
from service.domain.catalog import Catalog
from service.domain.errors import BadConfiguration, Problem
from service.flows.lasting import lasting
from service.flows.unhurried import unhurried

Loaded = tuple[Catalog, tuple[Problem, ...]]


def load_catalog(directory: Path, *, now: datetime | None = None) -> Loaded:
    """Return the catalogue of a directory and its warnings, as `CatalogFiles.load` does."""
    return CatalogFiles(directory).load(now=now)


class CatalogFiles:
    """A configuration directory; of its files only those are read again that changed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._sources: Sources | None = None
        self._understood: dict[Source, Understood] = {}
        self._together = Together()

    @property
    def stamp(self) -> Stamp | None:
        """How the files looked when they were last read; None if they never stood still."""
        return self._sources.stamp if self._sources is not None else None

    def load(self, *, now: datetime | None = None, seen: Stamp | None = None) -> Loaded:
        """Return the catalogue and its warnings; `now` is an aware time, else the clock.

        `seen` is how the files look, where somebody has just looked: nobody looks twice then.

        Raises `BadConfiguration` with every problem of every file, warnings included, in the order
        of files and lines. Files are named as the directory was given.
        """
        with lasting():
            return self._load(now or datetime.now(UTC), seen)

    def _load(self, now: datetime, seen: Stamp | None) -> Loaded:
        self._sources = sources = read_sources(self.directory, self._sources, seen)
        before = self._understood
        self._understood = {
            source: before.get(source) or understood(source) for source in unhurried(sources.files)
        }
        entries, problems = list[Entry](), [*sources.problems]
        for one in unhurried(self._understood.values()):
            entries += one.entries
            problems += one.problems
        problems += self._missing({one.document.kind for one in entries} | sources.unlisted)
        problems += self._together.problems(entries, now, sources.unlisted)
        ordered = _ordered(problems)
        if not all(problem.warning for problem in ordered):
            raise BadConfiguration(ordered)
        return build((one.value() for one in unhurried(entries)), sources.version), ordered

    def _missing(self, kinds: Set[str]) -> Iterator[Problem]:
        """Yield what no catalogue can do without, told by what was read and not by the disk now."""
        if "network" not in kinds:
            file = str(self.directory / NETWORKS)
            message = f"is missing: create {NETWORKS} with `networks:` and an entry a share target"
            yield Problem(file, 1, "file", message)
        if "site" not in kinds:
            message = "there is no site: describe one in a file like sites/example.yaml"
            yield Problem(str(self.directory / "sites"), 1, "sites", message)


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Order by file and line; of several problems of one field keep the first, the root cause.

    A warning gives way to an error, which it would hide.
    """
    first: dict[tuple[str, int, str], Problem] = {}
    for problem in sorted(problems, key=lambda problem: problem.warning):
        first.setdefault((problem.file, problem.line, problem.field), problem)
    return tuple(sorted(first.values(), key=lambda problem: (problem.file, problem.line)))
