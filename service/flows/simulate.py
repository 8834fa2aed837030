"""Runs the real planner and chooser on synthetic traffic with known click rates; sends nothing.

What it shows is how delivery and learning behave; readers, sites and time are made up.
"""

import random
from collections.abc import Callable, Mapping
from heapq import heappop, heappush

from service.domain.audience import Platform
from service.domain.catalog import Catalog
from service.domain.choosing import Choice
from service.domain.delays import Delays
from service.domain.events import HOUR_MS, Kind
from service.domain.tokens import Arm, Signer
from service.flows.decide import Decider
from service.flows.pace import Budgets
from service.flows.plan import Planner
from service.flows.serials import Serials
from service.flows.simulated import Outcome, SyntheticCounts, World
from service.flows.synthetic import TRAFFIC, Crowd, crowd_of, left_out
from service.flows.tallies import Tallies

STEP_S = 60  # between plans
RENDERED = 0.9  # of what is decided
VIEWED = 0.7  # of what is rendered
IMPRESSION_S, CLICK_S = 600.0, 7_200.0  # the latest; spread evenly
_DAY_S, _DAY_HOURS = 86_400, 24


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
        self._replicas = [self._replica() for _ in range(world.replicas)]
        self._crowds = self._gathered(world.catalog)
        self.outcome = Outcome()

    async def run(self, progress: Callable[[float], None] = lambda _: None) -> Outcome:
        """Simulate to the end, then let what is underway arrive."""
        steps = self._world.days * _DAY_S // STEP_S
        start_s = self._now_ms / 1_000
        weights = [TRAFFIC.at(start_s + step * STEP_S) for step in range(steps)]
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
        if catalog is not None:
            self._crowds = self._gathered(catalog)

    def left_out(self) -> Mapping[str, str]:
        """Return which campaigns of the first catalogue cannot deliver here, and why."""
        index = self._replicas[0][0].plan.index
        return left_out(index, self._world.site, self._world.hours, self._crowds[0])

    def _gathered(self, catalog: Catalog) -> list[Crowd]:
        """Return a crowd for each replica: pages know the masks of one planner."""
        site = catalog.sites[self._world.site.id]
        return [crowd_of(catalog, site, self._world.hours) for _ in self._replicas]

    def _view(self) -> None:
        replica = self._random.randrange(len(self._replicas))
        crowd, (_, decider) = self._crowds[replica], self._replicas[replica]
        page, audience = crowd.visit(self._random)
        shown = decider.decide(page, audience)
        if shown.arm is Arm.HOLD:
            return
        for placement, some in zip(page.placements, shown.choices, strict=True):
            if some and self._random.random() < RENDERED:
                self._seen(placement.id, audience.platform, shown.arm, some[0])

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
        hours = self._world.hours
        while self._pending and self._pending[0][0] <= self._now_ms:
            at_ms, _, kind, choice, name = heappop(self._pending)
            self._counts.add(at_ms // HOUR_MS, name)
            hour = min(at_ms // HOUR_MS, hours[-1]) - hours.start
            if kind == Kind.IMPRESSION:
                _add(self.outcome.delivered, (choice.campaign.id, hour))
            elif kind == Kind.CLICK:
                _add(self.outcome.clicked, (choice.campaign.id, hour))
            else:
                _add(self.outcome.viewable, (choice.creative.id, hour // _DAY_HOURS))

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


def _add(table: dict[tuple[str, int], int], key: tuple[str, int]) -> None:
    table[key] = table.get(key, 0) + 1
