"""A few hundred requests that nobody would write, to a running service: none gives a 5xx."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.hostile import leads_home
from tests.web.houses import ARTICLE, NEWS, House
from tests.web.wire import Answer

LIGHT = settings(
    max_examples=100,
    deadline=None,  # the machine may be busy; time is measured elsewhere
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
# What the service takes, what nearly is that, and anything at all.
PIECES = st.sampled_from(
    [
        *("example", "coast", "top", "bottom", "top,bottom", "reddit", "copy", "facebook", "1.1"),
        *(ARTICLE, f"{NEWS}/", "https://", "//", "javascript:", "@", ":443", "?", "&", "=", "#"),
        *("%0d%0a", "%", "%ff", "%00", "..", "\\", "[::1]", "xn--", "\u2028", "0", "-1", "<>", '"'),
    ]
)
TEXT = st.one_of(
    PIECES,
    st.text(max_size=40),
    st.lists(PIECES, max_size=6).map("".join),
    st.sampled_from("axé\0%/").flatmap(lambda c: st.integers(1, 3_000).map(lambda n: c * n)),
)
NAMES = st.one_of(
    st.sampled_from(
        [
            *("site", "url", "title", "placements", "lang", "section", "tags", "from", "touch"),
            *("preview", "format", "u", "t", "via"),
        ]
    ),
    st.text(max_size=8),
)
RAW = st.one_of(
    TEXT.map(lambda text: quote(text, safe="")),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=60),
    st.binary(max_size=20).map(lambda raw: quote(raw, safe="")),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("Origin", "Referer", "User-Agent", "Sec-CH-UA-Platform", "Sec-Purpose", "Sec-GPC"),
            *("Cookie", "X-Forwarded-For", "If-None-Match", "Range", "Accept-Encoding"),
            *("Content-Type",),
        ]
    ),
    st.one_of(
        st.sampled_from([NEWS, "null", "prefetch", "text/plain", "1"]),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF), max_size=60),
        st.binary(min_size=1, max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    ).map(lambda text: "".join(c for c in text if c >= " " and c != "\x7f")),
    max_size=4,
)  # fmt: skip


def _sound(answer: Answer) -> None:
    assert answer.status < 500
    assert answer.headers["server"] == "handbill"
    if answer.status >= 400:
        answer.problem()
    if answer.status == 302:
        assert leads_home(answer.location)


@LIGHT
@given(
    st.lists(st.tuples(NAMES.map(lambda name: quote(name, safe="")), RAW), max_size=8),
    st.booleans(),
    HEADERS,
)
def test_no_parameters_break_a_decision_or_a_fragment(
    house: House, params: list[tuple[str, str]], complete: bool, headers: dict[str, str]
) -> None:
    if complete:
        params = [("site", "example"), ("url", quote(ARTICLE, safe="")), *params]
    asked = "&".join(f"{name}={value}" for name, value in params)
    for path in ("/v1/decision", "/v1/fragment"):
        _sound(house.public.get(f"{path}?{asked}", headers))


@LIGHT
@given(
    st.one_of(
        JSON,
        st.fixed_dictionaries(
            {
                "token": st.one_of(st.just("@"), TEXT),
                "events": st.lists(
                    st.one_of(
                        JSON,
                        st.fixed_dictionaries(
                            {"kind": st.sampled_from(["view", "share", "impression", "dismiss"])},
                            optional={
                                name: st.one_of(TEXT, JSON)
                                for name in ("placement", "creative", "network", "url", "title")
                            },
                        ),
                    ),
                    max_size=4,
                ),
            }
        ),
    ),
    HEADERS,
)
def test_no_body_breaks_the_events(house: House, body: Any, headers: dict[str, str]) -> None:
    sent = json.dumps(body).replace('"@"', f'"{house.token()}"').encode()
    _sound(house.public.post("/v1/events", sent, headers))
    _sound(house.public.post("/v1/events", sent[: len(sent) // 2], headers))


@LIGHT
@given(st.sampled_from("csiav"), st.lists(RAW, min_size=1, max_size=4), RAW, RAW, HEADERS)
def test_no_path_breaks_a_redirect_or_leads_away(
    house: House, letter: str, parts: list[str], one: str, two: str, headers: dict[str, str]
) -> None:
    _sound(house.public.get(f"/{letter}/{'/'.join(parts)}?{one}", headers))
    token = house.token()
    _sound(house.public.get(f"/c/{token}/{parts[0]}", headers))
    _sound(house.public.get(f"/i/{token}/{parts[0]}.gif", headers))
    _sound(house.public.get(f"/s/{token}/{parts[-1]}?u={one}&t={two}", headers))
    _sound(house.public.get(f"/s/{token}/reddit?u={quote(NEWS, safe='')}{one}&t={two}", headers))
    _sound(house.public.get(f"/a/vital-signs?via={one}", headers))


@LIGHT
@given(st.binary(max_size=400), st.sampled_from([b"", b"GET ", b"GET /v1/decision?", b"POST /"]))
def test_no_bytes_break_a_connection(house: House, noise: bytes, start: bytes) -> None:
    with house.public.connected() as line:
        line.send(start + noise + b"\r\n\r\n")
        line.hang_up()
        for answer in line.answers():
            _sound(answer)
