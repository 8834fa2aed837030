"""Made-up page views: what campaigns ask for occurs, and what cannot occur is said."""

from typing import Any

import pytest

from service.domain.ads import Campaign, Flight, Tier
from service.domain.articles import ArticlePattern
from service.flows.simulate import Simulation
from tests.example import HOUR, campaign, catalog, site
from tests.unit.test_simulation import world

NEWS = site(
    "news",
    articles=(
        ArticlePattern("https", "old.example", subdomains=False, path="/archive"),
        ArticlePattern("https", "news.example", subdomains=True, path="/*/a*?id=*"),
        ArticlePattern("https", "news.example", subdomains=False, path="/*.html"),
    ),
)


def asking(**changes: Any) -> Campaign:
    return campaign("asking", tier=Tier.SPONSORSHIP, **changes)


async def reached(asked: Campaign) -> tuple[int, str]:
    """Return what a campaign delivers of some views, and why it cannot."""
    one = world(catalog(asked, sites=(NEWS,)), site=NEWS, views=1_000)
    simulation = Simulation(one)
    why = simulation.left_out().get("asking", "")
    return (await simulation.run()).total("asking"), why


@pytest.mark.parametrize(
    "wish",
    [
        {"country": {"de", "at"}},
        {"section": {"sport"}, "tag": {"football"}, "country": {"fr"}},
        {"language": {"pt-br"}},
        {"path": {"/world/*"}},
        {"path": {"/world/summit.html"}},
        {"path": {"/archive"}},
        {"source": {"facebook"}},
        {"shared": {"yes"}},
        {"shared": {"no"}},
        {"platform": {"unknown"}},
    ],
)
async def test_what_a_campaign_asks_for_occurs(wish: dict[str, set[str]]) -> None:
    target = {name: frozenset(values) for name, values in wish.items()}
    delivered, why = await reached(asking(target=target))
    assert delivered > 200
    assert why == ""


@pytest.mark.parametrize(
    "refused",
    [
        {"country": {"zz", "us"}},
        {"language": {"en"}},
        {"source": {"direct"}},
        {"shared": {"no"}},
        {"path": {"/archive"}},
        {"section": {"sport"}},
    ],
)
async def test_what_a_campaign_refuses_is_not_all_there_is(refused: dict[str, set[str]]) -> None:
    exclude = {name: frozenset(values) for name, values in refused.items()}
    delivered, why = await reached(asking(exclude=exclude))
    assert delivered > 200
    assert why == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"paused": True}, "it is paused"),
        ({"sites": frozenset({"other"})}, "it is not for site news"),
        ({"exclude": {"site": frozenset({"news"})}}, "it is not for site news"),
        ({"flights": (Flight(HOUR + 99),)}, "no hour of its flights is among these days"),
        # START is a Tuesday.
        (
            {"target": {"weekday": frozenset({"sunday"})}},
            "no hour of its flights is among these days",
        ),
        (
            {"target": {"path": frozenset({"/nowhere"})}},
            "no synthetic page view has what it asks for",
        ),
        (
            {"exclude": {"country": frozenset({"zz", "us", "in", "br"})}},
            "no synthetic page view has what it asks for",
        ),
    ],
)
async def test_whoever_cannot_deliver_is_named_with_the_reason(
    changes: dict[str, Any], why: str
) -> None:
    assert await reached(asking(**changes)) == (0, why)


async def test_half_of_all_visits_are_shared_by_distinct_wishes() -> None:
    def asked(name: str, country: str) -> Campaign:
        return campaign(name, target={"country": frozenset({country})}, tier=Tier.STANDARD)

    wishing = asked("one", "de"), asked("two", "de"), asked("french", "fr"), asked("anyone", "zz")
    paused = campaign("paused", target={"country": frozenset({"at"})}, paused=True)
    one = world(catalog(*wishing, paused, sites=(NEWS,)), site=NEWS, views=8_000)
    found = await Simulation(one).run()
    assert found.total("french") == pytest.approx(2_000 * 0.9, rel=0.05)
    assert found.total("one") + found.total("two") == pytest.approx(2_000 * 0.9, rel=0.05)
    assert found.total("anyone") == pytest.approx(4_000 * 0.9, rel=0.05)
