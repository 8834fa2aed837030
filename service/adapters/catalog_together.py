"""What only all files together, or the day, can tell is wrong; reads nothing.

A file is judged again only when it changed, or the hour, or what campaigns are judged by: sites,
apps and networks.
"""

from collections.abc import Iterator, Sequence, Set
from datetime import datetime

from service.adapters.catalog_campaign_checks import Around, campaign_check
from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_checks import Named, cross_check, references
from service.adapters.catalog_entries import Entry, Names
from service.adapters.catalog_exclusives import overlaps
from service.adapters.catalog_models import AppFile, NetworksFile
from service.adapters.catalog_site_models import SiteFile
from service.adapters.catalog_warnings import remarks
from service.domain.errors import Problem
from service.flows.unhurried import unhurried


class Together:
    """Judges the entries of all files, and remembers what it found of each."""

    def __init__(self) -> None:
        self._judged_by: tuple[object, ...] = ()
        self._found: dict[Entry, tuple[Problem, ...]] = {}
        self._distinct: list[Names] | None = None  # names that were found to be no one else's

    def problems(
        self, entries: Sequence[Entry], now: datetime, unlisted: frozenset[str] = frozenset()
    ) -> Iterator[Problem]:
        """Yield every problem between files, and what an aware time makes of each.

        Of `unlisted` kinds there may be others than these entries.
        """
        others = [one for one in unhurried(entries) if one.document.kind != "campaign"]
        named = _named(others, unlisted)
        around = _around(others, unlisted, int(now.timestamp()) // 3_600)
        judged_by = (around.hour, unlisted, *others)
        before = self._found if judged_by == self._judged_by else {}
        found: dict[Entry, tuple[Problem, ...]] = {}
        for entry in unhurried(entries):
            known = before.get(entry)
            if known is None:
                known = tuple(_judged(entry, named, around, now))
            found[entry] = known
            yield from known
        names = [entry.names() for entry in unhurried(entries)]
        if not before or names != self._distinct:
            clashes = list(cross_check([entry.document for entry in unhurried(entries)]))
            self._distinct = None if clashes else names
            yield from clashes
        self._judged_by, self._found = judged_by, found
        campaigns = [
            (one.document, one.model)
            for one in unhurried(entries)
            if isinstance(one.model, CampaignFile)
        ]
        yield from overlaps(campaigns, around.sound, around.hour)


def _judged(entry: Entry, named: Named, around: Around, now: datetime) -> Iterator[Problem]:
    yield from remarks(entry.document, entry.model, now)
    if entry.document.kind == "campaign":
        yield from references(entry.document, named)
    if isinstance(entry.model, CampaignFile):
        yield from campaign_check(entry.document, entry.model, around)


def _named(others: Sequence[Entry], unlisted: Set[str]) -> Named:
    documents = [one.document for one in others]
    return Named.of(
        [document for document in documents if document.kind == "site"],
        [document for document in documents if document.kind == "app"],
        unlisted,
    )


def _around(others: Sequence[Entry], unlisted: Set[str], hour: int) -> Around:
    sites = {
        one.document.id: one.model if isinstance(one.model, SiteFile) else None
        for one in others
        if one.document.kind == "site"
    }
    models = [one.model for one in others]
    return Around(
        {name: site for name, site in sites.items() if site is not None},
        "site" not in unlisted and None not in sites.values(),
        next((model for model in models if isinstance(model, NetworksFile)), None),
        {model.id: model for model in models if isinstance(model, AppFile)},
        hour,
    )
