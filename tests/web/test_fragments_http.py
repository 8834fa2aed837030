"""GET /v1/fragment over a real server: the block with no script, in its three forms."""

import re
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from service.domain.audience import Platform
from service.domain.tokens import parse_token
from service.web.listeners import bind
from tests.web.conftest import open_house
from tests.web.houses import (
    ANDROID,
    ARTICLE,
    COAST,
    COAST_ARTICLE,
    IPHONE,
    NEWS,
    PUBLIC_URL,
    House,
)
from tests.web.markup import Markup
from tests.web.wire import Answer, query

LINES = """\
Advertisement: Download Vital Signs App (VS App)
Share on Facebook «||» Share on Twitter «||» Share on Reddit «||» Share on LinkedIn
Advertisement: Download Vital Signs App (VS App)
"""
MORE = " Your vital signs, measured and explained, on your phone. Download"
TITLE = '</a><script>alert(1)</script> "quoted" & more'
TOKEN = re.compile(r"/[csi]/([A-Za-z0-9_-]+)/")


def _fragment(house: House, agent: str = "curl/8", **params: str) -> Answer:
    wanted = {"site": "example", "url": ARTICLE, **params}
    answer = house.public.get(f"/v1/fragment?{query(**wanted)}", {"User-Agent": agent})
    assert answer.status == 200, answer
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    return answer


def _platform(html: str) -> Platform:
    (token,) = set(TOKEN.findall(html))
    return parse_token(token).token.platform


def test_the_text_is_exactly_the_three_lines_that_editors_know(house: House) -> None:
    answer = _fragment(house, format="text")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == LINES


def test_the_text_of_a_site_has_its_own_words_as_they_are(house: House) -> None:
    assert _fragment(house, site="coast", url=COAST_ARTICLE, format="text").text == (
        '<i>Ad</i>: Tides </script><b>"Waves"</b> & more\nTo & Reddit «||» To & Telegram\n'
    )


def test_the_html_is_a_page_view_with_links_through_us_and_pixels(house: House) -> None:
    page = Markup(_fragment(house, title=TITLE, from_="2.4").text)
    (token,) = set(TOKEN.findall(str(page.elements)))
    links = [link["href"] for link in page.all("a")]
    shared = query(u=ARTICLE, t=TITLE)
    assert links == [
        *[f"{PUBLIC_URL}/c/{token}/top"] * 2,  # the headline, then the call to action
        *(f"{PUBLIC_URL}/s/{token}/{network}?{shared}"
          for network in ("facebook", "twitter", "reddit", "linkedin")),
        *[f"{PUBLIC_URL}/c/{token}/bottom"] * 2,
    ]  # fmt: skip
    assert [image["src"] for image in page.all("img")] == [
        f"{PUBLIC_URL}/i/{token}/{placement}.gif" for placement in ("top", "bottom")
    ]
    assert [image["alt"] for image in page.all("img")] == ["", ""]
    assert parse_token(token).token.source == 2
    lines = "".join(page.text.split("\n"))
    assert lines.replace(MORE, "") == "".join(LINES.split("\n"))


def test_the_separators_of_the_html_are_decoration(house: House) -> None:
    page = Markup(_fragment(house).text)
    assert page.all("span") == [{"aria-hidden": "true"}] * 3
    assert page.texts("span") == [" «||» "] * 3


@pytest.mark.parametrize("form", ["html", "email"])
def test_what_people_wrote_stays_text_in_markup(house: House, form: str) -> None:
    html = _fragment(house, site="coast", url=COAST_ARTICLE, title=TITLE, format=form).text
    page = Markup(html)
    assert {tag for tag, _, _ in page.elements} <= {"div", "aside", "p", "a", "span", "img"}
    picture, headline, *share = page.texts("a")
    assert (picture, headline) == ("", 'Tides </script><b>"Waves"</b> & more')
    assert share == ["To & Reddit", "To & Telegram"]
    assert page.all("img")[0] == {
        "src": "https://img.example/w.png", "width": "300", "height": "60", "alt": "A <wave>",
    }  # fmt: skip
    assert page.all("aside")[0]["aria-label"] == "<i>Ad</i>"
    assert page.all("a")[0]["rel"] == "sponsored noopener"


