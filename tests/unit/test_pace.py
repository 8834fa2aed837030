"""Budgets: what is left of flight and day, pace by what was read, and an end without counts."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.domain.ads import Campaign, Flight, Goal, Tier
from service.domain.delays import Delays
from service.domain.events import HOUR_MS, Kind
from service.domain.pacing import FIRST, PROBE
from service.flows.pace import FROZEN_MS, Budgets
from service.flows.pages import Page
from service.flows.tallies import Tallies
from tests.example import ARTICLE, HOUR, SITE, TOP, campaign, catalog, creative
from tests.fakes import StandingClock
from tests.planning import Counts, planner, shown

MINUTE_MS = 60_000
TEN_HOURS = Flight(HOUR, HOUR + 10, Goal(impressions=1_000))
ON_TOP = Page(SITE, ARTICLE, (TOP,))


def with_goal(
    start: int = HOUR, end: int | None = HOUR + 10, name: str = "c", zone: str = "UTC",
    **goal: int,
) -> Campaign:  # fmt: skip
    return campaign(name, flights=(Flight(start, end, Goal(**goal)),), timezone=zone)


class World:
    """One planner of some campaigns whose deliveries a test makes up."""

    def __init__(self, *some: Campaign, start_ms: int = HOUR * HOUR_MS, away: bool = False) -> None:
        self.clock, self.counts = StandingClock(start_ms), Counts(away=away)
        self.delays = Delays()
        self.planner = planner(catalog(*some), self.clock, self.counts, self.delays)

    async def after(self, ms: int, impressions: int = 0, *, name: str = "c", **more: int) -> float:
        """Let time pass and deliveries arrive; return the first campaign's pace."""
        self.clock.now += ms
        kinds = {"impression": impressions, **more}
        for kind, count in kinds.items():
            hour = self.clock.now // HOUR_MS
            self.counts.add(hour, f"{name}|top|ios|-|{kind}", count)
        await self.planner.renew()
        return self.planner.plan.paces.get(0, -1.0)

    async def seasoned(self, minutes: int = 20) -> float:
        """Deliver a hundred a minute times the pace, until the capacity is believed."""
        pace, owed = await self.after(0), 0.0
        for _ in range(minutes):
            owed += 100 * pace
            pace = await self.after(MINUTE_MS, int(owed))
            owed -= int(owed)
        return pace

    @property
    def ratio(self) -> float:
        return self.planner._budgets.ratios["c"]


async def test_a_campaign_probes_until_enough_was_delivered_to_know_its_capacity() -> None:
    world = World(with_goal(impressions=10_000))
    assert await world.after(0) == FIRST
    assert await world.after(MINUTE_MS, 2) == PROBE
    assert await world.after(MINUTE_MS, 300) != PROBE


async def test_a_campaign_without_a_goal_has_no_pace() -> None:
    world = World(campaign("c"), with_goal(name="goal", impressions=10))
    await world.after(0)
    assert world.planner.plan.paces == {1: FIRST}


async def test_the_pace_is_what_is_left_over_what_could_be_delivered() -> None:
    world = World(with_goal(impressions=10_000))
    # Some 6,000 an hour could be, about 1,000 are wanted.
    assert 0.15 < await world.seasoned() < 0.18


async def test_a_delivered_budget_leaves_the_plan_and_its_place_to_others() -> None:
    world = World(
        campaign("c", tier=Tier.STANDARD, flights=(TEN_HOURS,)), campaign("house")
    )  # fmt: skip
    assert await world.after(0, 400) > 0
    assert world.planner.plan.live == 0b11
    assert await world.after(MINUTE_MS, 600) == 0.0
    assert world.planner.plan.live == 0b10
    assert shown(world.planner, ON_TOP) == ["house"]


async def test_clicks_are_counted_where_clicks_are_the_goal() -> None:
    world = World(with_goal(clicks=50))
    assert await world.after(0, 10_000, click=20) > 0
    assert await world.after(MINUTE_MS, 0, click=30) == 0


async def test_what_runner_ups_and_every_arm_delivered_counts_and_ghosts_do_not() -> None:
    world = World(with_goal(impressions=30))
    for arm, left in (("hold", True), ("guard", True), ("runner-up", True), ("a", False)):
        world.counts.add(HOUR, f"c|top|ios|{arm}|impression", 10)
        assert (await world.after(30 * MINUTE_MS) > 0) is left


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [("UTC", "2026-11-25T00:00"), ("America/New_York", "2026-11-25T05:00"),
     ("Asia/Tokyo", "2026-11-24T15:00")],
)  # fmt: skip
async def test_a_day_is_of_the_campaigns_own_zone(zone: str, midnight: str) -> None:
    day = with_goal(HOUR - 100, HOUR + 100, zone=zone, impressions=10_000, per_day=50)
    world = World(day)
    assert await world.after(0, 50) == 0.0
    turn = int(datetime.fromisoformat(midnight).replace(tzinfo=UTC).timestamp() * 1_000)
    assert await world.after(turn - 1 - world.clock.now) == 0.0
    assert await world.after(1) > 0.0


