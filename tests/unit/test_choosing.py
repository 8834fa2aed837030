"""The pick follows its stated odds exactly: the better rank, then a campaign by its weight."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.ads import Campaign, Tier
from service.domain.choosing import (
    DRAWS,
    Draw,
    Rank,
    pick_campaign,
    ranks_of,
)  # fmt: skip
from service.domain.targeting import bits
from tests.example import campaign

PICKS = 20_000
SPONSORED, STANDARD = {"tier": Tier.SPONSORSHIP}, {"tier": Tier.STANDARD}

weights = st.floats(1e-3, 1e6)
campaigns = st.lists(
    st.tuples(weights, st.sampled_from(Tier), st.booleans()), min_size=1, max_size=40
).map(
    lambda drawn: [
        campaign(f"c-{i}", weight=weight, tier=tier, exclusive=exclusive)
        for i, (weight, tier, exclusive) in enumerate(drawn)
    ]
)
draws = st.integers(0, 2**32).map(lambda seed: Random(seed).random)


def test_every_campaign_is_drawn_as_often_as_its_weight_says() -> None:
    some = weighing(1, 2, 7, 0.5, 100, 3, 3, 0.01)
    (rank,) = ranks_of(some, everyone(some))
    assert_like(odds(some), drawn(rank, rank.mask))


@given(campaigns)
def test_the_alias_tables_slots_add_up_to_the_weights(some: list[Campaign]) -> None:
    for rank in ranks_of(some, everyone(some)):
        shares: dict[int, float] = dict.fromkeys(rank.weights, 0.0)
        slots = len(rank.numbers)
        for number, keep, other in zip(rank.numbers, rank.keep, rank.others, strict=True):
            assert 0.0 <= keep <= 1.0 + 1e-9
            shares[number] += keep / slots
            shares[other] += (1.0 - keep) / slots
        total = sum(rank.weights.values())
        assert sum(shares.values()) == pytest.approx(1.0)
        for number, weight in rank.weights.items():
            assert shares[number] == pytest.approx(weight / total, abs=1e-6)


def test_candidates_among_others_are_drawn_by_their_own_weights() -> None:
    some = weighing(1, 2, 7, 0.5, 100, 3)
    (rank,) = ranks_of(some, everyone(some))
    candidates = 0b100111
    assert_like(odds(some, bits(candidates)), drawn(rank, candidates))


def test_candidates_of_next_to_no_weight_are_walked_and_keep_their_odds() -> None:
    some = weighing(1, 3, *[1e6] * 20)
    (rank,) = ranks_of(some, everyone(some))
    assert_like({0: 0.25, 1: 0.75}, drawn(rank, 0b11))
    counted = Counted(0.999)
    assert rank.draw(0b11, counted) == 1
    assert counted.drawn == DRAWS + 1


def test_the_cost_of_a_pick_is_one_draw_for_any_number_of_campaigns() -> None:
    for many in (1, 10, 1_000):
        some = weighing(*range(1, many + 1))
        counted = Counted(0.37)
        ranks = ranks_of(some, everyone(some))
        pick_campaign([(rank, rank.mask) for rank in ranks], -1, {}, 0, counted)
        assert counted.drawn == 1


def test_the_better_tier_goes_first_and_within_it_who_is_exclusive() -> None:
    some = [
        campaign("house"),
        campaign("standard", **STANDARD),
        campaign("only", exclusive=True, **STANDARD),
        campaign("sponsor", **SPONSORED),
    ]
    ranks = ranks_of(some, everyone(some))
    assert [[some[n].id for n in bits(rank.mask)] for rank in ranks] == [
        ["sponsor"], ["only"], ["standard"], ["house"],
    ]  # fmt: skip
    allowed = everyone(some)
    for expected in (3, 2, 1, 0, None):
        assert pick(some, allowed) == expected
        allowed &= ~(1 << expected) if expected is not None else 0


def test_a_sponsor_hides_the_others_only_where_it_may_show() -> None:
    some = [campaign("house"), campaign("sponsor", **SPONSORED)]
    sponsored, house = ranks_of(some, 0b11)
    here = [(sponsored, 0b10), (house, 0b01)]
    assert pick_campaign(here, 0b11, {}, 0, Random(1).random) == 1
    assert pick_campaign(here, 0b01, {}, 0, Random(1).random) == 0


@pytest.mark.parametrize("pace", [0.05, 0.3, 0.9])
def test_a_paced_campaign_shows_as_often_as_its_pace_and_leaves_the_rest(pace: float) -> None:
    some = [campaign("house"), campaign("paced", **STANDARD)]
    assert_like({1: pace, 0: 1.0 - pace}, picked(some, {1: pace}))


def test_rivals_of_one_rank_share_by_weight_what_paces_leave_them() -> None:
    some = weighing(1, 1)
    # Half of the draws are the paced one's; where it holds back the other has its turn.
    assert_like({0: 0.5 * 0.4, 1: 1.0 - 0.5 * 0.4}, picked(some, {0: 0.4}))


def test_nobody_is_shown_at_pace_nothing_and_everybody_at_one() -> None:
    some = [*weighing(1, 5), campaign("sponsor", **SPONSORED)]
    assert picked(some, {2: 0.0, 1: 0.0}).keys() == {0}
    assert picked(some, {2: 1.0}).keys() == {2}
    assert pick(some, everyone(some), {0: 0.0, 1: 0.0, 2: 0.0}) is None


def test_a_rank_is_served_where_one_of_hundreds_does_not_hold_back() -> None:
    many = [campaign(f"c-{n}", **STANDARD) for n in range(200)]
    some = [*many, campaign("house")]
    reluctant = dict.fromkeys(range(len(many)), 1e-9)
    assert pick(some, everyone(some), reluctant) == len(many)
    urgent = {**reluctant, 7: 1.0}
    del reluctant[150]
    for paces, first in ((urgent, 7), (reluctant, 150)):
        assert {pick(some, everyone(some), paces, seed) for seed in range(100)} == {first}


@given(campaigns, st.integers(0), st.data(), draws)
def test_nobody_is_ever_shown_who_is_not_eligible(
    some: list[Campaign], allowed: int, data: st.DataObject, draw: Draw
) -> None:
    live = data.draw(st.integers(0, everyone(some)))
    ranks = ranks_of(some, live)
    reach = [(rank, rank.mask & data.draw(st.integers(0, everyone(some)))) for rank in ranks]
    paces = data.draw(st.dictionaries(st.integers(0, len(some) - 1), st.floats(0, 1)))
    number = pick_campaign(reach, allowed, paces, held(paces), draw)
    if number is None:
        return
    assert live >> number & allowed >> number & 1
    assert any(mask >> number & 1 for _, mask in reach)
    assert paces.get(number, 1.0) > 0.0


@given(campaigns, st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_answer(some: list[Campaign], seed: int) -> None:
    first, again = (pick(some, everyone(some), {0: 0.5}, seed) for _ in range(2))
    assert first == again


class Counted:
    """Draws one number for ever and counts how often."""

    def __init__(self, number: float) -> None:
        self.number, self.drawn = number, 0

    def __call__(self) -> float:
        self.drawn += 1
        return self.number


def weighing(*some: float) -> list[Campaign]:
    return [campaign(f"c-{i}", weight=weight) for i, weight in enumerate(some)]


def held(paces: Mapping[int, float]) -> int:
    return sum(1 << number for number, pace in paces.items() if pace < 1.0)


def everyone(some: list[Campaign]) -> int:
    return (1 << len(some)) - 1


def odds(some: list[Campaign], numbers: Iterable[int] | None = None) -> dict[int, float]:
    among = list(range(len(some)) if numbers is None else numbers)
    total = sum(some[number].weight for number in among)
    return {number: some[number].weight / total for number in among}


def drawn(rank: Rank, candidates: int) -> "Counter[int]":
    draw = Random(20_261_124).random
    return Counter(rank.draw(candidates, draw) for _ in range(PICKS))


def picked(some: list[Campaign], paces: Mapping[int, float]) -> "Counter[int]":
    draw, ranks = Random(20_261_124).random, ranks_of(some, everyone(some))
    reach = [(rank, rank.mask) for rank in ranks]
    numbers = (pick_campaign(reach, -1, paces, held(paces), draw) for _ in range(PICKS))
    return Counter(number for number in numbers if number is not None)


def pick(
    some: list[Campaign], allowed: int, paces: Mapping[int, float] | None = None, seed: int = 1
) -> int | None:
    ranks = ranks_of(some, everyone(some))
    reach = [(rank, rank.mask) for rank in ranks]
    some_paces = paces or {}
    return pick_campaign(reach, allowed, some_paces, held(some_paces), Random(seed).random)


def assert_like(stated: Mapping[int, float], seen: "Counter[int]") -> None:
    """Assert six standard deviations; the seed is fixed, so that it holds always or never."""
    assert seen.keys() <= stated.keys()
    assert seen.total() == PICKS
    for number, p in stated.items():
        assert abs(seen[number] - PICKS * p) <= 6 * math.sqrt(PICKS * p * (1 - p)) + 1e-6
