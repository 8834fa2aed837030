"""A simulation's deliveries against goals: each flight against its own, and all that arrived."""

from typing import Any

import pytest

from service.domain.ads import Campaign, Flight, Goal, Tier
from service.flows.goals import Delivery, deliveries
from service.flows.simulate import Simulation
from tests.example import HOUR, campaign
from tests.unit.test_simulation import HOUSE, sited, world

START = HOUR - HOUR % 24


def day(first: float, last: float, **goal: int) -> Flight:
    return Flight(START + int(24 * first), START + int(24 * last), Goal(**goal) if goal else None)


def flying(*flights: Flight, name: str = "c") -> Campaign:
    return campaign(name, flights=flights, tier=Tier.STANDARD)


async def delivered(*some: Campaign, **changes: Any) -> list[Delivery]:
    one = world(sited(*some, HOUSE), **{"days": 3, "views": 30_000, **changes})
    return list(deliveries(one, await Simulation(one).run()))


async def test_each_flight_is_held_against_its_own_goal() -> None:
    two = flying(day(0, 1, impressions=2_000), day(2, 3, impressions=3_000))
    held = (await delivered(two))[0].held
    assert [one.goal.total for one in held] == [2_000, 3_000]
    assert [one.delivered[-1] for one in held] == pytest.approx([2_000, 3_000], rel=0.05)
    assert [one.due[-1] for one in held] == pytest.approx([2_000, 3_000])
    assert held[1].delivered[47] == 0, "what the first one delivered is none of the second's"
    assert [one.hours for one in held] == [range(24), range(48, 72)]


async def test_a_flight_that_begins_later_has_its_goal_and_a_long_one_its_part() -> None:
    late = flying(day(2, 3, impressions=1_500), name="late")
    long = flying(day(0, 30, impressions=30_000), name="long")
    past, future = day(-9, -8, impressions=9), day(8, 9, impressions=9)
    first, second, third, _ = await delivered(late, long, flying(past, future, name="elsewhere"))
    assert [first.held[0].delivered[47], first.held[0].due[47]] == [0, 0]
    assert first.held[0].delivered[-1] == pytest.approx(1_500, rel=0.05)
    assert second.held[0].due[-1] == pytest.approx(3_000, rel=0.1), "of 30,000"
    assert second.held[0].delivered[-1] == pytest.approx(second.held[0].due[-1], rel=0.05)
    assert third.held == ()


async def test_clicks_and_impressions_are_told_apart() -> None:
    mixed = flying(day(0, 1, clicks=50), day(1, 2, impressions=500), day(2, 3))
    shown, clicked, house = await delivered(mixed, rates={"c": 0.05})
    assert [(one.unit, len(one.held)) for one in (shown, clicked)] == [
        ("impressions", 1), ("clicks", 1),
    ]  # fmt: skip
    assert (house.campaign, house.unit, house.held) == ("house", "impressions", ())
    assert clicked.held[0].delivered[-1] == pytest.approx(50, rel=0.3)


async def test_what_arrives_late_is_counted_to_the_last_hour() -> None:
    one = world(sited(HOUSE), days=1, views=5_000)
    outcome = await Simulation(one).run()
    assert sum(outcome.by_hour("house", 24)) == outcome.total("house") > 0
    (house,) = deliveries(one, outcome)
    assert sum(house.hours) == outcome.total("house")
