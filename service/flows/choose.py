"""Fills the placements of one page view from a plan; remembers nothing of the one before.

First what each placement shows, then runner-ups for browsers whose cap is reached: none of them
takes another placement's place, and whatever a browser ends up with, rivals never meet.
"""

from collections.abc import Sequence

from service.domain.choosing import Choice, Draw, pick_campaign
from service.domain.plans import Plan, Spot
from service.domain.sites import Repeat
from service.domain.tokens import OFFERS_MAX, Arm
from service.flows.pages import Audience, Page

ALTERNATES_MAX = 2
_ALLOW = Repeat.ALLOW  # to ask an enumeration for a member costs as much as a look-up in a plan
Shown = tuple[tuple[Choice, ...], ...]
"""The choices of each placement, the one to show first; none where there is nothing to show."""


def choose(plan: Plan, page: Page, audience: Audience, arm: Arm, draw: Draw) -> Shown:
    """Return what a page view shows its audience in an arm."""
    (platform, country, _), index = audience, plan.index
    spots = [plan.spot(one.id, platform, country, arm) for one in page.placements]
    if index.caps or index.rivals or page.site.repeat is not _ALLOW:
        return PageView(plan, page, draw).filled(spots)
    return tuple([fill(spot, plan, page, draw) for spot in spots])


def fill(spot: Spot, plan: Plan, page: Page, draw: Draw) -> tuple[Choice, ...]:
    """Return what one spot shows whatever others show."""
    number = None
    if spot.sight:
        number = spot.reach[0][0].glance(page.sees(plan.index), spot.sight, draw)
    if number is None:
        allowed = page.allows(plan.index)
        if spot.whole is not None and allowed & spot.first == spot.first:
            return (spot.whole.pick(draw),)
        number = _picked(plan, spot, allowed, draw)
    if number is None:
        return ()
    return ((spot.pools[number] or plan.pool(number, spot.place)).pick(draw),)


def _picked(plan: Plan, spot: Spot, allowed: int, draw: Draw) -> int | None:
    return pick_campaign(spot.reach, allowed, plan.paces, plan.holding, draw)


class PageView:
    """What is shown so far, and which campaigns may still join it."""

    def __init__(self, plan: Plan, page: Page, draw: Draw) -> None:
        self._plan = plan
        self._repeat = page.site.repeat
        self._allowed = page.allows(plan.index)
        self._draw = draw
        self._chosen: dict[int, Choice] = {}

    def filled(self, spots: Sequence[Spot]) -> Shown:
        """Return what fills these spots."""
        firsts = [self._first(spot) for spot in spots]
        room = OFFERS_MAX - sum(first is not None for first in firsts)
        shown: list[tuple[Choice, ...]] = []
        for spot, first in zip(spots, firsts, strict=True):
            if first is None:
                shown.append(())
                continue
            number, choice = first
            most = min(ALTERNATES_MAX, room) if choice.campaign.cap is not None else 0
            others = self._runner_ups(spot, number, most)
            room -= len(others)
            shown.append((choice, *others))
        return tuple(shown)

    def _first(self, spot: Spot) -> tuple[int, Choice] | None:
        number = self._again(spot)
        if number is None:
            number = _picked(self._plan, spot, self._allowed, self._draw)
        return None if number is None else (number, self._take(number, spot))

    def _again(self, spot: Spot) -> int | None:
        """Return the campaign shown before, where the site wants it in every placement it fits.

        Its coin was thrown when it was first chosen.
        """
        if self._repeat is not Repeat.SAME or not self._chosen:
            return None
        number = next(iter(self._chosen))
        fits = any(mask & self._allowed & 1 << number for _, mask in spot.reach)
        return number if fits else None

    def _runner_ups(self, spot: Spot, number: int, most: int) -> list[Choice]:
        gone, found = 1 << number, list[Choice]()
        while len(found) < most:
            other = _picked(self._plan, spot, self._allowed & ~gone, self._draw)
            if other is None:
                break
            gone |= 1 << other
            found.append(self._take(other, spot))
        return found

    def _take(self, number: int, spot: Spot) -> Choice:
        """Return a campaign's creative for a spot; who may not stand beside it is out."""
        gone = self._plan.index.rivals.get(number, 0)
        if self._repeat is Repeat.NEVER:
            gone |= 1 << number
        if gone:  # it is usually nothing, and negative masks are slow
            self._allowed &= ~gone
        before = self._chosen.get(number) if self._repeat is Repeat.SAME else None
        if before is not None and spot.place[0] in before.creative.placements:
            return before
        choice = self._plan.pool(number, spot.place).pick(self._draw)
        self._chosen[number] = choice
        return choice
