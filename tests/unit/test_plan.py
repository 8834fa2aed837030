"""A plan holds who may show now, and is renewed by the hour and by the catalogue."""

from typing import Any

import pytest

from service.domain.ads import Catalog, Flight, Site, Tier
from service.domain.audience import Platform
from service.domain.events import HOUR_MS
from service.flows.plan import Planner
from tests.example import CATALOG, CREATIVE, HOUR, NOW_MS, SITE, campaign, catalog, site
from tests.fakes import StandingClock


@pytest.mark.parametrize(
    ("changes", "shows"),
    [
        ({}, True),
        ({"paused": True}, False),
        ({"flights": (Flight(HOUR, HOUR + 1),)}, True),
        ({"flights": (Flight(HOUR + 1),)}, False),
        ({"flights": (Flight(0, HOUR),)}, False),
        ({"sites": frozenset({SITE.id})}, True),
        ({"sites": frozenset({"elsewhere"})}, False),
        ({"target": {"platform": frozenset({"ios"})}}, True),
        ({"target": {"platform": frozenset({"android"})}}, False),
        ({"exclude": {"platform": frozenset({"ios"})}}, False),
        ({"exclude": {"site": frozenset({SITE.id})}}, False),
    ],
)
def test_who_may_show_now(changes: dict[str, Any], shows: bool) -> None:
    planner = _planner(catalog(campaign("c", **changes)))
    assert _shown(planner) == ("c" if shows else None)


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
    rules = {
        name: {"platform": frozenset(values)}
        for name, values in (("target", target), ("exclude", exclude))
        if values
    }
    pool = _planner(catalog(campaign("c", **rules))).plan.pools_of(SITE, "top")[Platform.UNKNOWN]
    assert bool(pool.choices) is shows


def test_the_better_tier_is_shown_while_its_flight_lasts() -> None:
    clock = StandingClock(NOW_MS)
    ending = campaign("s", tier=Tier.SPONSORSHIP, flights=(Flight(HOUR, HOUR + 1),))
    planner = _planner(catalog(campaign("house"), ending), clock)
    assert _shown(planner) == "s"
    clock.now = (HOUR + 1) * HOUR_MS - 1
    planner.renew()
    assert _shown(planner) == "s"
    clock.now += 1
    planner.renew()
    assert _shown(planner) == "house"
    assert planner.plan.hour == HOUR + 1


def test_within_the_hour_renewing_keeps_the_pools_and_tells_the_time() -> None:
    clock = StandingClock(NOW_MS)
    planner = _planner(clock=clock)
    before = planner.plan
    before.pools_of(SITE, "top")
    clock.now += 1_000
    planner.renew()
    assert planner.plan.pools is before.pools
    assert (planner.plan.made_ms, before.made_ms) == (NOW_MS + 1_000, NOW_MS)


def test_a_new_catalogue_is_in_use_at_once_and_what_left_it_is_still_known() -> None:
    planner = _planner()
    elsewhere = site("elsewhere")
    planner.adopt(catalog(campaign("new"), sites=(SITE, elsewhere)))
    assert _shown(planner) == "new"
    assert planner.plan.origins == {"https://news.example", "https://elsewhere.example"}
    codebook = planner.plan.codebook
    assert codebook.creatives[CREATIVE.code][1] == CREATIVE
    planner.adopt(CATALOG)
    assert planner.plan.codebook.sites.keys() == {SITE.code, elsewhere.code}
    assert planner.plan.origins == {"https://news.example"}


def test_one_site_shows_nothing_of_anothers() -> None:
    elsewhere = site("elsewhere")
    mine = campaign("mine", sites=frozenset({SITE.id}))
    planner = _planner(catalog(mine, sites=(SITE, elsewhere)))
    assert _shown(planner, elsewhere) is None
    assert _shown(planner) == "mine"


def _planner(some: Catalog = CATALOG, clock: StandingClock | None = None) -> Planner:
    return Planner(some, clock or StandingClock(NOW_MS))


def _shown(planner: Planner, where: Site = SITE) -> str | None:
    choice = planner.plan.pools_of(where, "top")[Platform.IOS].pick(lambda: 0.5)
    return choice.creative.id if choice else None
