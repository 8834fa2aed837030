"""The real planner and chooser over days of uneven traffic: budgets end, the best is found."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.ads import Campaign, Flight, Goal, Tier
from service.domain.catalog import Catalog
from service.flows.simulate import Simulation
from service.flows.simulated import Outcome, World
from tests.example import HOUR, SITE, TOP, campaign, catalog, creative

START = HOUR - HOUR % 24
ONE_PLACE = replace(SITE, placements=(TOP,))
RATES = {"c-10": 0.010, "c-13": 0.013, "c-20": 0.020}
BANDIT = campaign("bandit", *(creative(name) for name in RATES))
HOUSE = campaign("house")


def world(some: Catalog, rates: dict[str, float] | None = None, **changes: Any) -> World:
    everybody = {one.id: 0.01 for c in some.campaigns.values() for one in c.creatives}
    made = World(some, ONE_PLACE, {**everybody, **(rates or {})}, START, days=1, replicas=1)
    return replace(made, **changes)


def with_goal(days: int, **goal: int) -> Campaign:
    flight = Flight(START, START + 24 * days, Goal(**goal))
    return campaign("goal", flights=(flight,), tier=Tier.STANDARD)


def sited(*some: Campaign) -> Catalog:
    return catalog(*some, sites=(ONE_PLACE,))


def by_day(hours: list[int]) -> list[int]:
    return [sum(hours[at : at + 24]) for at in range(0, len(hours), 24)]


async def simulated(one: World) -> Outcome:
    return await Simulation(one).run()


async def test_three_replicas_share_a_budget_and_end_within_one_percent() -> None:
    goal = sited(with_goal(7, impressions=50_000), HOUSE)
    found = await simulated(world(goal, days=7, views=100_000, replicas=3))
    assert found.total("goal") == pytest.approx(50_000, rel=0.01)
    assert found.total("house") > 30_000
    days = by_day(found.by_hour("goal", 7 * 24))
    assert max(days) < 1.5 * min(days), "along the traffic, not at once"


@pytest.mark.parametrize(
    ("target", "impressions"),
    [({"weekday": "wednesday"}, 2_000), ({"hour": "6 7 8 9 10 11"}, 4_000)],
)
async def test_what_hours_of_its_own_leave_of_the_week_is_enough(
    target: dict[str, str], impressions: int
) -> None:
    goal = with_goal(7, impressions=impressions)
    wanted = {name: frozenset(words.split()) for name, words in target.items()}
    found = await simulated(world(sited(replace(goal, target=wanted), HOUSE), days=7, views=50_000))
    assert found.total("goal") == pytest.approx(impressions, rel=0.01)


async def test_thin_traffic_brings_a_few_clicks_in_time() -> None:
    goal = sited(with_goal(7, clicks=40), HOUSE)
    found = await simulated(world(goal, {"goal": 0.01}, days=7, views=20_000))
    assert 37 <= found.total("goal", clicks=True) <= 44


async def test_clicks_that_come_late_are_a_goal_too() -> None:
    goal = sited(with_goal(7, clicks=2_000), HOUSE)
    found = await simulated(world(goal, {"goal": 0.05}, days=7, views=100_000, replicas=3))
    # Clicks on their way are known by their mean number only: at the end about 12 of them.
    assert found.total("goal", clicks=True) == pytest.approx(2_000, rel=0.01)
    days = by_day(found.by_hour("goal", 7 * 24, clicks=True))
    assert max(days) < 1.5 * min(days), "along the traffic, not at once"


async def test_ten_minutes_without_counts_change_next_to_nothing() -> None:
    goal = sited(with_goal(1, impressions=5_000), HOUSE)
    away = range(14 * 3_600 - 300, 14 * 3_600 + 300)
    found = await simulated(world(goal, views=20_000, away=away))
    assert found.total("goal") == pytest.approx(5_000, rel=0.01)


async def test_counts_that_stay_away_end_a_budget_and_never_the_house() -> None:
    goal = sited(with_goal(1, impressions=4_000), HOUSE)
    found = await simulated(world(goal, views=20_000, away=range(12 * 3_600, 48 * 3_600)))
    assert 0.7 * 4_000 < found.total("goal") < 1.3 * 4_000
    assert found.total("house") > 10_000


async def test_creatives_are_told_apart_at_a_quarter_of_what_an_even_split_would_miss() -> None:
    found = await simulated(world(sited(BANDIT), RATES, days=2, views=150_000, seed=2))
    regret, even = found.regret(list(RATES), RATES)
    assert 0 < regret <= 0.25 * even
    assert found.share("c-20", list(RATES), 1) > 0.9


async def test_a_newcomer_with_the_best_rate_is_found() -> None:
    newer = replace(BANDIT, creatives=(*BANDIT.creatives, creative("new")))
    rates = {**RATES, "new": 0.04}
    one = world(sited(BANDIT), rates, days=4, views=80_000, changes={2: sited(newer)})
    found = await simulated(one)
    shares = [found.share("new", list(rates), day) for day in range(4)]
    assert shares[:2] == [0.0, 0.0]
    assert shares[3] > 0.8


async def test_the_same_seed_has_the_same_outcome_and_another_seed_another() -> None:
    some = sited(with_goal(1, impressions=500), BANDIT)
    first, again, other = [
        await simulated(world(some, RATES, views=2_000, seed=seed)) for seed in (1, 1, 2)
    ]
    assert first == again
    assert first != other


async def test_progress_is_told_to_the_end() -> None:
    told: list[float] = []
    await Simulation(world(sited(HOUSE), views=100)).run(told.append)
    assert told[-1] == 1.0
    assert told == sorted(told)
    held = replace(ONE_PLACE, experiment=replace(SITE.experiment, holdout=1.0))
    nothing = await simulated(world(catalog(HOUSE, sites=(held,)), views=100, site=held))
    assert nothing.delivered == {}
