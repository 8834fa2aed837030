"""The Plan: all that decisions need for now, compiled ahead and never changed; looks nothing up.

Campaigns are numbers here, in the catalogue's order; masks have a bit for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.ads import Campaign, Catalog, Creative
from service.domain.audience import Platform
from service.domain.choosing import Pool, Rank, even_shares, pool_of
from service.domain.codes import Codebook
from service.domain.targeting import COUNTRY, PLACEMENT, Targeting, mask_of
from service.domain.tokens import Arm

Place = tuple[str, Platform, Arm]
"""Placement, platform and arm."""


@dataclass(frozen=True, slots=True)
class Index:
    """What a catalogue alone determines: built once, shared by all of its plans.

    `rivals` are the campaigns that may not stand on a page view beside a campaign, `barred` those
    without a creative for a placement in an arm; `origins` are those of all sites.
    """

    catalog: Catalog
    codebook: Codebook
    campaigns: tuple[Campaign, ...]
    targeting: Targeting
    rivals: Mapping[int, int]
    barred: Mapping[tuple[str, Arm], int]
    origins: frozenset[str]

    @property
    def asks_country(self) -> bool:
        """Whether some campaign depends on the reader's country."""
        return COUNTRY in self.targeting.dimensions

    def __len__(self) -> int:
        """Return the number of campaigns."""
        return len(self.campaigns)


@dataclass(frozen=True, slots=True)
class Plan:
    """A moment's plan: who is live, in which ranks, how eagerly, and with which creatives.

    `paces` are probabilities of showing, of campaigns with a goal; `shares` those of a campaign's
    creatives in a placement and platform, where they were learned. Pools are made on first use, as
    many as the catalogue has campaigns times placements, platforms and arms at most.
    """

    index: Index
    hour: int
    made_ms: int
    live: int
    ranks: tuple[Rank, ...]
    paces: Mapping[int, float]
    shares: Mapping[tuple[str, str, str], Sequence[float]]
    pools: dict[Place, dict[int, Pool]] = field(default_factory=dict)
    reaches: dict[tuple[Place, str], tuple[int, ...]] = field(default_factory=dict)

    @property
    def catalog(self) -> Catalog:
        """The configuration that the plan follows."""
        return self.index.catalog

    @property
    def codebook(self) -> Codebook:
        """The meanings of codes, of this and earlier configurations."""
        return self.index.codebook

    @property
    def origins(self) -> frozenset[str]:
        """The origins of all sites."""
        return self.index.origins

    def reach(self, place: Place, country: str) -> tuple[int, ...]:
        """Return for each rank the campaigns that have something for a place and such a reader."""
        reach = self.reaches.get((place, country))
        if reach is None:
            (placement, platform, arm), targeting = place, self.index.targeting
            fitting = targeting.dimensions[PLACEMENT].one(placement)
            fitting &= targeting.reader(platform.label, country)
            fitting &= ~self.index.barred.get((placement, arm), 0)
            reach = self.reaches[place, country] = tuple(rank.mask & fitting for rank in self.ranks)
        return reach

    def pool(self, number: int, place: Place) -> Pool:
        """Return the creatives of a campaign that the place's reach holds."""
        try:
            return self.pools[place][number]
        except KeyError:
            pool = self.pools.setdefault(place, {})[number] = self._make_pool(number, place)
            return pool

    def _make_pool(self, number: int, place: Place) -> Pool:
        placement, platform, arm = place
        campaign = self.index.campaigns[number]
        everything = fitting(campaign, placement)
        creatives = [one for one in everything if one.arms is None or arm.label in one.arms]
        learned = self.shares.get((campaign.id, placement, platform.label))
        if learned is None or arm is Arm.GUARD or len(creatives) < len(everything):
            return pool_of(campaign, creatives, even_shares(creatives))
        return pool_of(campaign, creatives, learned)


def fitting(campaign: Campaign, placement: str) -> list[Creative]:
    """Return a campaign's creatives for a placement, in the configuration's order."""
    return [creative for creative in campaign.creatives if placement in creative.placements]


def index_of(catalog: Catalog, codebook: Codebook, targeting: Targeting) -> Index:
    """Return what a catalogue determines; `targeting` is that of its campaigns in order."""
    campaigns = tuple(catalog.campaigns.values())
    origins = frozenset(origin for site in catalog.sites.values() for origin in site.origins)
    return Index(
        catalog, codebook, campaigns, targeting, _rivals(campaigns), _barred(campaigns), origins
    )


def _rivals(campaigns: Sequence[Campaign]) -> Mapping[int, int]:
    groups: dict[str, int] = {}
    for number, campaign in enumerate(campaigns):
        for word in campaign.competes:
            groups[word] = groups.get(word, 0) | 1 << number
    found: dict[int, int] = {}
    for number, campaign in enumerate(campaigns):
        mask = 0
        for word in campaign.competes:
            mask |= groups[word]
        if mask:
            found[number] = mask & ~(1 << number)
    return found


def _barred(campaigns: Sequence[Campaign]) -> Mapping[tuple[str, Arm], int]:
    found: dict[tuple[str, Arm], list[int]] = {}
    for number, campaign in enumerate(campaigns):
        if all(creative.arms is None for creative in campaign.creatives):
            continue
        for placement in {name for creative in campaign.creatives for name in creative.placements}:
            seen = [creative.arms for creative in fitting(campaign, placement)]
            for arm in Arm:
                if not any(arms is None or arm.label in arms for arms in seen):
                    found.setdefault((placement, arm), []).append(number)
    return {at: mask_of(numbers, len(campaigns)) for at, numbers in found.items()}
