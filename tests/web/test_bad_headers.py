"""Hostile headers and parameters: rows 61 to 68 and 75 of the bad-input catalogue, and row 51."""

import asyncio
import json
import re
import secrets

import pytest
from aiohttp import web

from service.web import listeners
from service.web.listeners import Listener, bind
from tests.web.hostile import CANARY, harmless
from tests.web.houses import ARTICLE, COAST, IPHONE, NEWS, PUBLIC_URL, House
from tests.web.wire import Answer, Wire, query

PAGE = query(site="example", url=ARTICLE)
DECISION = f"/v1/decision?{PAGE}"
VIEW = {"kind": "view"}
SERIES_MAX = 2_000
BROWSER = {"User-Agent": IPHONE}


def _everywhere(house: House, headers: dict[str, str]) -> list[Answer]:
    """Return the answers of every public address to one reader with these headers."""
    token, sent = house.token(), {**BROWSER, **headers}
    answers = [
        house.public.get(target, sent)
        for target in (
            DECISION, f"/v1/fragment?{PAGE}", f"/c/{token}/top", f"/s/{token}/copy?u={ARTICLE}",
            f"/i/{token}/top.gif", "/a/vital-signs", "/robots.txt", "/embed.js", "/canary",
        )
    ]  # fmt: skip
    body = json.dumps({"token": token, "events": [VIEW]}).encode()
    return [harmless(answer) for answer in (*answers, house.public.post("/v1/events", body, sent))]


def _statuses(answers: list[Answer]) -> list[int]:
    return [answer.status for answer in answers]


USUAL = [200, 200, 302, 302, 200, 302, 200, 200, 404, 204]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Range": "bytes=0-1,5-9", "If-Range": '"canary'}, id="row61-range"),
        pytest.param({"Range": "canary=-1"}, id="row61-no-range"),
        pytest.param({"Cookie": "canary=" + "\udcff;=," * 1_000}, id="row62-cookie"),
        pytest.param({"X-Forwarded-For": ", ".join(["canary"] * 100)}, id="row64-for-100"),
        pytest.param({"X-Forwarded-For": "[fe80::1%canary]:1"}, id="row64-for-zone"),
        pytest.param({"X-Forwarded-Host": "canary", "X-Forwarded-Proto": "x"}, id="row64-host"),
        pytest.param({"Forwarded": 'for="_x";host=canary;proto=x'}, id="row64-forwarded"),
        pytest.param({"X-Original-URL": "/canary", "X-Rewrite-URL": "/canary"}, id="row64-rewrite"),
        pytest.param({"If-Match": '"canary"', "Cache-Control": "only-if-cached"}, id="row67-match"),
        pytest.param({"If-Modified-Since": "canary", "Pragma": "canary"}, id="row67-since"),
        pytest.param({"If-None-Match": 'W/"canary", "' + "canary" * 900}, id="row67-none-match"),
        pytest.param({"Accept": "canary/*;q=x", "Accept-Encoding": "canary"}, id="accept"),
    ],
)  # fmt: skip
def test_a_header_that_is_none_of_ours_changes_nothing(
    house: House, headers: dict[str, str]
) -> None:
    answers = _everywhere(house, headers)
    assert _statuses(answers) == USUAL
    assert answers[0].text.count(f"{PUBLIC_URL}/") == 6
    assert answers[7].body == house.public.get("/embed.js").body
    for answer in answers[:6]:
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "text",
    ["\udcff\udcfe", "Mozilla/5.0 \udcc3", "caf\u00e9", "%s%n{0}${x}", "\u202ecanary", "a" * 8_000],
)
def test_row65_an_agent_may_be_any_bytes(house: House, text: str) -> None:
    statuses = _statuses(_everywhere(house, {"User-Agent": text, "Sec-CH-UA-Platform": text}))
    assert max(statuses) < 500
    assert (statuses[0], statuses[-1]) == (200, 204)


