"""/c, /s, /i and /robots.txt over a real server: where readers go, and what is counted of it."""

import secrets
from typing import Any
from urllib.parse import quote

import pytest

from service.domain.ads import code_of
from service.domain.articles import canonical_article
from service.domain.audience import Platform
from service.domain.tokens import CONVERSION, Offer, Signer, parse_token
from tests.web.houses import (
    ANDROID,
    ARTICLE,
    COAST,
    COAST_ARTICLE,
    DESKTOP,
    IPHONE,
    NEWS,
    PUBLIC_URL,
    House,
)
from tests.web.wire import query

APP_STORE = "https://apps.apple.com/app/apple-store/id123456789?pt=987654&ct=vital-signs-{}&mt=8"
PLAY = "https://play.google.com/store/apps/details?id={}&referrer={}"
FALLBACK = "https://news.example/apps"
DAY_S = 24 * 3_600


def _play(package: str, referrer: str) -> str:
    return PLAY.format(package, quote(referrer, safe=""))


def _click_id(house: House, token: str, offer: int = 0) -> str:
    page = parse_token(token).token
    return house.signer.sign(page.narrowed(page.offers[offer]), CONVERSION)


def test_an_iphone_goes_to_the_app_store(house: House) -> None:
    shown = house.decide(IPHONE)["placements"]
    for placement in ("top", "bottom"):
        answer = house.follow(shown[placement]["click"], IPHONE)
        assert answer.location == APP_STORE.format(placement)
        assert answer.body == b""
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert answer.headers["server"] == "handbill"
        assert "set-cookie" not in answer.headers


def test_an_android_goes_to_google_play_with_a_referrer_that_an_install_can_prove(
    house: House,
) -> None:
    decision = house.decide(ANDROID)
    answer = house.follow(decision["placements"]["bottom"]["click"], ANDROID)
    assert answer.location == _play(
        "example.vitalsigns",
        "utm_source=example&utm_medium=app-ad&utm_campaign=vital-signs"
        f"&utm_content=vs-text.bottom&hb_click={_click_id(house, decision['token'], 1)}",
    )


def test_a_desktop_goes_to_the_landing_page_which_is_no_second_count(house: House) -> None:
    counting = house.counting("site,kind,verdict")
    token = house.token(platform=Platform.DESKTOP)
    landing = house.follow(f"/c/{token}/top", DESKTOP).location
    assert landing == f"{PUBLIC_URL}/a/vital-signs?via={_click_id(house, token)}"
    page = house.follow(landing, DESKTOP)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert quote(f"hb_click={_click_id(house, token)}", safe="") in page.text
    assert house.follow(f"/s/{token}/copy?{query(u=ARTICLE)}", DESKTOP).status == 302
    assert counting.gained(2) == {
        ("example", "click", "valid"): 1, ("example", "share", "valid"): 1,
    }  # fmt: skip


def test_the_device_in_hand_decides_not_the_one_that_was_decided_for(house: House) -> None:
    counting = house.counting("kind,platform,verdict")
    assert house.follow(f"/c/{house.token()}/top", ANDROID).location.startswith(PLAY[:30])
    assert counting.gained(1) == {("click", "ios", "mismatch"): 1}


def test_a_runner_up_has_a_path_of_its_own(house: House) -> None:
    counting = house.counting("placement,creative,verdict")
    offers = (Offer(1, code_of("vs-text"), 9), Offer(1, code_of("running-a"), 9))
    token = house.token(offers=offers, platform=Platform.ANDROID)
    assert house.follow(f"/c/{token}/top/1", ANDROID).location == _play(
        "example.tides",
        "utm_source=example&utm_medium=app-ad&utm_campaign=running&utm_content=running-a.top"
        f"&hb_click={_click_id(house, token, 1)}",
    )
    assert house.follow(f"/c/{token}/top/2", ANDROID).location == FALLBACK
    assert [house.follow(f"/c/{token}/top/{k}").status for k in ("0", "6", "01", "x")] == [404] * 4
    assert counting.gained(2) == {("top", "running-a", "valid"): 1, ("top", "-", "mismatch"): 1}


