"""Experiments in decisions: holdouts, arms, the guard, previews; and what propensities allow."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from random import Random
from typing import Any

import pytest

from service.domain.articles import Article, canonical_article
from service.domain.audience import Platform
from service.domain.choosing import PROPENSITY_ONE, Choice
from service.domain.errors import BadInput
from service.domain.events import Kind, Verdict
from service.domain.plans import Plan
from service.domain.sites import Experiment, Site
from service.domain.tokens import PAGE as PAGE_PURPOSE
from service.domain.tokens import PREVIEW, Arm, Offer, Parsed, Token, parse_token
from service.flows.decide import PREVIEW_MS
from service.flows.meanings import Deed
from service.flows.pages import Page
from tests.example import (
    ARTICLE,
    BOTTOM,
    HOUR,
    NOW_MS,
    OTHER_ARTICLE,
    SIGNER,
    SITE,
    STRANGER,
    TOP,
    campaign,
    catalog,
    creative,
    site,
)
from tests.planning import PAGE, PHONE, Counts, decider, plan, planner
from tests.recording import READER, recorder

VIEWS = 20_000
THREE = campaign("c", creative("poor"), creative("fair"), creative("good"))
RATES = {"poor": 0.02, "fair": 0.05, "good": 0.11}


def experimenting(**changes: Any) -> Site:
    return replace(SITE, experiment=Experiment("salt", **changes))


def page_of(where: Site, article: Article = ARTICLE) -> Page:
    return Page(where, article, (TOP, BOTTOM))


def article(n: int) -> Article:
    return canonical_article(f"https://news.example/{n}")


def with_arms(name: str, *arms: str) -> Any:
    return replace(creative(name, "top", "bottom"), arms=frozenset(arms) if arms else None)


async def learned(*, where: Site = SITE) -> Plan:
    """Return a plan that has learned a little: its shares are uneven, none is near nothing."""
    counts = Counts()
    for name, clicks in (("poor", 60), ("fair", 66), ("good", 72)):
        counts.teach(HOUR, name, 6_000, clicks)
    renewed = planner(catalog(THREE, sites=(where,)), counts=counts)
    await renewed.renew()
    return renewed.plan


def test_a_page_view_that_is_held_out_has_ghosts_in_its_token() -> None:
    held = experimenting(holdout=1.0)
    source = plan(catalog(campaign("c"), sites=(held,)))
    decision = decider(source).decide(page_of(held), PHONE)
    token = parse_token(decision.token).token
    assert (decision.arm, token.arm) == (Arm.HOLD, Arm.HOLD)
    assert [[one.creative.id for one in some] for some in decision.choices] == [["c"], []]
    assert token.offers == (Offer(TOP.code, decision.choices[0][0].code, PROPENSITY_ONE),)


def test_arms_see_the_creatives_that_name_them_and_those_that_name_none() -> None:
    split = experimenting(arms={"a": 0.5, "b": 0.3})
    made = campaign("c", with_arms("in-a", "a"), with_arms("in-b", "b"), with_arms("all"))
    decides = decider(plan(catalog(made, sites=(split,))), Random(5).random)
    seen: dict[Arm, set[str]] = {}
    arms: Counter[Arm] = Counter()
    for n in range(400):
        decision = decides.decide(page_of(split, article(n)), PHONE)
        arms[decision.arm] += 1
        names = {some[0].creative.id for some in decision.choices}
        seen.setdefault(decision.arm, set()).update(names)
    assert seen == {Arm.A: {"in-a", "all"}, Arm.B: {"in-b", "all"}, Arm.NONE: {"all"}}
    assert 150 < arms[Arm.A] < 250 < arms[Arm.A] + arms[Arm.B] < 370


def test_a_campaign_without_a_creative_for_an_arm_leaves_the_place_to_others() -> None:
    split = experimenting(arms={"b": 1.0})
    only_a = campaign("a", with_arms("in-a", "a"), weight=1_000)
    decides = decider(plan(catalog(only_a, campaign("b"), sites=(split,))), Random(5).random)
    for n in range(20):
        decision = decides.decide(page_of(split, article(n)), PHONE)
        assert [[one.creative.id for one in some] for some in decision.choices] == [["b"], []]


async def test_within_an_arm_the_configured_weights_hold_unless_it_sees_every_creative() -> None:
    split = experimenting(arms={"a": 1.0})
    source = await learned(where=split)
    place = ("top", Platform.IOS, Arm.A)
    assert _shares(source, place)["good"] > 0.5
    some = replace(THREE, creatives=(*THREE.creatives[1:], replace(THREE.creatives[0], arms=None)))
    assert plan(catalog(some)).pool(0, place).cumulative[-1] == pytest.approx(1.0)


async def test_the_guard_follows_the_weights_once_something_was_learned() -> None:
    guarded = experimenting(guard=0.25)
    source = await learned(where=guarded)
    decides, arms = decider(source, Random(6).random), Counter[Arm]()
    shares: dict[Arm, Counter[str]] = {Arm.GUARD: Counter(), Arm.NONE: Counter()}
    for _ in range(4_000):
        decision = decides.decide(page_of(guarded), PHONE)
        arms[decision.arm] += 1
        shares[decision.arm][decision.choices[0][0].creative.id] += 1
    assert abs(arms[Arm.GUARD] / 4_000 - 0.25) < 0.04
    for name, share in _shares(source, ("top", Platform.IOS, Arm.NONE)).items():
        assert abs(shares[Arm.NONE][name] / arms[Arm.NONE] - share) < 0.05
        assert abs(shares[Arm.GUARD][name] / arms[Arm.GUARD] - 1 / 3) < 0.09


def test_with_nothing_learned_there_is_nothing_to_guard() -> None:
    guarded = experimenting(guard=0.5)
    decides = decider(plan(catalog(THREE, sites=(guarded,))), lambda: 0.0)
    assert decides.decide(page_of(guarded), PHONE).arm is Arm.NONE


async def test_observed_picks_match_the_propensities_that_tokens_state() -> None:
    decides = decider(await learned(), Random(7).random)
    seen, stated = Counter[int](), dict[int, int]()
    for _ in range(VIEWS):
        token = parse_token(decides.decide(PAGE, PHONE).token).token
        if token.arm is Arm.NONE:
            offer = token.offers[0]
            seen[offer.creative] += 1
            assert stated.setdefault(offer.creative, offer.propensity) == offer.propensity
    assert abs(sum(stated.values()) - PROPENSITY_ONE) <= 2
    for code, propensity in stated.items():
        p = propensity / PROPENSITY_ONE
        # Six standard deviations; the seed is fixed, so that it holds always or never.
        assert abs(seen[code] - seen.total() * p) < 6 * sqrt(seen.total() * p * (1 - p))


@pytest.mark.parametrize(
    "policy",
    [{"poor": 1.0}, {"good": 1.0}, {"poor": 1 / 3, "fair": 1 / 3, "good": 1 / 3}],
    ids=["always the worst", "always the best", "an even split"],
)
async def test_what_another_rule_would_have_earned_is_told_without_bias(
    policy: Mapping[str, float],
) -> None:
    """Inverse propensities over the log of one rule give the value of another.

    The log's own mean is the value of neither; the estimate is within five standard errors.
    """
    source, dice = await learned(), Random(8)
    decides, estimates, plain = decider(source, dice.random), [], []
    for _ in range(VIEWS):
        decision = decides.decide(PAGE, PHONE)
        if decision.arm is not Arm.NONE:
            continue
        (offer,) = parse_token(decision.token).token.offers
        name = source.codebook.creatives[offer.creative][1].id
        clicked = float(dice.random() < RATES[name])
        plain.append(clicked)
        estimates.append(clicked * policy.get(name, 0.0) / (offer.propensity / PROPENSITY_ONE))
    value = sum(share * RATES[name] for name, share in policy.items())
    mean, error = _mean_and_error(estimates)
    assert abs(mean - value) < 5 * error < 0.05
    if policy != {"good": 1.0}:
        assert abs(_mean_and_error(plain)[0] - value) > 5 * error


def preview(name: str = "c", *, signer: Any = SIGNER, **changes: Any) -> Parsed:
    offers = (Offer(0, creative(name).code, PROPENSITY_ONE),)
    token = Token(
        NOW_MS, 0, 0, SITE.code, ARTICLE.id, Platform.UNKNOWN, preview=True, offers=offers
    )
    purpose = changes.pop("purpose", PREVIEW)
    return parse_token(signer.sign(token._replace(**changes), purpose))


def previewed(parsed: Parsed, page: Page = PAGE) -> tuple[tuple[Choice, ...], Token]:
    halted = campaign("c", creative("c", "bottom"), paused=True)
    source = plan(catalog(campaign("running"), halted, sites=(SITE, site("elsewhere"))))
    decision = decider(source).decide(replace(page, preview=parsed), PHONE)
    assert len(decision.choices[0]) == 0
    return decision.choices[1], parse_token(decision.token).token


def test_a_preview_shows_its_creative_where_it_fits_though_it_may_not_run() -> None:
    (choice,), token = previewed(preview())
    assert (choice.creative.id, choice.propensity) == ("c", PROPENSITY_ONE)
    assert (token.preview, token.arm, token.platform) == (True, Arm.NONE, Platform.IOS)
    assert token.offers == (Offer(BOTTOM.code, choice.code, PROPENSITY_ONE),)


def test_a_preview_is_good_for_a_day() -> None:
    previewed(preview(issued_ms=NOW_MS - PREVIEW_MS))
    with pytest.raises(BadInput, match="preview"):
        previewed(preview(issued_ms=NOW_MS - PREVIEW_MS - 1))


@pytest.mark.parametrize(
    "parsed",
    [
        preview("nothing"), preview(offers=()), preview(signer=STRANGER),
        preview(purpose=PAGE_PURPOSE), preview(article=OTHER_ARTICLE.id),
        preview(site=site("elsewhere").code), preview(site=1),
    ],
    ids=["creative", "no offer", "forged", "a page's token", "article", "site", "no site"],
)  # fmt: skip
def test_a_preview_of_anything_else_is_refused(parsed: Parsed) -> None:
    with pytest.raises(BadInput) as refused:
        previewed(parsed)
    assert refused.value.field == "preview"


def test_nothing_of_a_preview_is_counted_as_valid() -> None:
    _, token = previewed(preview())
    parsed = parse_token(SIGNER.sign(token))
    for kind in (Kind.VIEW, Kind.IMPRESSION, Kind.CLICK):
        (event,) = recorder().judged(parsed, [Deed(kind, "bottom")], READER)
        assert (event.verdict, event.pace) == (Verdict.PREVIEW, None)


def _shares(source: Plan, place: Any) -> dict[str, float]:
    pool = source.pool(0, place)
    before = (0.0, *pool.cumulative)
    steps = zip(before, pool.cumulative, strict=False)
    return {choice.creative.id: b - a for choice, (a, b) in zip(pool.choices, steps, strict=True)}


def _mean_and_error(some: list[float]) -> tuple[float, float]:
    mean = sum(some) / len(some)
    return mean, sqrt(sum((x - mean) ** 2 for x in some)) / len(some)
