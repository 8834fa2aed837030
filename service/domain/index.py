"""What a catalogue alone determines of decisions, worked out once; knows no time and no counts.

Campaigns are numbers here, in the catalogue's order; masks have a bit for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from service.domain.ads import Campaign, Creative
from service.domain.catalog import Catalog
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
    `pools` are those made so far, by their creatives' codes: one serves all placements alike.
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
    pools: dict[tuple[int, ...], Pool] = field(default_factory=dict)
    key: object = field(default_factory=object)  # for whoever outlives it and must know it again

    def __len__(self) -> int:
        """Return the number of campaigns."""
        return len(self.campaigns)

    def pool(self, number: int, placement: str, arm: Arm) -> Pool:
        """Return a campaign's creatives for a placement and arm, with the configured shares."""
        some = _offered(self.campaigns[number], placement, arm)
        key = _codes(some)
        pool = self.pools.get(key)
        if pool is None:
            pool = pool_of(self.campaigns[number], some, even_shares(some))
            self.pools[key] = pool
        return pool


def fitting(campaign: Campaign, placement: str) -> list[Creative]:
    """Return a campaign's creatives for a placement, in the configuration's order."""
    return [creative for creative in campaign.creatives if placement in creative.placements]


def _offered(campaign: Campaign, placement: str, arm: Arm) -> list[Creative]:
    """Return the creatives for a placement that an arm may show."""
    return [
        one for one in fitting(campaign, placement) if one.arms is None or arm.label in one.arms
    ]


def _codes(creatives: Sequence[Creative]) -> tuple[int, ...]:
    return tuple([creative.code for creative in creatives])


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


def changed_among(last: Sequence[Campaign], now: Sequence[Campaign]) -> list[int] | None:
    """Return the numbers of campaigns that are others now; None where numbers mean others."""
    if len(last) != len(now):
        return None
    changed = [n for n, (was, is_) in enumerate(zip(last, now, strict=True)) if was is not is_]
    return changed if all(last[n].id == now[n].id for n in changed) else None


def index_after(last: Index, catalog: Catalog, changed: Sequence[int]) -> Index | None:
    """Return the index of a catalogue that differs from the last one's in these campaigns.

    Takes over all that does not depend on what changed; None where they ask for something else
    than before, so that the masks are no more true.
    """
    campaigns = tuple(catalog.campaigns.values())
    if any(_asked(last.campaigns[n]) != _asked(campaigns[n]) for n in changed):
        return None
    pools = dict(last.pools)  # copied at one go: decisions may put pools into them meanwhile
    for number in changed:
        was = last.campaigns[number]
        for placement in {name for one in was.creatives for name in one.placements}:
            for arm in Arm:
                pools.pop(_codes(_offered(was, placement, arm)), None)
    codebook = last.codebook.learned(catalog, [campaigns[number] for number in changed])
    origins = frozenset(origin for site in catalog.sites.values() for origin in site.origins)
    # Pages know their masks by the key; they ask the codebook what their source is called.
    key = last.key if catalog.networks == last.catalog.networks else object()
    return replace(
        last, catalog=catalog, codebook=codebook, campaigns=campaigns, origins=origins,
        pools=pools, key=key,
    )  # fmt: skip


def _asked(campaign: Campaign) -> tuple[object, ...]:
    """Return all of a campaign that an index goes by."""
    creatives = [(creative.placements, creative.arms) for creative in campaign.creatives]
    capped = campaign.cap is not None
    return campaign.target, campaign.exclude, campaign.sites, campaign.competes, capped, creatives


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