@pytest.mark.parametrize(
    ("changes", "path", "goes", "verdict"),
    [
        ({"age_s": DAY_S + 1}, "top", APP_STORE.format("top"), "expired"),
        ({"age_s": -90}, "top", APP_STORE.format("top"), "expired"),
        ({"preview": True}, "top", APP_STORE.format("top"), "preview"),
        ({}, "canary", FALLBACK, "mismatch"),
        ({}, "%2e%2e%2f%00%ff", FALLBACK, "mismatch"),
        ({"offers": ()}, "top", FALLBACK, "mismatch"),
        ({"offers": (Offer(1, 1, 1),)}, "top", FALLBACK, "mismatch"),
        ({"purpose": CONVERSION}, "top", APP_STORE.format("top"), "forged"),
    ],
)
def test_a_reader_never_pays_for_our_doubt(
    house: House, changes: Any, path: str, goes: str, verdict: str
) -> None:
    counting = house.counting("kind,verdict")
    assert house.follow(f"/c/{house.token(**changes)}/{path}").location == goes
    assert counting.gained(1) == {("click", verdict): 1}


def test_a_click_counts_once_and_leads_on_every_time(house: House) -> None:
    counting, token = house.counting("kind,verdict"), house.token()
    went = {house.follow(f"/c/{token}/top", Referer=f"{NEWS}/x").location for _ in range(3)}
    assert went == {APP_STORE.format("top")}
    assert counting.gained(3) == {("click", "valid"): 1, ("click", "duplicate"): 2}


def test_a_forged_click_leads_on_but_earns_no_click_id(house: House) -> None:
    token = parse_token(house.token(platform=Platform.ANDROID)).token
    forged = Signer({1: secrets.token_bytes(32)}, 1).sign(token)
    location = house.follow(f"/c/{forged}/top", ANDROID).location
    assert location.startswith(PLAY.format("example.vitalsigns", ""))
    assert "hb_click" not in location
    desktop = house.follow(f"/c/{forged}/top", DESKTOP).location
    assert desktop == f"{PUBLIC_URL}/a/vital-signs"


def test_what_is_no_token_goes_to_the_fallback_of_the_site_it_comes_from(house: House) -> None:
    counting = house.counting("site,kind,verdict")
    for origin, goes in ((NEWS, FALLBACK), (COAST, "https://coast.example/our-apps?from=ads")):
        assert house.follow("/c/canary/top", Referer=f"{origin}/page").location == goes
    # Of two sites nothing says which: there is no place that would be right.
    assert house.follow("/c/canary/top").status == 404
    unknown = house.token(site=1)
    assert house.follow(f"/c/{unknown}/top", Referer=f"{NEWS}/x").location == FALLBACK
    assert counting.gained(4) == {
        ("other", "click", "forged"): 3,
        ("other", "click", "wrong_site"): 1,
    }


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "TRACE"])
def test_only_a_get_follows_or_counts(house: House, method: str) -> None:
    counting, token = house.counting("kind,verdict"), house.token()
    for path in (f"/c/{token}/top", f"/c/{token}/top/1", f"/s/{token}/reddit?{query(u=ARTICLE)}",
                 f"/i/{token}/top.gif", "/a/vital-signs"):  # fmt: skip
        answer = house.public.send(method, path, {"User-Agent": IPHONE})
        assert (answer.status, answer.headers["allow"]) == (405, "GET"), path
    assert house.report(token, {"kind": "view"}).status == 204
    assert counting.gained(1) == {("view", "valid"): 1}


TAGS = "utm_source={0}&utm_medium=share&utm_campaign=article-share&utm_content=block&hb={1}"


