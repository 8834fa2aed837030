"""Why each campaign may or may not show on a page view, in the order in which it is decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.ads import Campaign
from service.domain.choosing import Choice
from service.domain.events import UNUSED
from service.domain.plans import Plan, Spot
from service.domain.targeting import COUNTRY, PLACEMENT, bits
from service.domain.times import fits_hour
from service.domain.tokens import Arm
from service.flows.decide import Decider
from service.flows.pages import Audience, Page


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A creative's share of its campaign in a placement for this reader's platform."""

    placement: str
    creative: str
    share: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One campaign: `reason` is the first that rules it out, None if it may show.

    `behind` are campaigns that are served first, one for each placement where it fits, if in all of
    them somebody is: of a better tier, or exclusive. It shows where they hold back or have shown.
    """

    campaign: str
    tier: str
    weight: float
    pace: float
    reason: str | None
    creatives: tuple[Likelihood, ...] = ()
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """All campaigns, and what one decision with these parameters would be."""

    arm: str
    standings: tuple[Standing, ...]
    choices: tuple[tuple[str, tuple[Choice, ...]], ...]


class _Asked(NamedTuple):
    """What is to be explained: `allowed` are the campaigns that each dimension allows."""

    page: Page
    audience: Audience
    arm: Arm
    allowed: dict[str, int]
    spots: list[Spot]


def explain(plan: Plan, decider: Decider, page: Page, audience: Audience) -> Explanation:
    """Return each campaign's standing, and one decision drawn as any other."""
    arm = decider.arm(plan, page)
    platform, country, _ = audience
    spots = [plan.spot(one.id, platform, country, arm) for one in page.placements]
    asked = _Asked(page, audience, arm, _allowed(plan, page, audience), spots)
    standings = tuple(_standing(plan, number, asked) for number in range(len(plan.index)))
    choices = decider.choose(plan, page, audience, arm)
    places = (placement.id for placement in page.placements)
    return Explanation(
        UNUSED if arm is Arm.NONE else arm.label,
        standings,
        tuple(zip(places, choices, strict=True)),
    )


def _allowed(plan: Plan, page: Page, audience: Audience) -> dict[str, int]:
    """Return for each dimension, with what was asked of it, the campaigns that it allows."""
    targeting = plan.index.targeting
    found = {
        f"{name}: {', '.join(values) or 'none given'}": targeting.eligible({name: values})
        for name, values in page.values(plan.index).items()
    }
    platform, country = audience.platform.label, audience.country
    found[f"platform: {platform}"] = targeting.platform(platform)
    found[f"country: {country}"] = targeting.eligible({COUNTRY: (country,)})
    return found


def _standing(plan: Plan, number: int, asked: _Asked) -> Standing:
    campaign = plan.index.campaigns[number]
    reason = next(_reasons(plan, number, asked), None)
    creatives = () if reason else tuple(_likelihoods(plan, number, asked))
    behind = () if reason else _behind(plan, number, asked)
    pace = plan.paces.get(number, 1.0)
    tier = campaign.tier.name.lower()
    return Standing(campaign.id, tier, campaign.weight, pace, reason, creatives, behind)


def _reasons(plan: Plan, number: int, asked: _Asked) -> Iterator[str]:
    """Yield what rules a campaign out, the first that applies first."""
    yield from _times(plan.index.campaigns[number], plan.hour)
    for what, mask in asked.allowed.items():
        if not mask >> number & 1:
            yield what
    fits, barred = plan.index.targeting.dimensions[PLACEMENT], plan.index.barred
    places = [place.id for place in asked.page.placements if fits.one(place.id) >> number & 1]
    if not places:
        yield "placement: none of its creatives fits one that was asked for"
    if all(barred.get((place, asked.arm), 0) >> number & 1 for place in places):
        yield f"arm: none of its creatives is in arm {asked.arm.label}"
    if plan.paces.get(number, 1.0) <= 0.0:
        yield "budget: nothing is left of it for now"


def _times(campaign: Campaign, hour: int) -> Iterator[str]:
    if campaign.paused:
        yield "paused"
    if campaign.flight(hour) is None:
        yield "flight: none runs now"
    if not fits_hour(campaign, hour):
        yield f"weekday or hour in {campaign.timezone}"


def _behind(plan: Plan, number: int, asked: _Asked) -> tuple[str, ...]:
    """Return who is served first in each place of a campaign; nobody if it comes first in one."""
    found: list[str] = []
    allowed = asked.page.allows(plan.index)
    for spot in _fitting(asked, number):
        ahead: list[int] = []
        for rank, fitting in spot.reach:
            if rank.mask >> number & 1:
                break
            ahead += bits(fitting & allowed)
        if not ahead:
            return ()
        # Whoever holds back least tells most; of equals the one that is served first.
        first = max(ahead, key=lambda one: plan.paces.get(one, 1.0))
        found.append(plan.index.campaigns[first].id)
    return tuple(dict.fromkeys(found))


def _fitting(asked: _Asked, number: int) -> Iterator[Spot]:
    for spot in asked.spots:
        if any(mask >> number & 1 for _, mask in spot.reach):
            yield spot


def _likelihoods(plan: Plan, number: int, asked: _Asked) -> Iterator[Likelihood]:
    for spot in _fitting(asked, number):
        pool = plan.pool(number, spot.place)
        before = 0.0
        for choice, upto in zip(pool.choices, pool.cumulative, strict=True):
            yield Likelihood(spot.place[0], choice.creative.id, upto - before)
            before = upto
