"""Exclusive campaigns that could meet: in one tier, hour and spot, before one reader.

What is past is forgiven, what is paused too; two that meet by no rule of the catalogue are apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_dimensions import Audience, audience_of
from service.adapters.catalog_documents import Document
from service.adapters.catalog_entries import Entry
from service.adapters.catalog_grounds import Sites
from service.adapters.catalog_hours import YEAR_H, Week, week_of, when
from service.adapters.catalog_reach import Spot, spots_of
from service.domain.errors import Problem
from service.domain.targeting import TIME_DIMENSIONS
from service.flows.unhurried import unhurried

_FOR_EVER_H = 200 * YEAR_H


@dataclass(frozen=True, slots=True)
class _Exclusive:
    """A campaign with what decides whom it meets, worked out once for all pairs."""

    document: Document
    campaign: CampaignFile
    flights: Sequence[range]
    spots: set[Spot]
    audience: Audience
    week: Week | None  # None: at any time

    def meets(self, other: "_Exclusive") -> bool:
        return (
            self.campaign.tier == other.campaign.tier
            and not self.spots.isdisjoint(other.spots)
            and self.audience.meets(other.audience)
            and any(self._at_once(other, *two) for two in product(self.flights, other.flights))
        )

    def _at_once(self, other: "_Exclusive", mine: range, theirs: range) -> bool:
        """Say whether both run in some hour; each has weekdays and hours of its own zone."""
        hours = range(max(mine.start, theirs.start), min(mine.stop, theirs.stop))[:YEAR_H]
        if not hours or (self.week is None and other.week is None):
            return bool(hours)
        every = -1
        for one in (self, other):
            if one.week is not None:
                every &= when(one.week, one.campaign.timezone, hours)
        return bool(every)


def overlaps(
    campaigns: Sequence[tuple[Entry, CampaignFile]], sites: Sites, hour: int
) -> Iterator[Problem]:
    """Yield a problem of each exclusive campaign that could meet later ones, from an hour on."""
    exclusives = [
        _exclusive(entry.document, campaign, sites, hour)
        for entry, campaign in unhurried(campaigns)
        if campaign.exclusive and not campaign.paused
    ]
    for number, one in enumerate(exclusives, 1):
        others = [other for other in unhurried(exclusives[number:]) if one.meets(other)]
        if others:
            names = ", ".join(map(_named, others))
            message = (
                f"overlaps the exclusive campaign{'s' * (len(others) > 1)} {names} on the same"
                " site and placement: move a flight, or target different readers"
            )
            yield one.document.problem(("exclusive",), message)


def _exclusive(document: Document, campaign: CampaignFile, sites: Sites, hour: int) -> _Exclusive:
    target, exclude = campaign.target.values(), campaign.exclude.values()
    flights = [
        range(max(hour, flight.start), flight.end or max(hour, flight.start) + _FOR_EVER_H)
        for flight in campaign.flights
    ]
    timed = (target.keys() | exclude.keys()) & set(TIME_DIMENSIONS)
    return _Exclusive(
        document,
        campaign,
        [flight for flight in flights if flight],
        spots_of(campaign, sites),
        audience_of(target, exclude),
        week_of(campaign, *TIME_DIMENSIONS) if timed else None,
    )


def _named(one: _Exclusive) -> str:
    line = one.document.marks.line_of(("id",))
    return f"`{one.campaign.id}` ({one.document.file}:{line})"
