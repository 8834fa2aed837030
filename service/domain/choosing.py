"""The weighted pick: a campaign by rank and weight, then its creative; keeps no state.

A campaign is drawn from its rank and accepted by the mask of who may show, rather than sought
among the candidates: the cost does not depend on how many campaigns there are.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from service.domain.ads import Campaign, Creative
from service.domain.targeting import Through, bits, mask_of

PROPENSITY_ONE = 65_535
DRAWS = 64  # before the candidates are walked after all: they hold little of their rank's weight
PACED_OUT_MAX = (
    16  # campaigns that hold back, before only those of the rank have turns that never do
)
LONG = 1_024  # campaigns of which masks are read bit by bit, rather than combined first
_GLANCES, _TRIES, _TURNS = range(4), range(DRAWS), range(PACED_OUT_MAX)
Draw = Callable[[], float]
"""Return a number in [0, 1), uniformly."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A creative of a campaign with its propensity within that campaign (0 to 65,535)."""

    campaign: Campaign
    creative: Creative
    code: int
    propensity: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A campaign's choices for one place with their cumulative shares, the last of which is 1."""

    choices: tuple[Choice, ...]
    cumulative: tuple[float, ...]

    def pick(self, draw: Draw) -> Choice:
        """Return one choice."""
        if len(self.choices) == 1:
            return self.choices[0]
        at = bisect_right(self.cumulative, draw() * self.cumulative[-1])
        # A draw just below 1 may round up to the sum itself.
        return self.choices[at if at < len(self.choices) else -1]


@dataclass(frozen=True, slots=True)
class Rank:
    """Campaigns of one priority: their mask, and Walker's alias table over their weights.

    Slot i yields `numbers[i]` below the threshold `keep[i]`, else `others[i]`: a draw by weight
    costs the same for ten campaigns and ten thousand. Arrays, for what is dense stays in caches.
    """

    mask: int
    numbers: Sequence[int]
    weights: Mapping[int, float]
    keep: Sequence[float]
    others: Sequence[int]

    def draw(self, candidates: int, draw: Draw) -> int:
        """Return a campaign's number, by weight among the candidates, of which there is one."""
        for _ in _TRIES:
            number = self._drawn(draw)
            if candidates >> number & 1:
                return number
        return self._walk(candidates, draw)

    def glance(self, allowed: bytes, fitting: bytes, draw: Draw) -> int | None:
        """Return the first number drawn that two masks hold, None where a few draws found none.

        The masks are little-endian. Of long ones this reads a byte or two where to combine them
        reads it all, and most of it is in no cache.
        """
        for _ in _GLANCES:
            number = self._drawn(draw)
            if allowed[number >> 3] & fitting[number >> 3] & 1 << (number & 7):
                return number
        return None

    def _drawn(self, draw: Draw) -> int:
        """Return any of the numbers, by weight."""
        place = draw() * len(self.numbers)
        slot = int(place)
        return self.numbers[slot] if place - slot < self.keep[slot] else self.others[slot]

    def _walk(self, candidates: int, draw: Draw) -> int:
        """Return one of few candidates, each by its own weight."""
        found = list(bits(candidates))
        sums = list(accumulate(self.weights[number] for number in found))
        at = bisect_right(sums, draw() * sums[-1])
        return found[min(at, len(found) - 1)]


Reach = Sequence[tuple[Rank, int]]
"""Ranks, the first to be served first, with the campaigns of each that fit a place."""


def ranks_of(campaigns: Sequence[Campaign], live: int, through: Through = iter) -> tuple[Rank, ...]:
    """Return the ranks of live campaigns, the first to be served first.

    Within a tier exclusive campaigns come before the others: who is exclusive shares with nobody.
    `through` is how to go through thousands.
    """
    found: dict[tuple[int, bool], list[int]] = {}
    for number in through(bits(live)):
        campaign = campaigns[number]
        found.setdefault((campaign.tier, not campaign.exclusive), []).append(number)
    return tuple(
        _rank({number: campaigns[number].weight for number in numbers}, len(campaigns))
        for _, numbers in sorted(found.items())
    )


def _rank(weights: Mapping[int, float], length: int) -> Rank:
    """Build the alias table (Vose's method): pair what is below the mean with what is above."""
    numbers = tuple(weights)
    mean = sum(weights.values()) / len(numbers)
    left = [weights[number] / mean for number in numbers]
    keep, others = array("d", [1.0] * len(numbers)), array("I", numbers)
    small = [slot for slot, share in enumerate(left) if share < 1.0]
    large = [slot for slot, share in enumerate(left) if share >= 1.0]
    while small and large:
        low, high = small.pop(), large[-1]
        keep[low], others[low] = left[low], numbers[high]
        left[high] -= 1.0 - left[low]
        if left[high] < 1.0:
            small.append(large.pop())
    mask = mask_of(numbers, length)
    return Rank(mask, array("I", numbers), weights, keep, others)


def pick_campaign(
    reach: Reach, allowed: int, paces: Mapping[int, float], holding: int, draw: Draw
) -> int | None:
    """Return the number of the campaign to show, None if nobody may or wants to.

    `reach` are the ranks with the campaigns of each that fit the place, `allowed` those that fit
    the page. `paces` are probabilities of showing, by number, 1 where there is none: each candidate
    that is drawn throws its coin once for this place, and who holds back leaves it to others.
    `holding` are those with a pace below 1. A rank in which somebody always wants to is served.
    """
    for rank, fitting in reach:
        left = allowed & fitting
        for _ in _TURNS:
            if not left:
                break
            number = rank.draw(left, draw)
            pace = paces.get(number, 1.0)
            if pace >= 1.0 or draw() < pace:
                return number
            left &= ~(1 << number)
        if left := left & ~holding:
            return rank.draw(left, draw)
    return None


def pool_of(campaign: Campaign, creatives: Sequence[Creative], shares: Sequence[float]) -> Pool:
    """Return the pool of these creatives with these shares, which add up to 1."""
    propensities, cumulative = _figures(tuple(shares))
    choices = zip(creatives, propensities, strict=True)
    return Pool(
        tuple([Choice(campaign, one, one.code, propensity) for one, propensity in choices]),
        cumulative,
    )


@lru_cache(maxsize=1_024)
def _figures(shares: tuple[float, ...]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return propensities and cumulative shares: the same objects for all pools that split alike.

    Of thousands of campaigns most do, and what they share stays in caches.
    """
    return tuple([round(share * PROPENSITY_ONE) for share in shares]), tuple(accumulate(shares))


def joined(pools: Sequence[tuple[float, Pool]]) -> Pool:
    """Return one pool of campaigns' pools by the campaigns' weights; propensities stay theirs."""
    total, before = sum(weight for weight, _ in pools), 0.0
    choices: list[Choice] = []
    cumulative: list[float] = []
    for weight, pool in pools:
        choices += pool.choices
        cumulative += (before + weight / total * share for share in pool.cumulative)
        before = cumulative[-1]
    return Pool(tuple(choices), tuple(cumulative))


def even_shares(creatives: Sequence[Creative]) -> list[float]:
    """Return the shares that the configuration's weights give."""
    total = sum(creative.weight for creative in creatives)
    return [creative.weight / total for creative in creatives]
