"""GET /a/{app} over a real server: phones to their stores, all others to a page with both."""

from urllib.parse import quote, unquote
from xml.etree import ElementTree

import pytest

from service.domain.audience import Platform
from service.domain.tokens import CONVERSION, Signer, parse_token
from tests.web.houses import ANDROID, DESKTOP, IPHONE, MACINTOSH, PUBLIC_URL, House
from tests.web.markup import Markup

APP_STORE = "https://apps.apple.com/app/apple-store/id123456789?pt=987654&ct=short-link-{}&mt=8"
PLAY = "https://play.google.com/store/apps/details?id="
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def _referrer(label: str) -> str:
    return quote(
        f"utm_source={label}&utm_medium=app-ad&utm_campaign=short-link"
        f"&utm_content=vital-signs.{label}",
        safe="",
    )


def test_a_phone_goes_to_its_own_store_and_the_visit_is_an_open(house: House) -> None:
    counting = house.counting("site,platform,kind,verdict")
    link = "/a/vital-signs?via=print-2026"
    assert house.follow(link, IPHONE).location == APP_STORE.format("print-2026")
    android = house.follow(link, ANDROID)
    assert android.location == f"{PLAY}example.vitalsigns&referrer={_referrer('print-2026')}"
    assert android.headers["x-robots-tag"] == "noindex"
    assert android.headers["cache-control"] == "no-store"
    assert house.follow(link, DESKTOP).status == 200
    assert counting.gained(3) == {
        ("other", "ios", "open", "valid"): 1,
        ("other", "android", "open", "valid"): 1,
        ("other", "desktop", "open", "valid"): 1,
    }


def test_the_landing_page_has_both_stores_and_a_code_for_the_phone(house: House) -> None:
    answer = house.follow("/a/vital-signs", MACINTOSH)
    page = Markup(answer.text)
    assert [link["href"] for link in page.all("a")] == [
        APP_STORE.format("direct"), f"{PLAY}example.vitalsigns&referrer={_referrer('direct')}",
    ]  # fmt: skip
    assert page.texts("a") == ["App Store", "Google Play"]
    assert page.texts("h1") == page.texts("title") == ["Vital Signs App (VS App)"]
    assert page.texts("figcaption") == [f"{PUBLIC_URL}/a/vital-signs"]
    (code,) = page.all("img")
    kind, _, svg = code["src"].partition(",")
    assert kind == "data:image/svg+xml"
    assert len(ElementTree.fromstring(unquote(svg)).findall(".//{*}path")) > 0
    assert code["alt"]
    assert page.all("html")[0]["lang"] == "en"


def test_the_landing_page_asks_no_third_party_and_runs_nothing(house: House) -> None:
    answer = house.follow("/a/vital-signs", DESKTOP)
    page = Markup(answer.text)
    assert not [tag for tag, _, _ in page.elements if tag in {"script", "link", "iframe", "form"}]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert "set-cookie" not in answer.headers


def test_an_app_of_one_store_shows_that_one_and_its_name_is_only_text(house: House) -> None:
    for agent in (IPHONE, DESKTOP):
        page = Markup(house.follow("/a/tides", agent).text)
        assert page.texts("a") == ["Google Play"]
        assert page.texts("h1") == ['Tides <& "Moon">']
    assert house.follow("/a/tides", ANDROID).location.startswith(f"{PLAY}example.tides&")


@pytest.mark.parametrize(
    ("agent", "headers", "verdict"),
    [(BOT, {}, "bot"), ("", {}, "bot"), (IPHONE, {"Sec-Purpose": "prefetch"}, "prefetch")],
)
def test_a_robots_visit_is_told_apart(
    house: House, agent: str, headers: dict[str, str], verdict: str
) -> None:
    counting = house.counting("kind,verdict")
    assert house.follow("/a/vital-signs", agent, **headers).status in {200, 302}
    assert counting.gained(1) == {("open", verdict): 1}


def test_a_robot_gets_the_page_and_is_not_sent_to_a_store(house: House) -> None:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) (compatible; Googlebot/2.1)"
    assert house.follow("/a/vital-signs", agent).status == 200


@pytest.mark.parametrize(
    "via",
    ["", "CANARY", "canary_x", "c" * 21, "%22%3E%3Cscript%3Ecanary", "a%26utm_source%3Dcanary",
     "canary%0d%0aSet-Cookie:canary"],
)  # fmt: skip
def test_a_label_that_is_none_is_direct_and_nowhere_repeated(house: House, via: str) -> None:
    location = house.follow(f"/a/vital-signs?via={via}", IPHONE)
    assert location.location == APP_STORE.format("direct")
    assert "canary" not in house.follow(f"/a/vital-signs?via={via}", DESKTOP).text.lower()


def test_a_click_id_tells_where_a_visit_comes_from_only_if_it_is_ours(house: House) -> None:
    counting = house.counting("kind,verdict")
    page = parse_token(house.token(platform=Platform.DESKTOP)).token
    click = page.narrowed(page.offers[0])
    own = house.signer.sign(click, CONVERSION)
    location = house.follow(f"/a/vital-signs?via={own}", ANDROID).location
    assert location.endswith(f"%26hb_click%3D{own}")
    assert "utm_campaign%3Dvital-signs%26utm_content%3Dvs-text.top" in location
    forged = Signer({1: bytes(range(32))}, 1).sign(click, CONVERSION)
    for via in (forged, house.signer.sign(click)):
        location = house.follow(f"/a/vital-signs?via={via}", ANDROID).location
        assert location == f"{PLAY}example.vitalsigns&referrer={_referrer('direct')}"
    # Another app's click is none of this one.
    assert "hb_click" not in house.follow(f"/a/tides?via={own}", ANDROID).location
    assert counting.gained(3) == {("open", "valid"): 3}


@pytest.mark.parametrize("path", ["/a/canary", "/a/", "/a", "/a/vital-signs/", "/a/VITAL-SIGNS"])
def test_an_unknown_app_is_404(house: House, path: str) -> None:
    answer = house.follow(path)
    assert (answer.status, answer.problem()["title"]) == (404, "Not Found")
