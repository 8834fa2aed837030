"""What one page view shows together: repeats, rivals, caps with runner-ups, and paces."""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.domain.ads import Campaign, Cap, Flight, Goal, Tier
from service.domain.audience import Platform
from service.domain.events import Kind, Verdict
from service.domain.sites import Placement, Repeat, Site
from service.domain.tokens import OFFERS_MAX, parse_token
from service.flows.meanings import Deed
from service.flows.pages import Audience, Page
from service.flows.serials import Serials
from tests.example import ARTICLE, BOTTOM, HOUR, NOW_MS, SITE, TOP, campaign, catalog, creative
from tests.fakes import Numbers, StandingClock
from tests.planning import PAGE, PHONE, decider, plan, planner
from tests.recording import READER, recorder

BOTH = ("top", "bottom")
CAP = Cap(3, 24)
FOUR = tuple(Placement(f"p{n}", n) for n in range(1, 5))


def everywhere(name: str, **changes: Any) -> Campaign:
    return campaign(name, creative(f"{name}-1", *BOTH), creative(f"{name}-2", *BOTH), **changes)


def page_of(repeat: Repeat, **changes: Any) -> Page:
    site = replace(SITE, repeat=repeat, **changes)
    return Page(site, ARTICLE, site.placements)


def outcomes(page: Page, *some: Campaign, site: Site | None = None) -> list[list[list[str]]]:
    """Return the creatives of each placement, runner-ups too, of many page views."""
    decides = decider(plan(catalog(*some, sites=(site or page.site,))), Random(4).random)
    return [
        [[choice.creative.id for choice in choices] for choices in view.choices]
        for view in (decides.decide(page, PHONE) for _ in range(300))
    ]


def test_a_page_may_show_a_campaign_twice_with_other_creatives() -> None:
    pairs = {
        (top[0], bottom[0]) for top, bottom in outcomes(page_of(Repeat.ALLOW), everywhere("a"))
    }
    assert pairs == {(f"a-{m}", f"a-{n}") for m in (1, 2) for n in (1, 2)}


def test_where_a_site_wants_the_same_the_first_creative_is_everywhere_it_fits() -> None:
    some = (everywhere("a"), everywhere("b"), everywhere("c", weight=5))
    views = outcomes(page_of(Repeat.SAME), *some)
    assert all(top == bottom for top, bottom in views)
    assert len({top[0] for top, _ in views}) == 6


async def test_the_same_creative_needs_no_second_throw_of_its_pace() -> None:
    paced = everywhere("a", flights=(Flight(HOUR, HOUR + 9, Goal(impressions=100)),))
    page = page_of(Repeat.SAME)
    clock = StandingClock(NOW_MS)
    source = planner(catalog(paced, sites=(page.site,)), clock)
    for _ in range(2):
        await source.renew()
        clock.now += 60_000  # in which its pace grows to a tenth
    await source.renew()
    decides = decider(source, Random(4).random)
    views = [decides.decide(page, PHONE).choices for _ in range(300)]
    pairs = {(bool(top), bool(bottom)) for top, bottom in views}
    assert pairs == {(True, True), (False, True), (False, False)}


def test_what_does_not_fit_below_leaves_the_place_to_others() -> None:
    top = campaign("a", creative("a-top", "top"), tier=Tier.SPONSORSHIP)
    views = outcomes(page_of(Repeat.SAME), top, campaign("b", creative("b-bottom", "bottom")))
    assert views[0] == [["a-top"], ["b-bottom"]]
    mixed = campaign("a", creative("a-top", "top"), creative("a-bottom", "bottom"))
    assert outcomes(page_of(Repeat.SAME), mixed)[0] == [["a-top"], ["a-bottom"]]


def test_where_a_site_never_repeats_a_campaign_has_one_place() -> None:
    views = outcomes(page_of(Repeat.NEVER), everywhere("a"), everywhere("b"))
    assert {(top[0][0], bottom[0][0]) for top, bottom in views} == {("a", "b"), ("b", "a")}
    assert [bool(x) for x in outcomes(page_of(Repeat.NEVER), everywhere("a"))[0]] == [True, False]


def test_campaigns_that_share_a_word_of_competes_never_meet() -> None:
    some = (
        everywhere("cola", competes=frozenset({"drinks"})),
        everywhere("lemonade", competes=frozenset({"drinks", "fruit"})),
        everywhere("apples", competes=frozenset({"fruit"})),
    )
    pairs = {
        frozenset({top[0][:-2], bottom[0][:-2]})
        for top, bottom in outcomes(page_of(Repeat.ALLOW), *some)
    }
    assert pairs == {
        frozenset({"cola"}), frozenset({"lemonade"}), frozenset({"apples"}),
        frozenset({"cola", "apples"}),
    }  # fmt: skip


def test_only_a_capped_campaign_has_runner_ups_and_two_at_most() -> None:
    capped = everywhere("capped", cap=CAP, tier=Tier.STANDARD)
    some = (capped, *(everywhere(f"h-{n}") for n in range(5)))
    for top, bottom in outcomes(page_of(Repeat.ALLOW), *some):
        for first, *others in (top, bottom):
            assert first.startswith("capped")
            assert len({name[:-2] for name in others}) == 2
    assert {len(x) for x in outcomes(page_of(Repeat.ALLOW), *some[1:])[0]} == {1}
    assert outcomes(page_of(Repeat.ALLOW), capped)[0][0][1:] == [], "nobody else is there"


