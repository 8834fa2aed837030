"""A decision is a pure answer from the plan of the moment, and its token says exactly that."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from service.domain.audience import Platform
from service.domain.sites import Placement
from service.domain.tokens import Offer, Token, parse_token
from service.flows.decide import Decision
from service.flows.pages import Audience, Page
from service.flows.serials import Serials
from tests.example import (
    ARTICLE,
    CREATIVE,
    NOW_MS,
    SIGNER,
    SITE,
    campaign,
    catalog,
    creative,
)
from tests.fakes import Numbers
from tests.planning import PAGE, PHONE, decider, plan, planner

RIVALS = catalog(*(campaign(f"c-{n}", creative(f"c-{n}", "top", "bottom")) for n in range(9)))
LAST_SERIAL = 2**32 - 1


def test_the_example_fills_both_placements() -> None:
    decision = decider(plan()).decide(PAGE, PHONE)
    assert [some[0].creative for some in decision.choices] == [CREATIVE, CREATIVE]
    token = parse_token(decision.token).token
    assert (token.source, token.depth, token.gpc, token.preview) == (0, 0, False, False)


@given(st.integers(0, 2**32 - 1), st.sampled_from(Platform))
def test_same_seed_same_plan_same_page_same_answer(seed: int, platform: Platform) -> None:
    some = plan(RIVALS)
    one, other = (
        decider(some, draw=Random(seed).random).decide(PAGE, Audience(platform)) for _ in range(2)
    )
    assert one == other
    assert () not in one.choices


def test_a_plan_made_again_of_the_same_catalogue_answers_the_same() -> None:
    one, other = (
        decider(plan(RIVALS), draw=Random(7).random).decide(PAGE, PHONE) for _ in range(2)
    )
    assert one.token == other.token


@given(
    platform=st.sampled_from(Platform),
    source=st.integers(0, 15),
    depth=st.integers(0, 255),
    gpc=st.booleans(),
    placements=st.permutations(SITE.placements).flatmap(
        lambda all_: st.integers(0, 2).map(lambda n: tuple(all_[:n]))
    ),
)
def test_the_token_says_exactly_what_was_offered(
    platform: Platform, source: int, depth: int, gpc: bool, placements: tuple[Placement, ...]
) -> None:
    page = Page(SITE, ARTICLE, placements, source, depth)
    decision = decider(plan(RIVALS)).decide(page, Audience(platform, "de", gpc))
    parsed = parse_token(decision.token)
    assert SIGNER.genuine(parsed)
    assert parsed.token == Token(
        NOW_MS, 7, 0, SITE.code, ARTICLE.id, platform, source, depth, gpc,
        offers=tuple(
            Offer(placement.code, some[0].code, some[0].propensity)
            for placement, some in zip(placements, decision.choices, strict=True)
        ),
    )  # fmt: skip
    assert len(parsed.token.offers) == len(placements)


def test_a_placement_with_nothing_to_show_is_empty_and_not_in_the_token() -> None:
    decision = decider(plan(catalog(campaign("c", creative("c", "bottom"))))).decide(PAGE, PHONE)
    assert [[choice.creative.id for choice in some] for some in decision.choices] == [[], ["c"]]
    assert [offer.placement for offer in parse_token(decision.token).token.offers] == [2]


def test_no_campaign_at_all_still_makes_a_token_to_count_views_and_shares_by() -> None:
    decision = decider(plan(catalog())).decide(PAGE, PHONE)
    assert decision.choices == ((), ())
    assert parse_token(decision.token).token.offers == ()


async def test_each_decision_is_made_from_the_plan_of_its_moment() -> None:
    renewed = planner()
    decides = decider(renewed)
    before = decides.decide(PAGE, PHONE)
    await renewed.adopt(catalog(campaign("new")))
    after = decides.decide(PAGE, PHONE)
    assert [some[0].creative.id for some in before.choices] == ["vs-text", "vs-text"]
    assert [[choice.creative.id for choice in some] for some in after.choices] == [["new"], []]
    serials = [parse_token(one.token).token.serial for one in (before, after)]
    assert serials == [0, 1]


def test_deciding_waits_for_nothing_and_opens_nothing() -> None:
    decides = decider(plan(RIVALS))
    events: list[str] = []
    with _watching(events.append):
        decision = decides.decide(PAGE, Audience(Platform.ANDROID))
    assert type(decision) is Decision
    assert [name for name in events if name.startswith(("open", "socket", "os.", "sqlite3"))] == []


def test_serials_count_up_under_one_issuer() -> None:
    serials = Serials(Numbers([7]))
    assert [serials.take() for _ in range(3)] == [(7, 0), (7, 1), (7, 2)]


def test_an_exhausted_issuer_is_followed_by_one_never_used() -> None:
    serials = Serials(Numbers([7, 7, 9]))
    serials._next = LAST_SERIAL
    assert [serials.take(), serials.take()] == [(7, LAST_SERIAL), (9, 0)]
    assert [serials.owns(issuer) for issuer in (7, 8, 9)] == [True, False, True]


def test_the_last_serial_still_makes_a_token() -> None:
    serials = Serials(Numbers([2**32 - 1]))
    serials._next = LAST_SERIAL
    decision = decider(plan(), serials=serials).decide(PAGE, Audience(Platform.IOS, gpc=True))
    token = parse_token(decision.token).token
    assert (token.issuer, token.serial) == (2**32 - 1, LAST_SERIAL)


@contextmanager
def _watching(report: Callable[[str], None]) -> Iterator[None]:
    """Report audit events while the block runs; the hook itself can never be taken away."""
    watches = [True]
    sys.addaudithook(lambda name, _: report(name) if watches else None)
    try:
        yield
    finally:
        watches.clear()