@pytest.mark.parametrize(
    ("start", "hours"), [("2026-03-28T23:00", 23), ("2026-10-24T22:00", 25)], ids=["23", "25"]
)
async def test_a_day_on_which_clocks_change_has_its_own_length(start: str, hours: int) -> None:
    first_ms = int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp() * 1_000)
    first = first_ms // HOUR_MS
    day = with_goal(first, first + 100, zone="Europe/Berlin", impressions=10_000, per_day=50)
    world = World(day, start_ms=first_ms)
    assert await world.after(0, 50) == 0.0
    assert await world.after(hours * HOUR_MS - 1) == 0.0
    assert await world.after(1) > 0.0


async def test_a_daily_bound_without_an_end_binds_each_day() -> None:
    world = World(with_goal(end=None, impressions=10**6, per_day=20))
    assert await world.after(0, 19) > 0
    assert await world.after(MINUTE_MS, 1) == 0.0


async def test_each_of_several_flights_has_its_own_budget() -> None:
    goal = Goal(impressions=100)
    flights = (Flight(HOUR, HOUR + 2, goal), Flight(HOUR + 3, HOUR + 5, goal))
    world = World(campaign("c", flights=flights))
    assert await world.after(0, 100) == 0.0
    assert await world.after(2 * HOUR_MS) == -1.0, "between flights it does not run"
    assert await world.after(HOUR_MS, 40) > 0.0
    assert await world.after(MINUTE_MS, 60) == 0.0


async def test_offers_that_are_still_out_are_reserved() -> None:
    world, slow = World(with_goal(impressions=1_000)), World(with_goal(impressions=1_000))
    for _ in range(2_000):
        slow.delays.note(Kind.IMPRESSION, 2_400_000)
    assert await slow.seasoned(40) < 0.75 * await world.seasoned(40)


async def test_counts_that_take_long_to_read_steer_all_the_same() -> None:
    world = World(with_goal(impressions=10_000))

    def slowly() -> None:
        world.clock.now += 900

    world.counts.meanwhile = slowly
    assert await world.seasoned() != PROBE


async def test_without_counts_paces_stay_for_ten_minutes() -> None:
    world = World(with_goal(impressions=10_000))
    pace = await world.seasoned()
    world.counts.away = True
    for _ in range(9):
        assert await world.after(MINUTE_MS, 100) == pace
    assert await world.after(MINUTE_MS - 1) == pace


@pytest.mark.parametrize("minute", [0, 35], ids=["within the hour", "as the hour turns"])
async def test_after_ten_minutes_a_campaign_runs_to_the_end_of_its_remainder(minute: int) -> None:
    flights = (Flight(HOUR, HOUR + 3, Goal(impressions=3_000)),)
    paced = campaign("c", tier=Tier.STANDARD, flights=flights)
    world = World(paced, campaign("house"), start_ms=HOUR * HOUR_MS + minute * MINUTE_MS)
    pace = await world.seasoned()
    rate = 100 * pace  # a minute
    left = 3_000 - sum(sum(counts.values()) for counts in world.counts.hours.values())
    world.counts.away, minutes = True, 0
    while await world.after(MINUTE_MS) > 0.0:
        assert world.planner.plan.paces[0] == pace
        minutes += 1
        assert minutes < 3 * 60, "it must end"
    assert minutes == pytest.approx(left / rate, rel=0.05)
    assert shown(world.planner, ON_TOP) == ["house"]
    world.counts.away = False
    world.clock.now -= 60 * MINUTE_MS
    assert await world.after(1_000) > 0.0, "with counts it goes on"


async def test_without_counts_the_days_bound_ends_too() -> None:
    daily = with_goal(end=HOUR + 40, impressions=10**6, per_day=1_000)
    world = World(replace(daily, front_loaded=True))
    await world.seasoned()
    world.counts.away = True
    assert await world.after(FROZEN_MS - 1) > 0.0
    assert await world.after(5 * HOUR_MS) > 0.0, "two thirds of the day use it up"
    assert await world.after(4 * HOUR_MS) == 0.0


async def test_before_any_counts_were_read_who_has_a_goal_waits_and_house_goes_on() -> None:
    paced = campaign("c", tier=Tier.STANDARD, flights=(TEN_HOURS,))
    world = World(paced, campaign("house"), away=True)
    for ms in (0, 1_000, FROZEN_MS * 2):
        assert await world.after(ms) == 0.0
        assert shown(world.planner, ON_TOP) == ["house"]
    world.counts.away = False
    assert await world.after(1_000) == FIRST


