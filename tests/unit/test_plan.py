"""A plan holds who may show now, and is renewed by the hour and by the catalogue."""

from dataclasses import replace
from typing import Any

import pytest

from service.domain.ads import Flight, Goal, Tier
from service.domain.audience import Platform
from service.domain.catalog import Catalog
from service.domain.events import HOUR_MS
from service.domain.sites import Site
from service.domain.tokens import Arm
from service.flows.pages import Audience, Page
from tests.example import (
    ARTICLE,
    CATALOG,
    CREATIVE,
    HOUR,
    NOW_MS,
    SITE,
    TOP,
    campaign,
    catalog,
    creative,
    site,
)
from tests.fakes import StandingClock
from tests.planning import PHONE, Counts, plan, planner, shown

PLACE = ("top", Platform.IOS, Arm.NONE)


def on_top(where: Site = SITE) -> Page:
    return Page(where, ARTICLE, (TOP,))


def rules(**named: list[str]) -> dict[str, dict[str, frozenset[str]]]:
    return {side: {"platform": frozenset(values)} for side, values in named.items() if values}


@pytest.mark.parametrize(
    ("changes", "shows"),
    [
        ({}, True),
        ({"paused": True}, False),
        ({"flights": (Flight(HOUR, HOUR + 1),)}, True),
        ({"flights": (Flight(HOUR + 1),)}, False),
        ({"flights": (Flight(0, HOUR),)}, False),
        ({"flights": (Flight(0, 9), Flight(HOUR - 1, HOUR + 1), Flight(HOUR + 5))}, True),
        ({"flights": (Flight(0, HOUR), Flight(HOUR + 1))}, False),
        ({"target": {"weekday": frozenset({"tuesday"}), "hour": frozenset({"13"})}}, True),
        ({"target": {"hour": frozenset({"14"})}}, False),
        ({"target": {"hour": frozenset({"14"})}, "timezone": "Europe/Berlin"}, True),
        ({"sites": frozenset({SITE.id})}, True),
        ({"sites": frozenset({"elsewhere"})}, False),
        ({"target": {"platform": frozenset({"ios"})}}, True),
        ({"target": {"platform": frozenset({"android"})}}, False),
        ({"exclude": {"platform": frozenset({"ios"})}}, False),
        ({"exclude": {"site": frozenset({SITE.id})}}, False),
    ],
)
def test_who_may_show_now(changes: dict[str, Any], shows: bool) -> None:
    assert shown(plan(catalog(campaign("c", **changes))), on_top()) == ["c" if shows else ""]


@pytest.mark.parametrize(
    ("target", "exclude", "shows"),
    [
        ([], [], True),
        (["ios", "android", "desktop"], [], True),
        (["ios", "android"], [], False),
        (["unknown"], [], True),
        (["ios", "unknown"], [], True),
        ([], ["unknown"], False),
        (["ios", "android", "desktop"], ["unknown"], False),
        ([], ["desktop"], False),
        (["unknown"], ["desktop"], False),
    ],
)
def test_an_unknown_reader_sees_what_suits_whatever_it_turns_out_to_be(
    target: list[str], exclude: list[str], shows: bool
) -> None:
    some = plan(catalog(campaign("c", **rules(target=target, exclude=exclude))))
    assert shown(some, on_top(), Audience(Platform.UNKNOWN)) == ["c" if shows else ""]


async def test_the_better_tier_is_shown_while_its_flight_lasts() -> None:
    clock = StandingClock(NOW_MS)
    ending = campaign("s", tier=Tier.SPONSORSHIP, flights=(Flight(HOUR, HOUR + 1),))
    renewed = planner(catalog(campaign("house"), ending), clock)
    assert shown(renewed, on_top()) == ["s"]
    clock.now = (HOUR + 1) * HOUR_MS - 1
    await renewed.renew()
    assert shown(renewed, on_top()) == ["s"]
    clock.now += 1
    await renewed.renew()
    assert shown(renewed, on_top()) == ["house"]
    assert renewed.plan.hour == HOUR + 1


async def test_within_the_hour_renewing_keeps_the_pools_and_tells_the_time() -> None:
    clock = StandingClock(NOW_MS)
    renewed = planner(clock=clock)
    before = renewed.plan
    before.pool(0, PLACE)
    clock.now += 1_000
    await renewed.renew()
    assert renewed.plan.pools is before.pools
    assert renewed.plan.ranks is before.ranks
    assert (renewed.plan.made_ms, before.made_ms) == (NOW_MS + 1_000, NOW_MS)


