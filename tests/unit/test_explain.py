"""Each campaign's standing and first reason why not; the decision agrees with it."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.ads import Campaign, Flight, Goal, Tier
from service.domain.audience import Platform
from service.domain.catalog import Catalog
from service.domain.learning import Evidence, beliefs
from service.domain.sites import Experiment
from service.domain.targeting import bits
from service.domain.tokens import Arm
from service.flows.explain import Explanation
from service.flows.pages import Audience, Page
from service.flows.plan import Planner
from tests.example import ARTICLE, HOUR, SITE, TOP, campaign, catalog, creative, site
from tests.planning import PHONE, Counts, decider, explainer, planner

ARM_B = replace(SITE, experiment=Experiment("s", 0.0, {"b": 1.0}))
PAGE = Page(ARM_B, ARTICLE, (TOP,), language="de-AT", section="world", tags=("war", "peace"))


def of(**values: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(text.split()) for name, text in values.items()}


# Everything is wrong with it; each step mends one thing, and the next reason shows.
WRONG = campaign(
    "c", replace(creative("x", "bottom"), arms=frozenset("a")),
    paused=True, flights=(Flight(0, 9),), sites=frozenset({"elsewhere"}),
    target=of(
        weekday="monday", language="en", section="sport", path="/sport/*", source="reddit",
        shared="yes", country="de",
    ),
    exclude=of(tag="war", platform="ios"),
)  # fmt: skip
MANY = Goal(impressions=10**6)
GOAL = (Flight(HOUR - 9, HOUR + 9, Goal(impressions=5)),)


def retargeted(one: Campaign, name: str, value: str) -> Campaign:
    return replace(one, target={**one.target, **of(**{name: value})})


STEPS: list[tuple[str, Any]] = [
    ("paused", lambda c: replace(c, paused=False)),
    ("flight: none runs now", lambda c: replace(c, flights=GOAL)),
    ("weekday: wants monday; given tuesday in UTC", lambda c: retargeted(c, "weekday", "tuesday")),
    ("site: wants elsewhere; given example", lambda c: replace(c, sites=None)),
    ("language: wants en; given de-at", lambda c: retargeted(c, "language", "de")),
    ("section: wants sport; given world", lambda c: retargeted(c, "section", "sport world")),
    ("tag: excludes war; given peace, war", lambda c: replace(c, exclude=of(platform="ios"))),
    ("path: wants /sport/*; given /world/summit", lambda c: retargeted(c, "path", "/world/*")),
    ("source: wants reddit; given direct", lambda c: retargeted(c, "source", "direct")),
    ("shared: wants yes; given no", lambda c: retargeted(c, "shared", "no")),
    ("platform: excludes ios; given ios", lambda c: replace(c, exclude={})),
    ("country: wants de; given zz", lambda c: retargeted(c, "country", "de zz")),
    (
        "placement: wants bottom; given top",
        lambda c: replace(c, creatives=(replace(c.creatives[0], placements=("top",)),)),
    ),
    (
        "arm: none of its creatives is in arm b",
        lambda c: replace(c, creatives=(replace(c.creatives[0], arms=None),)),
    ),
    ("budget: nothing is left of it for now", None),
]


def steps() -> list[tuple[Campaign, str]]:
    found, one = [], WRONG
    for reason, mended in STEPS:
        found.append((one, reason))
        one = mended(one) if mended else one
    return found


async def explained(
    some: Catalog, page: Page = PAGE, audience: Audience = PHONE
) -> tuple[Explanation, Planner]:
    counts = Counts()
    counts.add(HOUR, "x|top|ios|-|impression", 5)
    made = planner(some, counts=counts)
    await made.renew()
    return explainer(made).explain(made.plan, page, audience), made


@pytest.mark.parametrize(("one", "reason"), steps(), ids=[reason for reason, _ in STEPS])
async def test_the_first_reason_is_told_in_the_order_of_deciding(
    one: Campaign, reason: str
) -> None:
    some = catalog(one, sites=(ARM_B, site("elsewhere")))
    found, _ = await explained(some)
    assert found.standings[0].reason == reason
    assert found.standings[0].creatives == ()
    assert found.choices == (("top", ()),)


async def test_who_may_show_has_weight_pace_and_shares() -> None:
    two = campaign("two", creative("l", weight=1), creative("r", weight=3), weight=7)
    found, made = await explained(
        catalog(two, campaign("c", flights=GOAL)), replace(PAGE, site=SITE)
    )
    assert found.arm is Arm.NONE
    assert [(x.campaign, x.tier, x.weight, x.reason) for x in found.standings] == [
        ("two", "house", 7, None), ("c", "house", 1.0, None),
    ]  # fmt: skip
    shares = {(x.placement, x.creative): x.share for x in found.standings[0].creatives}
    assert shares == pytest.approx({("top", "l"): 0.25, ("top", "r"): 0.75})
    assert [x.pace for x in found.standings] == [1.0, made.plan.paces[1]]
    assert found.choices[0][1][0].campaign.id in {"two", "c"}


async def test_who_is_served_after_others_is_told_whom() -> None:
    sponsor = campaign("sponsor", tier=Tier.SPONSORSHIP)
    paced = campaign("paced", tier=Tier.SPONSORSHIP, flights=(Flight(HOUR, HOUR + 9, MANY),))
    only = campaign("only", tier=Tier.STANDARD, exclusive=True)
    beside = campaign("beside", tier=Tier.STANDARD)
    abroad = campaign("abroad", tier=Tier.SPONSORSHIP, target=of(country="de"))
    page = replace(PAGE, site=SITE)
    for some, behind in (
        ((abroad, beside), [(), ()]),
        ((beside, only), [("only",), ()]),
        ((beside, paced), [("paced",), ()]),
        ((beside, paced, sponsor), [("sponsor",), (), ()]),
        ((campaign("house"), beside, only), [("only",), ("only",), ()]),
    ):
        found, _ = await explained(catalog(*some), page)
        assert [one.behind for one in found.standings] == behind


async def test_who_comes_first_in_one_of_its_places_is_behind_nobody() -> None:
    sponsor = campaign("sponsor", creative("s", "top"), tier=Tier.SPONSORSHIP)
    house = campaign("house", creative("h", "top", "bottom"))
    both = replace(PAGE, site=SITE, placements=SITE.placements)
    for placements, behind in ((both.placements, ()), (both.placements[:1], ("sponsor",))):
        found, _ = await explained(
            catalog(sponsor, house), replace(both, placements=placements)
        )  # fmt: skip
        assert found.standings[1].behind == behind


async def test_shares_are_those_of_the_arm_and_of_places_where_something_fits() -> None:
    armed = campaign(
        "c",
        replace(creative("a"), arms=frozenset("a")),
        replace(creative("b"), arms=frozenset("b")),
    )
    both = replace(PAGE, placements=SITE.placements)
    found, _ = await explained(catalog(armed, sites=(ARM_B,)), both)
    assert found.arm is Arm.B
    assert [(x.placement, x.creative, x.share) for x in found.standings[0].creatives] == [
        ("top", "b", 1.0)
    ]


async def test_each_creative_has_the_rate_that_is_believed_of_it_there() -> None:
    counts = Counts()
    counts.teach(HOUR, "l", 4_000, 120)
    counts.teach(HOUR, "l", 1_000, 10, place="bottom|ios")
    two = campaign("two", creative("l", "top", "bottom"), creative("r", "top", "bottom"))
    made = planner(catalog(two, campaign("new")), counts=counts)
    await made.renew()
    found = explainer(made).explain(made.plan, replace(PAGE, site=SITE), PHONE)
    rates = {x.creative: x.rate for one in found.standings for x in one.creatives}
    here, whole = Evidence(4_000, 120), Evidence(5_000, 130)
    left, right = beliefs([here, Evidence()], [whole, Evidence()])
    (unknown,) = beliefs([Evidence()], [Evidence()])
    assert rates == {"l": left.mean, "r": right.mean, "new": unknown.mean}
    assert rates["l"] > rates["r"] > rates["new"] == pytest.approx(0.005)


@given(
    st.lists(st.sampled_from([one for one, _ in steps()]), max_size=8),
    st.sampled_from(Platform),
    st.sampled_from(["de", "zz"]),
    st.sampled_from(["world", "sport", ""]),
    st.integers(0, 2**32),
)
def test_a_decision_shows_only_whom_the_explanation_lets_show(
    some: list[Campaign], platform: Platform, country: str, section: str, seed: int
) -> None:
    named = [replace(one, id=f"c-{n}") for n, one in enumerate(some)]
    made = planner(catalog(*named, campaign("last"), sites=(ARM_B,)))
    page, audience = replace(PAGE, section=section), Audience(platform, country)
    found = explainer(made, Random(seed).random).explain(made.plan, page, audience)
    may = {standing.campaign for standing in found.standings if standing.reason is None}
    decided = decider(made, Random(seed).random).decide(page, audience)
    assert tuple(choices for _, choices in found.choices) == decided.choices
    seen = {choice.campaign.id for choices in decided.choices for choice in choices}
    assert seen <= may
    fitting = made.plan.spot("top", platform, country, found.arm).reach
    candidates = sum(mask for _, mask in fitting) & page.allows(made.plan.index)
    assert may == {made.plan.index.campaigns[number].id for number in bits(candidates)}
    assert not any(standing.behind for standing in found.standings if standing.campaign in seen)
    assert "last" in may
