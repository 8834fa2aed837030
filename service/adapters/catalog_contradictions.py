"""What one campaign says that cannot all be true: errors where nobody could ever be shown it.

Looks at no other file; where a campaign meets its sites is told in `catalog_reach`.
"""

from collections.abc import Iterator

from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_dimensions import spared, takes_direct, takes_shared
from service.adapters.catalog_documents import Document
from service.adapters.catalog_hours import TWO_WEEKS_H, hours_of, week_of, when
from service.domain.errors import Problem
from service.domain.targeting import DIRECT, HOUR, SHARED, SOURCE, TIME_DIMENSIONS, WEEKDAY
from service.domain.times import WEEKDAYS, local_time

SIDES = ("target", "exclude")


def contradictions(document: Document, campaign: CampaignFile) -> Iterator[Problem]:
    """Yield every contradiction within a campaign but for those of its clock."""
    yield from _named_twice(document, campaign)
    yield from _ways_of_coming(document, campaign)
    yield from _creatives(document, campaign)


def at_no_time(document: Document, campaign: CampaignFile) -> Iterator[Problem]:
    """Yield what a campaign's flights have no time for, by its own clock."""
    yield from _times(document, campaign)
    yield from _goals(document, campaign)


def placements_of(campaign: CampaignFile) -> set[str]:
    """Return the placements of creatives that `target` and `exclude` leave."""
    fitting = {name for creative in campaign.creatives for name in creative.placements}
    wanted = campaign.target.placement
    found = fitting if wanted is None else fitting & set(wanted)
    return found - set(campaign.exclude.placement or ())


def _named_twice(document: Document, campaign: CampaignFile) -> Iterator[Problem]:
    """Warn of wanted values that are refused as well, where others are left."""
    refused = campaign.exclude.values()
    for name, wanted in campaign.target.values().items():
        lost = wanted - spared(name, wanted, refused[name]) if name in refused else ()
        for i, value in enumerate(getattr(campaign.target, name)) if lost else ():
            if str(value) in lost:
                message = f"never fits, for `exclude.{name}` refuses it: keep it in one of the two"
                yield document.problem(("target", name, i), message, warning=True)


def _ways_of_coming(document: Document, campaign: CampaignFile) -> Iterator[Problem]:
    """Hold `source` against `shared`: a visit is a shared one where a network brought it."""
    target, exclude = campaign.target.values(), campaign.exclude.values()
    direct, shared = takes_direct(target, exclude), takes_shared(target, exclude)
    if not direct and not shared:
        only = "yes" in target.get(SHARED, ()) or "no" in exclude.get(SHARED, ())
        side = "target" if SHARED in target else "exclude"
        message = (
            "leaves nobody: a direct visit is no shared one; name a network in `source`, or "
            "leave one of the two out"
            if only
            else "leaves nobody: who came by a network was shared to; name direct in `source`, or "
            "leave one of the two out"
        )
        yield document.problem((side, SHARED), message)
        return
    for i, name in enumerate(campaign.target.source or ()):
        if not (direct if name == DIRECT else shared) and name not in exclude.get(SOURCE, ()):
            message = "never fits what `shared` asks for: remove it, or `shared`"
            yield document.problem(("target", SOURCE, i), message, warning=True)


def _times(document: Document, campaign: CampaignFile) -> Iterator[Problem]:
    """Hold weekdays and hours against the flights, by the campaign's clock."""
    named = [
        (side, name)
        for name in (WEEKDAY, HOUR)
        for side in SIDES
        if getattr(getattr(campaign, side), name) is not None
    ]
    if not named:
        return
    zone = campaign.timezone
    spans = [hours_of(flight, TWO_WEEKS_H) for flight in campaign.flights]
    week = week_of(campaign, *TIME_DIMENSIONS)
    never = [i for i, span in enumerate(spans) if not when(week, zone, span)]
    if len(never) < len(spans):
        for i in never:
            message = f"shows nothing: none of its hours is one of `weekday` and `hour` in {zone}"
            yield document.problem(("flights", i), message, warning=True)
        return
    alone = {name: week_of(campaign, name) for _, name in named}
    blamed = [at for at in named if not any(when(alone[at[1]], zone, span) for span in spans)]
    runs = f"runs from {_shown(spans[0].start, zone)} to {_shown(spans[0].stop, zone)}"
    message = f"leaves no hour of a flight: in {zone} flight 1 {runs}; name other times or move it"
    yield document.problem((blamed or named)[0], message)


def _goals(document: Document, campaign: CampaignFile) -> Iterator[Problem]:
    """Warn of goals that the bound of a day leaves out of reach, by the campaign's clock."""
    zone = campaign.timezone
    for i, flight in enumerate(campaign.flights):
        goal = flight.goal
        if goal is None or goal.per_day is None or flight.end is None:
            continue
        first, last = (local_time(hour, zone).date() for hour in (flight.start, flight.end - 1))
        days = (last - first).days + 1
        reachable, total = goal.per_day * days, goal.impressions or goal.clicks or 0
        if reachable < total:
            message = (
                f"allows {reachable} of {total} in this flight, which has {days} days in {zone}:"
                " raise it, or lower the goal"
            )
            yield document.problem(("flights", i, "goal", "per_day"), message, warning=True)


def _shown(hour: int, zone: str) -> str:
    local = local_time(hour, zone)
    return f"{WEEKDAYS[local.weekday()]} {local:%H:%M}"


def _creatives(document: Document, campaign: CampaignFile) -> Iterator[Problem]:
    """Warn of creatives that fit none of the placements that are left, where others do."""
    places = placements_of(campaign)
    for i, creative in enumerate(campaign.creatives) if places else ():
        if places.isdisjoint(creative.placements):
            message = "never shows: `target` and `exclude` leave none of these placements"
            yield document.problem(("creatives", i, "placements"), message, warning=True)
