"""Which creatives of a campaign do better where, as shares worked out ahead; draws nothing."""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import islice

from service.domain.ads import Campaign, Creative
from service.domain.audience import Platform
from service.domain.index import Index, fitting
from service.domain.learning import Evidence, beliefs, shares
from service.flows.tallies import Tallies
from service.flows.tally import Place
from service.flows.unhurried import unhurried

WEIGHED_MAX = 200  # places per plan; the others have their turn a second later
CHANGED = 0.05  # by how much evidence must have grown to be weighed again
_CLICK_WEIGHT = 20  # a click tells about as much as so many impressions
_NOTHING = Evidence()
_PLATFORMS = tuple(platform.label for platform in Platform)
_Key = tuple[str, str, str]
"""Campaign, placement and platform."""


class Optimiser:
    """Learned shares by campaign, placement and platform, weighed again as evidence grows."""

    def __init__(self) -> None:
        self._shares: dict[_Key, Sequence[float]] = {}
        self._amounts: dict[_Key, float] = {}
        self._waiting: dict[_Key, None] = {}
        self._campaigns: dict[str, Campaign] = {}
        self._owners: dict[str, Campaign] = {}
        self._index: Index | None = None
        self._version = -1

    def shares(self, index: Index, tallies: Tallies) -> Mapping[_Key, Sequence[float]]:
        """Return the shares of every place that has evidence for a choice."""
        places: Iterable[Place] = tallies.open.touched
        changed = self._learn_names(index) if self._index is not index else set()
        if changed or self._version != tallies.closed_version:
            places = {**tallies.closed.evidence, **tallies.open.evidence}
            if self._version == tallies.closed_version:
                places = [one for one in unhurried(places) if self._owned(one, changed)]
                places += tallies.open.touched
        self._index, self._version = index, tallies.closed_version
        for creative, placement, platform in unhurried(places):
            owner = self._owners.get(creative)
            if owner is not None:
                self._waiting[owner.id, placement, platform] = None
        some = list(islice(self._waiting, WEIGHED_MAX))
        if some:
            self._shares = {**self._shares}  # plans that are in use keep theirs
        for key in unhurried(some):
            del self._waiting[key]
            self._weigh(key, tallies)
        return self._shares

    def _owned(self, place: Place, campaigns: Set[str]) -> bool:
        owner = self._owners.get(place[0])
        return owner is not None and owner.id in campaigns

    def _learn_names(self, index: Index) -> set[str]:
        """Take over a catalogue; return the campaigns whose shares must be weighed anew."""
        before = self._campaigns
        self._campaigns = {
            one.id: one for one in index.campaigns if one.optimise and len(one.creatives) > 1
        }
        self._owners = {
            creative.id: one for one in self._campaigns.values() for creative in one.creatives
        }
        same = {id_ for id_, one in self._campaigns.items() if before.get(id_) is one}
        self._shares = {key: found for key, found in self._shares.items() if key[0] in same}
        self._amounts = {key: found for key, found in self._amounts.items() if key[0] in same}
        self._waiting = {key: None for key in self._waiting if key[0] in same}
        return self._campaigns.keys() - same

    def _weigh(self, key: _Key, tallies: Tallies) -> None:
        campaign, placement, platform = key
        creatives = fitting(self._campaigns[campaign], placement)
        if len(creatives) < 2:  # noqa: PLR2004  a choice needs two
            return
        here = [_evidence((one.id, placement, platform), tallies) for one in creatives]
        amount = sum(one.viewable + _CLICK_WEIGHT * one.clicks for one in here)
        known = self._amounts.get(key)
        if known is not None and abs(amount - known) <= CHANGED * known + 1:
            return
        self._amounts[key] = amount
        self._shares[key] = shares(here, [_everywhere(one, tallies) for one in creatives])


def rates(campaign: Campaign, placement: str, platform: str, tallies: Tallies) -> dict[str, float]:
    """Return the click rate that each creative is believed to have in a place, by its id."""
    creatives = fitting(campaign, placement)
    here = [_evidence((one.id, placement, platform), tallies) for one in creatives]
    everywhere = [_everywhere(one, tallies) for one in creatives]
    found = zip(creatives, beliefs(here, everywhere), strict=True)
    return {creative.id: belief.mean for creative, belief in found}


def _evidence(place: Place, tallies: Tallies) -> Evidence:
    closed = tallies.closed.evidence.get(place, _NOTHING)
    opened = tallies.open.evidence.get(place)
    return closed if opened is None else closed.plus(opened)


def _everywhere(creative: Creative, tallies: Tallies) -> Evidence:
    found = _NOTHING
    for placement in creative.placements:
        for platform in _PLATFORMS:
            found = found.plus(_evidence((creative.id, placement, platform), tallies))
    return found
