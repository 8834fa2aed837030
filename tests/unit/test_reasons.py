"""Reasons why not, in words: what was asked for against what was given, and budgets' states."""

from dataclasses import replace

import pytest

from service.domain.ads import Campaign, Flight, Goal
from service.domain.audience import Platform
from service.flows.pace import FROZEN_MS
from service.flows.pages import Audience, Page
from service.flows.plan import Planner
from tests.example import ARTICLE, HOUR, NOW_MS, SITE, TOP, campaign, catalog
from tests.fakes import StandingClock
from tests.planning import PHONE, Counts, explainer, planner

PAGE = Page(SITE, ARTICLE, (TOP,), section="world", tags=("war", "peace"))
SOMEBODY = Audience(Platform.UNKNOWN)
MANY = Goal(impressions=10**6)


def of(values: dict[str, str]) -> dict[str, frozenset[str]]:
    return {name: frozenset(text.split()) for name, text in values.items()}


def told(made: Planner, page: Page = PAGE, audience: Audience = PHONE) -> list[str | None]:
    """Return each campaign's reason."""
    found = explainer(made).explain(made.plan, page, audience)
    return [standing.reason for standing in found.standings]


def why(one: Campaign, page: Page = PAGE, audience: Audience = PHONE) -> str | None:
    """Return the reason of the only campaign."""
    (reason,) = told(planner(catalog(one)), page, audience)
    return reason


async def test_a_goal_waits_until_its_counts_were_read() -> None:
    counts, clock = Counts(away=True), StandingClock(NOW_MS)
    goal = campaign("c", flights=(Flight(HOUR - 9, None, MANY),))
    made = planner(catalog(goal), clock, counts)
    unread = "budget: its counts are not read yet"
    assert told(made) == [unread]
    assert not await made.renew()
    assert told(made) == [unread]
    counts.away = False
    assert await made.renew()
    assert told(made) == [None]
    more = [campaign(f"c-{n}", flights=(Flight(HOUR - n, None, MANY),)) for n in (0, 99)]
    await made.adopt(catalog(goal, *more))
    assert told(made) == [None, unread, unread]
    clock.now += 1_000
    assert await made.renew()
    assert told(made) == [None] * 3


async def test_a_budget_that_may_be_used_up_while_counts_are_away_says_so() -> None:
    counts, clock = Counts(), StandingClock(NOW_MS)
    flights = (Flight(HOUR, HOUR + 2, Goal(impressions=1_000)),)
    goal = campaign("c", flights=flights, front_loaded=True)
    made = planner(catalog(goal), clock, counts)
    for _ in range(90):
        counts.add(HOUR, "c|top|ios|-|impression", 11)
        clock.now += 1_000
        await made.renew()
    counts.away = True
    clock.now += 8 * FROZEN_MS
    assert not await made.renew()
    assert told(made) == ["budget: it may be used up, and counts cannot be read"]


@pytest.mark.parametrize(
    ("target", "exclude", "reason"),
    [
        ({"platform": "ios android"}, {}, "platform: wants android, ios; given unknown"),
        ({}, {"platform": "ios"}, "platform: excludes ios; given unknown"),
        ({"platform": "unknown"}, {}, None),
        ({"hour": "9 10 7 8 11"}, {}, "hour: wants 7, 8, 9 and 2 more; given 13 in UTC"),
        ({}, {"weekday": "tuesday"}, "weekday: excludes tuesday; given tuesday in UTC"),
        ({"tag": "sport"}, {}, "tag: wants sport; given peace, war"),
        ({}, {"path": "/world/* /x"}, "path: excludes /world/*; given /world/summit"),
        ({"path": "/" + "x" * 99}, {}, f"path: wants /{'x' * 38}…; given /world/summit"),
    ],
)
def test_a_reason_says_what_was_asked_for_and_what_was_given(
    target: dict[str, str], exclude: dict[str, str], reason: str | None
) -> None:
    assert why(campaign("c", target=of(target), exclude=of(exclude)), audience=SOMEBODY) == reason


def test_a_reason_is_short_however_much_there_is_to_say() -> None:
    long = {f"{n:03}{'x' * 57}" for n in range(500)}
    one = campaign("c", target={"tag": frozenset(long)})
    page = replace(PAGE, tags=tuple(f"y{tag[1:]}" for tag in sorted(long)[:20]))
    reason = why(one, page) or ""
    assert reason.endswith("… and 17 more")
    assert len(reason) < 300


def test_a_page_view_of_no_placement_shows_nobody() -> None:
    assert why(campaign("c"), replace(PAGE, placements=())) == "placement: wants top; given none"
