"""Among more than a thousand campaigns decisions keep the odds that they have among ten."""

import math
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from service.domain.ads import Campaign, Cap, Flight, Goal, Tier
from service.domain.choosing import LONG
from service.domain.plans import Plan
from service.domain.tokens import Arm
from service.flows.choose import choose
from service.flows.pages import Page
from tests.example import ARTICLE, SITE, TOP, campaign, catalog
from tests.planning import PHONE, plan, planner

PICKS = 20_000
RARE = ("1000", "1001", "1002")


async def long_catalogue(first: Campaign) -> Plan:
    """Return a plan of that campaign, of others of its tag `even`, of as many `odd`, and `rare`."""
    others = [
        campaign(str(n), target=tagged("rare" if str(n) in RARE else ("even", "odd")[n % 2]))
        for n in range(1, LONG + 100)
    ]
    made = planner(catalog(first, *others))
    await made.renew()  # until counts were read a campaign with a goal is not shown
    assert len(made.plan.index) > LONG
    return made.plan


def tagged(tag: str) -> dict[str, frozenset[str]]:
    return {"tag": frozenset({tag})}


def seen(on: Plan, *tags: str) -> "Counter[str]":
    """Return how often each campaign came first; nothing is `""`."""
    page, draw = Page(SITE, ARTICLE, (TOP,), tags=tags), Random(20_261_126).random
    shown = (choose(on, page, PHONE, Arm.NONE, draw)[0] for _ in range(PICKS))
    return Counter(some[0].campaign.id if some else "" for some in shown)


HEAVY = campaign("heavy", weight=300.0, target=tagged("even"))


@pytest.mark.parametrize(
    "first",
    [
        HEAVY,
        replace(HEAVY, cap=Cap(3, 24)),
        replace(HEAVY, flights=(Flight(0, 1_000_000, goal=Goal(impressions=10**12)),)),
    ],
    ids=["looked up", "with a cap", "with a goal"],
)
async def test_each_is_shown_by_its_weight_among_those_that_may(first: Campaign) -> None:
    on = await long_catalogue(first)
    on = replace(on, paces={}, spots={})
    found, number = seen(on, "even"), sum(c.target == tagged("even") for c in on.index.campaigns)
    share = 300 / (300 + number - 1)
    assert abs(found["heavy"] - PICKS * share) < 6 * math.sqrt(PICKS * share * (1 - share))
    assert len(found) == number, "and each of the others now and then"
    assert all(on.catalog.campaigns[name].target == tagged("even") for name in found)


def test_a_hundred_are_neither_put_into_one_pool_nor_looked_up_in_bytes() -> None:
    on = plan(catalog(*(campaign(str(n)) for n in range(100))))
    found = seen(on)
    assert found.keys() == on.catalog.campaigns.keys()
    assert max(found.values()) < 1.5 * PICKS / 100
    (spot,) = on.spots.values()
    assert (spot.whole, spot.sight) == (None, b"")


async def test_sponsors_of_a_long_catalogue_are_one_pool_as_in_a_short_one() -> None:
    sponsor = replace(HEAVY, tier=Tier.SPONSORSHIP)
    on = await long_catalogue(sponsor)
    assert seen(on, "even") == {"heavy": PICKS}
    (spot,) = on.spots.values()
    assert spot.whole is not None
    assert len(seen(on, "odd")) == sum(c.target == tagged("odd") for c in on.index.campaigns)


async def test_few_among_them_are_found_all_the_same_and_nobody_where_there_is_none() -> None:
    on = await long_catalogue(HEAVY)
    found = seen(on, "rare")
    assert found.keys() == {*RARE}
    assert min(found.values()) > PICKS / 3.3
    assert seen(on, "none") == {"": PICKS}


async def test_who_is_drawn_from_two_masks_is_in_both() -> None:
    on = await long_catalogue(HEAVY)
    (rank,) = on.ranks
    draw, length = Random(1).random, len(on.index) // 8 + 1
    one, other = (Random(seed).randbytes(length) for seed in (2, 3))
    numbers = Counter(rank.glance(one, other, draw) for _ in range(PICKS))
    assert 0 < numbers.pop(None) < PICKS / 2
    both = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    assert all(number is not None and both >> number & 1 for number in numbers)
