"""What is due by each hour of a run: by the flight's own line, its days' bounds, and no other's."""

from typing import Any

import pytest

from service.domain.ads import Campaign, Flight, Goal
from service.domain.traffic import FLAT, Shape, shape_of
from service.flows.due import due_by_hour
from tests.example import HOUR, campaign

START = HOUR - HOUR % 24
RUN = range(START, START + 7 * 24)


def flown(days: range, **goal: int) -> Flight:
    return Flight(START + 24 * days.start, START + 24 * days.stop, Goal(**goal))


def ends_of_days(flight: Flight, shape: Shape = FLAT, **changes: Any) -> list[float]:
    one: Campaign = campaign("c", flights=(flight,), **changes)
    return list(due_by_hour(one, flight, RUN, shape))[23::24]


def test_an_even_goal_is_due_along_the_traffic() -> None:
    flight = flown(range(2, 4), impressions=3_000)
    assert ends_of_days(flight) == pytest.approx([0, 0, 1_500, 3_000, 3_000, 3_000, 3_000])
    # START is a Tuesday: here Thursdays, the third day, have twice the traffic of others.
    busy = shape_of(tuple(2.0 if 72 <= hour < 96 else 1.0 for hour in range(168)))
    assert ends_of_days(flight, busy) == pytest.approx([0, 0, 2_000, *[3_000] * 4])


def test_a_front_loaded_goal_is_due_earlier_and_in_the_end_the_same() -> None:
    days = ends_of_days(flown(range(7), impressions=7_000), front_loaded=True)
    assert days[0] == pytest.approx(7_000 * (1 - (6 / 7) ** 1.5))
    assert days[-1] == pytest.approx(7_000)


def test_of_a_flight_that_goes_on_only_its_part_is_due() -> None:
    assert ends_of_days(flown(range(28), clicks=2_800))[-1] == pytest.approx(700)
    forever = Flight(START, None, Goal(impressions=365_000))
    assert ends_of_days(forever) == pytest.approx([1_000 * day for day in range(1, 8)])
    ancient = Flight(0, None, Goal(impressions=7_000))
    assert ends_of_days(ancient)[-1] == pytest.approx(7_000 * 7 / 365), "it always has a year left"
    daily = Flight(0, None, Goal(impressions=2_500, per_day=1_000))
    assert ends_of_days(daily)[:4] == pytest.approx([1_000, 2_000, 2_500, 2_500])


def test_what_was_due_before_the_run_is_due_in_what_is_left_of_the_flight() -> None:
    days = ends_of_days(flown(range(-50, 5), impressions=5_000))
    assert days == pytest.approx([1_000, 2_000, 3_000, 4_000, 5_000, 5_000, 5_000])


def test_a_days_bound_holds_in_the_campaigns_zone() -> None:
    bounded = flown(range(7), impressions=9_000, per_day=1_000)
    assert ends_of_days(bounded) == pytest.approx([1_000 * day for day in range(1, 8)])
    # In Auckland START is 13:00: eleven hours of its day, then thirteen of the next.
    tight = flown(range(7), impressions=90_000, per_day=1_000)
    auckland = ends_of_days(tight, timezone="Pacific/Auckland")
    assert auckland[0] == pytest.approx(1_000 + 1_000 * 13 / 24)
    loose = flown(range(7), impressions=7_000, per_day=5_000)
    assert ends_of_days(loose) == pytest.approx([1_000 * day for day in range(1, 8)])


def test_without_a_goal_nothing_is_due() -> None:
    assert ends_of_days(Flight(START)) == [0.0] * 7
