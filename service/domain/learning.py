"""Which creative is best, as probabilities worked out ahead: Thompson sampling without the draws.

Evidence is valid viewable impressions and clicks only. A decision then draws from fixed shares, so
that each creative's propensity is known exactly and offline evaluation by it is unbiased.
"""

from collections.abc import Sequence
from math import erf, exp, pi, sqrt
from typing import NamedTuple

NEWCOMER_UNTIL = 3_000  # viewable impressions that a creative is given before it is judged
NEWCOMER_FLOOR = 0.5  # of an even share, until then
LEAST_SHARE = 0.01  # of an even share, for ever: what was misjudged can be found again
HALF_LIFE_H = 168.0
_PLACE_STRENGTH = 500.0  # viewable impressions that the campaign's own rate is worth in a place
_CREATIVE_STRENGTH = 1_000.0  # the same of the campaign's mean rate for one of its creatives
_RATE = (2.0, 400.0)  # before anything is known: half a percent, loosely
_GRID = 48
_SIGMAS = 4.0


class Evidence(NamedTuple):
    """Viewable impressions and clicks on them, faded by age; `seen` are the former unfaded.

    By what has faded a creative is judged, by what has not it is told whether it is new: where
    traffic is thin, what has faded may never reach a newcomer's end.
    """

    viewable: float = 0.0
    clicks: float = 0.0
    seen: float = 0.0

    def plus(self, other: "Evidence") -> "Evidence":
        """Return both together."""
        viewable, clicks, seen = other
        return Evidence(self.viewable + viewable, self.clicks + clicks, self.seen + seen)

    def faded(self, hours: float) -> "Evidence":
        """Return what is left of it after so many hours."""
        kept = kept_after(hours)
        return Evidence(self.viewable * kept, self.clicks * kept, self.seen)


def kept_after(hours: float) -> float:
    """Return the share of evidence that counts after so many hours."""
    return float(0.5 ** (hours / HALF_LIFE_H))


class Belief(NamedTuple):
    """A rate's posterior, as mean and standard deviation."""

    mean: float
    deviation: float


def beliefs(places: Sequence[Evidence], everywhere: Sequence[Evidence]) -> list[Belief]:
    """Return what to believe of each creative's click rate in one place.

    `places` is the evidence from this placement and platform, `everywhere` from all of them: a
    place with little of its own leans on the creative, a creative on its campaign.
    """
    clicks = _RATE[0] + sum(evidence.clicks for evidence in everywhere)
    viewable = _RATE[1] + sum(evidence.viewable for evidence in everywhere)
    campaign = clicks / viewable
    return [
        _belief(place, _rate(whole, campaign, _CREATIVE_STRENGTH))
        for place, whole in zip(places, everywhere, strict=True)
    ]


def shares(places: Sequence[Evidence], everywhere: Sequence[Evidence]) -> list[float]:
    """Return the share of each creative: its probability of being best, with floors; in all 1."""
    best = probabilities_of_best(beliefs(places, everywhere))
    even = 1.0 / len(best)
    floors = [
        even * (NEWCOMER_FLOOR if whole.seen < NEWCOMER_UNTIL else LEAST_SHARE)
        for whole in everywhere
    ]
    free = 1.0 - sum(floors)
    return [floor + free * probability for floor, probability in zip(floors, best, strict=True)]


def probabilities_of_best(rates: Sequence[Belief]) -> list[float]:
    """Return each rate's probability of being the highest, of independent normal beliefs."""
    if len(rates) == 1:
        return [1.0]
    if len(rates) == 2:  # noqa: PLR2004  as mostly, and a pair has a closed form
        left, right = rates
        first = _below((left.mean - right.mean) / sqrt(left.deviation**2 + right.deviation**2))
        return [first, 1.0 - first]
    # Nobody below the highest lower end can win: the grid is spent where it matters.
    low = max(rate.mean - _SIGMAS * rate.deviation for rate in rates)
    high = max(rate.mean + _SIGMAS * rate.deviation for rate in rates)
    step = (high - low) / _GRID
    sums = [0.0] * len(rates)
    for k in range(_GRID):
        at = low + (k + 0.5) * step
        scaled = [(at - rate.mean) / rate.deviation for rate in rates]
        below = [max(_below(z), 1e-300) for z in scaled]
        everybody = 1.0
        for one in below:
            everybody *= one
        for i, z in enumerate(scaled):
            sums[i] += (
                exp(-0.5 * z * z) / (rates[i].deviation * sqrt(2.0 * pi)) * (everybody / below[i])
            )
    total = sum(sums)
    return [one / total for one in sums] if total > 0 else [1.0 / len(rates)] * len(rates)


def _below(z: float) -> float:
    """Return how much of a normal distribution lies below its mean and z deviations."""
    return 0.5 * (1.0 + erf(z / sqrt(2.0)))


def _rate(evidence: Evidence, prior: float, strength: float) -> float:
    return (prior * strength + evidence.clicks) / (strength + evidence.viewable)


def _belief(evidence: Evidence, prior: float) -> Belief:
    viewable = _PLACE_STRENGTH + max(evidence.viewable, evidence.clicks)
    mean = min(max((prior * _PLACE_STRENGTH + evidence.clicks) / viewable, 1e-9), 1.0 - 1e-9)
    return Belief(mean, sqrt(mean * (1.0 - mean) / (viewable + 1.0)))
