"""Fills the placements of one page view from a plan; remembers nothing of the one before.

First what each placement shows, then runner-ups for browsers whose cap is reached: none of them
takes another placement's place, and whatever a browser ends up with, rivals never meet.
"""

from service.domain.ads import Repeat
from service.domain.audience import Platform
from service.domain.choosing import Choice, Draw, pick_campaign
from service.domain.plans import Place, Plan
from service.domain.tokens import OFFERS_MAX, Arm
from service.flows.pages import Audience, Page

ALTERNATES_MAX = 2


class PageView:
    """What is shown so far, and which campaigns may still join it."""

    def __init__(
        self, plan: Plan, page: Page, audience: Audience, arm: Arm, allowed: int, draw: Draw
    ) -> None:  # fmt: skip
        self._plan = plan
        self._page = page
        self._repeat = page.site.repeat
        self._platform: Platform = audience.platform
        self._country = audience.country
        self._arm = arm
        self._allowed = allowed
        self._draw = draw
        self._chosen: dict[int, Choice] = {}

    def filled(self) -> tuple[tuple[Choice, ...], ...]:
        """Return the choices of each placement, the one to show first."""
        placements = [placement.id for placement in self._page.placements]
        firsts = [self._first(placement) for placement in placements]
        room = OFFERS_MAX - sum(number is not None for number, _ in firsts)
        shown = []
        for placement, (number, some) in zip(placements, firsts, strict=True):
            if number is not None and some[0].campaign.cap is not None:
                others = self._alternates(placement, number, min(ALTERNATES_MAX, room))
                room -= len(others)
                some += others  # noqa: PLW2901  what is shown stays first
            shown.append(some)
        return tuple(shown)

    def _first(self, placement: str) -> tuple[int | None, tuple[Choice, ...]]:
        place = (placement, self._platform, self._arm)
        reach = self._plan.reach(place, self._country)
        number = self._again(reach)
        if number is None:
            number = self._pick(reach, self._allowed)
        return number, () if number is None else (self._take(number, place),)

    def _again(self, reach: tuple[int, ...]) -> int | None:
        """Return the campaign shown before, where the site wants it in every placement it fits.

        Its coin was thrown when it was first chosen.
        """
        if self._repeat is not Repeat.SAME or not self._chosen:
            return None
        number = next(iter(self._chosen))
        fits = any(mask & self._allowed & 1 << number for mask in reach)
        return number if fits else None

    def _alternates(self, placement: str, number: int, most: int) -> tuple[Choice, ...]:
        place = (placement, self._platform, self._arm)
        reach, gone = self._plan.reach(place, self._country), 1 << number
        found: tuple[Choice, ...] = ()
        while len(found) < most:
            other = self._pick(reach, self._allowed & ~gone)
            if other is None:
                break
            gone |= 1 << other
            found += (self._take(other, place),)
        return found

    def _pick(self, reach: tuple[int, ...], allowed: int) -> int | None:
        return pick_campaign(self._plan.ranks, reach, allowed, self._plan.paces, self._draw)

    def _take(self, number: int, place: Place) -> Choice:
        """Return a campaign's creative for a place; who may not stand beside it is out."""
        gone = self._plan.index.rivals.get(number, 0)
        if self._repeat is Repeat.NEVER:
            gone |= 1 << number
        if gone:  # it is usually nothing, and negative masks are slow
            self._allowed &= ~gone
        before = self._chosen.get(number) if self._repeat is Repeat.SAME else None
        if before is not None and place[0] in before.creative.placements:
            return before
        choice = self._chosen[number] = self._plan.pool(number, place).pick(self._draw)
        return choice