async def test_what_was_learned_of_one_campaign_leaves_the_pools_of_others() -> None:
    counts = Counts()
    taught = campaign("c", creative("worse"), creative("better"))
    renewed = planner(catalog(taught, campaign("other")), counts=counts)
    desktop = ("top", Platform.DESKTOP, Arm.NONE)
    before = [renewed.plan.pool(*of) for of in ((0, PLACE), (1, PLACE), (0, desktop))]
    counts.teach(HOUR, "better", 20_000, 400)
    await renewed.renew()
    pools = renewed.plan.pools
    assert pools == {PLACE: [None, before[1]], desktop: [before[2], None]}
    assert _shares(renewed.plan.pool(0, PLACE)) != _shares(before[0])


def test_places_that_show_the_same_share_what_is_configured() -> None:
    of_an_arm = replace(creative("x", "top", "bottom"), arms=frozenset({"a"}))
    made = plan(catalog(campaign("c", creative("y", "top", "bottom"), creative("z"), of_an_arm)))
    bottom = made.pool(0, ("bottom", Platform.IOS, Arm.B))
    assert [choice.creative.id for choice in bottom.choices] == ["y"]
    assert made.pool(0, ("bottom", Platform.DESKTOP, Arm.NONE)) is bottom
    assert [choice.creative.id for choice in made.pool(0, PLACE).choices] == ["y", "z"]
    assert len(made.pool(0, ("top", Platform.IOS, Arm.A)).choices) == 3


async def test_pools_are_made_anew_when_something_was_learned_and_old_plans_keep_theirs() -> None:
    counts = Counts()
    two = campaign("c", creative("worse"), creative("better"))
    renewed = planner(catalog(two), counts=counts)
    before = renewed.plan
    assert _shares(before.pool(0, PLACE)) == [0.5, 0.5]
    counts.teach(HOUR, "worse", 20_000, 100)
    counts.teach(HOUR, "better", 20_000, 400)
    await renewed.renew()
    learned = _shares(renewed.plan.pool(0, PLACE))
    assert learned[1] > 0.9
    assert sum(learned) == pytest.approx(1.0)
    assert _shares(before.pool(0, PLACE)) == [0.5, 0.5]
    guarded = renewed.plan.pool(0, ("top", Platform.IOS, Arm.GUARD))
    assert _shares(guarded) == [0.5, 0.5]


async def test_a_new_catalogue_is_in_use_at_once_and_what_left_it_is_still_known() -> None:
    renewed = planner()
    elsewhere = site("elsewhere")
    await renewed.adopt(catalog(campaign("new"), sites=(SITE, elsewhere)))
    assert shown(renewed, on_top()) == ["new"]
    assert renewed.plan.origins == {"https://news.example", "https://elsewhere.example"}
    codebook = renewed.plan.codebook
    assert codebook.creatives[CREATIVE.code][1] == CREATIVE
    await renewed.adopt(CATALOG)
    assert renewed.plan.codebook.sites.keys() == {SITE.code, elsewhere.code}
    assert renewed.plan.origins == {"https://news.example"}


async def test_pausing_takes_effect_with_the_catalogue_and_lifting_it_too() -> None:
    one = campaign("c", flights=(Flight(0, HOUR + 9, Goal(impressions=100)),))
    renewed = planner(catalog(one))
    await renewed.adopt(catalog(replace(one, paused=True)))
    assert (shown(renewed, on_top()), renewed.plan.paces) == ([""], {})
    await renewed.adopt(catalog(one))
    assert renewed.plan.paces.keys() == {0}


async def test_plans_say_whether_their_counts_are_fresh() -> None:
    counts = Counts(away=True)
    renewed = planner(counts=counts)
    before = renewed.plan
    assert not await renewed.renew()
    assert renewed.plan.ranks is before.ranks
    counts.away = False
    assert await renewed.renew()


def test_one_site_shows_nothing_of_anothers() -> None:
    elsewhere = site("elsewhere")
    mine = plan(catalog(campaign("mine", sites=frozenset({SITE.id})), sites=(SITE, elsewhere)))
    assert shown(mine, on_top(elsewhere)) == [""]
    assert shown(mine, on_top()) == ["mine"]


def test_an_index_knows_how_many_campaigns_it_has_and_whether_country_matters() -> None:
    plain: Catalog = catalog(campaign("a"), campaign("b"))
    abroad = catalog(campaign("a", target={"country": frozenset({"de"})}))
    assert len(plan(plain).index) == 2
    assert not plan(plain).index.asks_country
    assert plan(abroad).index.asks_country
    assert shown(plan(abroad), on_top(), PHONE) == [""]


def _shares(pool: Any) -> list[float]:
    before = (0.0, *pool.cumulative)
    return [upto - since for since, upto in zip(before, pool.cumulative, strict=False)]
