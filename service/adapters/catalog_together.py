"""What only all files together, or the day, can tell is wrong; reads nothing.

A file is judged again only when it changed, or the hour, or what campaigns are judged by: sites,
apps and networks.
"""

from collections.abc import Iterator, Sequence, Set
from datetime import datetime

from service.adapters.catalog_campaign_checks import Around, campaign_check
from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_checks import (
    Named,
    cross_check,
    names_in,
    network_names,
    references,
)
from service.adapters.catalog_entries import Entry, Names
from service.adapters.catalog_exclusives import overlaps
from service.adapters.catalog_grounds import grounds_of
from service.adapters.catalog_hidden import Hidden
from service.adapters.catalog_models import AppFile
from service.adapters.catalog_warnings import remarks
from service.domain.errors import Problem
from service.flows.unhurried import unhurried

_UNSHOWN = frozenset(
    {
        "app",
        "cap",
        "competes",
        "optimise",
        "pacing",
        "sponsored",
        "weight",
    }
)  # what of a campaign does not say whom it is shown, when and where
_STORES = frozenset({"ios", "android"})


_Judged = tuple[tuple[Problem, ...], CampaignFile | None]
"""What was found of an entry, and its campaign where it is sure whom that is shown."""


class Together:
    """Judges the entries of all files, and remembers what it found of each."""

    def __init__(self) -> None:
        self._judged_by: tuple[object, ...] = ()
        self._found: dict[Entry, _Judged] = {}
        self._hidden = Hidden()
        self._distinct: list[Names] | None = None  # names that were found to be no one else's

    def problems(
        self, entries: Sequence[Entry], now: datetime, unlisted: frozenset[str] = frozenset()
    ) -> Iterator[Problem]:
        """Yield every problem between files, and what an aware time makes of each.

        Of `unlisted` kinds there may be others than these entries.
        """
        others = [one for one in unhurried(entries) if one.document.kind != "campaign"]
        named, around = _named(others, unlisted), _around(others, unlisted, now)
        judged_by = (around.hour, unlisted, *others)
        before = self._found if judged_by == self._judged_by else {}
        found: dict[Entry, _Judged] = {}
        campaigns: list[tuple[Entry, CampaignFile]] = []
        for entry in unhurried(entries):
            known = before.get(entry)
            if known is None:
                known = tuple(_judged(entry, named, around, now)), _showing(entry)
            found[entry] = known
            problems, campaign = known
            yield from problems
            if campaign is not None:
                campaigns.append((entry, campaign))
        names = [entry.names() for entry in unhurried(entries)]
        if not before or names != self._distinct:
            clashes = list(cross_check([entry.document for entry in unhurried(entries)]))
            self._distinct = None if clashes else names
            yield from clashes
        self._judged_by, self._found = judged_by, found
        sure = {name: ground for name, ground in around.sites.items() if ground.sure}
        yield from overlaps(campaigns, sure, around.hour)
        if around.every and sure.keys() == around.names:
            yield from self._hidden.problems(campaigns, sure, around.hour)


def _showing(entry: Entry) -> CampaignFile | None:
    """Return a campaign of which it is sure whom it is shown, when and where."""
    rest = entry.rest
    if rest is None or not isinstance(rest.model, CampaignFile):
        return None
    return rest.model if rest.guessed <= _UNSHOWN else None


def _judged(entry: Entry, named: Named, around: Around, now: datetime) -> Iterator[Problem]:
    rest = entry.rest
    yield from remarks(entry.document, rest, now)
    if entry.document.kind == "campaign":
        yield from references(entry.document, named)
    if rest is not None and isinstance(rest.model, CampaignFile):
        yield from campaign_check(entry.document, rest.model, around)


def _named(others: Sequence[Entry], unlisted: Set[str]) -> Named:
    sites = [one.document for one in others if one.document.kind == "site"]
    guessed = {one.document.kind for one in others if one.rest and "id" in one.rest.guessed}
    return Named(
        {one.document.id for one in others if one.document.kind == "app"},
        {site.id: names_in(site.data.get("placements")) for site in sites},
        unlisted | guessed,
        "site" not in unlisted,
    )


def _around(others: Sequence[Entry], unlisted: Set[str], now: datetime) -> Around:
    sites = [one for one in others if one.document.kind == "site"]
    apps = [
        (one.document.id, one.rest.model)
        for one in others
        if one.rest is not None and one.rest.guessed.isdisjoint(_STORES)
    ]
    return Around(
        grounds_of(sites),
        {one.document.id for one in sites},
        "site" not in unlisted,
        network_names(one.document for one in others if one.document.kind == "network"),
        {name: app for name, app in apps if isinstance(app, AppFile)},
        int(now.timestamp()) // 3_600,
    )
