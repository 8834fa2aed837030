"""Runs the real planner and chooser on synthetic traffic with known click rates; sends nothing.

What it shows is how delivery and learning behave; readers, sites and time are made up.
"""

import random
from collections.abc import Callable
from heapq import heappop, heappush
from math import cos, pi

from service.domain.articles import Article
from service.domain.audience import Platform
from service.domain.choosing import Choice
from service.domain.delays import Delays
from service.domain.events import HOUR_MS, Kind
from service.domain.sites import Site
from service.domain.tokens import Arm, Signer
from service.flows.decide import Decider
from service.flows.pace import Budgets
from service.flows.pages import Audience, Page
from service.flows.plan import Planner
from service.flows.serials import Serials
from service.flows.simulated import Outcome, SyntheticCounts, World
from service.flows.tallies import Tallies

STEP_S = 60  # between plans
RENDERED = 0.9  # of what is decided
VIEWED = 0.7  # of what is rendered
IMPRESSION_S, CLICK_S = 600.0, 7_200.0  # the latest; spread evenly
_PLATFORMS = (Platform.IOS, Platform.ANDROID, Platform.DESKTOP)
_DAY_S = 86_400


class Simulation:
    """One run; the same world and seed give the same outcome."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = random.Random(world.seed)  # noqa: S311  made-up readers need no secrecy
        self._now_ms = world.start_hour * HOUR_MS
        self._counts = SyntheticCounts()
        self._delays = Delays()
        self._pending: list[tuple[int, int, str, Choice, str]] = []
        self._order = 0
        self._viewed: Page | None = None
        self._replicas = [self._replica() for _ in range(world.replicas)]
        self.outcome = Outcome()

    async def run(self, progress: Callable[[float], None] = lambda _: None) -> Outcome:
        """Simulate to the end, then let what is underway arrive."""
        steps = self._world.days * _DAY_S // STEP_S
        weights = [_traffic(step * STEP_S) for step in range(steps)]
        per_weight = self._world.views / sum(weights)
        owed = 0.0
        for step in range(steps):
            await self._begin(step * STEP_S)
            owed += weights[step] * per_weight
            for _ in range(int(owed)):
                self._view()
            owed -= int(owed)
            self._now_ms += STEP_S * 1_000
            self._arrive()
            progress((step + 1) / steps)
        self._now_ms += int(CLICK_S * 1_000)
        self._arrive()
        return self.outcome

    async def _begin(self, second: int) -> None:
        catalog = self._world.changes.get(second // _DAY_S) if second % _DAY_S == 0 else None
        self._counts.away = second in self._world.away
        for planner, _ in self._replicas:
            if catalog is not None:
                await planner.adopt(catalog)
            await planner.renew()

    def _view(self) -> None:
        planner, decider = self._random.choice(self._replicas)
        page = self._page(planner.plan.catalog.sites[self._world.site.id])
        audience = Audience(self._random.choice(_PLATFORMS))
        shown = decider.decide(page, audience)
        if shown.arm is Arm.HOLD:
            return
        for placement, some in zip(page.placements, shown.choices, strict=True):
            if some and self._random.random() < RENDERED:
                self._seen(placement.id, audience.platform, shown.arm, some[0])

    def _page(self, site: Site) -> Page:
        """Return the one page that is viewed, anew with each catalogue."""
        if self._viewed is None or self._viewed.site is not site:
            self._viewed = Page(site, _ARTICLE, site.placements)
        return self._viewed

    def _seen(self, placement: str, platform: Platform, arm: Arm, choice: Choice) -> None:
        place = f"{choice.creative.id}|{placement}|{platform.label}|{arm.label}"
        seen_ms = self._later(0, IMPRESSION_S)
        self._expect(seen_ms, Kind.IMPRESSION, choice, place)
        if self._random.random() < VIEWED:
            self._expect(seen_ms, Kind.VIEWABLE, choice, place)
            if self._random.random() < self._world.rates[choice.creative.id]:
                self._expect(self._later(seen_ms, CLICK_S), Kind.CLICK, choice, place)

    def _later(self, delay_ms: int, most_s: float) -> int:
        return delay_ms + int(self._random.random() * most_s * 1_000)

    def _expect(self, delay_ms: int, kind: Kind, choice: Choice, place: str) -> None:
        self._delays.note(kind, delay_ms)
        self._order += 1
        at_ms = self._now_ms + delay_ms
        heappush(self._pending, (at_ms, self._order, kind, choice, f"{place}|{kind}"))

    def _arrive(self) -> None:
        first_ms = self._world.start_hour * HOUR_MS
        while self._pending and self._pending[0][0] <= self._now_ms:
            at_ms, _, kind, choice, name = heappop(self._pending)
            self._counts.add(at_ms // HOUR_MS, name)
            day = (at_ms - first_ms) // (_DAY_S * 1_000)
            campaign, creative = (choice.campaign.id, day), (choice.creative.id, day)
            if kind == Kind.IMPRESSION:
                _add(self.outcome.delivered, campaign)
            elif kind == Kind.CLICK:
                _add(self.outcome.clicked, campaign)
            else:
                _add(self.outcome.viewable, creative)

    def _replica(self) -> tuple[Planner, Decider]:
        tallies = Tallies(self._counts, self._clock)
        planner = Planner(self._world.catalog, self._clock, tallies, Budgets(self._delays.mean_s))
        signer = Signer({1: bytes(range(32))}, 1)
        serials = Serials(lambda: self._random.getrandbits(32))
        decider = Decider(
            lambda: planner.plan, lambda: signer, serials, clock=self._clock,
            draw=self._random.random,
        )  # fmt: skip
        return planner, decider

    def _clock(self) -> int:
        return self._now_ms


_ARTICLE = Article("https://simulated.example/", bytes(8))


def _traffic(second: int) -> float:
    """Return uneven traffic: quiet nights, loud evenings, quieter weekends."""
    hour, day = second / 3_600 % 24, second // _DAY_S % 7
    return (1.0 - 0.8 * cos(2 * pi * (hour - 4) / 24)) * (0.7 if day >= 5 else 1.0)  # noqa: PLR2004  Saturday


def _add(table: dict[tuple[str, int], int], key: tuple[str, int]) -> None:
    table[key] = table.get(key, 0) + 1
