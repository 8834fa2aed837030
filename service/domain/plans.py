"""The Plan: all that decisions need for now, compiled ahead and never changed; looks nothing up.

Campaigns are numbers here, in the catalogue's order; masks have a bit for each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.audience import Platform
from service.domain.catalog import Catalog
from service.domain.choosing import LONG, Pool, Rank, Reach, joined, pool_of
from service.domain.codes import Codebook
from service.domain.index import Index, fitting
from service.domain.targeting import PLACEMENT, bits, bytes_of
from service.domain.tokens import Arm

WHOLE_MAX = 32  # campaigns whose creatives are put into one pool
Place = tuple[str, Platform, Arm]
"""Placement, platform and arm."""
Pools = list[Pool | None]
"""Pools of one place by campaign's number: a list, for what is dense stays in caches."""
Learned = tuple[str, str, str]
"""Campaign, placement and platform of which shares were learned."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place for one kind of reader: who may fill it, rank by rank, and pools made so far.

    `whole` is the pool of all that `first`, the first rank's campaigns, have for the place: where a
    page allows every one of them, one draw picks campaign and creative. None where they are many or
    one holds back. `sight` is the first rank's mask as bytes where it and the catalogue are long.
    """

    place: Place
    reach: Reach
    pools: Pools
    first: int = 0
    whole: Pool | None = None
    sight: bytes = b""


@dataclass(frozen=True, slots=True)
class Plan:
    """A moment's plan: who is live, in which ranks, how eagerly, and with which creatives.

    `paces` are probabilities of showing, of campaigns with a goal, `holding` those of them that are
    below 1; `shares` are a campaign's creatives' in a placement and platform, where learned. Pools
    are made on first use, at most as many as campaigns times placements, platforms and arms.
    """

    index: Index
    hour: int
    made_ms: int
    live: int
    ranks: tuple[Rank, ...]
    paces: Mapping[int, float]
    holding: int
    shares: Mapping[Learned, Sequence[float]]
    pools: dict[Place, Pools] = field(default_factory=dict)
    spots: dict[tuple[str, Platform, str, Arm], Spot] = field(default_factory=dict)

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

    def spot(self, placement: str, platform: Platform, country: str, arm: Arm) -> Spot:
        """Return who may fill a placement for such a reader."""
        key = (placement, platform, country, arm)
        spot = self.spots.get(key)
        if spot is None:
            spot = self.spots[key] = self._make_spot((placement, platform, arm), country)
        return spot

    def _make_spot(self, place: Place, country: str) -> Spot:
        (placement, platform, arm), targeting = place, self.index.targeting
        fitting = targeting.dimensions[PLACEMENT].one(placement)
        fitting &= targeting.reader(platform.label, country)
        fitting &= ~self.index.barred.get((placement, arm), 0)
        reach = tuple((rank, rank.mask & fitting) for rank in self.ranks if rank.mask & fitting)
        pools = self._pools(place)
        first = reach[0][1] if reach else 0
        if not first or first & self.holding:
            return Spot(place, reach, pools)
        if first.bit_count() > WHOLE_MAX:
            length = len(self.index)
            sight = bytes_of(first, length) if length >= LONG else b""
            return Spot(place, reach, pools, sight=sight)
        weights, some = reach[0][0].weights, list(bits(first))
        whole = joined([(weights[number], self.pool(number, place)) for number in some])
        return Spot(place, reach, pools, first, whole)

    def pool(self, number: int, place: Place) -> Pool:
        """Return the creatives of a campaign that the place's reach holds."""
        pools = self._pools(place)
        pool = pools[number]
        if pool is None:
            pool = pools[number] = self._make_pool(number, place)
        return pool

    def _pools(self, place: Place) -> Pools:
        pools = self.pools.get(place)
        return self.pools.setdefault(place, [None] * len(self.index)) if pools is None else pools

    def pools_without(
        self, shares: Mapping[Learned, Sequence[float]], changed: Sequence[int] = ()
    ) -> dict[Place, Pools]:
        """Return the pools whose shares are still these, but for campaigns that changed."""
        # Copied at one go: decisions may put pools into them meanwhile.
        pools = {place: some.copy() for place, some in list(self.pools.items())}
        for key in shares.keys() | self.shares.keys():
            if shares.get(key) is self.shares.get(key):
                continue
            campaign, placement, platform = key
            number = self.index.numbers[campaign]
            for arm in Arm:
                place = (placement, Platform[platform.upper()], arm)
                if place in pools:
                    pools[place][number] = None
        for some in pools.values():
            for number in changed:
                some[number] = None
        return pools

    def _make_pool(self, number: int, place: Place) -> Pool:
        placement, platform, arm = place
        configured = self.index.pool(number, placement, arm)
        campaign = self.index.campaigns[number]
        learned = self.shares.get((campaign.id, placement, platform.label))
        if learned is None or arm is Arm.GUARD or len(configured.choices) < len(learned):
            return configured
        return pool_of(campaign, fitting(campaign, placement), learned)
