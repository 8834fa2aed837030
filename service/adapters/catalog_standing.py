"""Where one campaign stands by itself: its rank, for whom and where it is, and when; compares none.

What is here depends on no other file and on no clock, so it is worked out once a file.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import inf

from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_dimensions import Aim
from service.domain.ads import Tier
from service.domain.targeting import PATH, PLACEMENT, SITE, TIME_DIMENSIONS

_PLACING = (SITE, PLACEMENT, PATH)
Rank = tuple[int, bool]
"""Tier, and whether others share it: the lower one is served first."""
Span = tuple[int, float]
"""Hours since the epoch, the last one without."""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A campaign's standing.

    `place` is the same for campaigns of the same sites, placements, arms and articles, `whom` where
    rank and readers are the same too; each is the one thing in a set, for a set is hashed once.
    `always` are the spans in which nothing of its own holds it back: no goal, no cap, no
    competitor. It may show until `last`, never if it is paused.
    """

    rank: Rank
    aim: Aim
    place: frozenset[Hashable]
    whom: frozenset[Hashable]
    flights: tuple[Span, ...]
    last: float
    always: tuple[Span, ...]


def standing_of(campaign: CampaignFile) -> Standing:
    """Return the standing of a campaign."""
    target, exclude = aim = campaign.target.values(), campaign.exclude.values()
    timed = not (target.keys() | exclude.keys()).isdisjoint(TIME_DIMENSIONS)
    rank = (Tier[campaign.tier.upper()], not campaign.exclusive)
    place: list[Hashable] = [(name, side.get(name)) for side in aim for name in _PLACING]
    place += [(tuple(one.placements), tuple(one.arms or ())) for one in campaign.creatives]
    place.append(None if campaign.sites is None else tuple(campaign.sites))
    wanted, refused = frozenset(target.items()), frozenset(exclude.items())
    where = frozenset({tuple(place)})
    zone = campaign.timezone if timed else None
    spans = [(one.start, one.end or inf, one.goal is not None) for one in campaign.flights]
    held = campaign.cap is not None or bool(campaign.competes)
    free = () if held else sorted((start, end) for start, end, goal in spans if not goal)
    return Standing(
        rank,
        aim,
        where,
        frozenset({(rank, where, wanted, refused, zone)}),
        tuple((start, end) for start, end, _ in spans),
        0 if campaign.paused else max(end for _, end, _ in spans),
        _joined(free),
    )


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return ordered spans with those that follow at once made one."""
    found: list[Span] = []
    for start, end in spans:
        if found and found[-1][1] == start:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return tuple(found)
