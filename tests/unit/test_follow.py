"""A reader never pays for our doubt, and never leaves our lists."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.articles import canonical_article
from service.domain.audience import Agent, Platform
from service.domain.catalog import Catalog
from service.domain.errors import BadInput, UnknownSite
from service.domain.stores import Origin, play_link
from service.domain.tokens import CONVERSION, Offer, Parsed, Signer, Token, parse_token
from service.flows.follow import Follower
from tests.example import (
    APP,
    ARTICLE,
    CREATIVE,
    SIGNER,
    SITE,
    STRANGER,
    TOP,
    campaign,
    catalog,
    site,
)
from tests.planning import plan, planner
from tests.recording import CATALOG, TOKEN, signed

PUBLIC_URL = "https://ads.example/hb"
ELSEWHERE = site("elsewhere")
TWO_SITES = replace(CATALOG, sites={SITE.id: SITE, ELSEWHERE.id: ELSEWHERE})
IPHONE, ANDROID, DESKTOP, UNKNOWN = (
    Agent(platform, bot=False)
    for platform in (Platform.IOS, Platform.ANDROID, Platform.DESKTOP, Platform.UNKNOWN)
)
IPAD = Agent(Platform.DESKTOP, bot=False, macintosh=True)
CLICK_ID = SIGNER.sign(TOKEN.narrowed(TOKEN.offers[0]), CONVERSION)
APP_STORE = "https://apps.apple.com/app/apple-store/id123456789?pt=987654&ct=vital-signs-top&mt=8"
PLAY = play_link(APP, Origin(SITE.id, "vital-signs", "vs-text", "top", CLICK_ID))
LANDING = f"{PUBLIC_URL}/a/vital-signs?via={CLICK_ID}"
TAGS = "utm_source=reddit&utm_medium=share&utm_campaign=article-share&utm_content=block&hb=3"


@pytest.mark.parametrize(
    ("decided", "agent", "location"),
    [
        (Platform.IOS, IPHONE, APP_STORE),
        (Platform.ANDROID, ANDROID, PLAY),
        (Platform.DESKTOP, DESKTOP, LANDING),
        (Platform.IOS, UNKNOWN, APP_STORE),
        (Platform.IOS, IPAD, APP_STORE),
        (Platform.UNKNOWN, ANDROID, PLAY),
        (Platform.UNKNOWN, UNKNOWN, LANDING),
        (Platform.IOS, ANDROID, PLAY),
        (Platform.DESKTOP, IPHONE, APP_STORE),
    ],
)
def test_a_click_goes_by_the_tokens_platform_and_by_the_agents_where_they_disagree(
    decided: Platform, agent: Agent, location: str
) -> None:
    # The token of another platform has another click id, of the same length.
    expected = location.replace(CLICK_ID, _click_id(platform=decided))
    assert _click(signed(platform=decided), agent=agent) == expected


def test_a_runner_up_goes_to_its_own_app_under_its_own_click_id() -> None:
    token = TOKEN.narrowed(TOKEN.offers[2])
    location = _click(signed(platform=Platform.DESKTOP), rank=1, agent=DESKTOP)
    token = token._replace(platform=Platform.DESKTOP)
    assert location == f"{PUBLIC_URL}/a/vital-signs?via={SIGNER.sign(token, CONVERSION)}"


def test_an_expired_click_still_arrives() -> None:
    assert _click(signed(issued_ms=0), agent=IPHONE) == APP_STORE


def test_a_forged_click_arrives_but_credits_nobody() -> None:
    forged = parse_token(STRANGER.sign(TOKEN._replace(platform=Platform.UNKNOWN)))
    assert _click(forged, agent=IPHONE) == APP_STORE
    assert _click(forged, agent=DESKTOP) == f"{PUBLIC_URL}/a/vital-signs"
    assert "hb_click" not in _click(forged, agent=ANDROID)


@pytest.mark.parametrize(
    ("token", "placement", "rank"),
    [
        ({"offers": (Offer(TOP.code, 1, 9),)}, "top", 0),
        ({"offers": ()}, "top", 0),
        ({}, "top", 5),
        ({}, "middle", 0),
        ({}, "", 0),
    ],
)
def test_what_was_not_offered_or_is_not_known_goes_to_the_sites_fallback(
    token: dict[str, Any], placement: str, rank: int
) -> None:
    follower = _follower(TWO_SITES)
    assert follower.click(signed(**token), placement, rank, IPHONE, None) == SITE.fallback


NAMELESS: dict[str, Parsed | None] = {
    "undecodable": None,
    "unknown site": parse_token(SIGNER.sign(TOKEN._replace(site=1))),
}


@pytest.mark.parametrize("parsed", NAMELESS.values(), ids=NAMELESS.keys())
def test_a_click_that_names_no_site_goes_to_the_only_one_or_where_it_came_from(
    parsed: Parsed | None,
) -> None:
    one, two, none = (_follower(some) for some in (CATALOG, TWO_SITES, catalog(sites=())))
    assert one.click(parsed, "top", 0, IPHONE, None) == SITE.fallback
    assert one.click(parsed, "top", 0, IPHONE, "https://other.example") == SITE.fallback
    assert two.click(parsed, "top", 0, IPHONE, "https://elsewhere.example") == ELSEWHERE.fallback
    for follower, origin in ((two, None), (two, "https://other.example"), (none, None)):
        with pytest.raises(UnknownSite):
            follower.click(parsed, "top", 0, IPHONE, origin)


async def test_a_creative_that_left_the_catalogue_still_leads_to_its_app() -> None:
    renewed = planner(CATALOG)
    await renewed.adopt(catalog(campaign("new"), sites=(ELSEWHERE,), apps={}))
    follower = Follower(lambda: renewed.plan, lambda: SIGNER, PUBLIC_URL)
    assert follower.click(signed(), "top", 0, IPHONE, None) == APP_STORE


@pytest.mark.parametrize(("depth", "generation"), [(0, 1), (1, 2), (254, 255), (255, 255)])
def test_a_share_goes_to_the_network_one_generation_deeper(depth: int, generation: int) -> None:
    location = _follower().share(signed(depth=depth), "reddit", ARTICLE, "Summit")
    assert parse_qs(urlsplit(location).query) == {
        "url": [f"{ARTICLE.url}?{TAGS}.{generation}"],
        "title": ["Summit"],
    }


@pytest.mark.parametrize(
    "parsed", [None, parse_token(STRANGER.sign(TOKEN._replace(depth=9)))], ids=["none", "forged"]
)
def test_a_share_that_cannot_be_verified_arrives_as_a_first_one(parsed: Parsed | None) -> None:
    location = _follower().share(parsed, "reddit", ARTICLE, "")
    assert parse_qs(urlsplit(location).query) == {"url": [f"{ARTICLE.url}?{TAGS}.1"]}


@pytest.mark.parametrize("network", ["copy", "native", "x", "", "//evil.example"])
def test_a_share_to_no_network_of_ours_goes_to_the_article(network: str) -> None:
    assert _follower().share(signed(), network, ARTICLE, "Summit") == ARTICLE.url


def test_the_token_says_whose_articles_may_be_shared() -> None:
    theirs = canonical_article("https://elsewhere.example/a")
    follower = _follower(TWO_SITES)
    with pytest.raises(BadInput) as refused:
        follower.share(signed(), "reddit", theirs, "")
    assert refused.value.field == "u"
    assert "elsewhere" in follower.share(signed(site=ELSEWHERE.code), "reddit", theirs, "")
    assert "elsewhere" in follower.share(None, "reddit", theirs, "")


@given(
    st.sampled_from(["https://", "http://", "HTTPS://", ""]),
    st.sampled_from(["news.example", "news.example.evil.example", "evil.example", "NEWS.example"]),
    st.text("/\\@:.?#%2Fe vil&=\r\n", max_size=30),
    st.sampled_from([*CATALOG.networks, "x"]),
    st.sampled_from([None, signed()]),
)
def test_no_address_leads_out_of_the_catalogue_and_the_allow_list(
    scheme: str, host: str, rest: str, network: str, parsed: Parsed | None
) -> None:
    try:
        article = canonical_article(scheme + host + rest, "u")
        location = _follower().share(parsed, network, article, "")
    except BadInput:
        return
    assert article.url.startswith("https://news.example/")
    template = CATALOG.networks[network].url if network in CATALOG.networks else None
    start = template.split("?")[0].split("#")[0] if template else article.url
    assert location.startswith(start)
    assert location.isprintable()
    assert location.isascii()


@given(
    st.builds(
        TOKEN._replace,
        issued_ms=st.integers(0, 2**48 - 1),
        site=st.sampled_from([SITE.code, 1]),
        article=st.binary(min_size=8, max_size=8),
        platform=st.sampled_from(Platform),
        source=st.integers(0, 255),
        depth=st.integers(0, 255),
        offers=st.lists(
            st.builds(Offer, st.integers(0, 255), st.sampled_from([CREATIVE.code, 5]), st.just(9)),
            max_size=6,
        ).map(tuple),
    ),
    st.sampled_from([SIGNER, STRANGER]),
    st.sampled_from(["top", "bottom", "x"]),
    st.integers(0, 9),
    st.sampled_from([IPHONE, ANDROID, DESKTOP, UNKNOWN, IPAD]),
)
def test_any_token_at_all_leads_to_a_store_our_page_or_the_fallback(
    token: Token, signer: Signer, placement: str, rank: int, agent: Agent
) -> None:
    location = _click(parse_token(signer.sign(token)), placement, rank, agent=agent)
    starts = (
        "https://apps.apple.com/app/apple-store/id123456789?",
        "https://play.google.com/store/apps/details?id=example.vitalsigns&",
        f"{PUBLIC_URL}/a/vital-signs",
    )
    assert location == SITE.fallback or location.startswith(starts)


def _follower(some: Catalog = CATALOG) -> Follower:
    made = plan(some)
    return Follower(lambda: made, lambda: SIGNER, PUBLIC_URL)


def _click(parsed: Parsed | None, placement: str = "top", rank: int = 0, *, agent: Agent) -> str:
    return _follower().click(parsed, placement, rank, agent, None)


def _click_id(**changes: Any) -> str:
    return SIGNER.sign(TOKEN._replace(**changes).narrowed(TOKEN.offers[0]), CONVERSION)
