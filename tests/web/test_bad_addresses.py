"""Hostile addresses: rows 24 to 40 of the bad-input catalogue, at every place that takes one."""

import pytest

from tests.web.hostile import encoded, harmless
from tests.web.houses import ARTICLE, NEWS, House
from tests.web.markup import Markup
from tests.web.wire import query

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
VIEW = {"kind": "view"}
LONG = "a" * 63
ADDRESSES: dict[str, tuple[str, ...]] = {
    "row24-scheme": (
        "javascript:canary", "JaVaScRiPt:canary", " javascript:canary", "\tjavascript:canary",
        "\x01javascript:canary", "java\nscript:canary", "javascript://news.example/%0acanary",
        "data:text/html,canary", "vbscript:canary", "file:///canary", "blob:https://news.example/x",
        "intent://news.example#Intent;scheme=canary;end", "ftp://news.example/canary",
    ),
    "row25-no-scheme": (
        "//canary.example", "\\\\canary.example", "/\\canary.example", "/canary",
        "http:/canary.example", "https:canary.example", "https:///canary.example",
        "https:\\\\news.example\\canary", "https://canary.example\\@news.example/", "canary",
    ),
    "row26-user": (
        "https://news.example@canary.example/", "https://news.example:443@canary.example/",
        "https://news.example%40canary.example/", "https://canary:x@news.example/",
        "https://@news.example/canary",
    ),
    "row27-look-alike": (
        "https://news.example.canary.example/", "https://canarynews.example/",
        "https://news.example./canary", "https://news.example:8443/canary",
        "https://canary.example/https://news.example/", "https://canary.example/?news.example/",
        "https://canary.example#news.example/", "http://news.example/canary",
    ),
    "row28-control": (
        "https://news.example/%0d%0aSet-Cookie:canary", "https://news.example/\r\ncanary:1",
        "https://news.example/\u2028canary", "https://news.example/\0canary",
        "https://news.example/%00canary", "https://news.example/ canary", "https://news.example/\xa0",
    ),
    "row29-name": (
        "https://n\u0435ws.example/", "https://news.ex\u0430mple/", "https://\u0430\u0440\u0440.example/",
        "https://xn--canary-.example/", "https://xn--\u00fc.example/", f"https://a{LONG}.example/",
        f"https://{'.'.join([LONG] * 4)}.example/", "https://news.example./", "https://news..example/",
        "https://.news.example/", "https://news_.example/", "https://-news.example/",
        "https://\uff4eews.canary/", "https://news\u3002canary/", "https://ne\u00adws.canary/",
    ),
    "row30-ipv4": (
        "https://127.0.0.1/canary", "https://127.1/", "https://2130706433/", "https://0x7f.1/",
        "https://017700000001/", "https://0x7f000001/", "https://1.2.3.4.5/",
    ),
    "row31-ipv6": (
        "https://[::1]/canary", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/",
        "http://[::1", "https://news.example]/", "https://[news.example]/", "https://[canary/",
    ),
    "row32-inside": (
        "http://localhost/canary", "https://canary.local/", "https://canary.internal/",
        "http://169.254.169.254/latest/meta-data", "https://127.0.0.1.nip.io/canary",
    ),
    "row33-port": (
        "https://news.example:0/", "https://news.example:65536/", "https://news.example:80a/",
        "https://news.example:/", "https://news.example:-1/", "https://news.example:\u0664\u0664\u0663/",
        "https://news.example:4434434434434434434/",
    ),
    "row36-long": ("https://news.example/" + "a" * 2_028, "https://news.example/" + "\u00e9" * 400),
    "row37-not-utf-8": (
        "https://news.example/\udcff", "https://news.example/\udcc0\udcaf",
        "https://news.example/\udced\udca0\udc80canary", "\udcff\udcfe",
    ),
    "row38-empty": ("", " ", "\0"),
    "row39-not-listed": ("https://canary.example/", "https://www.news.example/"),
}  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(address, id=f"{name}-{number}")
        for name, addresses in ADDRESSES.items()
        for number, address in enumerate(addresses)
    ],
)
def test_no_foreign_address_is_decided_for_shared_or_named(house: House, address: str) -> None:
    value = encoded(address)
    for path in ("/v1/decision", "/v1/fragment"):
        answer = harmless(house.public.get(f"{path}?site=example&url={value}"))
        assert answer.status in {400, 403}
        assert answer.fields == ["url"]
    for token in (house.token(), "canary"):
        answer = harmless(house.follow(f"/s/{token}/reddit?u={value}&t=canary"))
        assert (answer.status, answer.fields) == (400, ["u"])


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/%2e%2e%2f%2e%2e%2fetc", "/%252e%252e/"])
def test_row34_a_path_is_text_that_opens_nothing(house: House, path: str) -> None:
    url = f"https://news.example{path}"
    assert house.decide(url=url)["article"]["url"] == url
    assert encoded(f"{url}?utm_source") in house.follow(f"/s/x/reddit?{query(u=url)}").location
    for opened in (f"/c/x{path}", f"/embed.{path}.js", f"/a{path}", path, f"/demo{path}"):
        assert harmless(house.follow(opened)).status == 404


def test_row35_our_tags_replace_those_that_are_there_and_the_rest_stays(house: House) -> None:
    url = f"{NEWS}/a?UTM_Source=canary&x=1&hb=9.9&x=1&fbclid=canary&y#canary"
    location = harmless(house.follow(f"/s/{house.token()}/facebook?{query(u=url)}")).location
    tags = (
        "utm_source=facebook&utm_medium=share&utm_campaign=article-share&utm_content=block&hb=1.1"
    )
    assert location.endswith(encoded(f"{NEWS}/a?x=1&x=1&y&{tags}"))


def test_row36_an_address_of_a_megabyte_is_400(house: House) -> None:
    for path in ("/v1/decision?site=example&url=", "/s/x/reddit?u="):
        assert harmless(house.public.get(f"{path}{NEWS}/{'a' * 1_000_000}")).status == 400


@pytest.mark.parametrize("name", ["u", "t"])
def test_row38_a_repeated_or_missing_parameter_is_named(house: House, name: str) -> None:
    twice = f"u={encoded(ARTICLE)}&t=canary&{name}=canary"
    for given in (twice, twice.replace("&t=", "&%74=")):
        answer = harmless(house.follow(f"/s/{house.token()}/reddit?{given}"))
        assert (answer.status, answer.fields) == (400, [name])
    answer = harmless(house.follow(f"/s/{house.token()}/reddit"))
    assert (answer.status, answer.fields) == (400, ["u"])


@pytest.mark.parametrize(
    "title",
    ["</script><script>alert(1)", "<!--", "]]>", "\u2028\u2029", "'\"><img src=x onerror=y>"],
)
def test_row40_a_title_never_becomes_markup(house: House, title: str) -> None:
    decision = house.decide(title=title)
    for link in decision["share"]:
        assert set(link["url"]) <= set(f"{UNRESERVED}:/?&=%.")
        harmless(house.follow(link["url"]))
    page = query(site="example", url=ARTICLE)
    plain, titled = (
        Markup(house.public.get(f"/v1/fragment?{page}{more}").text)
        for more in ("", f"&{query(title=title)}")
    )
    assert [tag for tag, _, _ in titled.elements] == [tag for tag, _, _ in plain.elements]
    assert titled.text == plain.text
    assert house.report(house.token(), {**VIEW, "url": ARTICLE, "title": title}).status == 204
