"""Rates carry their counts, and a comparison of two says how sure it is."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.rates import Gain, Rate

TRIALS = 4_000
counts = st.integers(1, 100_000)


def _drawn(chosen: random.Random, probability: float, of: int) -> int:
    """Return how many of these many happen, each with this probability, nearly enough."""
    return max(
        0, round(chosen.gauss(of * probability, (of * probability * (1 - probability)) ** 0.5))
    )


def test_rates_carry_their_counts_and_an_honest_interval() -> None:
    assert Rate(0, 0).value is None
    assert Rate(0, 0).interval() is None
    assert Rate(3, 0, 1_000).interval() is None
    assert Rate(5, 2_000, 1_000).value == pytest.approx(2.5)
    low, high = Rate(10, 100).interval() or (0, 0)
    assert [low, high] == pytest.approx([5.52, 17.44], abs=0.01)
    assert list(Rate(0, 50).interval() or ()) == pytest.approx([0, 7.13], abs=0.01)


def test_more_parts_than_the_whole_is_no_proportion() -> None:
    assert Rate(6, 5).interval() is None
    assert Rate(6, 5).value == pytest.approx(120)
    assert Gain(Rate(6, 5), Rate(1, 5)).interval() is None


@pytest.mark.parametrize(("rate", "base"), [((0, 9), (1, 9)), ((1, 9), (0, 9)), ((1, 9), (0, 0))])
def test_nothing_is_compared_with_nothing(rate: tuple[int, int], base: tuple[int, int]) -> None:
    gain = Gain(Rate(*rate), Rate(*base))
    assert gain.interval() is None
    assert gain.value == (-100 if not rate[0] else None)


@given(counts, counts, counts, counts)
def test_a_gain_lies_in_its_interval_and_its_reverse_is_its_inverse(
    a: int, more: int, b: int, others: int
) -> None:
    rate, base = Rate(a, a + more), Rate(b, b + others)
    gain, reverse = Gain(rate, base), Gain(base, rate)
    low, high = gain.interval() or (0, 0)
    assert gain.value is not None
    assert -100 < low < gain.value < high
    back = [100 * (100 / (100 + end) - 1) for end in reversed(reverse.interval() or ())]
    assert [low, high] == pytest.approx(back, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("true", "base", "whole", "of_base"), [
    (0.02, 0.013, 20_000, 1_000), (0.2, 0.1, 1_000, 200), (0.013, 0.013, 50_000, 50_000),
])  # fmt: skip
def test_nineteen_intervals_of_twenty_hold_the_truth(
    true: float, base: float, whole: int, of_base: int
) -> None:
    chosen, held = random.Random(1), 0
    for _ in range(TRIALS):
        rate = Rate(_drawn(chosen, true, whole), whole)
        low, high = Gain(rate, Rate(_drawn(chosen, base, of_base), of_base)).interval() or (0, 0)
        held += low <= 100 * (true / base - 1) <= high
    assert 0.935 <= held / TRIALS <= 0.97