@given(st.integers(0, 2**32), st.sampled_from(Repeat), st.integers(0, 6))
def test_whatever_a_browser_makes_of_its_caps_rivals_never_meet(
    seed: int, repeat: Repeat, many: int
) -> None:
    ids = [placement.id for placement in FOUR]
    some = [
        campaign(
            f"c-{n}", creative(f"c-{n}", *ids[n % 3 :]),
            cap=CAP if n % 2 else None, competes=frozenset({f"w-{n % 4}"}), weight=n + 1.0,
        )
        for n in range(many)
    ]  # fmt: skip
    page = page_of(repeat, placements=FOUR)
    decides = decider(plan(catalog(*some, sites=(page.site,))), Random(seed).random)
    decision = decides.decide(page, PHONE)
    assert len(parse_token(decision.token).token.offers) <= OFFERS_MAX
    for i, here in enumerate(decision.choices):
        assert len({choice.campaign.id for choice in here}) == len(here)
        for there in decision.choices[i + 1 :]:
            for one in here:
                for other in there:
                    same = one.campaign is other.campaign
                    assert not (same and repeat is Repeat.NEVER)
                    assert same or not one.campaign.competes & other.campaign.competes


def test_runner_ups_take_no_other_placements_place() -> None:
    capped = campaign("capped", creative("capped", "top"), cap=CAP, tier=Tier.STANDARD)
    views = outcomes(page_of(Repeat.NEVER), capped, everywhere("only"))
    assert {bottom[0][:-2] for _, bottom in views} == {"only"}
    assert {tuple(top) for top, _ in views} == {("capped",)}


def test_clicks_on_runner_ups_are_valid_only_if_the_token_offers_them() -> None:
    some = (everywhere("a", cap=CAP), everywhere("b"), everywhere("c"))
    source = planner(catalog(*some))
    decides = decider(source, Random(3).random, serials=Serials(Numbers([9])))
    parsed = parse_token(decides.decide(PAGE, PHONE).token)
    offered = {p.id: len(list(parsed.token.entries(p.code))) for p in (TOP, BOTTOM)}
    judges = recorder(planner=source)
    for placement, many in offered.items():
        for rank in range(4):
            deed = Deed(Kind.CLICK, placement, runner_up=rank)
            (event,) = judges.judged(parsed, [deed], READER)
            assert event.verdict == (Verdict.VALID if rank < many else Verdict.MISMATCH)
            if 0 < rank < many:
                assert event.pace is not None
                assert "|runner-up|" in event.pace


def test_a_runner_up_on_another_page_views_token_is_a_mismatch() -> None:
    source = planner(catalog(everywhere("a"), everywhere("b")))
    parsed = parse_token(decider(source, serials=Serials(Numbers([9]))).decide(PAGE, PHONE).token)
    deed = Deed(Kind.IMPRESSION, "top", creative="a-1")
    shown_id = source.plan.codebook.creatives[parsed.token.offers[0].creative][1].id
    (event,) = recorder(planner=source).judged(parsed, [deed], READER)
    assert (event.verdict == Verdict.VALID) is (shown_id == "a-1")


@given(st.sampled_from(Platform), st.sampled_from(["de", "fr", "zz"]), st.integers(0, 99))
def test_never_an_ineligible_creative(platform: Platform, country: str, seed: int) -> None:
    some = (
        everywhere("german", target={"country": frozenset({"de"})}, cap=CAP),
        everywhere("phones", target={"platform": frozenset({"ios", "android"})}),
        everywhere("paused", paused=True),
        everywhere("sport", target={"section": frozenset({"sport"})}),
        everywhere("not-desktop", exclude={"platform": frozenset({"desktop"})}),
    )
    page = replace(PAGE, section="sport" if seed % 2 else "")
    decides = decider(plan(catalog(*some)), Random(seed).random)
    names = {
        choice.campaign.id
        for choices in decides.decide(page, Audience(platform, country)).choices
        for choice in choices
    }
    assert "paused" not in names
    assert country == "de" or "german" not in names
    assert platform in {Platform.IOS, Platform.ANDROID} or "phones" not in names
    assert seed % 2 or "sport" not in names
    assert platform not in {Platform.DESKTOP, Platform.UNKNOWN} or "not-desktop" not in names


def test_what_a_page_allows_is_worked_out_once_per_catalogue() -> None:
    page, old = replace(PAGE), plan(catalog(campaign("c"), everywhere("d", sites=frozenset())))
    assert page.allows(old.index) is page.allows(old.index)
    assert [page.allows(old.index), page.allows(plan(catalog(campaign("c"))).index)] == [0b01, 0b1]


def test_an_unrelated_campaign_changes_nothing_for_a_reader_it_is_not_for() -> None:
    abroad = everywhere("abroad", target={"country": frozenset({"fr"})}, tier=Tier.SPONSORSHIP)
    without, alone = Counter(), Counter()  # type: Counter[str], Counter[str]
    for counter, some in ((without, ()), (alone, (abroad,))):
        decides = decider(plan(catalog(everywhere("a"), everywhere("b"), *some)), Random(1).random)
        for _ in range(200):
            for choices in decides.decide(PAGE, PHONE).choices:
                counter[choices[0].creative.id] += 1
    assert without == alone