def test_every_html_is_a_view_of_its_own_whose_links_and_pixels_count(house: House) -> None:
    counting = house.counting("site,placement,platform,kind,network,verdict")
    first, second = (_fragment(house).text for _ in range(2))
    assert set(TOKEN.findall(first)).isdisjoint(TOKEN.findall(second))
    page = Markup(first)
    assert house.follow(page.all("img")[0]["src"]).status == 200
    assert house.follow(page.all("a")[2]["href"]).status == 302
    assert counting.gained(2) == {
        ("example", "top", "unknown", "impression", "-", "valid"): 1,
        ("example", "-", "unknown", "share", "facebook", "valid"): 1,
    }


def test_the_email_needs_no_token_and_stays_true_for_years(house: House) -> None:
    first, second = (_fragment(house, title=TITLE, format="email").text for _ in range(2))
    assert first == second
    page = Markup(first)
    assert not page.all("img")
    assert not TOKEN.search(first)
    ads = f"{PUBLIC_URL}/a/vital-signs?via=email"
    links = [link["href"] for link in page.all("a")]
    assert links[:2] == links[-2:] == [ads, ads]
    tags = "utm_medium=share&utm_campaign=article-share&utm_content=email"
    assert links[2:-2] == [
        link.format(url=quote(f"{ARTICLE}?utm_source={network}&{tags}&hb={code}.1", safe=""),
                    title=quote(TITLE, safe=""))
        for network, code, link in (
            ("facebook", 1, "https://www.facebook.com/sharer/sharer.php?u={url}"),
            ("twitter", 2, "https://x.com/intent/tweet?text={title}&url={url}"),
            ("reddit", 3, "https://www.reddit.com/submit?url={url}&title={title}"),
            ("linkedin", 4, "https://www.linkedin.com/sharing/share-offsite/?url={url}"),
        )
    ]  # fmt: skip
    (shared,) = parse_qs(urlsplit(links[2]).query)["u"]
    assert parse_qs(urlsplit(shared).query)["hb"] == ["1.1"]


@pytest.mark.parametrize(
    ("params", "status", "field"),
    [
        ({"format": "pdf"}, 400, "format"),
        ({"format": ""}, 400, "format"),
        ({"url": "javascript:alert(1)"}, 400, "url"),
        ({"url": COAST_ARTICLE}, 403, "url"),
        ({"site": "nowhere"}, 404, "site"),
        ({"placements": "canary"}, 400, "placements"),
    ],
)
def test_a_bad_parameter_is_named(
    house: House, params: dict[str, str], status: int, field: str
) -> None:
    wanted = {"site": "example", "url": ARTICLE, "format": "text", **params}
    answer = house.public.get(f"/v1/fragment?{query(**wanted)}")
    assert (answer.status, answer.fields) == (status, [field])


def test_only_the_sites_own_origin_may_read_it(house: House) -> None:
    for origin, allowed in ((NEWS, NEWS), (COAST, None), ("null", None)):
        answer = house.public.get(f"/v1/fragment?{query(site='example', url=ARTICLE)}",
                                  {"Origin": origin})  # fmt: skip
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert answer.headers["vary"] == "Origin"


def test_nobody_is_believed_about_a_reader_unless_named_a_proxy(house: House) -> None:
    assert _platform(_fragment(house, IPHONE).text) is Platform.UNKNOWN


async def test_a_trusted_proxy_passes_on_the_readers_agent(tmp_path: Path) -> None:
    flags = ("--trusted-proxies", "10.0.0.0/8, 127.0.0.1/32", "--public", _both_families())
    async with open_house(tmp_path, *flags) as house:
        assert _platform(_fragment(house, IPHONE).text) is Platform.IOS
        assert _platform(_fragment(house, ANDROID).text) is Platform.ANDROID


def _both_families() -> str:
    """Return an address where IPv4 peers are seen as IPv6 ones, if this machine has IPv6."""
    try:
        bind("::ffff:127.0.0.1", 0).close()
    except OSError:
        return "127.0.0.1:0"
    return "[::ffff:127.0.0.1]:0"
