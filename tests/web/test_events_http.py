"""POST /v1/events and its preflight over a real server, and what Redis has counted of it after."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from service.domain.articles import canonical_article
from service.domain.audience import Platform
from service.domain.tokens import CONVERSION, Signer, parse_token
from tests.web.houses import ANDROID, COAST, COAST_ARTICLE, NEWS, House
from tests.web.wire import Answer

VIEW = {"kind": "view"}
IMPRESSION = {"kind": "impression", "placement": "top", "creative": "vs-text"}
COPIED = {"kind": "share", "network": "copy"}
BODY_BYTES_MAX = 16 * 1024
HOUR_S = 3_600


def test_what_a_reader_does_is_acknowledged_and_counted_under_its_names(house: House) -> None:
    by = "site,placement,campaign,creative,platform,source,kind,network,verdict"
    counting = house.counting(by)
    events = (VIEW, IMPRESSION, {**IMPRESSION, "placement": "bottom"}, COPIED,
              {"kind": "dismiss", "placement": "top"})  # fmt: skip
    answer = house.report(house.decide(from_="3.1")["token"], *events, Origin=NEWS)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == NEWS
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Origin"
    assert "set-cookie" not in answer.headers
    ad = ("vital-signs", "vs-text", "ios", "reddit")
    assert counting.gained(5) == {
        ("example", "-", "-", "-", "ios", "reddit", "view", "-", "valid"): 1,
        ("example", "top", *ad, "impression", "-", "valid"): 1,
        ("example", "bottom", *ad, "impression", "-", "valid"): 1,
        ("example", "-", "-", "-", "ios", "reddit", "share", "copy", "valid"): 1,
        ("example", "top", *ad, "dismiss", "-", "valid"): 1,
    }


def _stranger(key: int) -> Signer:
    return Signer({key: secrets.token_bytes(32)}, key)


@pytest.mark.parametrize(
    ("token", "event", "headers", "verdict"),
    [
        ({}, VIEW, {}, "valid"),
        ({}, VIEW, {"Origin": NEWS}, "valid"),
        ({}, VIEW, {"Origin": "null"}, "valid"),
        ({}, VIEW, {"Referer": f"{NEWS}/world"}, "valid"),
        ({"purpose": CONVERSION}, VIEW, {}, "forged"),
        ({"preview": True}, VIEW, {"User-Agent": ""}, "preview"),
        ({}, VIEW, {"Sec-Purpose": "prefetch;prerender", "User-Agent": ""}, "prefetch"),
        ({}, VIEW, {"Purpose": "prefetch"}, "prefetch"),
        ({}, VIEW, {"X-Moz": "prefetch"}, "prefetch"),
        ({"age_s": 9 * HOUR_S}, VIEW, {"User-Agent": "Twitterbot/1.0"}, "bot"),
        ({}, VIEW, {"User-Agent": ""}, "bot"),
        ({"age_s": 2 * HOUR_S + 1}, VIEW, {"Origin": COAST}, "expired"),
        ({"age_s": 2 * HOUR_S - 20}, VIEW, {}, "valid"),
        ({"age_s": 24 * HOUR_S - 20}, COPIED, {}, "valid"),
        ({"age_s": 5 * 365 * 24 * HOUR_S}, COPIED, {}, "expired"),
        ({"age_s": -90}, VIEW, {}, "expired"),
        ({"age_s": -30}, VIEW, {}, "valid"),
        ({}, IMPRESSION, {"Origin": COAST, "User-Agent": ANDROID}, "wrong_site"),
        ({}, VIEW, {"Referer": f"{COAST}/a"}, "wrong_site"),
        ({}, VIEW, {"Origin": NEWS, "Referer": f"{COAST}/a"}, "valid"),
        ({}, VIEW, {"User-Agent": ANDROID}, "mismatch"),
        ({"platform": Platform.UNKNOWN}, VIEW, {"User-Agent": ANDROID}, "valid"),
        ({}, {**IMPRESSION, "creative": "running-a"}, {}, "mismatch"),
        ({}, {**IMPRESSION, "placement": "canary"}, {}, "mismatch"),
        ({"offers": ()}, IMPRESSION, {}, "mismatch"),
        ({}, {"kind": "share", "network": "telegram"}, {}, "mismatch"),
        ({}, {"kind": "share", "network": "canary"}, {}, "mismatch"),
        ({}, {"kind": "share"}, {}, "mismatch"),
    ],
)  # fmt: skip
def test_every_verdict_is_204_and_the_first_that_applies_is_counted(
    house: House, token: Any, event: Mapping[str, str], headers: Any, verdict: str
) -> None:
    counting = house.counting("kind,verdict")
    assert house.report(house.token(**token), event, **headers).status == 204
    assert counting.gained(1) == {(event["kind"], verdict): 1}


@pytest.mark.parametrize("key", [1, 200])
def test_a_wrong_mac_and_an_unknown_key_are_forged_and_name_no_site(house: House, key: int) -> None:
    counting = house.counting("site,kind,verdict")
    token = _stranger(key).sign(parse_token(house.token()).token)
    assert house.report(token, VIEW, IMPRESSION, VIEW).status == 204
    assert counting.gained(3) == {
        ("other", "view", "forged"): 2, ("other", "impression", "forged"): 1,
    }  # fmt: skip


def test_a_second_in_view_cannot_be_over_at_once(house: House) -> None:
    counting = house.counting("kind,verdict")
    viewable = {**IMPRESSION, "kind": "viewable"}
    assert house.report(house.decide()["token"], viewable).status == 204
    assert counting.gained(1) == {("viewable", "too_fast"): 1}


def test_the_same_event_counts_once_within_a_body_and_over_several(house: House) -> None:
    counting, token = house.counting("kind,verdict"), house.token()
    assert house.report(token, VIEW, COPIED, VIEW).status == 204
    assert house.report(token, *[VIEW] * 50).status == 204
    assert counting.gained(53) == {
        ("view", "valid"): 1, ("view", "duplicate"): 51, ("share", "valid"): 1,
    }  # fmt: skip


def test_two_sites_are_counted_apart(house: House) -> None:
    counting = house.counting("site,placement,campaign,kind,verdict")
    event = {"kind": "impression", "placement": "top"}
    for site, origin in (("coast", COAST), ("example", NEWS)):
        answer = house.report(house.decide(site=site)["token"], event, Origin=origin)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, origin)
    assert counting.gained(2) == {
        ("coast", "top", "running", "impression", "valid"): 1,
        ("example", "top", "vital-signs", "impression", "valid"): 1,
    }


@pytest.mark.parametrize("number", [0, 51, 200])
def test_a_batch_of_none_or_more_than_fifty_is_refused(house: House, number: int) -> None:
    answer = house.report(house.token(), *[VIEW] * number)
    assert (answer.status, answer.fields) == (400, ["events"])


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"kind": "canary"}, "kind"),
        ({"kind": "Object missing required field `canary` - at `$.title`"}, "kind"),
        ({"kind": "click", "placement": "top"}, "kind"),
        ({"kind": "conversion"}, "kind"),
        ({"kind": "open"}, "kind"),
        ({"kind": None}, "kind"),
        ({}, "kind"),
        ({"url": NEWS}, "kind"),
        ({**IMPRESSION, "placement": 1}, "placement"),
        ({**IMPRESSION, "creative": []}, "creative"),
        ({"kind": "share", "network": {}}, "network"),
        ({**VIEW, "url": 7}, "url"),
        ({**VIEW, "title": "x" * 5_000}, "title"),
    ],
)
def test_one_unusable_event_refuses_the_whole_body(
    house: House, event: Mapping[str, object], field: str
) -> None:
    counting = house.counting("kind,verdict")
    answer = house.report(house.token(), VIEW, event, Origin=NEWS)
    assert (answer.status, answer.fields) == (400, [field])
    assert answer.headers["access-control-allow-origin"] == NEWS
    assert house.report(house.token(), COPIED).status == 204
    assert counting.gained(1) == {("share", "valid"): 1}


def _named(house: House, article: str) -> dict[str, object]:
    rows = house.internal.get("/v1/report.json?by=article,kind").json()["rows"]
    identifier = canonical_article(article).id.hex()
    (row,) = [row for row in rows if row["article"] == identifier and row["kind"] == "view"]
    return {name: row.get(name) for name in ("url", "title", "count")}


def _view(house: House, article: str, number: tuple[int, int] = (7, 0), **view: str) -> None:
    counting, (issuer, serial) = house.counting("kind,verdict"), number
    numbered: dict[str, Any] = {"issuer": issuer, "serial": serial} if serial else {}
    token = house.token(article=canonical_article(article).id, **numbered)
    assert house.report(token, {**VIEW, **view}).status == 204
    assert counting.gained(1) == {("view", "valid"): 1}


@pytest.mark.parametrize("url", [f"{NEWS}/other", COAST_ARTICLE, "javascript:alert(1)", "", "\n"])
def test_another_articles_address_names_nothing(house: House, url: str) -> None:
    article = f"{NEWS}/{secrets.token_hex(8)}"
    _view(house, article, url=url, title="canary")
    assert _named(house, article) == {"url": None, "title": None, "count": 1}


def test_the_first_view_names_its_article_and_a_title_is_cut_at_200(house: House) -> None:
    article = f"{NEWS}/{secrets.token_hex(8)}"
    issuer = secrets.randbits(32)  # of one shard: only there one comes before the other
    title = " <b>\u202e" + "é" * 500
    _view(house, article, (issuer, 1), url=f"{article}?utm_source=x#part", title=title)
    _view(house, article, (issuer, 2), url=article, title="Later")
    assert _named(house, article) == {"url": article, "title": "<b>" + "é" * 197, "count": 2}


def _padded(house: House, size: int) -> bytes:
    start = json.dumps({"token": house.token(), "events": [VIEW], "pad": ""}).encode()
    return start[:-2] + b"x" * (size - len(start)) + start[-2:]


def test_a_body_of_16_kib_is_read_and_a_longer_one_is_413(house: House) -> None:
    assert house.public.post("/v1/events", _padded(house, BODY_BYTES_MAX)).status == 204
    answer = house.public.post("/v1/events", _padded(house, BODY_BYTES_MAX + 1), {"Origin": NEWS})
    assert (answer.status, answer.fields) == (413, [])
    assert answer.headers["access-control-allow-origin"] == NEWS


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("text/plain", 204),
        ("text/plain;charset=UTF-8", 204),
        ("application/json", 204),
        ("text/html", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
def test_json_is_taken_as_text_or_json_only(house: House, sent: str, status: int) -> None:
    assert house.report(house.token(), VIEW, Content_Type=sent).status == status


@pytest.mark.parametrize("coding", ["gzip", "br", "identity", "canary"])
def test_no_encoded_body_is_even_read(house: House, coding: str) -> None:
    answer = house.report(house.token(), VIEW, Content_Encoding=coding)
    assert (answer.status, answer.problem()["title"]) == (415, "Unsupported Media Type")


def test_a_preflight_lets_only_listed_origins_send_json(house: House) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-canary"}
    for path in ("/v1/events", "/v1/decision"):
        answer = house.public.send("OPTIONS", path, {"Origin": NEWS, **asked})
        assert (answer.status, answer.headers["vary"]) == (204, "Origin")
        assert _cross_origin(answer) == {
            "access-control-allow-origin": NEWS,
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": "Content-Type",
            "access-control-max-age": "600",
        }
        for origin in ("https://evil.example", "null", f"{NEWS}.evil.example"):
            refused = house.public.send("OPTIONS", path, {"Origin": origin, **asked})
            assert (refused.status, _cross_origin(refused)) == (204, {})


def _cross_origin(answer: Answer) -> dict[str, str]:
    return {k: v for k, v in answer.headers.items() if k.startswith("access-control")}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_no_other_method_reports(house: House, method: str) -> None:
    answer = house.public.send(method, "/v1/events")
    assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS, POST")