@pytest.mark.parametrize("text", ["\udcff", "canary", "about:blank", "://", "//[", "\u2028" * 9])
def test_row65_so_may_a_referrer_and_it_only_makes_events_doubtful(house: House, text: str) -> None:
    counting = house.counting("kind,verdict")
    assert _statuses(_everywhere(house, {"Referer": text}))[:6] == USUAL[:6]
    assert counting.gained(5) == {
        ("click", "wrong_site"): 1, ("share", "wrong_site"): 1, ("impression", "wrong_site"): 1,
        ("open", "valid"): 1, ("view", "wrong_site"): 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "origin",
    ["https://canary.example", "null", f"{NEWS}.canary.example", "https://canarynews.example", "*",
     f"{NEWS}%00", f"{NEWS}, {COAST}", "\udcff", ""],
)  # fmt: skip
def test_row63_no_strange_origin_is_ever_allowed(house: House, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Private-Network": "true"}
    answers = _everywhere(house, headers)
    answers += [
        harmless(house.public.send("OPTIONS", path, headers)) for path in ("/v1/events", DECISION)
    ]
    for answer in answers[:7] + answers[8:]:  # but the script, which is for everybody
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert not [
        answer for answer in answers if "access-control-allow-credentials" in answer.headers
    ]


def test_row67_nothing_that_counts_is_revalidated(house: House) -> None:
    for answer in _everywhere(house, {"If-None-Match": "*"})[:6]:
        assert "etag" not in answer.headers
        assert answer.status in {200, 302}


def test_row68_ten_thousand_parameters_are_400(house: House) -> None:
    paths = ("/v1/decision?", "/v1/fragment?", f"/s/x/copy?u={ARTICLE}&", "/a/vital-signs?")
    for many in ("&".join(f"p{n}=1" for n in range(10_000)), "&a" * 33, "&a" * 4_000):
        for path in paths:
            assert harmless(house.public.get(path + many)).status == 400
    assert harmless(house.public.get(f"{DECISION}{'&' * 4_000}")).status == 200  # none of it one


def test_row75_nothing_internal_is_on_the_public_listener(house: House) -> None:
    for path in ("/metrics", "/readyz", "/livez", "/reports", "/v1/report.json", "/v1/explain"):
        assert harmless(house.public.get(path)).status == 404


def test_no_answer_of_the_internal_listener_names_a_version(house: House) -> None:
    for path in ("/metrics", "/livez", "/readyz", "/reports", "/v1/report.json", "/canary"):
        for method in ("GET", "HEAD", "POST"):
            assert house.internal.send(method, path).headers["server"] == "handbill"


def test_rows_65_and_66_strangers_make_neither_labels_nor_log_lines(house: House) -> None:
    before = len(house.said().splitlines())
    for n in range(150):
        word = f"canary-{secrets.token_hex(4)}"
        agent = {"User-Agent": f"{word} \u202e %s", "Referer": f"https://{word}.example/"}
        house.public.get(f"/{word}?utm_source={word}", agent)
        house.public.get(
            f"/v1/decision?{query(site=word, url=f'{NEWS}/{word}', title=word)}", agent
        )
        house.public.get(f"{DECISION}&placements={word}&{word}=1", agent)
        house.public.get(f"/c/{word}/{word}%0a%1b[31m", agent)
        house.public.get(f"/s/{house.token(site=n)}/{word}?{query(u=ARTICLE)}", agent)
        house.public.get(f"/a/{word}?via={word}", agent)
        house.report(house.token(site=n), {"kind": word}, {"kind": "view"})
        house.report(house.token(), {"kind": "share", "network": word})
        house.public.send("PURGE", f"/{word}", agent)
    assert len(house.said().splitlines()) - before < 5
    assert CANARY not in house.said()
    text = house.internal.get("/metrics").text
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert CANARY not in text
    assert len(samples) < SERIES_MAX
    assert set(re.findall(r'[{,]site="([^"]*)"', text)) <= {"example", "coast", "other"}
    assert set(re.findall(r'[{,]placement="([^"]*)"', text)) <= {"top", "bottom", "paused", "over"}
    assert set(re.findall(r'[{,]network="([^"]*)"', text)) == set()
    rows = house.internal.get("/v1/report.json?by=site,placement,network,creative").text
    assert CANARY not in rows


async def test_row51_who_says_nothing_or_too_little_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listeners, "KEEPALIVE_S", 0.3)
    listener = Listener(web.Application(), bind("127.0.0.1", 0))
    await listener.start()
    wire = Wire(f"http://127.0.0.1:{listener.port}")
    try:
        for said in (b"", b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\nX: "):
            answers = await asyncio.to_thread(wire.raw, said)
            assert answers == []
    finally:
        await listener.stop(1)
