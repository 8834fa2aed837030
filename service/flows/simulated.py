"""What is simulated, what comes of it, and the counts in between; runs nothing."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.catalog import Catalog
from service.domain.errors import CountsUnavailable
from service.domain.sites import Site


@dataclass(frozen=True, slots=True)
class World:
    """What is simulated: page views over days from a start, and each creative's true click rate."""

    catalog: Catalog
    site: Site
    rates: Mapping[str, float]
    start_hour: int
    days: int = 7
    views: int = 1_000_000
    seed: int = 1
    replicas: int = 3
    changes: Mapping[int, Catalog] = field(default_factory=dict)
    """Catalogues that are taken up on a day."""
    away: range = range(0)
    """Seconds from the start during which the counts cannot be read."""

    @property
    def hours(self) -> range:
        """Return the hours since the epoch that are simulated."""
        return range(self.start_hour, self.start_hour + 24 * self.days)


@dataclass(slots=True)
class Outcome:
    """What came of it: by campaign and hour, and viewable impressions by creative and day.

    Hours and days count from the start; what arrives after the last hour is counted to it.
    """

    delivered: dict[tuple[str, int], int] = field(default_factory=dict)
    clicked: dict[tuple[str, int], int] = field(default_factory=dict)
    viewable: dict[tuple[str, int], int] = field(default_factory=dict)

    def by_hour(self, campaign: str, hours: int, *, clicks: bool = False) -> list[int]:
        """Return what a campaign delivered in each of the first hours."""
        table = self.clicked if clicks else self.delivered
        return [table.get((campaign, hour), 0) for hour in range(hours)]

    def total(self, campaign: str, *, clicks: bool = False) -> int:
        """Return what a campaign delivered in all."""
        table = self.clicked if clicks else self.delivered
        return sum(count for (name, _), count in table.items() if name == campaign)

    def regret(self, creatives: Sequence[str], rates: Mapping[str, float]) -> tuple[float, float]:
        """Return the clicks missed against always the best, and what an even split misses."""
        best = max(rates[name] for name in creatives)
        seen = {
            name: sum(count for (one, _), count in self.viewable.items() if one == name)
            for name in creatives
        }
        missed = sum(count * (best - rates[name]) for name, count in seen.items())
        mean = sum(rates[name] for name in creatives) / len(creatives)
        return missed, sum(seen.values()) * (best - mean)

    def share(self, creative: str, creatives: Sequence[str], day: int) -> float:
        """Return a creative's share of the viewable impressions of some, on a day."""
        among = sum(self.viewable.get((name, day), 0) for name in creatives)
        return self.viewable.get((creative, day), 0) / among if among else 0.0


class SyntheticCounts:
    """The counts that a Redis would hold, as the simulation makes them."""

    def __init__(self) -> None:
        self.hours: dict[int, dict[str, int]] = {}
        self.away = False

    async def paces(self, hours: Sequence[int]) -> AsyncIterator[tuple[int, Mapping[str, int]]]:
        """Yield each hour's counts."""
        if self.away:
            raise CountsUnavailable
        for hour in hours:
            if hour in self.hours:
                yield hour, self.hours[hour]

    def add(self, hour: int, name: str) -> None:
        """Count one event."""
        counts = self.hours.setdefault(hour, {})
        counts[name] = counts.get(name, 0) + 1
