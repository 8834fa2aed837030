"""An article has one canonical address; what is no address is refused before anything else."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.articles import (
    ArticlePattern,
    article_id,
    canonical_article,
    glob_covers,
    glob_matches,
    globs_meet,
)
from service.domain.errors import BadInput


@pytest.mark.parametrize(
    ("given_url", "canonical"),
    [
        ("https://news.example", "https://news.example/"),
        ("HTTPS://News.Example/World/Summit/", "https://news.example/World/Summit/"),
        ("https://news.example:443/a", "https://news.example/a"),
        ("http://news.example:80/a", "http://news.example/a"),
        ("https://news.example:8443/a", "https://news.example:8443/a"),
        ("https://news.example:00443/a", "https://news.example/a"),
        ("https://news.example:008443/a", "https://news.example:8443/a"),
        ("https://news.example/a#part", "https://news.example/a"),
        ("https://news.example/a?", "https://news.example/a"),
        ("https://news.example/a?utm_source=x&id=7&UTM_Medium=y", "https://news.example/a?id=7"),
        ("https://news.example/a?gclid=1&fbclid=2&hb=2.1", "https://news.example/a"),
        ("https://news.example/a?b=2&a=1&b=3", "https://news.example/a?b=2&a=1&b=3"),
        ("https://news.example/../a/%2e%2e/%252e", "https://news.example/../a/%2e%2e/%252e"),
        ("https://news.example/grüße?ü=ö", "https://news.example/gr%C3%BC%C3%9Fe?%C3%BC=%C3%B6"),
        ('https://news.example/a"<b>`', "https://news.example/a%22%3Cb%3E%60"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ],
)
def test_the_canonical_form(given_url: str, canonical: str) -> None:
    article = canonical_article(given_url)
    assert article.url == canonical
    assert article.id == article_id(canonical)
    assert len(article.id) == 8


BAD = {
    "empty": "",
    "script": "javascript:alert(1)",
    "script in capitals": "JaVaScRiPt://news.example/%0aalert(1)",
    "data": "data:text/html,x",
    "vbscript": "vbscript:x",
    "file": "file:///etc/passwd",
    "blob": "blob:https://news.example/x",
    "intent": "intent://news.example#Intent;end",
    "mail": "mailto:a@news.example",
    "leading space": " https://news.example/",
    "leading tab": "\thttps://news.example/",
    "leading control": "\x01https://news.example/",
    "newline in the scheme": "java\nscript:alert(1)",
    "protocol-relative": "//news.example/a",
    "backslashes": "\\\\news.example/a",
    "slash and backslash": "/\\news.example/a",
    "backslash inside": "https://news.example\\@other.example/",
    "one slash": "https:/news.example/a",
    "no slash": "https:news.example/a",
    "three slashes": "https:///news.example/a",
    "path only": "/a",
    "user": "https://news.example@other.example/",
    "user and password": "https://a:b@news.example/",
    "user and port": "https://news.example:443@other.example/",
    "encoded user": "https://news.example%40other.example/",
    "escaped line end": "https://news.example/%0d%0aSet-Cookie:x",
    "raw line end": "https://news.example/\r\nSet-Cookie:x",
    "line separator": "https://news.example/\u2028",
    "escaped nul": "https://news.example/%00",
    "nul": "https://news.example/\x00",
    "no-break space": "https://news.example/\u00a0",
    "lone surrogate": "https://news.example/\ud800",
    "long label": f"https://{'a' * 64}.example/",
    "long host": f"https://{'a.' * 125}example/",
    "trailing dot": "https://news.example./",
    "empty label": "https://news..example/",
    "underscore": "https://ne_ws.example/",
    "leading hyphen": "https://-news.example/",
    "bad international": "https://xn--\u00fc.example/",
    "IPv4": "https://192.0.2.1/",
    "short IPv4": "https://127.1/",
    "number": "https://2130706433/",
    "hexadecimal": "https://0x7f.1/",
    "octal": "https://017700000001/",
    "IPv6": "https://[::1]/",
    "mapped IPv6": "https://[::ffff:127.0.0.1]/",
    "zone": "https://[fe80::1%25eth0]/",
    "open bracket": "http://[::1",
    "port 0": "https://news.example:0/",
    "port 65536": "https://news.example:65536/",
    "port 19999999 behind zeros": "https://news.example:0000019999999/",
    "port of letters": "https://news.example:80a/",
    "no port": "https://news.example:/",
    "Arabic digits": "https://news.example:\u0664\u0664\u0663/",
    "2,049 characters": "https://news.example/" + "a" * 2_028,
    "longer once escaped": "https://news.example/" + "ü" * 1_000,
}


@pytest.mark.parametrize("url", BAD.values(), ids=BAD.keys())
def test_what_is_no_address_is_refused_and_the_field_is_named(url: str) -> None:
    with pytest.raises(BadInput) as refused:
        canonical_article(url, "u")
    assert refused.value.field == "u"
    if url:
        assert url not in refused.value.message


@given(st.text(max_size=300))
def test_any_text_is_canonical_or_refused(text: str) -> None:
    for candidate in (text, "https://news.example/" + text, "https://" + text):
        try:
            once = canonical_article(candidate).url
        except BadInput:
            continue
        assert canonical_article(once).url == once
        assert once.isascii()
        assert once.isprintable()


NEWS = ArticlePattern("https", "news.example", subdomains=False, path="/*")


@pytest.mark.parametrize(
    "url",
    [
        "http://news.example/a",
        "https://news.example.other.example/a",
        "https://othernews.example/a",
        "https://www.news.example/a",
        "https://other.example/https://news.example/a",
        "https://news.example:8443/a",
    ],
)
def test_look_alike_addresses_do_not_match(url: str) -> None:
    assert not NEWS.matches(url)


def test_a_pattern_takes_its_own_addresses_only() -> None:
    assert NEWS.matches("https://news.example/world/summit")
    any_host = ArticlePattern("https", "news.example", subdomains=True, path="/world/*")
    assert any_host.matches("https://sport.news.example/world/1")
    assert not any_host.matches("https://news.example/world/1")
    assert not any_host.matches("https://other.example/x.news.example/world/1")
    assert not any_host.matches("https://sport.news.example/sport/1")


parts = st.text(alphabet="ab/", max_size=4)


@given(st.lists(parts, min_size=1, max_size=4), st.lists(parts, min_size=4, max_size=4))
def test_a_glob_matches_what_its_stars_stand_for(pattern: list[str], filling: list[str]) -> None:
    text = "".join(part + fill for part, fill in zip(pattern, filling, strict=False))
    text = text[: len(text) - len(filling[len(pattern) - 1])] if len(pattern) < 5 else text
    assert glob_matches("*".join(pattern), text)


def test_a_glob_refuses_the_rest() -> None:
    assert not glob_matches("/a*b", "/ab/c")
    assert not glob_matches("/aa*aa", "/aaa")
    assert not glob_matches("/a", "/a/")
    assert not glob_matches("/*x*b", "/yb")
    assert glob_matches("/*/b*", "/x/y/b")


globs = st.text(alphabet="ab*", max_size=3)
TEXTS = ["".join(some) for length in range(7) for some in product("abc", repeat=length)]


@given(globs, globs)
def test_globs_meet_and_cover_as_their_texts_do(one: str, other: str) -> None:
    first, second = ({text for text in TEXTS if glob_matches(g, text)} for g in (one, other))
    assert globs_meet(one, other) == bool(first & second)
    assert glob_covers(one, other) == (second <= first)
