"""GET /v1/decision over a real server: the contract of design § 8, key by key."""

import re

import pytest

from service.domain.articles import canonical_article
from service.domain.audience import Platform
from service.domain.tokens import parse_token
from tests.web.houses import (
    ANDROID,
    ARTICLE,
    COAST,
    COAST_ARTICLE,
    DESKTOP,
    IPHONE,
    MACINTOSH,
    NEWS,
    PUBLIC_URL,
    House,
)
from tests.web.wire import Answer, query

PAGE = query(site="example", url=ARTICLE)
TITLE = 'Summit: "50 % more" & <b>rain</b>'


def _ask(house: House, parameters: str = PAGE, **headers: str) -> Answer:
    sent = {"User-Agent": IPHONE} | {k.replace("_", "-"): v for k, v in headers.items()}
    return house.public.get(f"/v1/decision?{parameters}", sent)


def test_the_answer_is_exactly_what_the_contract_says(house: House) -> None:
    decision = house.decide(title=TITLE)
    token = decision["token"]
    ad: dict[str, object] = {
        "campaign": "vital-signs",
        "creative": "vs-text",
        "label": "Advertisement",
        "headline": "Download Vital Signs App (VS App)",
        "body": "Your vital signs, measured and explained, on your phone.",
        "cta": "Download",
        "image": None,
        "sponsored": False,
        "cap": None,
        "alternates": [],
    }
    shared = f"?{query(u=ARTICLE, t=TITLE)}"
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,100}", token)
    assert decision == {
        "token": token,
        "article": {"id": canonical_article(ARTICLE).id.hex(), "url": ARTICLE},
        "placements": {
            name: {**ad, "click": f"{PUBLIC_URL}/c/{token}/{name}"} for name in ("top", "bottom")
        },
        "share": [
            {
                "network": network,
                "label": f"Share on {name}",
                "url": f"{PUBLIC_URL}/s/{token}/{network}{shared}",
            }
            for network, name in (
                ("facebook", "Facebook"), ("twitter", "Twitter"),
                ("reddit", "Reddit"), ("linkedin", "LinkedIn"),
            )
        ],
    }  # fmt: skip


def test_a_site_says_its_own_words_and_a_campaign_its_image_and_cap(house: House) -> None:
    decision = house.decide(site="coast")
    ad = decision["placements"]["top"]
    assert ad["image"] == {
        "url": "https://img.example/w.png", "width": 300, "height": 60, "alt": "A <wave>",
    }  # fmt: skip
    assert ad["cap"] == {"key": "running", "max": 3, "hours": 24}
    assert (ad["sponsored"], ad["body"], ad["cta"]) == (True, None, None)
    assert (ad["label"], ad["headline"]) == ("<i>Ad</i>", 'Tides </script><b>"Waves"</b> & more')
    assert [link["label"] for link in decision["share"]] == ["To & Reddit", "To & Telegram"]


def test_a_paused_campaign_and_one_out_of_flight_show_nothing(house: House) -> None:
    decision = house.decide(site="coast", placements="over,top,paused")
    shown = decision["placements"]
    assert (list(shown), shown["over"], shown["paused"]) == (["over", "top", "paused"], None, None)
    assert [offer.placement for offer in parse_token(decision["token"]).token.offers] == [7]


@pytest.mark.parametrize(
    ("wanted", "expected"), [("bottom", ["bottom"]), ("bottom,top", ["bottom", "top"]), ("", [])]
)
def test_placements_are_those_asked_for_in_that_order(
    house: House, wanted: str, expected: list[str]
) -> None:
    assert list(house.decide(placements=wanted)["placements"]) == expected


def test_each_page_view_has_a_token_of_its_own(house: House) -> None:
    tokens = [parse_token(house.decide()["token"]).token for _ in range(3)]
    assert len({token.issuer for token in tokens}) == 1
    assert len({token.serial for token in tokens}) == 3


@pytest.mark.parametrize(
    ("agent", "touch", "platform"),
    [
        (IPHONE, "0", Platform.IOS),
        (ANDROID, "1", Platform.ANDROID),
        (DESKTOP, "1", Platform.DESKTOP),
        (MACINTOSH, "0", Platform.DESKTOP),
        (MACINTOSH, "1", Platform.IOS),
        ("Telephone/1.0", "1", Platform.UNKNOWN),
    ],
)
def test_the_platform_is_the_agents_and_a_macintosh_with_touch_an_ipad(
    house: House, agent: str, touch: str, platform: Platform
) -> None:
    decision = house.decide(agent, touch=touch)
    assert parse_token(decision["token"]).token.platform is platform
    # The example's campaign is for every platform there is, so also for one not known.
    assert decision["placements"]["top"]["campaign"] == "vital-signs"


