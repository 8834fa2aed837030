"""A real planner and decider over counts that a test writes itself."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.audience import Platform
from service.domain.catalog import Catalog
from service.domain.choosing import Draw
from service.domain.delays import Delays
from service.domain.errors import CountsUnavailable
from service.domain.plans import Plan
from service.flows.decide import Decider
from service.flows.explain import Explainer
from service.flows.pace import Budgets
from service.flows.pages import Audience, Page
from service.flows.plan import Planner
from service.flows.serials import Serials
from service.flows.tallies import Tallies
from tests.example import ARTICLE, CATALOG, NOW_MS, SIGNER, SITE
from tests.fakes import Numbers, StandingClock

PAGE = Page(SITE, ARTICLE, SITE.placements)
PHONE = Audience(Platform.IOS)


@dataclass
class Counts:
    """What Redis would hold, by hour; `asked` are the hours of each read, `away` refuses them."""

    hours: dict[int, dict[str, int]] = field(default_factory=dict)
    away: bool = False
    asked: list[Sequence[int]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    async def paces(self, hours: Sequence[int]) -> AsyncIterator[tuple[int, Mapping[str, int]]]:
        """Yield each hour's counts."""
        if self.away:
            raise CountsUnavailable
        self.asked.append(hours)
        self.meanwhile()
        for hour in hours:
            if hour in self.hours:
                yield hour, self.hours[hour]

    def add(self, hour: int, name: str, count: int = 1) -> None:
        """Count events of a name, `creative|placement|platform|arm|kind`."""
        counts = self.hours.setdefault(hour, {})
        counts[name] = counts.get(name, 0) + count

    def teach(self, hour: int, creative: str, viewable: int, clicks: int, place: str = "") -> None:
        """Count evidence for a creative's click rate in a place, `top|ios` unless told."""
        for kind, count in (("viewable", viewable), ("click", clicks)):
            self.add(hour, f"{creative}|{place or 'top|ios'}|-|{kind}", count)


def planner(
    some: Catalog = CATALOG,
    clock: Callable[[], int] | None = None,
    counts: Counts | None = None,
    delays: Delays | None = None,
) -> Planner:
    """Return a planner of a catalogue, the example's unless told, at noon of the example."""
    clock = clock or StandingClock(NOW_MS)
    tallies = Tallies(counts or Counts(), clock)
    return Planner(some, clock, tallies, Budgets((delays or Delays()).mean_s))


def plan(some: Catalog = CATALOG) -> Plan:
    """Return the first plan of a catalogue."""
    return planner(some).plan


def decider(
    source: Planner | Plan,
    draw: Draw = lambda: 0.5,
    *,
    clock: Callable[[], int] | None = None,
    serials: Serials | None = None,
) -> Decider:
    """Return a decider with the plan of a planner, or with one plan for ever."""
    serials = serials or Serials(Numbers([7]))
    clock = clock or StandingClock(NOW_MS)
    if isinstance(source, Planner):
        return Decider(lambda: source.plan, lambda: SIGNER, serials, clock=clock, draw=draw)
    return Decider(lambda: source, lambda: SIGNER, serials, clock=clock, draw=draw)


def explainer(source: Planner, draw: Draw = lambda: 0.5) -> Explainer:
    """Return an explainer by what a planner knows of counts."""
    return Explainer(decider(source, draw), source._tallies, source._budgets)


def shown(source: Planner | Plan, page: Page = PAGE, audience: Audience = PHONE) -> list[str]:
    """Return the creative that each placement shows, empty for nothing."""
    choices = decider(source).decide(page, audience).choices
    return [some[0].creative.id if some else "" for some in choices]
