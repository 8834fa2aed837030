"""Why a campaign may not show on a page view, in few words: what it asks for, and what was given.

Bounded, however many values a campaign or a page names. Budgets are not judged here.
"""

from collections.abc import Collection, Iterator
from heapq import nsmallest
from typing import NamedTuple
from urllib.parse import urlsplit

from service.domain.ads import Campaign
from service.domain.plans import Plan
from service.domain.targeting import (
    ANYONE,
    COUNTRY,
    KNOWN,
    LANGUAGE,
    PATH,
    PLACEMENT,
    PLATFORM,
    included,
)
from service.domain.times import clock_values, fits_hour
from service.domain.tokens import Arm
from service.flows.pages import Audience, Page

VALUES_MAX, CHARS_MAX = 3, 40  # that a sentence names, and of each

Values = Collection[str]


class Given(NamedTuple):
    """What a page view says in one dimension, and the mask of campaigns that this suits.

    `readings` are values of which each set may be the true one: whom none, or not all of them,
    suits is not among the `takers`. `text` is what people are told was given.
    """

    name: str
    takers: int
    readings: tuple[Values, ...]
    text: str


def given(plan: Plan, page: Page, audience: Audience) -> tuple[Given, ...]:
    """Return what a page view says, in the order in which it is judged."""
    targeting, shown = plan.index.targeting, {PATH: _shortened(urlsplit(page.article.url).path)}
    found = []
    for name, values in page.values(plan.index).items():
        text = values[-1] if name == LANGUAGE else shown.get(name) or few(values)
        found.append(Given(name, targeting.eligible({name: values}), (values,), text))
    platform, country = audience.platform.label, audience.country
    readings = [(one, ANYONE) for one in KNOWN] if platform == ANYONE else [(platform,)]
    found.append(Given(PLATFORM, targeting.platform(platform), tuple(readings), platform))
    takers = targeting.eligible({COUNTRY: (country,)})
    found.append(Given(COUNTRY, takers, ((country,),), country))
    places, fits, takers = [one.id for one in page.placements], targeting.dimensions[PLACEMENT], 0
    for place in places:
        takers |= fits.one(place)
    apart = tuple([(place,) for place in places]) or ((),)
    return (*found, Given(PLACEMENT, takers, apart, few(places)))


def reasons(
    plan: Plan, number: int, said: tuple[Given, ...], page: Page, arm: Arm
) -> Iterator[str]:
    """Yield what rules a campaign out but for its budget, the first that applies first."""
    campaign = plan.index.campaigns[number]
    yield from _times(campaign, plan.hour)
    for one in said:
        if not one.takers >> number & 1:
            yield from (text for some in one.readings for text in _refusal(campaign, one, some))
    fits, barred = plan.index.targeting.dimensions[PLACEMENT], plan.index.barred
    places = [place.id for place in page.placements if fits.one(place.id) >> number & 1]
    if all(barred.get((place, arm), 0) >> number & 1 for place in places):
        yield f"arm: none of its creatives is in arm {arm.label}"


def _times(campaign: Campaign, hour: int) -> Iterator[str]:
    if campaign.paused:
        yield "paused"
    if campaign.flight(hour) is None:
        yield "flight: none runs now"
    if not fits_hour(campaign, hour):
        for name, value in clock_values(hour, campaign.timezone).items():
            now = Given(name, 0, ((value,),), f"{value} in {campaign.timezone}")
            yield from _refusal(campaign, now, (value,))


def _refusal(campaign: Campaign, said: Given, values: Values) -> Iterator[str]:
    """Yield why a campaign does not take values of a dimension, if it does not."""
    wanted, excluded = included(campaign).get(said.name), campaign.exclude.get(said.name)
    if wanted is not None and wanted.isdisjoint(values):
        yield f"{said.name}: wants {few(wanted)}; given {said.text}"
    if excluded is not None and not excluded.isdisjoint(values):
        yield f"{said.name}: excludes {few(excluded.intersection(values))}; given {said.text}"


def few(values: Values) -> str:
    """Return the first values, and how many more there are."""
    first = nsmallest(VALUES_MAX, values, key=_order)
    names, more = ", ".join(map(_shortened, first)), len(values) - len(first)
    return f"{names} and {more} more" if more else names or "none"


def _order(value: str) -> tuple[int, str]:
    return int(value) if value.isdecimal() else 0, value  # hours are numbers


def _shortened(text: str) -> str:
    return text if len(text) <= CHARS_MAX else f"{text[: CHARS_MAX - 1]}…"
