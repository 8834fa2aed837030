"""The configuration directory as one sound catalogue, or all of its problems at once.

Never half a catalogue: nothing is returned while any file, value or reference is wrong.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from service.adapters.catalog_build import build
from service.adapters.catalog_campaign_checks import campaign_checks
from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_checks import cross_check
from service.adapters.catalog_entries import MODELS as MODELS
from service.adapters.catalog_entries import Entry, Understood, understood
from service.adapters.catalog_files import Source, Sources, Stamp, read_sources
from service.adapters.catalog_models import AppFile, NetworksFile
from service.adapters.catalog_site_models import SiteFile
from service.adapters.catalog_warnings import remarks
from service.domain.ads import Catalog
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

    @property
    def stamp(self) -> Stamp | None:
        """How the files looked when they were last read; None if they never stood still."""
        return self._sources.stamp if self._sources is not None else None

    def load(self, *, now: datetime | None = None) -> Loaded:
        """Return the catalogue and its warnings; `now` is an aware time, else the clock.

        Raises `BadConfiguration` with every problem of every file, warnings included, in the order
        of files and lines. Files are named as the directory was given.
        """
        with lasting():
            return self._load(now or datetime.now(UTC))

    def _load(self, now: datetime) -> Loaded:
        self._sources = sources = read_sources(self.directory, self._sources)
        before = self._understood
        self._understood = {
            source: before.get(source) or understood(source) for source in unhurried(sources.files)
        }
        entries, problems = list[Entry](), [*sources.problems]
        for one in unhurried(self._understood.values()):
            entries += one.entries
            problems += one.problems
        problems += _together(self.directory, entries, now)
        ordered = _ordered(problems)
        if not all(problem.warning for problem in ordered):
            raise BadConfiguration(ordered)
        return build((one.value() for one in unhurried(entries)), sources.version), ordered


def _together(directory: Path, entries: list[Entry], now: datetime) -> Iterable[Problem]:
    """Yield what is wrong between files, and what the day makes of each."""
    for entry in unhurried(entries):
        yield from remarks(entry.document, entry.model, now)
    documents = [entry.document for entry in entries]
    models = [entry.model for entry in entries]
    yield from cross_check(documents)
    yield from campaign_checks(
        [(one.document, one.model) for one in entries if isinstance(one.model, CampaignFile)],
        _sites(entries),
        next((model for model in models if isinstance(model, NetworksFile)), None),
        {model.id: model for model in models if isinstance(model, AppFile)},
        int(now.timestamp()) // 3_600,
    )
    if directory.is_dir() and not any(document.kind == "site" for document in documents):
        message = "there is no site: describe one in a file like sites/example.yaml"
        yield Problem(str(directory / "sites"), 1, "sites", message)


def _sites(entries: Iterable[Entry]) -> dict[str, SiteFile | None]:
    sites = (one for one in entries if one.document.kind == "site")
    return {
        one.document.id: one.model if isinstance(one.model, SiteFile) else None for one in sites
    }


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Order by file and line; of several problems of one field keep the first, the root cause.

    A warning gives way to an error, which it would hide.
    """
    first: dict[tuple[str, int, str], Problem] = {}
    for problem in sorted(problems, key=lambda problem: problem.warning):
        first.setdefault((problem.file, problem.line, problem.field), problem)
    return tuple(sorted(first.values(), key=lambda problem: (problem.file, problem.line)))
