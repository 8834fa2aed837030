"""Share links are exactly the networks' own, with the article's tagged address encoded once."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.articles import canonical_article
from service.domain.sharing import TITLE_CHARS_MAX, Network, clean_title, share_link, tagged
from tests.example import ARTICLE, CATALOG

NETWORKS = CATALOG.networks
TITLE = "Summit: 50 % more & «peace» + ü/日本"
ENCODED_TITLE = (
    "Summit%3A%2050%20%25%20more%20%26%20%C2%ABpeace%C2%BB%20%2B%20%C3%BC%2F%E6%97%A5%E6%9C%AC"
)


def encoded_address(network: str, code: int) -> str:
    return (
        "https%3A%2F%2Fnews.example%2Fworld%2Fsummit"
        f"%3Futm_source%3D{network}%26utm_medium%3Dshare%26utm_campaign%3Darticle-share"
        f"%26utm_content%3Dblock%26hb%3D{code}.1"
    )


FACEBOOK = "https://www.facebook.com/sharer/sharer.php?u=" + encoded_address("facebook", 1)
TWITTER, REDDIT = encoded_address("twitter", 2), encoded_address("reddit", 3)
LINKEDIN = "https://www.linkedin.com/sharing/share-offsite/?url=" + encoded_address("linkedin", 4)


@pytest.mark.parametrize(
    ("network", "link"),
    [
        ("facebook", FACEBOOK),
        ("twitter", f"https://x.com/intent/tweet?text={ENCODED_TITLE}&url={TWITTER}"),
        ("reddit", f"https://www.reddit.com/submit?url={REDDIT}&title={ENCODED_TITLE}"),
        ("linkedin", LINKEDIN),
    ],
)
def test_a_link_with_a_title(network: str, link: str) -> None:
    assert _link(network, TITLE) == link


@pytest.mark.parametrize(
    ("network", "link"),
    [
        ("facebook", FACEBOOK),
        ("twitter", f"https://x.com/intent/tweet?url={TWITTER}"),
        ("reddit", f"https://www.reddit.com/submit?url={REDDIT}"),
        ("linkedin", LINKEDIN),
        ("whatsapp", f"https://wa.me/?text={encoded_address('whatsapp', 5)}"),
        ("telegram", f"https://t.me/share/url?url={encoded_address('telegram', 6)}"),
        ("mastodon", f"https://share.joinmastodon.org/#text={encoded_address('mastodon', 9)}"),
        ("email", f"mailto:?body={encoded_address('email', 11)}"),
    ],
)
def test_an_empty_title_leaves_nothing_behind(network: str, link: str) -> None:
    assert _link(network, "") == link


@given(st.text(max_size=300), st.sampled_from([n for n in NETWORKS.values() if n.url]))
def test_any_title_and_the_address_come_out_as_they_went_in(text: str, network: Network) -> None:
    title, address = clean_title(text), tagged(ARTICLE, network, depth=1)
    link = share_link(network, address, title)
    assert link.isascii()
    assert "+" not in link
    assert "{" not in link
    parts = urlsplit(link)
    values = [value for _, value in parse_qsl(parts.query or parts.fragment)]
    assert any(value.endswith(address) for value in values)
    if network.url and "{title}" in network.url:
        assert sum(title in value for value in values) >= 1


def test_a_title_cannot_stand_for_the_address() -> None:
    link = _link("twitter", "{url}{title}")
    assert link == f"https://x.com/intent/tweet?text=%7Burl%7D%7Btitle%7D&url={TWITTER}"


def test_our_tags_follow_the_articles_own_parameters() -> None:
    article = canonical_article("https://news.example/a?id=7&utm_source=old&q=a%2Fb")
    assert tagged(article, NETWORKS["reddit"], depth=2, block="top") == (
        "https://news.example/a?id=7&q=a%2Fb&utm_source=reddit&utm_medium=share"
        "&utm_campaign=article-share&utm_content=top&hb=3.2"
    )


@given(st.sampled_from(list(NETWORKS.values())), st.integers(0, 300))
def test_tags_are_no_part_of_the_article(network: Network, depth: int) -> None:
    address = tagged(ARTICLE, network, depth=depth)
    assert canonical_article(address) == ARTICLE
    assert address.endswith(f"&hb={network.code}.{min(depth, 255)}")


@pytest.mark.parametrize("network", ["copy", "native"])
def test_what_the_browser_shares_itself_has_no_link(network: str) -> None:
    with pytest.raises(ValueError, match=network):
        share_link(NETWORKS[network], ARTICLE.url, "")


@pytest.mark.parametrize(
    ("title", "clean"),
    [
        ("  Two\r\n lines\tand\u00a0a tab ", "Two lines and a tab"),
        ("Bundes\u00adgericht", "Bundesgericht"),
        ("over\u202eride", "override"),
        ("nul\x00byte", "nul byte"),
        ("half \ud83d pair", "half pair"),
        ("می\u200cخواهم 👩\u200d👧", "می\u200cخواهم 👩\u200d👧"),
        ("\u2028", ""),
        ("x" * 199 + " y", "x" * 199),
    ],
)
def test_a_title_becomes_one_printable_line(title: str, clean: str) -> None:
    assert clean_title(title) == clean


@given(st.text(st.characters(exclude_categories=[]), max_size=1_000))
def test_a_clean_title_is_short_encodable_and_stays_as_it_is(text: str) -> None:
    title = clean_title(text)
    assert len(title) <= TITLE_CHARS_MAX
    assert clean_title(title) == title == title.strip()
    assert title.encode().decode() == title


def _link(network: str, title: str) -> str:
    one = NETWORKS[network]
    return share_link(one, tagged(ARTICLE, one, depth=1), title)