async def test_a_campaign_that_is_new_waits_until_its_own_hours_are_read() -> None:
    world = World(campaign("house"))
    world.counts.add(HOUR - 900, "c|top|ios|-|impression", 500)
    await world.after(0)
    await world.planner.adopt(catalog(with_goal(HOUR - 1_000, impressions=500)))
    assert world.planner.plan.paces == {0: 0.0}
    assert await world.after(1_000) == 0.0, "all of it was delivered long ago"


async def test_the_ratio_is_delivered_over_due() -> None:
    world = World(with_goal(impressions=1_000))
    await world.after(0)
    assert world.ratio == 1.0, "nothing is due yet"
    await world.after(HOUR_MS, 50)
    assert world.ratio == pytest.approx(0.5, rel=0.01)
    await world.after(HOUR_MS, 350)
    assert world.ratio == pytest.approx(2.0, rel=0.01)


async def test_a_flight_without_an_end_is_paced_along_its_days_however_old_it_is() -> None:
    day = HOUR - HOUR % 24
    for start, goal in ((day, 10**6), (day, 300), (day - 3 * 8_760, 10**6)):
        one = with_goal(start, None, impressions=goal, per_day=200)
        world = World(one, start_ms=day * HOUR_MS)
        pace, owed, delivered = await world.after(0), 0.0, []
        for _ in range(24 * 60):
            owed += 100 * pace
            delivered.append(int(owed))
            pace = await world.after(MINUTE_MS, int(owed))
            owed -= int(owed)
        assert 85 < sum(delivered[: 12 * 60]) < 115
        assert 190 < sum(delivered) <= 201


async def test_what_is_due_of_days_is_no_more_than_their_bound() -> None:
    world = World(with_goal(HOUR - 240, None, impressions=10**6, per_day=48))
    for hour in range(HOUR - 240, HOUR):
        world.counts.add(hour, "c|top|ios|-|impression", 1)
    await world.after(0)
    assert world.ratio == pytest.approx(0.5, rel=0.01)


async def test_a_changed_campaign_has_its_budget_counted_anew() -> None:
    world = World(with_goal(HOUR - 5, impressions=500))
    world.counts.add(HOUR - 3, "c|top|ios|-|impression", 500)
    world.counts.add(HOUR - 3, "c|top|ios|-|click", 5)
    assert await world.after(0) == 0.0
    for changed, pace in (
        (with_goal(HOUR - 5, clicks=6), PROBE),
        (with_goal(HOUR - 5, clicks=5), 0.0),
        (campaign("c", creative("new"), flights=with_goal(HOUR - 5, impressions=5).flights), 0.5),
    ):
        await world.planner.adopt(catalog(changed))
        assert bool(await world.after(1_000)) is bool(pace)


async def test_what_is_known_of_impressions_says_nothing_of_clicks() -> None:
    world = World(with_goal(impressions=10_000))
    await world.seasoned()
    await world.planner.adopt(catalog(with_goal(clicks=100)))
    assert await world.after(1_000) == FIRST


async def test_creatives_that_a_campaign_no_longer_has_do_not_count() -> None:
    counts, clock = Counts(), StandingClock(HOUR * HOUR_MS)
    counts.add(HOUR, "gone|top|ios|-|impression", 10**6)
    budgets, tallies = Budgets(lambda _: 0.0), Tallies(counts, clock)
    await tallies.refresh({"gone": HOUR, "new": HOUR})
    running = campaign("c", creative("new"), flights=(TEN_HOURS,))
    assert budgets.paces([(0, running, TEN_HOURS)], tallies, clock.now) == {0: FIRST}


async def test_of_campaigns_and_flights_that_are_no_more_nothing_is_kept() -> None:
    goal = Goal(impressions=1_000)
    first, second = Flight(HOUR, HOUR + 2, goal), Flight(HOUR + 3, HOUR + 9, goal)
    world = World(campaign("c", flights=(first, second)), with_goal(name="d", impressions=9))
    await world.after(0)
    await world.after(3 * HOUR_MS)
    kept = world.planner._budgets._pacers
    assert set(kept) == {("c", HOUR, False), ("c", HOUR + 3, False), ("d", HOUR, False)}
    paced = kept["c", HOUR + 3, False]
    # Away for a while is not gone: its hours and its pause end.
    resting = campaign("c", flights=(second,), paused=True)
    await world.planner.adopt(catalog(resting, campaign("d")))
    assert world.planner._budgets._pacers == {("c", HOUR + 3, False): paced}
    for number in range(3):
        await world.planner.adopt(catalog(with_goal(name=f"n{number}", impressions=9)))
        await world.after(1_000)
    assert set(world.planner._budgets._pacers) == {("n2", HOUR, False)}