@pytest.mark.parametrize(
    ("network", "code", "goes"),
    [
        ("facebook", 1, "https://www.facebook.com/sharer/sharer.php?u={url}"),
        ("twitter", 2, "https://x.com/intent/tweet?text={title}&url={url}"),
        ("reddit", 3, "https://www.reddit.com/submit?url={url}&title={title}"),
        ("linkedin", 4, "https://www.linkedin.com/sharing/share-offsite/?url={url}"),
    ],
)
def test_a_share_goes_to_the_network_with_the_tagged_article_encoded_once(
    house: House, network: str, code: int, goes: str
) -> None:
    counting, title = house.counting("source,kind,network,verdict"), "50 % + “more” & <b>é</b>/?#"
    article = f"{NEWS}/a%20b/\u00fc?q=1&r=+"
    decision = house.decide(url=article, title=title, from_="4.7")
    (link,) = [link["url"] for link in decision["share"] if link["network"] == network]
    canonical = f"{NEWS}/a%20b/%C3%BC?q=1&r=+"
    assert house.follow(link).location == goes.format(
        url=quote(f"{canonical}&{TAGS.format(network, f'{code}.8')}", safe=""),
        title=quote(title, safe=""),
    )
    assert counting.gained(1) == {("linkedin", "share", network, "valid"): 1}


def test_a_title_only_fills_in_and_never_longer_than_200(house: House) -> None:
    answer = house.follow(f"/s/{house.token()}/reddit?{query(u=ARTICLE, t='x' * 900)}")
    assert answer.location.endswith("&title=" + "x" * 200)
    bare = house.follow(f"/s/{house.token()}/reddit?{query(u=ARTICLE)}")
    assert "title=" not in bare.location


def test_a_share_without_a_network_page_goes_to_the_article_itself(house: House) -> None:
    counting = house.counting("kind,network,verdict")
    for network in ("copy", "native", "canary"):
        assert house.follow(f"/s/{house.token()}/{network}?{query(u=ARTICLE)}").location == ARTICLE
    assert counting.gained(3) == {
        ("share", "copy", "valid"): 1,
        ("share", "native", "valid"): 1,
        ("share", "other", "mismatch"): 1,
    }


def test_a_share_of_doubt_still_goes_where_some_site_allows(house: House) -> None:
    counting = house.counting("kind,verdict")
    wanted = query(u=f"{NEWS}/sport")
    for token in ("canary", house.token(age_s=DAY_S + 1), house.token()):
        location = house.follow(f"/s/{token}/linkedin?{wanted}").location
        assert quote(f"{NEWS}/sport?", safe="") in location
    assert counting.gained(3) == {
        ("share", "forged"): 1, ("share", "expired"): 1, ("share", "mismatch"): 1,
    }  # fmt: skip


def test_a_token_shares_its_own_sites_articles_only(house: House) -> None:
    counting = house.counting("kind,verdict")
    answer = house.follow(f"/s/{house.token()}/reddit?{query(u=COAST_ARTICLE)}")
    assert (answer.status, answer.fields) == (400, ["u"])
    article = canonical_article(COAST_ARTICLE).id
    token = house.token(site=code_of("coast"), article=article, offers=())
    assert house.follow(f"/s/{token}/telegram?{query(u=COAST_ARTICLE)}").status == 302
    assert counting.gained(1) == {("share", "valid"): 1}


def test_a_pixel_is_a_picture_whatever_it_counts(house: House) -> None:
    counting = house.counting("placement,kind,verdict")
    token = house.token()
    for path in (f"{token}/top", f"{token}/top", "canary/top", f"{token}/canary"):
        answer = house.follow(f"/i/{path}.gif")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.body[:6] == b"GIF89a"
    assert counting.gained(4) == {
        ("top", "impression", "valid"): 1, ("top", "impression", "duplicate"): 1,
        ("-", "impression", "forged"): 1, ("other", "impression", "mismatch"): 1,
    }  # fmt: skip


def test_robots_are_kept_off_all_that_counts(house: House) -> None:
    answer = house.public.get("/robots.txt")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text.splitlines() == [
        "User-agent: *", "Disallow: /c/", "Disallow: /s/", "Disallow: /i/", "Disallow: /a/",
    ]  # fmt: skip
    assert house.public.send("HEAD", "/robots.txt").status == 200
