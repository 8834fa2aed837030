"""A campaign's creatives are picked by their shares, which are what tokens state."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.ads import code_of
from service.domain.choosing import PROPENSITY_ONE, Pool, even_shares, pool_of
from tests.example import campaign, creative

PICKS = 20_000
LAST_DRAW = math.nextafter(1.0, 0.0)
weights = st.floats(1e-3, 1e6)


@given(st.lists(weights, min_size=1, max_size=6), st.floats(0, 1, exclude_max=True))
def test_a_creative_is_picked_where_the_draw_falls_and_all_shares_make_one(
    given_weights: list[float], draw: float
) -> None:
    pool = even_pool(*given_weights)
    assert sum(even_shares(pool.choices[0].campaign.creatives)) == pytest.approx(1.0)
    assert pool.cumulative[-1] == pytest.approx(1.0)
    total = sum(choice.propensity for choice in pool.choices)
    assert abs(total - PROPENSITY_ONE) <= len(pool.choices) / 2
    at = pool.choices.index(pool.pick(lambda: draw))
    point = draw * pool.cumulative[-1]
    assert point < pool.cumulative[at] or at == len(pool.choices) - 1
    assert at == 0 or pool.cumulative[at - 1] <= point


def test_observed_creatives_match_the_stated_propensities() -> None:
    pool = even_pool(1, 3, 0.5, 12)
    draw = Random(20_261_124).random
    seen = Counter(pool.choices.index(pool.pick(draw)) for _ in range(PICKS))
    for i, choice in enumerate(pool.choices):
        p = choice.propensity / PROPENSITY_ONE
        # Six standard deviations; the seed is fixed, so that it holds always or never.
        assert abs(seen[i] - PICKS * p) <= 6 * math.sqrt(PICKS * p * (1 - p))


def test_the_edges_of_the_draw_pick_the_first_and_the_last() -> None:
    pool = even_pool(1, 1, 1e-3)
    assert pool.pick(lambda: 0.0) is pool.choices[0]
    assert pool.pick(lambda: LAST_DRAW) is pool.choices[-1]
    tiny = pool_of(campaign("c"), [creative("x"), creative("y")], [5e-324, 5e-324])
    assert LAST_DRAW * tiny.cumulative[-1] == tiny.cumulative[-1]
    assert tiny.pick(lambda: LAST_DRAW) is tiny.choices[-1]


def test_one_creative_is_shown_without_a_draw() -> None:
    choice = even_pool(4).pick(undrawn)
    assert (choice.code, choice.propensity) == (code_of("x-0"), PROPENSITY_ONE)


def even_pool(*some: float) -> Pool:
    creatives = [creative(f"x-{i}", weight=weight) for i, weight in enumerate(some)]
    return pool_of(campaign("c", *creatives), creatives, even_shares(creatives))


def undrawn() -> float:
    raise AssertionError("nothing is to be drawn here")
