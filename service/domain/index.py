"""What a catalogue alone determines of decisions, worked out once; knows no time and no counts.

Campaigns are numbers here, in the catalogue's order; masks have a bit for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.ads import Campaign, Catalog, Creative
from service.domain.choosing import Pool, even_shares, pool_of
from service.domain.codes import Codebook
from service.domain.targeting import COUNTRY, Targeting, mask_of
from service.domain.tokens import Arm


@dataclass(frozen=True, slots=True)
class Index:
    """Built once per catalogue, and shared by all of its plans.

    `rivals` are the campaigns that may not stand on a page view beside a campaign, `barred` those
    without a creative for a placement in an arm; `caps` says whether some campaign has a cap,
    `asks_country` whether some depends on the reader's country; `origins` are those of all sites.
    """

    catalog: Catalog
    codebook: Codebook
    campaigns: tuple[Campaign, ...]
    numbers: Mapping[str, int]
    targeting: Targeting
    rivals: Mapping[int, int]
    barred: Mapping[tuple[str, Arm], int]
    caps: bool
    asks_country: bool
    origins: frozenset[str]
    pools: dict[tuple[int, str, Arm], Pool] = field(default_factory=dict)
    key: object = field(default_factory=object)  # for whoever outlives it and must know it again

    def __len__(self) -> int:
        """Return the number of campaigns."""
        return len(self.campaigns)

    def pool(self, number: int, placement: str, arm: Arm) -> Pool:
        """Return a campaign's creatives for a placement and arm, with the configured shares."""
        key = (number, placement, arm)
        pool = self.pools.get(key)
        if pool is None:
            campaign = self.campaigns[number]
            everything = fitting(campaign, placement)
            some = [one for one in everything if one.arms is None or arm.label in one.arms]
            if len(some) == len(everything) and arm is not Arm.NONE:
                pool = self.pool(number, placement, Arm.NONE)
            else:
                pool = pool_of(campaign, some, even_shares(some))
            self.pools[key] = pool
        return pool


def fitting(campaign: Campaign, placement: str) -> list[Creative]:
    """Return a campaign's creatives for a placement, in the configuration's order."""
    return [creative for creative in campaign.creatives if placement in creative.placements]


def index_of(catalog: Catalog, codebook: Codebook, targeting: Targeting) -> Index:
    """Return what a catalogue determines; `targeting` is that of its campaigns in order."""
    campaigns = tuple(catalog.campaigns.values())
    origins = frozenset(origin for site in catalog.sites.values() for origin in site.origins)
    numbers = {campaign.id: number for number, campaign in enumerate(campaigns)}
    caps = any(campaign.cap is not None for campaign in campaigns)
    return Index(
        catalog, codebook, campaigns, numbers, targeting, _rivals(campaigns), _barred(campaigns),
        caps, COUNTRY in targeting.dimensions, origins,
    )  # fmt: skip


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
