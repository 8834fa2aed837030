"""Which campaigns a request may show, as bitsets: one mask per dimension value, then AND.

Built once per catalogue; answers for a request cost a look-up and an AND per dimension.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.ads import Campaign

SITE = "site"
PLACEMENT = "placement"
PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Dimension:
    """Masks of one dimension: who takes anyone, who asks for a value, who excludes it."""

    anyone: int = 0
    wanted: Mapping[str, int] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)

    def mask(self, values: Iterable[str]) -> int:
        """Return the campaigns that a request with these values may show."""
        wanted, excluded = self.anyone, 0
        for value in values:
            wanted |= self.wanted.get(value, 0)
            excluded |= self.excluded.get(value, 0)
        return wanted & ~excluded


@dataclass(frozen=True, slots=True)
class Targeting:
    """All dimensions over one list of campaigns; bit i stands for the i-th of them."""

    everyone: int
    dimensions: Mapping[str, Dimension]

    def eligible(self, request: Mapping[str, Iterable[str]]) -> int:
        """Return the mask of campaigns that no dimension refuses.

        A dimension that the request leaves out refuses campaigns that ask for a value of it.
        """
        mask = self.everyone
        for name, dimension in self.dimensions.items():
            mask &= dimension.mask(request.get(name, ()))
        return mask


def compile_targeting(campaigns: Sequence[Campaign]) -> Targeting:
    """Build the masks of campaigns in this order."""
    rules = [(_included(campaign), campaign.exclude) for campaign in campaigns]
    names = {SITE, PLACEMENT} | {name for pair in rules for side in pair for name in side}
    return Targeting(
        everyone=(1 << len(campaigns)) - 1,
        dimensions={name: _dimension(name, rules) for name in sorted(names)},
    )


def bits(mask: int) -> Iterable[int]:
    """Yield the positions of a mask's set bits, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


_Rule = tuple[Mapping[str, frozenset[str]], Mapping[str, frozenset[str]]]


def _included(campaign: Campaign) -> Mapping[str, frozenset[str]]:
    placements = frozenset(name for creative in campaign.creatives for name in creative.placements)
    included = dict(campaign.target)
    for name, values in ((PLACEMENT, placements), (SITE, campaign.sites)):
        if values is not None:
            included[name] = values & included.get(name, values)
    return included


def _dimension(name: str, rules: Sequence[_Rule]) -> Dimension:
    anyone, wanted, excluded = 0, dict[str, int](), dict[str, int]()
    for i, (include, exclude) in enumerate(rules):
        bit = 1 << i
        if name not in include:
            anyone |= bit
        for value in include.get(name, ()):
            wanted[value] = wanted.get(value, 0) | bit
        for value in exclude.get(name, ()):
            excluded[value] = excluded.get(value, 0) | bit
    return Dimension(anyone, wanted, excluded)
