"""The weighted pick: campaign by weight, then creative, folded into one draw; keeps no state."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from service.domain.ads import Campaign, Creative

PROPENSITY_ONE = 65_535
Draw = Callable[[], float]
"""Return a number in [0, 1), uniformly."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A creative of a campaign with its propensity within that campaign (0 to 65,535).

    Compared by identity: a plan makes each choice once and others may key on it.
    """

    campaign: Campaign
    creative: Creative
    code: int
    propensity: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Choices with their cumulative probabilities, the last of which is the sum."""

    choices: tuple[Choice, ...]
    cumulative: tuple[float, ...]

    def pick(self, draw: Draw) -> Choice | None:
        """Return one choice, or None when there is nothing to show."""
        if not self.choices:
            return None
        if len(self.choices) == 1:
            return self.choices[0]
        at = bisect_right(self.cumulative, draw() * self.cumulative[-1])
        # A draw just below 1 may round up to the sum itself.
        return self.choices[min(at, len(self.choices) - 1)]


def pool_of(campaigns: Sequence[Campaign], placement: str) -> Pool:
    """Return the pool of one placement; only the first tier with candidates is in it."""
    fitting = [(campaign, _fitting(campaign, placement)) for campaign in campaigns]
    fitting = [(campaign, creatives) for campaign, creatives in fitting if creatives]
    if not fitting:
        return Pool((), ())
    tier = min(campaign.tier for campaign, _ in fitting)
    weighted: list[tuple[Choice, float]] = []
    for campaign, creatives in fitting:
        if campaign.tier is tier:
            weighted.extend(_choices(campaign, creatives))
    return Pool(
        tuple(choice for choice, _ in weighted),
        tuple(accumulate(probability for _, probability in weighted)),
    )


def _fitting(campaign: Campaign, placement: str) -> list[Creative]:
    return [creative for creative in campaign.creatives if placement in creative.placements]


def _choices(campaign: Campaign, creatives: Sequence[Creative]) -> list[tuple[Choice, float]]:
    total = sum(creative.weight for creative in creatives)
    return [
        (
            Choice(campaign, creative, creative.code, round(share * PROPENSITY_ONE)),
            campaign.weight * share,
        )
        for creative in creatives
        for share in (creative.weight / total,)
    ]
