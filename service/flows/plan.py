"""Compiles the catalogue into a Plan, off the request path; answers no request itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from service.domain.ads import Campaign, Catalog, Site
from service.domain.audience import Platform
from service.domain.choosing import Pool, pool_of
from service.domain.codes import Codebook
from service.domain.events import HOUR_MS
from service.domain.targeting import PLACEMENT, PLATFORM, SITE, Targeting, bits, compile_targeting
from service.flows.ports import Clock

# An unknown reader is one of these, and what a campaign says of `unknown` holds for all of them.
_MAY_BE = tuple((one.label, "unknown") for one in Platform if one is not Platform.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decisions need for now: who is live, who is eligible, and the pools to draw from.

    `origins` are those of all sites. Pools are made on first use; there are at most as many as
    sites times placements times platforms.
    """

    catalog: Catalog
    codebook: Codebook
    hour: int
    made_ms: int
    live: Sequence[Campaign]
    targeting: Targeting
    origins: frozenset[str]
    pools: dict[tuple[str, str], tuple[Pool, ...]] = field(default_factory=dict)

    def pools_of(self, site: Site, placement: str) -> tuple[Pool, ...]:
        """Return the pools of what a site's placement may show now, by platform."""
        pools = self.pools.get((site.id, placement))
        if pools is None:
            pools = tuple(self._make_pool(site.id, placement, platform) for platform in Platform)
            self.pools[site.id, placement] = pools
        return pools

    def _make_pool(self, site: str, placement: str, platform: Platform) -> Pool:
        mask = self.targeting.everyone
        for labels in _MAY_BE if platform is Platform.UNKNOWN else ((platform.label,),):
            request = {SITE: (site,), PLACEMENT: (placement,), PLATFORM: labels}
            mask &= self.targeting.eligible(request)
        return pool_of([self.live[i] for i in bits(mask)], placement)


class Planner:
    """Holds the current plan and renews it; a catalogue is taken whole or not at all."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._clock = clock
        self.plan = _compile(catalog, Codebook().learned(catalog), clock())

    def renew(self) -> None:
        """Make the plan current: at once cheap while neither catalogue nor hour has changed."""
        now = self._clock()
        if now // HOUR_MS == self.plan.hour:
            self.plan = replace(self.plan, made_ms=now)
        else:
            self.plan = _compile(self.plan.catalog, self.plan.codebook, now)

    def adopt(self, catalog: Catalog) -> None:
        """Put a new catalogue to work; codes of the old one stay known."""
        self.plan = _compile(catalog, self.plan.codebook.learned(catalog), self._clock())


PlanSource = Callable[[], Plan]


def _compile(catalog: Catalog, codebook: Codebook, now_ms: int) -> Plan:
    hour = now_ms // HOUR_MS
    live = [campaign for campaign in catalog.campaigns.values() if campaign.runs(hour)]
    origins = frozenset(origin for site in catalog.sites.values() for origin in site.origins)
    return Plan(catalog, codebook, hour, now_ms, live, compile_targeting(live), origins)
