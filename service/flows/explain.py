"""Why each campaign may or may not show on a page view, in the order in which it is decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.choosing import Choice
from service.domain.plans import Plan, Spot
from service.domain.targeting import bits
from service.domain.tokens import Arm
from service.flows.decide import Decider
from service.flows.optimise import rates
from service.flows.pace import FROZEN_MS, Budgets
from service.flows.pages import Audience, Page
from service.flows.reasons import Given, given, reasons
from service.flows.tallies import Tallies
from service.flows.unhurried import unhurried


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A creative's share of its campaign in a placement for this reader's platform.

    `rate` is the click rate there that it is believed to have: clicks by viewable impressions.
    """

    placement: str
    creative: str
    share: float
    rate: float


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
    """All campaigns, and one decision with these parameters: in arm `hold`, what would be shown."""

    arm: Arm
    standings: tuple[Standing, ...]
    choices: tuple[tuple[str, tuple[Choice, ...]], ...]


class _Asked(NamedTuple):
    """What is to be explained: a page view's arm, what it says, and who may fill its places."""

    page: Page
    arm: Arm
    said: tuple[Given, ...]
    spots: list[Spot]


class Explainer:
    """Explains plans by what planning knows of counts; counts nothing and signs nothing."""

    def __init__(self, decider: Decider, tallies: Tallies, budgets: Budgets) -> None:
        self._decider = decider
        self._tallies = tallies
        self._budgets = budgets

    def explain(self, plan: Plan, page: Page, audience: Audience) -> Explanation:
        """Return each campaign's standing, and one decision drawn as any other."""
        arm = self._decider.arm(plan, page)
        platform, country, _ = audience
        spots = [plan.spot(one.id, platform, country, arm) for one in page.placements]
        asked = _Asked(page, arm, given(plan, page, audience), spots)
        numbers = unhurried(range(len(plan.index)))
        standings = tuple([self._standing(plan, number, asked) for number in numbers])
        choices = self._decider.choose(plan, page, audience, arm)
        places = (placement.id for placement in page.placements)
        return Explanation(arm, standings, tuple(zip(places, choices, strict=True)))

    def _standing(self, plan: Plan, number: int, asked: _Asked) -> Standing:
        campaign, pace = plan.index.campaigns[number], plan.paces.get(number, 1.0)
        reason = next(reasons(plan, number, asked.said, asked.page, asked.arm), None)
        if reason is None and pace <= 0.0:
            reason = self._waits(plan, number)
        creatives = () if reason else tuple(self._likelihoods(plan, number, asked))
        behind = () if reason else _behind(plan, number, asked)
        tier = campaign.tier.name.lower()
        return Standing(campaign.id, tier, campaign.weight, pace, reason, creatives, behind)

    def _waits(self, plan: Plan, number: int) -> str:
        """Return why a campaign whose flight runs has a pace of nothing."""
        campaign, read_ms = plan.index.campaigns[number], self._tallies.read_ms
        flight = campaign.flight(plan.hour)
        counted = flight is not None and self._budgets.counted(campaign, flight)
        if read_ms is None or not counted:
            return "budget: its counts are not read yet"
        if plan.made_ms - read_ms >= FROZEN_MS:
            return "budget: it may be used up, and counts cannot be read"
        return "budget: nothing is left of it for now"

    def _likelihoods(self, plan: Plan, number: int, asked: _Asked) -> Iterator[Likelihood]:
        for spot in _fitting(asked, number):
            placement, platform, _ = spot.place
            pool, before = plan.pool(number, spot.place), 0.0
            believed = rates(plan.index.campaigns[number], placement, platform.label, self._tallies)
            for choice, upto in zip(pool.choices, pool.cumulative, strict=True):
                creative = choice.creative.id
                yield Likelihood(placement, creative, upto - before, believed[creative])
                before = upto


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