def test_a_share_that_brought_the_reader_is_in_the_token(house: House) -> None:
    token = parse_token(house.decide(from_="2.3")["token"]).token
    assert (token.source, token.depth) == (2, 3)


@pytest.mark.parametrize("signal", ["Sec-GPC", "DNT"])
def test_a_wish_for_privacy_is_in_the_token(house: House, signal: str) -> None:
    said = _ask(house, **{signal: "1"}).json()["token"]
    assert parse_token(said).token.gpc
    assert not parse_token(_ask(house).json()["token"]).token.gpc


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("HTTPS://NEWS.example:443/World/?b=2&utm_source=x&b=1&gclid=9&hb=2.1#top",
         "https://news.example/World/?b=2&b=1"),
        ("https://news.example", "https://news.example/"),
        ("https://news.example/a/../%2e%2e%2fetc/passwd",
         "https://news.example/a/../%2e%2e%2fetc/passwd"),
        ("https://news.example/caf\u00e9?q=\u2713",
         "https://news.example/caf%C3%A9?q=%E2%9C%93"),
    ],
)  # fmt: skip
def test_the_articles_address_comes_back_canonical(
    house: House, written: str, canonical: str
) -> None:
    article = house.decide(url=written)["article"]
    assert article == {"id": canonical_article(canonical).id.hex(), "url": canonical}


def test_nothing_is_kept_and_no_cookie_set(house: House) -> None:
    answer = _ask(house, Cookie="a=b; " * 200)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["server"] == "handbill"
    assert not {"set-cookie", "access-control-allow-origin", "etag"} & answer.headers.keys()


def test_only_the_sites_own_origin_may_read_the_answer(house: House) -> None:
    answer = _ask(house, Origin=NEWS)
    assert answer.headers["access-control-allow-origin"] == NEWS
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [COAST, "null", "", "*", "https://NEWS.example", "http://news.example", "https://news.example:8443",
     "https://news.example.evil.example", "https://evilnews.example", f"{NEWS}/", f"{NEWS} {NEWS}"],
)  # fmt: skip
def test_any_other_origin_is_403_and_may_not_even_read_that(house: House, origin: str) -> None:
    answer = _ask(house, Origin=origin)
    assert (answer.status, answer.fields) == (403, ["Origin"])
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ("", "site"),
        (f"site=&url={ARTICLE}", "site"),
        (f"site=EX!&url={ARTICLE}", "site"),
        ("site=example", "url"),
        ("site=example&url=", "url"),
        ("site=example&url=/world/summit", "url"),
        (f"{PAGE}&url=https://news.example/", "url"),
        (f"{PAGE}&site=example", "site"),
        (f"{PAGE}&title=%FF", "title"),
        (f"{PAGE}&%FF=x", "query"),
        (f"{PAGE}&canary=1&canary=2", "query"),
        (f"{PAGE}&placements=top,top", "placements"),
        (f"{PAGE}&placements=top,middle", "placements"),
        (f"{PAGE}&placements=,", "placements"),
        (f"{PAGE}&placements=a,b,c,d,e", "placements"),
        (f"{PAGE}&touch=yes", "touch"),
        (f"{PAGE}&from=facebook", "from"),
        (f"{PAGE}&from=16.1", "from"),
        (f"{PAGE}&from=1.256", "from"),
        (f"{PAGE}&from=%D9%A1.1", "from"),
        (f"{PAGE}&preview=x", "preview"),
        (f"{PAGE}&" + "&".join(f"p{n}=" for n in range(31)), "query"),
    ],
)
def test_a_bad_parameter_is_400_and_named(house: House, parameters: str, field: str) -> None:
    answer = _ask(house, parameters, Origin=NEWS)
    assert (answer.status, answer.fields) == (400, [field])
    assert answer.headers["access-control-allow-origin"] == NEWS  # so that its pages can say why
    assert answer.headers["cache-control"] == "no-store"


def test_32_parameters_are_allowed_and_unknown_ones_ignored(house: House) -> None:
    assert _ask(house, f"{PAGE}&" + "&".join(f"p{n}=" for n in range(30))).status == 200


def test_an_unknown_site_is_404(house: House) -> None:
    answer = _ask(house, query(site="nowhere", url=ARTICLE))
    assert (answer.status, answer.fields) == (404, ["site"])


@pytest.mark.parametrize(
    "url", [COAST_ARTICLE, "http://news.example/", "https://news.example:8443/"]
)
def test_another_sites_article_is_403(house: House, url: str) -> None:
    answer = _ask(house, query(site="example", url=url))
    assert (answer.status, answer.fields) == (403, ["url"])


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "PATCH"])
def test_no_other_method_decides(house: House, method: str) -> None:
    answer = house.public.send(method, f"/v1/decision?{PAGE}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, OPTIONS")
