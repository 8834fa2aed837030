"""Probabilities of being best: they sum to one, follow the evidence, and keep their floors."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.learning import (
    LEAST_SHARE,
    NEWCOMER_FLOOR,
    NEWCOMER_UNTIL,
    Belief,
    Evidence,
    beliefs,
    probabilities_of_best,
    shares,
)

evidence = st.integers(0, 10**7).flatmap(
    lambda viewable: st.builds(
        Evidence, st.just(float(viewable)), st.integers(0, viewable), st.integers(viewable, 10**8)
    )
)


@given(st.lists(evidence, min_size=1, max_size=8))
def test_shares_sum_to_one_and_nobody_falls_below_the_floor(some: list[Evidence]) -> None:
    found = shares(some, some)
    assert abs(sum(found) - 1.0) < 1e-6
    for share, whole in zip(found, some, strict=True):
        floor = NEWCOMER_FLOOR if whole.seen < NEWCOMER_UNTIL else LEAST_SHARE
        assert share >= floor / len(some) - 1e-9


def test_equal_evidence_shares_evenly_and_better_evidence_wins() -> None:
    same = [Evidence(5_000, 50, 5_000)] * 4
    assert shares(same, same) == pytest.approx([0.25] * 4)
    better = [Evidence(20_000, clicks, 20_000) for clicks in (200, 260, 400)]
    assert shares(better, better)[2] > 0.95


def test_who_was_seen_enough_is_new_no_more_however_much_of_it_has_faded() -> None:
    faded = [Evidence(2_000, clicks, NEWCOMER_UNTIL) for clicks in (10, 60)]
    assert shares(faded, faded)[0] == pytest.approx(LEAST_SHARE / 2, abs=1e-3)
    new = [one._replace(seen=NEWCOMER_UNTIL - 1) for one in faded]
    assert shares(new, new)[0] == pytest.approx(NEWCOMER_FLOOR / 2, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_the_closed_form_agrees_with_drawing(seed: int) -> None:
    """Ten thousand draws tell a probability to half a percent; the bound is four times that."""
    dice = random.Random(seed)
    rates = [Belief(dice.uniform(0.01, 0.02), dice.uniform(0.000_5, 0.002)) for _ in range(4)]
    wins = [0] * 4
    for _ in range(10_000):
        drawn = [dice.gauss(*rate) for rate in rates]
        wins[drawn.index(max(drawn))] += 1
    for probability, won in zip(probabilities_of_best(rates), wins, strict=True):
        assert abs(probability - won / 10_000) < 0.02


def test_a_place_with_little_evidence_leans_on_the_creative_elsewhere() -> None:
    everywhere = [Evidence(50_000, 500), Evidence(50_000, 1_000)]
    few = [Evidence(10, 1), Evidence(10, 0)]
    first, second = beliefs(few, everywhere)
    assert second.mean > first.mean, "a click in ten says less than ten thousand impressions"
    much = [Evidence(20_000, 400), Evidence(20_000, 100)]
    first, second = beliefs(much, everywhere)
    assert first.mean > second.mean, "its own evidence counts once there is enough of it"


def test_evidence_halves_in_a_week() -> None:
    assert Evidence(1_000, 10, 1_000).faded(168) == pytest.approx((500, 5, 1_000))
    assert Evidence(3, 1, 5).plus(Evidence(4, 2, 6)) == (7, 3, 11)
