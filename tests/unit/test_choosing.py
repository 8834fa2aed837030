"""The pick follows its stated odds exactly: tier, then campaign, then creative."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.ads import Campaign, Tier, code_of
from service.domain.choosing import PROPENSITY_ONE, Pool, pool_of
from tests.example import campaign, creative

DRAWS = 20_000
LAST_DRAW = math.nextafter(1.0, 0.0)

weights = st.floats(1e-3, 1e6)
campaigns = st.lists(
    st.tuples(
        weights,
        st.sampled_from(Tier),
        st.lists(st.tuples(weights, st.sampled_from(["top", "bottom"])), min_size=1, max_size=4),
    ),
    max_size=5,
).map(
    lambda drawn: [
        campaign(
            f"c-{i}",
            *(creative(f"c-{i}-{k}", at, weight=w) for k, (w, at) in enumerate(creatives)),
            weight=weight,
            tier=tier,
        )
        for i, (weight, tier, creatives) in enumerate(drawn)
    ]
)


@given(campaigns)
def test_only_the_first_tier_that_has_a_creative_for_the_placement_is_drawn_from(
    some: list[Campaign],
) -> None:
    pool = pool_of(some, "top")
    fitting = [one for one in some if any("top" in c.placements for c in one.creatives)]
    first = min((one.tier for one in fitting), default=None)
    assert [(choice.campaign, choice.creative) for choice in pool.choices] == [
        (one, creative)
        for one in fitting
        if one.tier is first
        for creative in one.creatives
        if "top" in creative.placements
    ]


@given(campaigns)
def test_a_creatives_odds_are_its_campaigns_share_times_its_own(some: list[Campaign]) -> None:
    pool = pool_of(some, "top")
    total = sum(one.weight for one in {c.campaign.id: c.campaign for c in pool.choices}.values())
    for choice, probability in zip(pool.choices, _probabilities(pool), strict=True):
        rivals = [c.weight for c in choice.campaign.creatives if "top" in c.placements]
        share = choice.creative.weight / sum(rivals)
        assert probability == pytest.approx(choice.campaign.weight / total * share, abs=1e-9)
        assert abs(choice.propensity - share * PROPENSITY_ONE) <= 0.5


@given(campaigns)
def test_propensities_of_a_campaign_add_up_to_one_but_for_rounding(some: list[Campaign]) -> None:
    sums: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for choice in pool_of(some, "top").choices:
        assert 0 <= choice.propensity <= PROPENSITY_ONE
        sums[choice.campaign.id] += choice.propensity
        counts[choice.campaign.id] += 1
    for name, total in sums.items():
        assert abs(total - PROPENSITY_ONE) <= counts[name] / 2


@given(campaigns, st.floats(0, 1, exclude_max=True))
def test_any_draw_picks_the_choice_whose_stretch_it_falls_in(
    some: list[Campaign], draw: float
) -> None:
    pool = pool_of(some, "top")
    picked = pool.pick(lambda: draw)
    if picked is None:
        assert not pool.choices
        return
    at, point = pool.choices.index(picked), draw * pool.cumulative[-1]
    assert point < pool.cumulative[at] or at == len(pool.choices) - 1
    assert at == 0 or len(pool.choices) == 1 or pool.cumulative[at - 1] <= point


def test_observed_picks_match_the_stated_odds() -> None:
    some = [
        campaign("a", creative("a-1", weight=1), creative("a-2", weight=3), weight=2),
        campaign("b", creative("b-1", weight=5), weight=1),
        campaign("c", creative("c-1", weight=0.1), creative("c-2", weight=0.3), weight=5),
    ]
    pool = pool_of(some, "top")
    draw = Random(20_261_124).random
    picks = [pool.pick(draw) for _ in range(DRAWS)]
    seen = Counter(choice.creative.id for choice in picks if choice)
    stated = {"a-1": 1 / 16, "a-2": 3 / 16, "b-1": 1 / 8, "c-1": 5 / 32, "c-2": 15 / 32}
    assert sum(seen.values()) == DRAWS
    assert seen.keys() == stated.keys()
    for name, p in stated.items():
        # Six standard deviations; and the seed is fixed, so that it holds always or never.
        assert abs(seen[name] - DRAWS * p) <= 6 * math.sqrt(DRAWS * p * (1 - p))


def test_the_edges_of_the_draw_pick_the_first_and_the_last() -> None:
    pool = pool_of([campaign("a"), campaign("b"), campaign("c", weight=1e-3)], "top")
    first, last = pool.pick(lambda: 0.0), pool.pick(lambda: LAST_DRAW)
    assert (first, last) == (pool.choices[0], pool.choices[-1])


def test_a_draw_that_rounds_up_to_the_whole_still_picks() -> None:
    pool = pool_of([campaign("a", weight=5e-324), campaign("b", weight=5e-324)], "top")
    assert LAST_DRAW * pool.cumulative[-1] == pool.cumulative[-1]
    assert pool.pick(lambda: LAST_DRAW) is pool.choices[-1]


def test_nothing_to_show_is_none_and_draws_nothing() -> None:
    assert pool_of([], "top").pick(_undrawn) is None
    assert pool_of([campaign("a", creative("a", "bottom"))], "top").pick(_undrawn) is None


def test_one_candidate_is_shown_without_a_draw() -> None:
    choice = pool_of([campaign("a")], "top").pick(_undrawn)
    assert choice is not None
    assert (choice.code, choice.propensity) == (code_of("a"), 65_535)


def test_a_sponsor_hides_the_other_tiers_only_where_it_has_a_creative() -> None:
    some = [
        campaign("house", creative("h", "top", "bottom"), tier=Tier.HOUSE),
        campaign("standard", creative("n", "top", "bottom"), tier=Tier.STANDARD),
        campaign("sponsor", creative("s", "top"), tier=Tier.SPONSORSHIP),
    ]
    assert [choice.creative.id for choice in pool_of(some, "top").choices] == ["s"]
    assert [choice.creative.id for choice in pool_of(some, "bottom").choices] == ["n"]


def _probabilities(pool: Pool) -> list[float]:
    before = (0.0, *pool.cumulative)
    total = pool.cumulative[-1] if pool.cumulative else 1.0
    return [(b - a) / total for a, b in zip(before, pool.cumulative, strict=False)]


def _undrawn() -> float:
    raise AssertionError("nothing is to be drawn here")
